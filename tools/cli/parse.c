#include "parse.h"

#include <errno.h>
#include <glib.h>
#include <string.h>

/* Digits of @base at the start of @text; *end behind them. False if there are none or too many. */
static bool digits(const char *text, unsigned base, uint64_t *out, char **end)
{
    if (!g_ascii_isxdigit(*text))
        return false; /* no sign, no space */
    errno = 0;
    *out = g_ascii_strtoull(text, end, base);
    return *end != text && errno == 0;
}

bool parse_size(const char *text, uint64_t unit, uint64_t *out)
{
    static const char suffixes[] = "KMG";
    uint64_t v;
    char *end;

    if (!digits(text, 0, &v, &end))
        return false;
    const char *s = *end ? strchr(suffixes, g_ascii_toupper(*end)) : NULL;
    if (s) {
        unit = UINT64_C(1) << (10 * (unsigned)(s - suffixes + 1));
        end++;
    }
    if (*end || v > UINT64_MAX / unit)
        return false;
    *out = v * unit;
    return true;
}

bool parse_address(const char *text, uint64_t *out)
{
    bool prefixed = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    bool plain = strspn(text, "0123456789") == strlen(text);

    return (prefixed || !plain || !strcmp(text, "0")) && parse_size(text, 1, out);
}

bool parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
    char *end;

    return digits(text, 0, out, &end) && *end == '\0' && *out >= min && *out <= max;
}

bool parse_hex(const char *text, uint64_t *out)
{
    char *end;

    return digits(text, 16, out, &end) && *end == '\0';
}
