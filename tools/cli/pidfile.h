/* A file that holds our process number while the machine runs, and is locked. */
#pragma once

#include <stdbool.h>

struct pidfile {
    const char *path; /* NULL: none */
    int fd;
};

/* @path NULL: none. False: it cannot be made, or another process holds it; a
 * message was printed. */
bool pidfile_open(struct pidfile *p, const char *path);

/* Remove it. */
void pidfile_close(struct pidfile *p);
