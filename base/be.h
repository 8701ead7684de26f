/* Big-endian numbers in bytes that may lie anywhere. */
#pragma once

#include <stdint.h>

static inline uint64_t be_get(const uint8_t *from, unsigned bytes)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < bytes; i++)
        v = v << 8 | from[i];
    return v;
}

static inline void be_put(uint8_t *to, unsigned bytes, uint64_t v)
{
    while (bytes--) {
        to[bytes] = (uint8_t)v;
        v >>= 8;
    }
}
