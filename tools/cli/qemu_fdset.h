/* -add-fd of `armillary qemu`: descriptors of whoever has started the program, for files that are
 * named as /dev/fdset/SET. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

struct qemu;

#define QEMU_FDS_MAX 32

struct qemu_fd {
    uint64_t fd, set;
    const char *opaque; /* what its opener says of it; NULL: nothing */
};

struct qemu_fdsets {
    struct qemu_fd rows[QEMU_FDS_MAX];
    unsigned count;
};

bool qemu_add_fd(struct qemu *q, const char *option, const char *value);

/* Before all other options are looked at: in @words, NULL behind them, each set's name becomes the
 * path of its descriptor. Sets that there are not keep their names. */
void qemu_fdsets_name(struct qemu *q, GPtrArray *words);
