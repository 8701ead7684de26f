/* Little-endian numbers in bytes that may lie anywhere. */
#pragma once

#include <stdint.h>

static inline uint64_t le_get(const uint8_t *from, unsigned bytes)
{
    uint64_t v = 0;

    while (bytes--)
        v = v << 8 | from[bytes];
    return v;
}

static inline void le_put(uint8_t *to, unsigned bytes, uint64_t v)
{
    for (unsigned i = 0; i < bytes; i++)
        to[i] = (uint8_t)(v >> (8 * i));
}
