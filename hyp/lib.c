#include "hyp/lib.h"

#include <stdbool.h>

#ifdef __aarch64__
void *memcpy(void *restrict to, const void *restrict from, size_t n)
{
    char *t = to;
    const char *f = from;

    if ((((uintptr_t)t | (uintptr_t)f) & 7) == 0) {
        for (; n >= 32; n -= 32, t += 32, f += 32) {
            uint64_t a = ((const uint64_t *)f)[0], b = ((const uint64_t *)f)[1];
            uint64_t c = ((const uint64_t *)f)[2], d = ((const uint64_t *)f)[3];
            ((uint64_t *)t)[0] = a;
            ((uint64_t *)t)[1] = b;
            ((uint64_t *)t)[2] = c;
            ((uint64_t *)t)[3] = d;
        }
    }
    while (n--)
        *t++ = *f++;
    return to;
}

void *memmove(void *to, const void *from, size_t n)
{
    char *t = to;
    const char *f = from;

    if (t < f)
        return memcpy(to, from, n);
    while (n--)
        t[n] = f[n];
    return to;
}

void *memset(void *to, int c, size_t n)
{
    char *t = to;

    if (((uintptr_t)t & 7) == 0)
        for (; n >= 8; n -= 8, t += 8)
            *(uint64_t *)t = (unsigned char)c * UINT64_C(0x0101010101010101);
    while (n--)
        *t++ = (char)c;
    return to;
}

int memcmp(const void *a, const void *b, size_t n)
{
    const unsigned char *x = a, *y = b;

    for (; n--; x++, y++)
        if (*x != *y)
            return *x - *y;
    return 0;
}

size_t strlen(const char *s)
{
    size_t n = 0;

    while (s[n])
        n++;
    return n;
}

int strcmp(const char *a, const char *b)
{
    for (; *a && *a == *b; a++, b++)
        ;
    return (unsigned char)*a - (unsigned char)*b;
}

int strncmp(const char *a, const char *b, size_t n)
{
    for (; n && *a && *a == *b; a++, b++, n--)
        ;
    return n ? (unsigned char)*a - (unsigned char)*b : 0;
}

char *strchr(const char *s, int c)
{
    for (; *s != (char)c; s++)
        if (!*s)
            return NULL;
    return (char *)s;
}
#endif

struct out {
    char *at;
    size_t left; /* with room for the NUL */
};

static void put(struct out *o, char c)
{
    if (o->left > 1) {
        *o->at++ = c;
        o->left--;
    }
}

static void put_number(struct out *o, uint64_t v, unsigned base, unsigned width, char pad,
                       bool negative)
{
    char digits[24];
    unsigned n = 0;

    do
        digits[n++] = "0123456789abcdef"[v % base];
    while ((v /= base) != 0);
    if (negative)
        digits[n++] = '-';
    for (; width > n; width--)
        put(o, pad);
    while (n)
        put(o, digits[--n]);
}

static void put_string(struct out *o, const char *s, unsigned width)
{
    size_t n = strlen(s);

    while (*s)
        put(o, *s++);
    for (; width > n; width--)
        put(o, ' ');
}

size_t vformat(char *out, size_t size, const char *text, va_list args)
{
    struct out o = {out, size};

    for (; *text; text++) {
        if (*text != '%') {
            put(&o, *text);
            continue;
        }
        char pad = ' ';
        unsigned width = 0;
        bool is_long = false, left = false;

        if (*++text == '-') {
            left = true;
            text++;
        }
        if (*text == '0')
            pad = '0';
        for (; *text >= '0' && *text <= '9'; text++)
            width = width * 10 + (unsigned)(*text - '0');
        for (; *text == 'l'; text++)
            is_long = true;
        switch (*text) {
        case 's':
            put_string(&o, va_arg(args, const char *), left ? width : 0);
            break;
        case 'c':
            put(&o, (char)va_arg(args, int));
            break;
        case 'd': {
            long v = is_long ? va_arg(args, long) : va_arg(args, int);
            put_number(&o, v < 0 ? -(uint64_t)v : (uint64_t)v, 10, width, pad, v < 0);
            break;
        }
        case 'u':
        case 'x':
            put_number(&o, is_long ? va_arg(args, unsigned long) : va_arg(args, unsigned),
                       *text == 'x' ? 16 : 10, width, pad, false);
            break;
        default:
            put(&o, *text);
        }
    }
    if (size)
        *o.at = 0;
    return (size_t)(o.at - out);
}

size_t format(char *out, size_t size, const char *text, ...)
{
    va_list args;
    size_t n;

    va_start(args, text);
    n = vformat(out, size, text, args);
    va_end(args);
    return n;
}

static bool digit_of(char c, unsigned base, unsigned *digit)
{
    if (c >= '0' && c <= '9')
        *digit = (unsigned)(c - '0');
    else if (c >= 'a' && c <= 'f')
        *digit = (unsigned)(c - 'a') + 10;
    else if (c >= 'A' && c <= 'F')
        *digit = (unsigned)(c - 'A') + 10;
    else
        return false;
    return *digit < base;
}

uint64_t parse_number(const char *text, const char **end)
{
    unsigned base = 10, digit;
    uint64_t v = 0;

    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    for (; digit_of(*text, base, &digit); text++)
        v = v * base + digit;
    if (*text == 'K' || *text == 'M' || *text == 'G')
        v <<= *text == 'K' ? 10 : *text == 'M' ? 20 : 30, text++;
    if (end)
        *end = text;
    return v;
}
