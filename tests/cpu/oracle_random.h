/* Random operands for comparisons with an oracle: registers of every kind, seeded. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/bits.h"
#include "tests/random.h"

/* Register contents that meet the corners: extremes of every lane size, small numbers, floating
 * point specials, and plain random bits. */
static inline uint64_t oracle_value(uint64_t *rng)
{
    static const uint64_t corner[] = {
        0,
        UINT64_MAX,
        UINT64_C(0x8000000000000000),
        UINT64_C(0x7fffffffffffffff),
        UINT64_C(0x8000000080000000),
        UINT64_C(0x7fffffff7fffffff),
        UINT64_C(0x8000800080008000),
        UINT64_C(0x7fff7fff7fff7fff),
        UINT64_C(0x8080808080808080),
        UINT64_C(0x7f7f7f7f7f7f7f7f),
        UINT64_C(0x0101010101010101),
        UINT64_C(0x00000000ffffffff),
        UINT64_C(0x3ff0000000000000),
        UINT64_C(0x7ff0000000000000),
        UINT64_C(0x7ff8000000000000),
        UINT64_C(0x7ff0000000000001),
        UINT64_C(0x3f8000007f800000),
        UINT64_C(0x7fc000007f800001),
        UINT64_C(0x3c007c007e007c01),
        UINT64_C(0x0000000000000001),
        UINT64_C(0x0010000000000000),
        UINT64_C(0x0080000000800001),
    };
    uint64_t r = random_next(rng), v = random_next(rng);

    switch (r & 7) {
    case 0:
        return corner[(r >> 8) % ARRAY_SIZE(corner)];
    case 1: /* a corner in some lanes only */
        return set_bits(v, (r >> 8) & 63, 0, corner[(r >> 16) % ARRAY_SIZE(corner)]);
    case 2: /* small, either sign */
        return (uint64_t)((int64_t)v >> ((r >> 8) & 63));
    case 3: /* small in every byte */
        return v & UINT64_C(0x0707070707070707);
    default:
        return v;
    }
}

/* Lanes of @size bits that meet the corners of floating point: special exponents, exponents near
 * each other (so that sums cancel), fractions at the ends and in the middle, NaNs of both kinds. */
static inline uint64_t oracle_fp_lanes(uint64_t *rng, unsigned size)
{
    const unsigned fraction = size == 64   ? 52
                              : size == 32 ? 23
                                           : 10,
                   exponent = size - fraction - 1;
    const uint64_t bias = zext(UINT64_MAX, exponent - 1), max = zext(UINT64_MAX, exponent);
    uint64_t lanes = 0;

    for (unsigned lsb = 0; lsb < 64; lsb += size) {
        const uint64_t r = random_next(rng), any = random_next(rng);
        const uint64_t exponents[8] = {
            0, 0, 1, max, max - 1, bias - 3 + (r >> 16) % 8, bias - 3 + (r >> 16) % 8, any >> 52};
        const uint64_t fractions[8] = {0,   1,   UINT64_MAX, UINT64_C(1) << (fraction - 1),
                                       any, any, any << 40,  UINT64_C(1) << (r >> 24) % fraction};
        const uint64_t value = (r & 64) << (size - 7) |
                               zext(exponents[r & 7], exponent) << fraction |
                               zext(fractions[r >> 3 & 7], fraction);
        lanes |= zext(value, size) << lsb;
    }
    return lanes;
}
