/*
 * How a table looks in an image, each part aligned to 8 bytes, or to 256 (what the assembler makes
 * of ".align 8", in Xen and old Linux):
 *
 * - offsets: a word for each symbol, ascending; and the base that they count from, a doubleword.
 *   In Linux to 6.3 they are here, from 6.4 behind the index; Xen has addresses instead,
 *   doublewords, and no base;
 * - the count of symbols: a word;
 * - names: of each its length and as many bytes, each the number of a token; the first character
 *   that they spell is the symbol's type;
 * - markers: words, where each 256th name begins;
 * - tokens: 256 strings;
 * - the index: halfwords, where each of the tokens begins.
 *
 * Nothing points there. The tokens of digits are the digits themselves, in a row; the index proves
 * the place, markers and count are found backwards from it, and the names prove these.
 */
#include "symbols/kallsyms.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"

#define TOKENS  256
#define GROUP   256        /* names between markers */
#define FAR     (8U << 20) /* at most between markers and tokens */
#define LONGEST 512        /* longest name, as its type and characters */

struct table {
    const uint8_t *image;
    size_t size;
    size_t tokens, index, markers, names, count_at;
    uint32_t count;
    size_t align, offsets;
    unsigned width; /* bytes of an offset */
    uint64_t first; /* what they are relative to */
    uint64_t base;  /* at what address the kernel is, as it knows itself; 0: it does not yet */
    bool wide;      /* lengths above 127 take two bytes */
    const char *token[TOKENS];
};

static uint64_t word(const struct table *t, size_t at, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned k = 0; k < bytes && at + k < t->size; k++)
        v |= (uint64_t)t->image[at + k] << 8 * k;
    return v;
}

static size_t up(size_t at, size_t to)
{
    return (at + to - 1) / to * to;
}

/* ---- tokens ---- */

/* @at is where the string number '0' begins: where number 1 does. */
static bool second_token(const struct table *t, size_t *at)
{
    for (unsigned k = 1; k < '0'; k++) {
        if (*at == 0 || t->image[*at - 1] != 0)
            return false;
        for (--*at; *at && t->image[*at - 1] != 0; --*at)
            ;
    }
    return true;
}

/* The strings from the second on, which is at @at, and behind them their index: it says where the
 * first one is, before which there may be anything. */
static bool tokens_fit(struct table *t, size_t at)
{
    size_t start[TOKENS];

    for (unsigned k = 1; k < TOKENS; k++) {
        const uint8_t *end = at < t->size ? memchr(t->image + at, 0, t->size - at) : NULL;
        if (!end)
            return false;
        start[k] = at;
        t->token[k] = (const char *)t->image + at;
        at = (size_t)(end - t->image) + 1;
    }
    t->index = up(at, t->align);
    if (t->size < 2 * TOKENS || t->index > t->size - 2 * TOKENS ||
        word(t, t->index + 2, 2) > start[1])
        return false;
    t->tokens = start[1] - word(t, t->index + 2, 2);
    t->token[0] = (const char *)t->image + t->tokens;
    for (unsigned k = 1; k < TOKENS; k++)
        if (word(t, t->index + 2 * k, 2) != start[k] - t->tokens)
            return false;
    return word(t, t->index, 2) == 0 && strlen(t->token[0]) == start[1] - t->tokens - 1;
}

/* ---- markers, count, names ---- */

/* The words from @at on that may be markers: from 0 on, each a group of names further. */
static uint32_t marker_run(const struct table *t, size_t at)
{
    uint32_t count = 1;

    for (uint64_t last = 0; at + 4 * (size_t)count + 4 <= t->tokens; count++) {
        uint64_t next = word(t, at + 4 * (size_t)count, 4);
        if (next < last + 2 * (uint64_t)GROUP || next > last + GROUP * (uint64_t)LONGEST)
            break;
        last = next;
    }
    return count;
}

/* The bytes of the name at *@at; 0: it is beyond the end. */
static unsigned name_length(const struct table *t, size_t *at, size_t end)
{
    unsigned length;

    if (*at + 2 > end)
        return 0;
    length = t->image[(*at)++];
    if (t->wide && length & 0x80)
        length = (length & 0x7f) | (unsigned)t->image[(*at)++] << 7;
    return length <= LONGEST && length <= end - *at ? length : 0;
}

static bool names_fit(const struct table *t)
{
    size_t at = t->names;

    for (uint32_t k = 0; k < t->count; k++) {
        if (k % GROUP == 0 && word(t, t->markers + k / GROUP * 4, 4) != at - t->names)
            return false;
        unsigned length = name_length(t, &at, t->markers);
        if (!length)
            return false;
        at += length;
    }
    return t->markers - at < t->align;
}

/* The count, and behind it the names, which end at the markers; the last one of these is @last. */
static bool count_fits(struct table *t, uint32_t marker_count)
{
    uint64_t last = word(t, t->markers + 4 * (size_t)(marker_count - 1), 4);

    for (size_t back = up(last, 8) + t->align; back < last + GROUP * LONGEST && back <= t->markers;
         back += 8) {
        t->count_at = t->markers - back;
        t->names = t->count_at + t->align;
        t->count = (uint32_t)word(t, t->count_at, 4);
        if (((uint64_t)t->count + GROUP - 1) / GROUP != marker_count)
            continue;
        for (unsigned narrow = 0; narrow < 2; narrow++) {
            t->wide = !narrow;
            if (names_fit(t))
                return true;
        }
    }
    return false;
}

