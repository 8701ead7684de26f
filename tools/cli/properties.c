#include "properties.h"

#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"

bool qemu_bad(const char *format, ...)
{
    va_list args;

    fprintf(stderr, "armillary qemu: ");
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n");
    return false;
}

bool properties_accept(const char *list, const char *value)
{
    g_auto(GStrv) words = g_strsplit(list, "|", -1);

    for (char **w = words; *w; w++)
        if (!strcmp(*w, value) || g_ascii_isupper(**w))
            return true;
    return false;
}

static void print_properties(const struct property *properties, size_t count)
{
    fprintf(stderr, "accepted:");
    for (size_t k = 0; k < count; k++)
        fprintf(stderr, " %s=%s", properties[k].key, properties[k].accepts);
    fprintf(stderr, "\n");
}

/* The other words for a boolean that QEMU knows. */
static const char *normal(const char *value)
{
    static const char *const words[][2] = {{"yes", "on"}, {"true", "on"},   {"y", "on"},
                                           {"no", "off"}, {"false", "off"}, {"n", "off"}};

    for (size_t k = 0; k < ARRAY_SIZE(words); k++)
        if (!strcmp(value, words[k][0]))
            return words[k][1];
    return value;
}

static bool set_property(struct qemu *q, const char *option, const char *key, const char *value,
                         const struct property *properties, size_t count)
{
    size_t k = 0;

    while (k < count && strcmp(properties[k].key, key))
        k++;
    if (k == count) {
        qemu_bad("-%s: no property \"%s\" here", option, key);
    } else if (properties_accept(properties[k].accepts, value)) {
        return !properties[k].set || properties[k].set(q, value);
    } else if (properties_accept(properties[k].accepts, normal(value))) {
        return !properties[k].set || properties[k].set(q, normal(value));
    } else {
        qemu_bad("-%s: %s=%s: expected %s", option, key, value, properties[k].accepts);
    }
    print_properties(properties, count);
    return false;
}

/* The next "key=value" of *@text, which moves behind it; ",," is a comma. */
static char *next_property(const char **text)
{
    GString *word = g_string_new(NULL);

    for (; **text && (**text != ',' || (*text)[1] == ','); (*text)++) {
        g_string_append_c(word, **text);
        *text += **text == ',';
    }
    *text += **text == ',';
    return g_string_free(word, FALSE);
}

bool properties_set(struct qemu *q, const char *option, const char *text, const char *implied,
                    const struct property *properties, size_t count)
{
    for (bool first = true; *text; first = false) {
        g_autofree char *word = next_property(&text);
        char *eq = strchr(word, '=');
        const char *key = eq || !first ? word : implied;
        const char *value = eq ? eq + 1 : first ? word : "on";

        if (eq)
            *eq = '\0';
        if (!set_property(q, option, key, value, properties, count))
            return false;
    }
    return true;
}
