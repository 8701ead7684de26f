/*
 * A server of 9P2000.L (the protocol's description is that of diod and of Linux' client) for one
 * folder and one client. It keeps no host file open but those that the client has opened.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices/folder.h"

#define P9_MESSAGE_MAX 131072
#define P9_PATH_MAX    4096
#define P9_FIDS_MAX    65536
#define P9_OPEN_MAX    512 /* files and folders at a time */

/* A folder's entries, as they were when it was read from its beginning; in the order of their
 * names. */
struct p9_entries;

struct p9_fid {
    uint32_t number;
    char *path;                 /* from the root; owned */
    int fd;                     /* -1: not open */
    struct p9_entries *entries; /* of an open folder that has been read */
    uint32_t uid;
};

struct p9 {
    struct folder folder;
    uint32_t message_max; /* agreed with the client */
    struct p9_fid *fids;
    unsigned count, room, open;
    uint8_t in[P9_MESSAGE_MAX], out[P9_MESSAGE_MAX];
};

void p9_init(struct p9 *p, const struct folder *folder);

/* Forget the client: all its files are closed. */
void p9_reset(struct p9 *p);
void p9_destroy(struct p9 *p); /* and the folder */

/* Answer the request p->in[0..@n). Returns the answer's length in p->out, at most @room; 0: not
 * even an error has room. */
size_t p9_serve(struct p9 *p, size_t n, size_t room);
