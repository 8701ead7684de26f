/*
 * The state of a machine as bytes, and back: a row of named sections, each with a version and a
 * length, of little-endian values of fixed width. One function an object, xxx_state(io, xxx), names
 * each field once and serves every direction. What goes wrong first is kept, with the section, the
 * field and the offset, and everything after it does nothing: xxx_state() tests nothing between its
 * fields, except where a value is about to be used as a count or an index.
 *
 *     void timer_state(struct state_io *io, struct timer *t)
 *     {
 *         STATE(io, t->load);
 *         STATE(io, t->enabled);
 *         STATE(io, t->channel);
 *         state_require(io, t->channel < TIMER_CHANNELS, "t->channel");
 *     }
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

enum state_direction {
    STATE_SAVE,    /* object -> bytes */
    STATE_RESTORE, /* bytes -> object */
    STATE_COMPARE, /* neither changes; the first field that differs is an error */
};

#define STATE_NAME_MAX 64

struct state_io {
    enum state_direction direction;
    uint8_t *out;      /* saving: owned; len bytes so far, room for capacity */
    const uint8_t *in; /* otherwise: len bytes, not owned */
    size_t at;         /* of the next value */
    size_t len;
    size_t capacity;
    char section[STATE_NAME_MAX]; /* the one that is open; "": none */
    size_t section_at;            /* of its first value */
    size_t section_end;           /* not saving: behind its last value */
    struct arm_error error;       /* code 0: nothing went wrong */
};

/* Begin to save; state_io_destroy() frees. */
void state_io_save(struct state_io *io);

/* Saving, memory for @bytes at once; what is more gets more. */
void state_reserve(struct state_io *io, size_t bytes);

/* Begin to restore or to compare; the caller owns @len bytes at @in and keeps them. */
void state_io_restore(struct state_io *io, const void *in, size_t len);
void state_io_compare(struct state_io *io, const void *in, size_t len);
void state_io_destroy(struct state_io *io);

/* The object is to be changed: also what follows from the fields has to be made anew. */
static inline bool state_restoring(const struct state_io *io)
{
    return io->direction == STATE_RESTORE;
}

static inline bool state_failed(const struct state_io *io)
{
    return io->error.code != 0;
}

/* Sections do not nest. One that is restored must have this name and this version, and end where
 * state_section_end() is called. */
void state_section_begin(struct state_io *io, const char *name, uint32_t version);
void state_section_end(struct state_io *io);

/* Not saving: the name of the next section, for a reader that lists them; false: none is left.
 * state_section_skip(): go on behind it; its length. */
bool state_section_next(struct state_io *io, char name[STATE_NAME_MAX], uint32_t *version);
size_t state_section_skip(struct state_io *io);

/* One number of 1, 2, 4 or 8 bytes at @value, in the host's byte order. */
void state_uint(struct state_io *io, const char *field, void *value, size_t bytes);

/* A bool; a byte above 1 is an error. @bytes is sizeof(bool), for STATE(). */
void state_bool(struct state_io *io, const char *field, void *value, size_t bytes);

/* Saving, room for @bytes of numbers that the caller puts there, little-endian and without gaps;
 * NULL: it is not saved, or the host is of another order, or after an error. */
uint8_t *state_room(struct state_io *io, size_t bytes);

/* A number, an enum or a bool: the field that @lvalue is. Does not compile for a pointer. */
#define STATE(io, lvalue)                                                                          \
    _Generic((lvalue), bool                                                                        \
             : state_bool, default                                                                 \
             : state_uint)((io), #lvalue, &(lvalue), sizeof(lvalue) + 0 * sizeof((lvalue)*1))

/* @count numbers of @bytes each. STATE_ARRAY: all elements of an array. */
void state_uints(struct state_io *io, const char *field, void *values, size_t count, size_t bytes);
#define STATE_ARRAY(io, array)                                                                     \
    state_uints((io), #array, (array), sizeof(array) / sizeof((array)[0]), sizeof((array)[0]))

/* A block as it is. */
void state_bytes(struct state_io *io, const char *field, void *block, size_t len);

/* A block of pages (a multiple of 4 KiB) that are zeros mostly: whether each is, and those that are
 * not. */
void state_pages(struct state_io *io, const char *field, uint8_t *block, uint64_t len);

/* How many numbers or objects follow. Saving: @count is written. Otherwise: what stands there is
 * returned, at most @max; 0 after an error, so that a loop over it ends. */
uint64_t state_count(struct state_io *io, const char *field, uint64_t count, uint64_t max);

/* What is restored must hold: an error of the field otherwise. @ok is not looked at unless
 * restoring. Return: nothing is wrong so far; always true unless restoring. */
bool state_require(struct state_io *io, bool ok, const char *field);

/* Fail with a sentence of one's own: "SECTION: " goes before it. */
void state_fail(struct state_io *io, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
