#include "devices/p9.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/le.h"

#define HEADER_BYTES 7 /* size[4] type[1] tag[2] */
#define R_LERROR     7

/* ---- messages ---- */

static bool have(struct p9_bytes *b, size_t bytes)
{
    b->bad |= bytes > b->left;
    return !b->bad;
}

uint64_t p9_get(struct p9_bytes *b, unsigned bytes)
{
    uint64_t v;

    if (!have(b, bytes))
        return 0;
    v = le_get(b->at, bytes);
    b->at += bytes;
    b->left -= bytes;
    return v;
}

bool p9_get_text(struct p9_bytes *b, char *to, size_t room)
{
    size_t length = p9_get(b, 2);

    *to = '\0';
    if (!have(b, length) || length >= room || memchr(b->at, 0, length)) {
        b->bad = true;
        return false;
    }
    memcpy(to, b->at, length);
    to[length] = '\0';
    b->at += length;
    b->left -= length;
    return true;
}

void p9_put(struct p9_bytes *b, unsigned bytes, uint64_t value)
{
    if (!have(b, bytes))
        return;
    le_put(b->at, bytes, value);
    b->at += bytes;
    b->left -= bytes;
}

void p9_put_text(struct p9_bytes *b, const char *text, size_t length)
{
    p9_put(b, 2, length);
    if (!have(b, length))
        return;
    memcpy(b->at, text, length);
    b->at += length;
    b->left -= length;
}

/* ---- fids ---- */

struct p9_fid *p9_find(struct p9 *p, uint32_t number)
{
    for (unsigned i = 0; i < p->count; i++)
        if (p->fids[i].number == number)
            return &p->fids[i];
    return NULL;
}

bool p9_set_path(struct p9_fid *fid, const char *path)
{
    char *copy = strdup(path);

    if (!copy)
        return false;
    free(fid->path);
    fid->path = copy;
    return true;
}

static bool grow(struct p9 *p)
{
    unsigned room = p->room ? 2 * p->room : 64;
    struct p9_fid *fids;

    if (p->count < p->room)
        return true;
    fids = room <= P9_FIDS_MAX ? realloc(p->fids, room * sizeof(*fids)) : NULL;
    if (!fids)
        return false;
    p->fids = fids;
    p->room = room;
    return true;
}

struct p9_fid *p9_new(struct p9 *p, uint32_t number, const char *path)
{
    struct p9_fid *fid;

    if (!grow(p))
        return NULL;
    fid = &p->fids[p->count];
    *fid = (struct p9_fid){.number = number, .fd = -1};
    if (!p9_set_path(fid, path))
        return NULL;
    p->count++;
    return fid;
}

void p9_drop(struct p9 *p, struct p9_fid *fid)
{
    if (fid->fd >= 0) {
        close(fid->fd);
        p->open--;
    }
    free(fid->entries);
    free(fid->path);
    *fid = p->fids[--p->count];
}

void p9_init(struct p9 *p, const struct folder *folder)
{
    p->folder = *folder;
    p->fids = NULL;
    p->count = p->room = p->open = 0;
    p->message_max = P9_MESSAGE_MAX;
}

void p9_reset(struct p9 *p)
{
    while (p->count)
        p9_drop(p, &p->fids[p->count - 1]);
    p->message_max = P9_MESSAGE_MAX;
}

void p9_destroy(struct p9 *p)
{
    p9_reset(p);
    free(p->fids);
    p->fids = NULL;
    p->room = 0;
    folder_close(&p->folder);
}

/* ---- a request ---- */

/* The answer's length, header included; 0: it has no room. */
static size_t finish(struct p9 *p, const struct p9_bytes *out, uint8_t type, uint16_t tag)
{
    size_t n = (size_t)(out->at - p->out);

    if (out->bad)
        return 0;
    le_put(p->out, 4, n);
    p->out[4] = type;
    le_put(p->out + 5, 2, tag);
    return n;
}

static size_t answer_error(struct p9 *p, size_t room, uint16_t tag, int error)
{
    struct p9_bytes out = {p->out + HEADER_BYTES, room - HEADER_BYTES, false};

    p9_put(&out, 4, (uint64_t)error);
    return finish(p, &out, R_LERROR, tag);
}

size_t p9_serve(struct p9 *p, size_t n, size_t room)
{
    struct p9_bytes in = {p->in + HEADER_BYTES, n - HEADER_BYTES, false}, out;
    p9_fn *fn;
    uint16_t tag;
    size_t done;
    int rc;

    if (room < HEADER_BYTES)
        return 0;
    room = room < p->message_max ? room : p->message_max;
    if (n < HEADER_BYTES || n > p->message_max || le_get(p->in, 4) != n)
        return answer_error(p, room, n < HEADER_BYTES ? 0 : (uint16_t)le_get(p->in + 5, 2), EINVAL);
    tag = (uint16_t)le_get(p->in + 5, 2);
    fn = p9_function(p->in[4]);
    out = (struct p9_bytes){p->out + HEADER_BYTES, room - HEADER_BYTES, false};
    rc = fn ? fn(p, &in, &out) : -EOPNOTSUPP;
    if (!rc && in.bad)
        rc = -EINVAL;
    done = rc ? 0 : finish(p, &out, (uint8_t)(p->in[4] + 1), tag);
    if (done)
        return done;
    return answer_error(p, room, tag, rc ? -rc : ENOBUFS);
}
