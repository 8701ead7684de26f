/*
 * Random operands for tests/cpu/test_fp.c, mostly where floating point is difficult: NaNs with
 * payloads, infinities, zeros, both ends of the exponent range, halfway cases, near-cancellation.
 */
#pragma once

#include "base/bits.h"
#include "cpu/fp/fp.h"
#include "tests/random.h"

static inline unsigned fp_pick(uint64_t *rng, unsigned below)
{
    return (unsigned)((random_next(rng) >> 11) % below);
}

/* @width bits: uniform, sparse, dense, or one run of ones, so that carries and ties are met. */
static inline uint64_t fp_random_pattern(uint64_t *rng, unsigned width)
{
    uint64_t v = random_next(rng);
    const unsigned hi = fp_pick(rng, width), lo = fp_pick(rng, hi + 1);

    switch (fp_pick(rng, 6)) {
    case 0:
        v &= random_next(rng) & random_next(rng);
        break;
    case 1:
        v |= random_next(rng) | random_next(rng);
        break;
    case 2:
        v = MASK(hi, lo);
        break;
    case 3:
        v = ~MASK(hi, lo);
        break;
    case 4:
        v = BIT(lo) ^ BIT(hi);
        break;
    default:
        break;
    }
    return zext(v, width);
}

static inline unsigned fp_exponent_bits(enum fp_size n)
{
    return n == FP_64 ? 11 : n == FP_32 ? 8 : 5;
}

/* An integer of @width bits, near a power of two as often as not. */
static inline uint64_t fp_random_integer(uint64_t *rng, unsigned width)
{
    uint64_t v = fp_random_pattern(rng, 1 + fp_pick(rng, width));

    if (fp_pick(rng, 4) == 0)
        v = BIT(fp_pick(rng, width)) + (uint64_t)fp_pick(rng, 5) - 2;
    return zext(fp_pick(rng, 2) ? v : 0 - v, width);
}

/* A value of a narrower size, moved by at most one unit of this size. */
static inline uint64_t fp_random_near_narrow(uint64_t *rng, enum fp_size n)
{
    struct fp_env e = {0};
    const enum fp_size from = n == FP_64 && fp_pick(rng, 2) ? FP_32 : FP_16;
    const uint64_t narrow = fp_random_pattern(rng, from), sign = random_next(rng) & BIT(n - 1);
    uint64_t v = n == from ? narrow : fp_convert(&e, n, from, narrow, FP_ZERO);

    v += (uint64_t)fp_pick(rng, 3) - 1;
    if (n != from && fp_pick(rng, 2)) /* halfway between two narrow ones */
        v ^= BIT((n == FP_64 ? 52 : 23) - (from == FP_32 ? 23 : 10) - 1);
    return zext(v ^ sign, n);
}

/* Next to the limits of the integers: a power of two, less or more a few units. */
static inline uint64_t fp_random_near_limit(uint64_t *rng, enum fp_size n)
{
    static const unsigned limits[] = {0, 15, 16, 31, 32, 53, 63, 64};
    const unsigned x = fp_exponent_bits(n), f = n - 1 - x, bias = (1u << (x - 1)) - 1;
    const uint64_t sign = (random_next(rng) & 1) << (n - 1);
    const uint64_t power = (uint64_t)(bias + limits[fp_pick(rng, ARRAY_SIZE(limits))]) << f;

    return zext(power + (uint64_t)fp_pick(rng, 5) - 2, n - 1) | sign;
}

/* @like: an operand chosen before. */
static inline uint64_t fp_random_operand(uint64_t *rng, enum fp_size n, uint64_t like)
{
    const unsigned x = fp_exponent_bits(n), f = n - 1 - x, ones = (1u << x) - 1;
    const uint64_t sign = (random_next(rng) & 1) << (n - 1), frac = fp_random_pattern(rng, f);
    unsigned exp;

    switch (fp_pick(rng, 10)) {
    case 0: /* zero, or the extremes of each exponent */
        exp = fp_pick(rng, 4) * ones / 3;
        return sign | (uint64_t)exp << f | (fp_pick(rng, 2) ? 0 : zext(~UINT64_C(0), f));
    case 1: /* denormal, or just above */
        exp = fp_pick(rng, 2);
        break;
    case 2: /* infinity or NaN: payload bits at either end */
        return sign | (uint64_t)ones << f | (fp_pick(rng, 2) ? frac : BIT(fp_pick(rng, f)));
    case 3: /* near one, where integers and fractions meet */
        exp = ones / 2 - 2 + fp_pick(rng, f + 8);
        break;
    case 4: /* either end of the range, so that results leave it */
        exp = fp_pick(rng, 2) ? 1 + fp_pick(rng, x + 3) : ones - 1 - fp_pick(rng, x + 3);
        break;
    case 5: /* like the other one */
        return zext(like ^ sign ^ BIT(fp_pick(rng, n)), n);
    case 6: /* the sum or product of the exponents is near the bias */
        exp = (unsigned)(ones / 2 * 2 + fp_pick(rng, 5) - 2 - ((like >> f) & ones)) & ones;
        break;
    case 7:
        return fp_random_near_narrow(rng, n);
    case 8:
        return fp_random_near_limit(rng, n);
    default:
        return zext(random_next(rng), n);
    }
    return sign | (uint64_t)(exp & ones) << f | frac;
}