/* Before the tokens, or before the numbers by which names are sorted, three bytes each, that some
 * have in between. A word behind the markers may look like one more. */
static bool find_names(struct table *t)
{
    size_t at = t->tokens / 8 * 8, least = at > FAR ? at - FAR : 0;

    for (; at > least; at -= 8) {
        t->markers = at - 8;
        if (word(t, t->markers, 4) != 0)
            continue;
        uint32_t run = marker_run(t, t->markers);
        if (run > 1 && (count_fits(t, run) || count_fits(t, run - 1)))
            return true;
    }
    return false;
}

/* ---- offsets ---- */

static uint64_t offset(const struct table *t, uint32_t k)
{
    return word(t, t->offsets + (size_t)t->width * k, t->width) - t->first;
}

/* Are there offsets at @at, @width bytes each? Doublewords are addresses, of which the first is the
 * image's. */
static bool ascend(struct table *t, size_t at, unsigned width)
{
    t->offsets = at;
    t->width = width;
    t->first = 0;
    if (at > t->size || t->count > (t->size - at) / width)
        return false;
    if (width == 8)
        t->first = offset(t, 0);
    for (uint32_t k = 1; k < t->count; k++)
        if (offset(t, k) < offset(t, k - 1))
            return false;
    return offset(t, t->count - 1) > offset(t, 0) && offset(t, t->count - 1) <= t->size; /* _end */
}

/* Where they are: one of the layouts; and the base, which the kernel has relocated in memory. */
static bool find_offsets(struct table *t)
{
    size_t bytes = up(4 * (size_t)t->count, t->align), behind = up(t->index + TOKENS * 2, t->align);

    if (ascend(t, behind, 4)) {
        t->base = word(t, behind + bytes, 8);
        return true;
    }
    if (bytes + t->align <= t->count_at && ascend(t, t->count_at - t->align - bytes, 4)) {
        t->base = word(t, t->count_at - t->align, 8);
        return true;
    }
    bytes = up(8 * (size_t)t->count, t->align);
    return bytes <= t->count_at && ascend(t, t->count_at - bytes, 8);
}

/* ---- all of it ---- */

/* The characters of the name at @at, with its type before them. */
static void expand(const struct table *t, size_t at, unsigned length, GString *name)
{
    g_string_truncate(name, 0);
    for (unsigned n = 0; n < length; n++)
        g_string_append(name, t->token[t->image[at + n]]);
}

/* Where in the image offset 0 is. Linux before 5.x begins its table with _text, where the image
 * begins; then with _stext, which is a segment's alignment behind it. An image stands at a multiple
 * of 2 MiB. */
static uint64_t shift(const struct table *t)
{
    g_autoptr(GString) name = g_string_new(NULL);
    size_t at = t->names;

    if (t->width == 8)
        return 0; /* the first address is the image's */
    if (t->base)
        return t->base % (UINT64_C(2) << 20);
    for (uint32_t k = 0; k < t->count && offset(t, k) == 0; k++) {
        unsigned length = name_length(t, &at, t->markers);
        expand(t, at, length, name);
        at += length;
        if (!strcmp(name->str, "T_stext"))
            return UINT64_C(64) << 10;
    }
    return 0;
}

static void add_all(const struct table *t, struct symbols *s)
{
    g_autoptr(GString) name = g_string_new(NULL);
    uint64_t base = shift(t);
    size_t at = t->names;

    for (uint32_t k = 0; k < t->count; k++) {
        unsigned length = name_length(t, &at, t->markers);
        expand(t, at, length, name);
        at += length;
        if (name->len > 1 && strchr("tTwW", name->str[0]) && name->str[1] != '$')
            symbols_add(s, base + offset(t, k), 0, name->str + 1, name->len - 1);
    }
}

/* The string number '0' is at @zero. */
static struct symbols *read_at(const uint8_t *image, size_t size, size_t zero)
{
    struct table t = {.image = image, .size = size};
    size_t second = zero;

    for (t.align = 8; second_token(&t, &second) && t.align <= 256; t.align *= 32, second = zero) {
        if (!tokens_fit(&t, second) || !find_names(&t) || !find_offsets(&t))
            continue;
        struct symbols *s = symbols_new();
        add_all(&t, s);
        symbols_sort(s);
        return s;
    }
    return NULL;
}

struct symbols *kallsyms_read(const uint8_t *image, size_t size)
{
    static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007";

    for (size_t at = 0; at + sizeof(digits) <= size; at++) {
        const uint8_t *found = memchr(image + at, '0', size - at - sizeof(digits) + 1);
        if (!found)
            break;
        at = (size_t)(found - image);
        struct symbols *s = memcmp(found, digits, sizeof(digits)) ? NULL : read_at(image, size, at);
        if (s)
            return s;
    }
    return NULL;
}
