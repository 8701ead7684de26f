#include "json.h"

#include <string.h>

#define DEPTH_MAX 64

static const char *skip_space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* Behind the string that begins at @p, or NULL. */
static const char *skip_string(const char *p)
{
    for (p++; *p && *p != '"'; p++)
        if (*p == '\\' && !*++p)
            return NULL;
    return *p ? p + 1 : NULL;
}

/* Behind the value that begins at @p, or NULL: it does not end. */
static const char *skip_value(const char *p)
{
    unsigned depth = 0;

    do {
        p = skip_space(p);
        if (*p == '"') {
            if (!(p = skip_string(p)))
                return NULL;
        } else if (*p == '{' || *p == '[') {
            depth++;
            p++;
        } else if (*p == '}' || *p == ']') {
            if (!depth)
                return NULL;
            depth--;
            p++;
        } else if (depth && (*p == ',' || *p == ':')) {
            p++;
        } else {
            size_t n = strcspn(p, " \t\r\n,:{}[]\"");
            if (!n)
                return NULL;
            p += n;
        }
    } while (depth && depth <= DEPTH_MAX);
    return depth ? NULL : p;
}

size_t json_object_size(const char *text, size_t size, bool *good)
{
    g_autofree char *copy = g_strndup(text, size); /* what is behind a zero byte is not looked at */
    const char *start = skip_space(copy);
    const char *end = *start == '{' ? skip_value(start) : NULL;

    *good = !*start || *start == '{';
    return end ? (size_t)(end - copy) : 0;
}

bool json_next(const char **at, char **name, char **value)
{
    const char *p = skip_space(*at), *end;

    *name = *value = NULL;
    p = skip_space(p + (*p == ','));
    if (*p == '"' && (end = skip_string(p)) && *(end = skip_space(end)) == ':') {
        *name = json_string(p);
        p = skip_space(end + 1);
    }
    if (!*p || !(end = skip_value(p))) {
        g_clear_pointer(name, g_free);
        return false;
    }
    *value = g_strndup(p, (gsize)(end - p));
    *at = end;
    return true;
}

char *json_member(const char *object, const char *name)
{
    const char *p = skip_space(object);
    char *key, *value;

    if (*p++ != '{')
        return NULL;
    while (json_next(&p, &key, &value)) {
        bool found = key && !strcmp(key, name);
        g_free(key);
        if (found)
            return value;
        g_free(value);
    }
    return NULL;
}

/* \uXXXX at @p, which a surrogate's second half may follow; 0 is none. Return: characters that it
 * took. */
static size_t unescape(const char *p, gunichar *c)
{
    unsigned high, low;

    *c = 0;
    if (strspn(p, "0123456789abcdefABCDEF") < 4)
        return 0;
    high = (unsigned)g_ascii_strtoull(((char[]){p[0], p[1], p[2], p[3], 0}), NULL, 16);
    *c = high;
    if (high < 0xd800 || high > 0xdfff)
        return 4;
    *c = 0xfffd;
    if (high > 0xdbff || p[4] != '\\' || p[5] != 'u' || strspn(p + 6, "0123456789abcdefABCDEF") < 4)
        return 4;
    low = (unsigned)g_ascii_strtoull(((char[]){p[6], p[7], p[8], p[9], 0}), NULL, 16);
    if (low < 0xdc00 || low > 0xdfff)
        return 4;
    *c = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
    return 10;
}

char *json_string(const char *text)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    GString *out = g_string_new(NULL);
    const char *p = text;

    if (*p++ != '"' || !skip_string(text))
        return g_string_free(out, TRUE);
    for (; *p != '"'; p++) {
        gunichar c;
        if (*p != '\\') {
            g_string_append_c(out, *p);
        } else if (*++p == 'u') {
            p += unescape(p + 1, &c);
            g_string_append_unichar(out, c ? c : 0xfffd);
        } else {
            const char *known = strchr(from, *p);
            g_string_append_c(out, known ? to[known - from] : *p);
        }
    }
    return g_string_free(out, FALSE);
}

void json_add_string(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            g_string_append_printf(out, "\\%c", c);
        else if (c == '\n')
            g_string_append(out, "\\n");
        else if (c == '\r')
            g_string_append(out, "\\r");
        else if (c == '\t')
            g_string_append(out, "\\t");
        else if (c < 0x20)
            g_string_append_printf(out, "\\u%04x", c);
        else
            g_string_append_c(out, (char)c);
    }
    g_string_append_c(out, '"');
}
