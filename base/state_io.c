#include "base/state_io.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/le.h"
#include "base/log.h"

/* A section: length of its name (1), name, version (4), length of its contents (8), contents. */
#define VERSION_BYTES 4
#define LENGTH_BYTES  8

void state_io_save(struct state_io *io)
{
    *io = (struct state_io){.direction = STATE_SAVE};
}

void state_io_restore(struct state_io *io, const void *in, size_t len)
{
    *io = (struct state_io){.direction = STATE_RESTORE, .in = in, .len = len};
}

void state_io_compare(struct state_io *io, const void *in, size_t len)
{
    *io = (struct state_io){.direction = STATE_COMPARE, .in = in, .len = len};
}

void state_io_destroy(struct state_io *io)
{
    free(io->out);
    *io = (struct state_io){0};
}

void state_fail(struct state_io *io, int code, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    if (state_failed(io))
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    (void)error_set(&io->error, code, "%s%s%s", io->section, io->section[0] ? ": " : "", text);
}

void state_reserve(struct state_io *io, size_t bytes)
{
    uint8_t *out = realloc(io->out, bytes);

    if (!out) {
        state_fail(io, ARM_ENOMEM, "the host has no memory for a snapshot's state");
        return;
    }
    io->out = out;
    io->capacity = bytes;
}

/* Room for @len more bytes of output; NULL after an error. */
static uint8_t *append(struct state_io *io, size_t len)
{
    if (!state_failed(io) && len > io->capacity - io->len)
        state_reserve(io, 2 * io->capacity + len + 4096);
    if (state_failed(io))
        return NULL;
    uint8_t *to = io->out + io->len;
    io->len += len;
    io->at = io->len;
    return to;
}

/* The next @len bytes of input; NULL after an error, and if so many are not there. */
static const uint8_t *take(struct state_io *io, const char *field, size_t len)
{
    size_t end = io->section[0] ? io->section_end : io->len;

    if (state_failed(io))
        return NULL;
    if (len > end - io->at) {
        state_fail(io, ARM_EINVAL, "%s at byte %zu: needs %zu bytes, there are %zu", field, io->at,
                   len, end - io->at);
        return NULL;
    }
    const uint8_t *from = io->in + io->at;
    io->at += len;
    return from;
}

static void save_number(struct state_io *io, uint64_t v, unsigned bytes)
{
    uint8_t *to = append(io, bytes);

    if (to)
        le_put(to, bytes, v);
}

/* 0 after an error. */
static uint64_t take_number(struct state_io *io, const char *field, unsigned bytes)
{
    const uint8_t *from = take(io, field, bytes);

    return from ? le_get(from, bytes) : 0;
}

bool state_section_next(struct state_io *io, char name[STATE_NAME_MAX], uint32_t *version)
{
    CHECK(io->direction != STATE_SAVE && !io->section[0]);
    if (state_failed(io) || io->at == io->len)
        return false;

    size_t start = io->at;
    size_t name_len = (size_t)take_number(io, "a section's name", 1);
    const uint8_t *text = take(io, "a section's name", name_len);
    *version = (uint32_t)take_number(io, "a section's version", VERSION_BYTES);
    uint64_t len = take_number(io, "a section's length", LENGTH_BYTES);

    if (!state_failed(io) && (name_len == 0 || name_len >= STATE_NAME_MAX))
        state_fail(io, ARM_EINVAL, "a section at byte %zu has a name of %zu bytes", start,
                   name_len);
    if (!state_failed(io) && len > io->len - io->at)
        state_fail(io, ARM_EINVAL, "a section at byte %zu has %llu bytes, there are %zu", start,
                   (unsigned long long)len, io->len - io->at);
    if (state_failed(io))
        return false;
    memcpy(name, text, name_len);
    name[name_len] = 0;
    io->section_at = io->at;
    io->section_end = io->at + (size_t)len;
    return true;
}

size_t state_section_skip(struct state_io *io)
{
    io->at = io->section_end;
    return io->section_end - io->section_at;
}

static void enter_section(struct state_io *io, const char *name, uint32_t version)
{
    char found[STATE_NAME_MAX];
    uint32_t found_version;

    if (!state_section_next(io, found, &found_version)) {
        state_fail(io, ARM_EINVAL, "the section %s is missing", name);
        return;
    }
    if (strcmp(found, name) != 0)
        state_fail(io, ARM_EINVAL, "where the section %s should be is %.63s", name, found);
    else if (found_version != version)
        state_fail(io, ARM_ENOTSUP, "the section %s has version %u, this program knows %u", name,
                   found_version, version);
}

void state_section_begin(struct state_io *io, const char *name, uint32_t version)
{
    CHECK(!io->section[0] && name[0] && strlen(name) < STATE_NAME_MAX);
    if (io->direction == STATE_SAVE) {
        save_number(io, strlen(name), 1);
        uint8_t *to = append(io, strlen(name));
        if (to)
            memcpy(to, name, strlen(name));
        save_number(io, version, VERSION_BYTES);
        save_number(io, 0, LENGTH_BYTES); /* known when it ends */
        io->section_at = io->len;
    } else if (!state_failed(io)) {
        enter_section(io, name, version);
    }
    snprintf(io->section, sizeof(io->section), "%s", name);
}

