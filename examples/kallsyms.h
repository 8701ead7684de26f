/* The symbol table that an arm64 Linux kernel carries in its Image (Linux 6.1: kernel/kallsyms.c).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct kallsyms {
    const uint8_t *image;
    size_t size;
    size_t offsets, base, names, markers, tokens, index; /* in the image */
    uint32_t count;
};

static inline uint32_t kallsyms_word(const struct kallsyms *k, size_t at)
{
    uint32_t v;

    memcpy(&v, k->image + at, sizeof(v));
    return v;
}

static inline uint8_t *kallsyms_load(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *bytes = NULL;

    if (f && fseek(f, 0, SEEK_END) == 0) {
        *size = (size_t)ftell(f);
        rewind(f);
        bytes = (uint8_t *)malloc(*size);
        if (bytes && fread(bytes, 1, *size, f) != *size)
            *size = 0;
    }
    if (f)
        fclose(f);
    return bytes;
}

/* The table of tokens is known by its digits: "0", "1", ... stand for themselves. Before it are the
 * markers, every 256th name's offset from the first; before those, names, their number, the base of
 * the addresses and their offsets from it. */
static inline bool kallsyms_open(struct kallsyms *k, const char *path)
{
    static const char digits[] = "0\0001\0002\0003\0004\0005\0006\0007\0008\0009";
    size_t at = 0, skip = '0' + 1, marks = 0;

    k->image = kallsyms_load(path, &k->size);
    while (at + sizeof(digits) < k->size && memcmp(k->image + at, digits, sizeof(digits)) != 0)
        at++;
    if (!k->image || at + sizeof(digits) >= k->size)
        return false;
    while (skip && at)
        skip -= k->image[--at] == 0;
    k->tokens = (at + 8) & ~(size_t)7;
    for (skip = 256, at = k->tokens; skip && at < k->size; at++)
        skip -= k->image[at] == 0;
    k->index = (at + 7) & ~(size_t)7;

    k->markers = k->tokens - 4;
    while (!kallsyms_word(k, k->markers))
        k->markers -= 4;
    for (; kallsyms_word(k, k->markers); k->markers -= 4)
        marks++;
    size_t last = kallsyms_word(k, k->markers + 4 * marks);
    for (k->names = (k->markers - last) & ~(size_t)7;; k->names -= 8) {
        k->count = kallsyms_word(k, k->names - 8);
        if (k->count > 256 * marks && k->count <= 256 * (marks + 1) &&
            !kallsyms_word(k, k->names - 4))
            break;
        if (k->markers - last - k->names > 256 * 128)
            return false;
    }
    k->base = k->names - 16;
    k->offsets = k->base - (((size_t)k->count * 4 + 7) & ~(size_t)7);
    return true;
}

/* How far @symbol is from the kernel's first byte; 0: there is none. */
static inline uint32_t kallsyms_find(const struct kallsyms *k, const char *symbol)
{
    size_t at = k->names;

    for (uint32_t n = 0; n < k->count; n++) {
        size_t length = k->image[at++], used = 0;
        char name[512] = "";
        if (length & 0x80)
            length = (length & 0x7f) | (size_t)k->image[at++] << 7;
        for (; length; length--) {
            uint16_t token;
            memcpy(&token, k->image + k->index + 2 * (size_t)k->image[at++], 2);
            used += (size_t)snprintf(name + used, sizeof(name) - used, "%s",
                                     (const char *)k->image + k->tokens + token);
        }
        if (!strcmp(name + 1, symbol)) /* the first character is its type */
            return kallsyms_word(k, k->offsets + 4 * (size_t)n);
    }
    return 0;
}
