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

/* -- between devices/p9.c and devices/p9_ops.c -- */

/* A message being read or written; @bad: it is too short, or too long. */
struct p9_bytes {
    uint8_t *at;
    size_t left;
    bool bad;
};

uint64_t p9_get(struct p9_bytes *b, unsigned bytes);
void p9_put(struct p9_bytes *b, unsigned bytes, uint64_t value);
void p9_put_text(struct p9_bytes *b, const char *text, size_t length);
/* A text without zeros, less than @room bytes: false, and @b is bad. */
bool p9_get_text(struct p9_bytes *b, char *to, size_t room);

struct p9_fid *p9_find(struct p9 *p, uint32_t number);
struct p9_fid *p9_new(struct p9 *p, uint32_t number, const char *path); /* NULL: none is free */
void p9_drop(struct p9 *p, struct p9_fid *fid);
bool p9_set_path(struct p9_fid *fid, const char *path); /* false: no memory */

/* What a request does: reads its arguments and writes its answer. Returns 0 or -errno. */
typedef int p9_fn(struct p9 *p, struct p9_bytes *in, struct p9_bytes *out);
p9_fn *p9_function(uint8_t type); /* NULL: there is no such request */
