/* Little-endian numbers at the end of an array. */
#pragma once

#include <glib.h>

#include "base/le.h"

static inline void put_le(GByteArray *to, unsigned bytes, uint64_t value)
{
    uint8_t raw[8];

    le_put(raw, bytes, value);
    g_byte_array_append(to, raw, bytes);
}

static inline void put_zeros(GByteArray *to, unsigned count)
{
    while (count--)
        put_le(to, 1, 0);
}
