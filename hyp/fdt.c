#include "hyp/fdt.h"

#include "hyp/lib.h"

enum { BEGIN_NODE = 1, END_NODE = 2, PROP = 3, NOP = 4, END = 9 };

#define MAGIC        0xd00dfeed
#define HEADER_BYTES 40

uint64_t fdt_cells(const uint8_t *p, unsigned cells)
{
    uint64_t v = 0;

    for (unsigned k = 0; k < 4 * cells; k++)
        v = v << 8 | p[k];
    return v;
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)fdt_cells(p, 1);
}

static uint32_t token(const struct fdt *f, int at)
{
    return at >= 0 && (uint32_t)at + 4 <= f->structure_end ? be32(f->bytes + at) : END;
}

static uint32_t align4(uint32_t n)
{
    return (n + 3) & ~3u;
}

/* Length of a NUL-terminated text, or as far as it may go. */
static uint32_t text_size(const struct fdt *f, uint32_t at, uint32_t end)
{
    uint32_t n = 0;

    while (at + n < end && f->bytes[at + n])
        n++;
    return n;
}

/* What follows the token at @at; for BEGIN_NODE that is behind its name. */
static int after(const struct fdt *f, int at)
{
    uint32_t next;

    switch (token(f, at)) {
    case BEGIN_NODE:
        next = (uint32_t)at + 4;
        next = align4(next + text_size(f, next, f->structure_end) + 1);
        break;
    case PROP:
        if ((uint32_t)at + 12 > f->structure_end)
            return FDT_NONE;
        next = be32(f->bytes + at + 4);
        if (next > f->structure_end)
            return FDT_NONE;
        next = align4((uint32_t)at + 12 + next);
        break;
    case END_NODE:
    case NOP:
        next = (uint32_t)at + 4;
        break;
    default:
        return FDT_NONE;
    }
    return next < f->structure_end ? (int)next : FDT_NONE;
}

bool fdt_open(struct fdt *f, const void *bytes, size_t size)
{
    const uint8_t *p = bytes;
    uint32_t structure_size, strings_size;

    if (size < HEADER_BYTES || be32(p) != MAGIC)
        return false;
    f->bytes = p;
    f->size = be32(p + 4);
    f->structure = be32(p + 8);
    f->strings = be32(p + 12);
    strings_size = be32(p + 32);
    structure_size = be32(p + 36);
    if (be32(p + 20) < 17 || f->size > size || f->size > INT32_MAX || f->structure > f->size ||
        f->strings > f->size || structure_size > f->size - f->structure ||
        strings_size > f->size - f->strings || f->structure % 4)
        return false;
    f->structure_end = f->structure + structure_size;
    f->strings_end = f->strings + strings_size;
    return true;
}

/* @at or the next token that is no NOP. */
static int skip_nops(const struct fdt *f, int at)
{
    while (at >= 0 && token(f, at) == NOP)
        at = after(f, at);
    return at;
}

int fdt_root(const struct fdt *f)
{
    int at = skip_nops(f, (int)f->structure);

    return token(f, at) == BEGIN_NODE ? at : FDT_NONE;
}

int fdt_child(const struct fdt *f, int node)
{
    int at = skip_nops(f, after(f, node));

    while (at >= 0 && token(f, at) == PROP)
        at = skip_nops(f, after(f, at));
    return token(f, at) == BEGIN_NODE ? at : FDT_NONE;
}

int fdt_sibling(const struct fdt *f, int node)
{
    unsigned depth = 0;
    int at = node;

    do {
        uint32_t t = token(f, at);

        if (t == BEGIN_NODE)
            depth++;
        else if (t == END_NODE)
            depth--;
        at = after(f, at);
    } while (at >= 0 && depth);
    at = skip_nops(f, at);
    return token(f, at) == BEGIN_NODE ? at : FDT_NONE;
}

const char *fdt_name(const struct fdt *f, int node)
{
    uint32_t at = (uint32_t)node + 4;

    if (node < 0 || at + text_size(f, at, f->structure_end) >= f->structure_end)
        return "";
    return (const char *)f->bytes + at;
}

/* "uart@9000000" is found as "uart" too. */
static bool is_named(const struct fdt *f, int node, const char *name, size_t n)
{
    const char *own = fdt_name(f, node);

    return !strncmp(own, name, n) && (own[n] == 0 || own[n] == '@');
}

int fdt_find(const struct fdt *f, const char *path)
{
    int node = fdt_root(f);

    while (node >= 0 && *path == '/' && path[1]) {
        const char *end = strchr(++path, '/');
        size_t n = end ? (size_t)(end - path) : strlen(path);

        for (node = fdt_child(f, node); node >= 0 && !is_named(f, node, path, n);)
            node = fdt_sibling(f, node);
        path += n;
    }
    return node;
}

const uint8_t *fdt_prop(const struct fdt *f, int node, const char *name, uint32_t *size)
{
    for (int at = skip_nops(f, after(f, node)); at >= 0 && token(f, at) == PROP;
         at = skip_nops(f, after(f, at))) {
        uint32_t n = be32(f->bytes + at + 4), string = be32(f->bytes + at + 8);

        if (string >= f->strings_end - f->strings || (uint64_t)at + 12 + n > f->structure_end)
            return NULL;
        string += f->strings;
        if (text_size(f, string, f->strings_end) == strlen(name) &&
            !strncmp((const char *)f->bytes + string, name, strlen(name))) {
            *size = n;
            return f->bytes + at + 12;
        }
    }
    return NULL;
}

