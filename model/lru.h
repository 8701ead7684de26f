/* A small set of numbers above 0, fully associative, least recently used out first. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* Is @key in @set, the most recent first, of @count? It is put in front, whether it was or not. */
static inline bool lru_touch(uint64_t *set, unsigned count, uint64_t key)
{
    unsigned k = 0;

    if (!count)
        return false;
    if (set[0] == key)
        return true;
    while (k < count - 1 && set[k] != key)
        k++;
    bool found = set[k] == key;
    memmove(set + 1, set, k * sizeof(set[0]));
    set[0] = key;
    return found;
}
