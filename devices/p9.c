#include "devices/p9_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/log.h"

#define HEADER_BYTES 7 /* size[4] type[1] tag[2] */
#define R_LERROR     7
#define QID_DIR      0x80
#define QID_LINK     0x02

/* ---- messages ---- */

static bool have(struct p9_bytes *b, size_t bytes)
{
    b->bad |= bytes > b->left;
    return !b->bad;
}

static uint64_t get(struct p9_bytes *b, unsigned bytes)
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
    size_t length = get(b, 2);

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

size_t p9_data_room(const struct p9_bytes *out, uint64_t wanted)
{
    size_t room = out->left < 4 ? 0 : out->left - 4;

    return wanted < room ? (size_t)wanted : room;
}

void p9_put_data(struct p9_bytes *out, size_t n)
{
    p9_put(out, 4, n);
    if (!have(out, n))
        return;
    out->at += n;
    out->left -= n;
}

uint8_t p9_qid_type(uint32_t mode)
{
    return S_ISDIR(mode) ? QID_DIR : S_ISLNK(mode) ? QID_LINK : 0;
}

void p9_put_qid(struct p9_bytes *out, const struct stat *st)
{
    p9_put(out, 1, p9_qid_type(st->st_mode));
    p9_put(out, 4, 0);
    p9_put(out, 8, st->st_ino);
}

/* ---- fids ---- */

bool p9_join(char to[P9_PATH_MAX], const char *dir, const char *name)
{
    size_t a = strlen(dir), b = strlen(name);

    if (a + b + 2 > P9_PATH_MAX)
        return false;
    memcpy(to, dir, a);
    if (a)
        to[a++] = '/';
    memcpy(to + a, name, b + 1);
    return true;
}

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

static const struct message {
    p9_fn *fn;
    const char *arguments;
} messages[256] = {
#define P9(type, name, arguments) [type] = {p9_##name, arguments},
#include "devices/p9_messages.def"
#undef P9
};

/* A fid of the request, as p9_messages.def's letter @kind wants it: 0 or -EBADF. */
static int get_fid(struct p9 *p, char kind, struct p9_bytes *in, struct p9_fid **fid)
{
    *fid = p9_find(p, (uint32_t)get(in, 4));
    if (!*fid)
        return -EBADF;
    return kind == 'f' || (kind == 'o') == ((*fid)->fd >= 0) ? 0 : -EBADF;
}

/* All of them are there, whatever is wrong with one. */
static int get_arguments(struct p9 *p, const char *kinds, struct p9_args *a)
{
    unsigned fids = 0, numbers = 0, texts = 0;
    int rc = 0;

    for (; *kinds; kinds++)
        switch (*kinds) {
        case 's':
        case 'p':
            CHECK(texts < ARRAY_SIZE(a->text));
            p9_get_text(&a->rest, a->text[texts++], *kinds == 's' ? P9_NAME_ROOM : P9_PATH_MAX);
            break;
        case '1':
        case '2':
        case '4':
        case '8':
            a->n[numbers++] = get(&a->rest, (unsigned)(*kinds - '0'));
            break;
        default:
            rc = get_fid(p, *kinds, &a->rest, &a->fid[fids++]) ? -EBADF : rc;
            break;
        }
    return a->rest.bad ? -EINVAL : rc;
}

static int serve(struct p9 *p, uint8_t type, struct p9_bytes in, struct p9_bytes *out)
{
    const struct message *m = &messages[type];
    struct p9_args a;
    int rc;

    if (!m->fn)
        return -EOPNOTSUPP;
    a.rest = in;
    rc = get_arguments(p, m->arguments, &a);
    return rc ? rc : m->fn(p, &a, out);
}

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
    const struct p9_bytes in = {p->in + HEADER_BYTES, n - HEADER_BYTES, false};
    struct p9_bytes out;
    uint16_t tag;
    size_t done;
    int rc;

    if (room < HEADER_BYTES)
        return 0;
    room = room < p->message_max ? room : p->message_max;
    if (n < HEADER_BYTES || n > p->message_max || le_get(p->in, 4) != n)
        return answer_error(p, room, n < HEADER_BYTES ? 0 : (uint16_t)le_get(p->in + 5, 2), EINVAL);
    tag = (uint16_t)le_get(p->in + 5, 2);
    out = (struct p9_bytes){p->out + HEADER_BYTES, room - HEADER_BYTES, false};
    rc = serve(p, p->in[4], in, &out);
    done = rc ? 0 : finish(p, &out, (uint8_t)(p->in[4] + 1), tag);
    if (done)
        return done;
    return answer_error(p, room, tag, rc ? -rc : ENOBUFS);
}