const char *fdt_string(const struct fdt *f, int node, const char *name)
{
    uint32_t n;
    const uint8_t *p = fdt_prop(f, node, name, &n);

    return p && n && !p[n - 1] ? (const char *)p : NULL;
}

bool fdt_u32(const struct fdt *f, int node, const char *name, uint32_t *v)
{
    uint32_t n;
    const uint8_t *p = fdt_prop(f, node, name, &n);

    if (!p || n < 4)
        return false;
    *v = be32(p);
    return true;
}

bool fdt_reg(const struct fdt *f, int node, unsigned k, uint64_t *base, uint64_t *size)
{
    uint32_t n;
    const uint8_t *p = fdt_prop(f, node, "reg", &n);

    if (!p || n < 16 * (k + 1))
        return false;
    *base = fdt_cells(p + (size_t)16 * k, 2);
    *size = fdt_cells(p + (size_t)16 * k + 8, 2);
    return true;
}

bool fdt_is_compatible(const struct fdt *f, int node, const char *string)
{
    uint32_t n;
    const uint8_t *p = fdt_prop(f, node, "compatible", &n);
    size_t want = strlen(string) + 1;

    for (uint32_t at = 0; p && at < n;) {
        if (n - at >= want && !memcmp(p + at, string, want))
            return true;
        while (at < n && p[at])
            at++;
        at++;
    }
    return false;
}

int fdt_compatible(const struct fdt *f, int node, const char *string)
{
    int found = FDT_NONE;

    if (node < 0 || fdt_is_compatible(f, node, string))
        return node;
    for (int child = fdt_child(f, node); child >= 0 && found < 0; child = fdt_sibling(f, child))
        found = fdt_compatible(f, child, string);
    return found;
}

static void put32(struct fdt_writer *w, uint32_t v)
{
    if (w->at + 4 > w->size) {
        w->full = true;
        return;
    }
    for (unsigned k = 0; k < 4; k++)
        w->bytes[w->at + k] = (uint8_t)(v >> (24 - 8 * k));
    w->at += 4;
}

static void put_bytes(struct fdt_writer *w, const void *bytes, uint32_t n)
{
    if (w->at + align4(n) > w->size) {
        w->full = true;
        return;
    }
    memset(w->bytes + w->at, 0, align4(n));
    memcpy(w->bytes + w->at, bytes, n);
    w->at += align4(n);
}

/* Its offset among the strings, where each name stands once. */
static uint32_t string_offset(struct fdt_writer *w, const char *name)
{
    uint32_t n = (uint32_t)strlen(name) + 1, at = 0;

    while (at < w->string_at && strcmp(w->strings + at, name))
        at += (uint32_t)strlen(w->strings + at) + 1;
    if (at < w->string_at)
        return at;
    if (at + n > sizeof(w->strings)) {
        w->full = true;
        return 0;
    }
    memcpy(w->strings + at, name, n);
    w->string_at += n;
    return at;
}

#define RESERVE_BYTES 16 /* the memory reservation block: none */

void fdt_begin(struct fdt_writer *w, void *bytes, uint32_t size)
{
    *w = (struct fdt_writer){.bytes = bytes, .size = size, .at = HEADER_BYTES + RESERVE_BYTES};
    memset(bytes, 0, HEADER_BYTES + RESERVE_BYTES);
    fdt_node(w, "");
}

void fdt_node(struct fdt_writer *w, const char *name)
{
    put32(w, BEGIN_NODE);
    put_bytes(w, name, (uint32_t)strlen(name) + 1);
}

void fdt_end_node(struct fdt_writer *w)
{
    put32(w, END_NODE);
}

void fdt_put(struct fdt_writer *w, const char *name, const void *value, uint32_t size)
{
    put32(w, PROP);
    put32(w, size);
    put32(w, string_offset(w, name));
    put_bytes(w, value, size);
}

void fdt_put_string(struct fdt_writer *w, const char *name, const char *value)
{
    fdt_put(w, name, value, (uint32_t)strlen(value) + 1);
}

void fdt_put_cells(struct fdt_writer *w, const char *name, unsigned count, const uint32_t *cells)
{
    put32(w, PROP);
    put32(w, 4 * count);
    put32(w, string_offset(w, name));
    for (unsigned k = 0; k < count; k++)
        put32(w, cells[k]);
}

uint32_t fdt_finish(struct fdt_writer *w)
{
    uint32_t strings, end;

    fdt_end_node(w);
    put32(w, END);
    strings = w->at;
    put_bytes(w, w->strings, w->string_at);
    end = w->at;
    if (w->full)
        return 0;
    const uint32_t header[] = {
        MAGIC, end,          HEADER_BYTES + RESERVE_BYTES,          strings, HEADER_BYTES, 17, 16,
        0,     w->string_at, strings - HEADER_BYTES - RESERVE_BYTES};
    w->at = 0;
    for (unsigned k = 0; k < sizeof(header) / sizeof(header[0]); k++)
        put32(w, header[k]);
    return end;
}
