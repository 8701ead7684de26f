/* Options of the form key=value,key=value, as QEMU's are. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct qemu;

typedef bool property_fn(struct qemu *q, const char *value);

struct property {
    const char *key;
    const char *accepts; /* "on|off", or a word in capitals for any value */
    property_fn *set;    /* NULL: nothing to do, it is what we have */
};

/* Prints what is wrong; false, so that `return qemu_bad(...)` ends the parse. */
bool qemu_bad(const char *format, ...) __attribute__((format(printf, 1, 2)));

static inline bool property_is_on(const char *value)
{
    return !strcmp(value, "on");
}

/* Is @value one of "a|b|c"? A word in capitals takes anything. */
bool properties_accept(const char *list, const char *value);

/**
 * properties_set() - take @text apart and set every property in it.
 * @option:  its name, for messages.
 * @implied: the key of a first word without one; a later one means "=on".
 *
 * Return: false if one is unknown or has a wrong value; name, value and what is accepted are
 * printed.
 */
bool properties_set(struct qemu *q, const char *option, const char *text, const char *implied,
                    const struct property *properties, size_t count);
