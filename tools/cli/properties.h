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
    const char *note;    /* printed with the value if nothing is done and that differs; or NULL */
};

/* A property_fn that keeps the text, or whether it is "on" (@is true) or not (@is false), at
 * @place, an expression of the qemu @q. */
#define PROPERTY_TEXT(fn, place)                                                                   \
    static bool fn(struct qemu *q, const char *value)                                              \
    {                                                                                              \
        (place) = qemu_keep(q, g_strdup(value));                                                   \
        return true;                                                                               \
    }
#define PROPERTY_FLAG(fn, place, is)                                                               \
    static bool fn(struct qemu *q, const char *value)                                              \
    {                                                                                              \
        (place) = property_is_on(value) == (is);                                                   \
        return true;                                                                               \
    }

/* Print what is wrong; false, so that `return qemu_bad(...)` goes on with the next word. */
bool qemu_bad(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* "WHAT is not offered", and the reason or a near word of @accepted ("a|b|c", may be NULL).
 * @kind, @word: what qemu_missing.def knows it by. */
bool qemu_refuse(const char *kind, const char *word, const char *what, const char *accepted);

/* Why a word of QEMU's is not offered, or NULL if it is not one that we know. */
const char *qemu_missing(const char *kind, const char *word);

/* What differs although it is accepted; printed when the machine starts. */
void qemu_note(struct qemu *q, const char *format, ...) __attribute__((format(printf, 2, 3)));

static inline bool property_is_on(const char *value)
{
    return !strcmp(value, "on");
}

/* The user asks what there is: "help" or "?". */
static inline bool is_help(const char *word)
{
    return !strcmp(word, "help") || !strcmp(word, "?");
}

/* Is @value one of "a|b|c"? A word in capitals takes anything. */
bool properties_accept(const char *list, const char *value);

/* Is there a "help" or "?" among the words of @text? */
bool properties_want_help(const char *text);

/* As QEMU prints them: "  key=<what it accepts>". @title may be NULL. */
void properties_print(const char *title, const struct property *properties, size_t count);

/* The value of @key in @text as it stands there (g_free() it), or NULL. @implied: as below. */
char *properties_find(const char *text, const char *implied, const char *key);

/**
 * properties_set() - take @text apart and set every property in it.
 * @option:  its name, for messages and qemu_missing.def.
 * @implied: the key of a first word without one; or NULL.
 *
 * "key" alone means key=on, "nokey" key=off; '_' in a key is '-'; ",," is a comma.
 *
 * Return: false if any is unknown or has a wrong value; every one of them was printed.
 */
bool properties_set(struct qemu *q, const char *option, const char *text, const char *implied,
                    const struct property *properties, size_t count);
