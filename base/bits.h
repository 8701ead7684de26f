/* Bit arithmetic on guest values: everything unsigned, every shift defined. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BIT(n)        (UINT64_C(1) << (n))
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define likely(x)     __builtin_expect(!!(x), 1)
#define unlikely(x)   __builtin_expect(!!(x), 0)

/* A mask of bits hi..lo, both inclusive, 63 >= hi >= lo. */
#define MASK(hi, lo) ((~UINT64_C(0) >> (63 - (hi))) & (~UINT64_C(0) << (lo)))

static inline uint64_t bits(uint64_t v, unsigned hi, unsigned lo)
{
    return (v & MASK(hi, lo)) >> lo;
}

static inline bool bit(uint64_t v, unsigned n)
{
    return (v >> n) & 1;
}

/* v with bits hi..lo replaced by the low bits of field. */
static inline uint64_t set_bits(uint64_t v, unsigned hi, unsigned lo, uint64_t field)
{
    return (v & ~MASK(hi, lo)) | ((field << lo) & MASK(hi, lo));
}

/* The low `width` bits, width 0..64. */
static inline uint64_t zext(uint64_t v, unsigned width)
{
    return width == 0 ? 0 : v & (~UINT64_C(0) >> (64 - width));
}

/* Sign-extend the low `width` bits, width 1..64. */
static inline uint64_t sext(uint64_t v, unsigned width)
{
    return (uint64_t)((int64_t)(v << (64 - width)) >> (64 - width));
}

static inline uint64_t align_down(uint64_t v, uint64_t a)
{
    return v & ~(a - 1);
}

static inline uint64_t align_up(uint64_t v, uint64_t a)
{
    return (v + a - 1) & ~(a - 1);
}

static inline bool is_aligned(uint64_t v, uint64_t a)
{
    return (v & (a - 1)) == 0;
}

static inline bool is_pow2(uint64_t v)
{
    return v != 0 && (v & (v - 1)) == 0;
}

/* Rotate right within 64 or 32 bits; any amount. */
static inline uint64_t ror64(uint64_t v, unsigned n)
{
    n &= 63;
    return n == 0 ? v : (v >> n) | (v << (64 - n));
}

static inline uint32_t ror32(uint32_t v, unsigned n)
{
    n &= 31;
    return n == 0 ? v : (v >> n) | (v << (32 - n));
}

/* Index of the highest set bit, -1 for zero: HighestSetBit(). */
static inline int highest_set_bit(uint64_t v)
{
    return v == 0 ? -1 : 63 - __builtin_clzll(v);
}
