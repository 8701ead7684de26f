#include "properties.h"

#include <glib.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "suggest.h"

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

static const struct {
    const char *kind, *pattern, *reason;
} missing[] = {
#define QEMU_MISSING(kind, pattern, reason) {kind, pattern, reason},
#define QEMU_MISSING_OPTION(name, argument, reason)
#include "tools/cli/qemu_missing.def"
#undef QEMU_MISSING_OPTION
#undef QEMU_MISSING
};

const char *qemu_missing(const char *kind, const char *word)
{
    for (size_t k = 0; k < G_N_ELEMENTS(missing); k++)
        if (!strcmp(missing[k].kind, kind) && g_pattern_match_simple(missing[k].pattern, word))
            return missing[k].reason;
    return NULL;
}

static bool is_placeholder(const char *word)
{
    return g_ascii_isupper(*word);
}

bool qemu_refuse(const char *kind, const char *word, const char *what, const char *accepted)
{
    const char *reason = qemu_missing(kind, word);
    g_auto(GStrv) words = g_strsplit(accepted ? accepted : "", "|", -1);
    struct suggestion near = suggest_for(word);

    if (reason)
        return qemu_bad("%s is not offered: %s", what, reason);
    for (char **w = words; *w; w++)
        if (!is_placeholder(*w))
            suggest_offer(&near, *w);
    if (near.best)
        return qemu_bad("%s is not offered; did you mean %s?", what, near.best);
    return qemu_bad("%s is not offered%s%s", what, accepted ? "; expected " : "",
                    accepted ? accepted : "");
}

bool properties_accept(const char *list, const char *value)
{
    g_auto(GStrv) words = g_strsplit(list, "|", -1);

    for (char **w = words; *w; w++)
        if (!strcmp(*w, value) || is_placeholder(*w))
            return true;
    return false;
}

void properties_print(const char *title, const struct property *properties, size_t count)
{
    if (title)
        printf("%s options:\n", title);
    for (size_t k = 0; k < count; k++)
        printf("  %s=<%s>\n", properties[k].key, properties[k].accepts);
}

/* The other words for a boolean that QEMU knows. */
static const char *normal(const char *value)
{
    static const char *const words[][2] = {{"yes", "on"}, {"true", "on"},   {"y", "on"},
                                           {"no", "off"}, {"false", "off"}, {"n", "off"}};

    for (size_t k = 0; k < G_N_ELEMENTS(words); k++)
        if (!strcmp(value, words[k][0]))
            return words[k][1];
    return value;
}

static const struct property *find(const char *key, const struct property *properties, size_t count)
{
    for (size_t k = 0; k < count; k++)
        if (!strcmp(properties[k].key, key))
            return &properties[k];
    return NULL;
}

/* Is @key one that can stand alone? Words that take any value cannot: "file" alone is no file. */
static bool is_boolean(const struct property *p)
{
    return p && (properties_accept(p->accepts, "on") || properties_accept(p->accepts, "off")) &&
           !is_placeholder(p->accepts);
}

static bool no_property(const char *option, const char *key, const char *value,
                        const struct property *properties, size_t count)
{
    g_autofree char *word = g_strdup_printf("%s=%s", key, value);
    const char *reason = qemu_missing(option, word);
    struct suggestion near = suggest_for(key);

    if (reason)
        return qemu_bad("-%s %s is not offered: %s", option, word, reason);
    for (size_t k = 0; k < count; k++)
        suggest_offer(&near, properties[k].key);
    if (near.best)
        return qemu_bad("-%s: no property \"%s\"; did you mean %s?", option, key, near.best);
    return qemu_bad("-%s: no property \"%s\"; `-%s ...,help` lists them", option, key, option);
}

static bool bad_value(const char *option, const char *value, const struct property *p)
{
    g_autofree char *word = g_strdup_printf("%s=%s", p->key, value);
    g_auto(GStrv) words = g_strsplit(p->accepts, "|", -1);
    const char *reason = qemu_missing(option, word);
    struct suggestion near = suggest_for(value);

    if (reason)
        return qemu_bad("-%s %s is not offered: %s", option, word, reason);
    for (char **w = words; *w; w++)
        suggest_offer(&near, *w);
    return qemu_bad("-%s %s: expected %s%s%s%s", option, word, p->accepts,
                    near.best ? "; did you mean " : "", near.best ? near.best : "",
                    near.best ? "?" : "");
}

static bool set_property(struct qemu *q, const char *option, const struct property *p,
                         const char *value)
{
    if (!properties_accept(p->accepts, value))
        value = normal(value);
    if (!properties_accept(p->accepts, value))
        return bad_value(option, value, p);
    if (p->note)
        qemu_note(q, "-%s %s=%s: %s", option, p->key, value, p->note);
    return !p->set || p->set(q, value);
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

bool properties_want_help(const char *text)
{
    bool found = false;

    while (*text && !found) {
        g_autofree char *word = next_property(&text);
        found = is_help(word);
    }
    return found;
}

char *properties_find(const char *text, const char *implied, const char *key)
{
    for (bool first = true; *text; first = false) {
        g_autofree char *word = next_property(&text);
        char *eq = strchr(word, '=');

        if (!eq && first && implied && !strcmp(implied, key))
            return g_strdup(word);
        if (!eq)
            continue;
        g_autofree char *name = g_strndup(word, (size_t)(eq - word));
        if (!strcmp(g_strdelimit(name, "_", '-'), key))
            return g_strdup(eq + 1);
    }
    return NULL;
}

/* One word: key=value, or a flag, or the value of @implied. */
static bool set_word(struct qemu *q, const char *option, const char *word, const char *implied,
                     const struct property *properties, size_t count)
{
    const char *eq = strchr(word, '=');
    g_autofree char *key = g_strndup(word, eq ? (size_t)(eq - word) : strlen(word));
    const char *name = g_strdelimit(key, "_", '-'), *value = eq ? eq + 1 : "on";

    if (!eq && !is_boolean(find(name, properties, count))) {
        if (!strncmp(name, "no", 2) && is_boolean(find(name + 2, properties, count))) {
            name += 2;
            value = "off";
        } else if (implied) {
            name = implied;
            value = word;
        }
    }
    const struct property *p = find(name, properties, count);
    return p ? set_property(q, option, p, value)
             : no_property(option, name, value, properties, count);
}

bool properties_set(struct qemu *q, const char *option, const char *text, const char *implied,
                    const struct property *properties, size_t count)
{
    bool good = true;

    for (; *text; implied = NULL) {
        g_autofree char *word = next_property(&text);

        if (*word)
            good &= set_word(q, option, word, implied, properties, count);
    }
    return good;
}
