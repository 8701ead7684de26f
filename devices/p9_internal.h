/* Between the files of the 9P server: devices/p9.c has messages and fids, the others
 * what is done. */
#pragma once

#include "devices/p9.h"

#define P9_NAME_ROOM 256

/* A message being read or written; @bad: it is too short, or too long. */
struct p9_bytes {
    uint8_t *at;
    size_t left;
    bool bad;
};

void p9_put(struct p9_bytes *b, unsigned bytes, uint64_t value);
void p9_put_text(struct p9_bytes *b, const char *text, size_t length);
/* A text without zeros, less than @room bytes: false, and @b is bad. */
bool p9_get_text(struct p9_bytes *b, char *to, size_t room);

/* Data behind a number of four bytes that counts them: how many of @wanted bytes have room at
 * @out->at + 4, and that @n have been put there. */
size_t p9_data_room(const struct p9_bytes *out, uint64_t wanted);
void p9_put_data(struct p9_bytes *out, size_t n);

void p9_put_qid(struct p9_bytes *out, const struct stat *st);
uint8_t p9_qid_type(uint32_t mode); /* by the file's type in st_mode */

struct p9_fid *p9_find(struct p9 *p, uint32_t number);
struct p9_fid *p9_new(struct p9 *p, uint32_t number, const char *path); /* NULL: none is free */
void p9_drop(struct p9 *p, struct p9_fid *fid);
bool p9_set_path(struct p9_fid *fid, const char *path); /* false: no memory */

/* @dir and the name in it; false: it is too long. */
bool p9_join(char to[P9_PATH_MAX], const char *dir, const char *name);

/* The arguments of a request, those of each kind in their order (p9_messages.def). */
struct p9_args {
    struct p9_fid *fid[2];
    uint64_t n[9];
    char text[2][P9_PATH_MAX];
    struct p9_bytes rest;
};

/* Does a request and writes its answer. Returns 0 or -errno. */
typedef int p9_fn(struct p9 *p, struct p9_args *a, struct p9_bytes *out);

#define P9(type, name, arguments) p9_fn p9_##name;
#include "devices/p9_messages.def"
#undef P9