void state_section_end(struct state_io *io)
{
    CHECK(io->section[0]);
    if (!state_failed(io)) {
        if (io->direction == STATE_SAVE)
            le_put(io->out + io->section_at - LENGTH_BYTES, LENGTH_BYTES, io->len - io->section_at);
        else if (io->at != io->section_end)
            state_fail(io, ARM_EINVAL, "%zu bytes too many from byte %zu on",
                       io->section_end - io->at, io->at);
    }
    io->section[0] = 0;
}

/* By memcpy(): a field's own type may be one that the rules of aliasing keep apart. */
static uint64_t load_number(const void *value, size_t bytes)
{
    uint16_t v16;
    uint32_t v32;
    uint64_t v64;

    switch (bytes) {
    case 1:
        return *(const uint8_t *)value;
    case 2:
        memcpy(&v16, value, 2);
        return v16;
    case 4:
        memcpy(&v32, value, 4);
        return v32;
    default:
        CHECK(bytes == 8);
        memcpy(&v64, value, 8);
        return v64;
    }
}

static void store_number(void *value, size_t bytes, uint64_t v)
{
    const uint8_t v8 = (uint8_t)v;
    const uint16_t v16 = (uint16_t)v;
    const uint32_t v32 = (uint32_t)v;

    switch (bytes) {
    case 1:
        memcpy(value, &v8, 1);
        break;
    case 2:
        memcpy(value, &v16, 2);
        break;
    case 4:
        memcpy(value, &v32, 4);
        break;
    default:
        CHECK(bytes == 8);
        memcpy(value, &v, 8);
        break;
    }
}

static void differs(struct state_io *io, const char *field, size_t at, uint64_t ours,
                    uint64_t theirs)
{
    state_fail(io, ARM_EINVAL, "%s is %#llx, and %#llx at byte %zu", field,
               (unsigned long long)ours, (unsigned long long)theirs, at);
}

/* The number to use from now on: what was read if restoring, else @v. */
static uint64_t pass_number(struct state_io *io, const char *field, uint64_t v, size_t bytes)
{
    size_t at = io->at;

    if (io->direction == STATE_SAVE) {
        save_number(io, v, (unsigned)bytes);
        return v;
    }
    uint64_t read = take_number(io, field, (unsigned)bytes);
    if (state_failed(io))
        return v;
    if (io->direction == STATE_RESTORE)
        return read;
    if (read != v)
        differs(io, field, at, v, read);
    return v;
}

void state_uint(struct state_io *io, const char *field, void *value, size_t bytes)
{
    uint64_t v = pass_number(io, field, load_number(value, bytes), bytes);

    if (state_restoring(io))
        store_number(value, bytes, v);
}

void state_bool(struct state_io *io, const char *field, void *value, size_t bytes)
{
    bool *b = value;
    uint64_t v = pass_number(io, field, *b, 1);

    CHECK(bytes == sizeof(bool));
    if (v > 1)
        state_fail(io, ARM_EINVAL, "%s at byte %zu is %llu, not 0 or 1", field, io->at - 1,
                   (unsigned long long)v);
    else if (state_restoring(io))
        *b = v;
}

void state_uints(struct state_io *io, const char *field, void *values, size_t count, size_t bytes)
{
    /* In memory as in the stream: all at once, unless one is to be named that differs. */
    if (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && io->direction != STATE_COMPARE) {
        state_bytes(io, field, values, count * bytes);
        return;
    }
    for (size_t i = 0; i < count && !state_failed(io); i++)
        state_uint(io, field, (uint8_t *)values + i * bytes, bytes);
}

void state_bytes(struct state_io *io, const char *field, void *block, size_t len)
{
    if (len == 0)
        return;
    if (io->direction == STATE_SAVE) {
        uint8_t *to = append(io, len);
        if (to)
            memcpy(to, block, len);
        return;
    }
    size_t at = io->at;
    const uint8_t *from = take(io, field, len);
    if (!from)
        return;
    if (io->direction == STATE_RESTORE)
        memcpy(block, from, len);
    else if (memcmp(block, from, len) != 0)
        state_fail(io, ARM_EINVAL, "%s, %zu bytes at byte %zu, differs", field, len, at);
}

uint8_t *state_room(struct state_io *io, size_t bytes)
{
    bool as_it_is = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && io->direction == STATE_SAVE;

    return as_it_is ? append(io, bytes) : NULL;
}

static void page_state(struct state_io *io, const char *field, uint8_t *page)
{
    static const uint8_t zeros[PAGE_SIZE];
    bool used = memcmp(page, zeros, sizeof(zeros)) != 0;

    state_bool(io, field, &used, sizeof(used));
    if (state_restoring(io))
        memset(page, 0, sizeof(zeros));
    if (used)
        state_bytes(io, field, page, sizeof(zeros));
}

void state_pages(struct state_io *io, const char *field, uint8_t *block, uint64_t len)
{
    for (uint64_t at = 0; at < len && !state_failed(io); at += PAGE_SIZE)
        page_state(io, field, block + at);
}

uint64_t state_count(struct state_io *io, const char *field, uint64_t count, uint64_t max)
{
    size_t at = io->at;

    count = pass_number(io, field, count, 8);
    if (count > max)
        state_fail(io, ARM_EINVAL, "%s at byte %zu is %llu, at most %llu are possible", field, at,
                   (unsigned long long)count, (unsigned long long)max);
    return state_failed(io) ? 0 : count;
}

bool state_require(struct state_io *io, bool ok, const char *field)
{
    if (!state_restoring(io))
        return true;
    if (!state_failed(io) && !ok)
        state_fail(io, ARM_EINVAL, "%s, before byte %zu, is out of range", field, io->at);
    return !state_failed(io);
}
