#include "qemu_json.h"

#include <glib.h>
#include <string.h>

#include "json.h"
#include "properties.h"

#define DEPTH_MAX 8 /* QEMU's own schemas are not half as deep */

static bool add_value(GString *out, const char *key, const char *value, unsigned depth);

/* A word of the option, whose commas are doubled. */
static void add_word(GString *out, const char *key, const char *word)
{
    g_string_append_printf(out, "%s%s=", out->len ? "," : "", key);
    for (; *word; word++)
        g_string_append(out, *word == ',' ? ",," : (char[]){*word, 0});
}

/* A list of strings has them in objects with the one member "str" (QAPI's type String). */
static char *key_of(const char *key, const char *name)
{
    return !name || (*key && !strcmp(name, "str")) ? g_strdup(key)
           : *key                                  ? g_strdup_printf("%s.%s", key, name)
                                                   : g_strdup(name);
}

/* The members of an object, or the elements of an array. */
static bool add_all(GString *out, const char *key, const char *text, unsigned depth)
{
    const char *at = text + 1;
    char *name, *value;
    bool good = depth < DEPTH_MAX;

    while (good && json_next(&at, &name, &value)) {
        g_autofree char *whole = key_of(key, name);
        good = (name != NULL) == (*text == '{') && add_value(out, whole, value, depth + 1);
        g_free(name);
        g_free(value);
    }
    return good && at[strspn(at, " \t\r\n")] == *text + 2; /* the bracket that closes it */
}

static bool add_value(GString *out, const char *key, const char *value, unsigned depth)
{
    g_autofree char *text = json_string(value);

    if (*value == '{' || *value == '[')
        return add_all(out, key, value, depth);
    add_word(out, key,
             text                      ? text
             : !strcmp(value, "true")  ? "on"
             : !strcmp(value, "false") ? "off"
                                       : value);
    return true;
}

char *qemu_json_flat(const char *option, const char *text)
{
    GString *out = g_string_new(NULL);

    if (add_all(out, "", text, 0))
        return g_string_free(out, FALSE);
    g_string_free(out, TRUE);
    qemu_bad("-%s %s: expected an object in JSON, or key=value,...", option, text);
    return NULL;
}
