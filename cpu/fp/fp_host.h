/*
 * The common case by the host's own adder, multiplier and divider: rounding to nearest even, and
 * operands that are zero or so far from both ends of the exponent range that results and error
 * terms are normal. IEEE 754 leaves one possible result then, and of the flags only IXC is open: it
 * is found from the error, which is exact. Needs the host's rounding mode to be the default (nobody
 * here changes it) and no excess precision; what does not qualify takes the integer path.
 */
#pragma once

#include <float.h>
#include <string.h>

#include "cpu/fp/fp_internal.h"

/* Zero, or an exponent in -@range..@range. */
FP_INLINE bool fp_host_takes(enum fp_size n, uint64_t v, unsigned range)
{
    const unsigned biased = (unsigned)(v >> fp_frac_bits(n)) & fp_exp_ones(n);

    return biased - ((unsigned)fp_bias(n) - range) <= 2 * range || zext(v, n - 1) == 0;
}

FP_INLINE double fp_host_double(uint64_t v)
{
    double d;
    memcpy(&d, &v, sizeof(d));
    return d;
}

FP_INLINE float fp_host_float(uint64_t v)
{
    const uint32_t low = (uint32_t)v;
    float f;
    memcpy(&f, &low, sizeof(f));
    return f;
}

FP_INLINE uint64_t fp_host_bits64(double d)
{
    uint64_t v;
    memcpy(&v, &d, sizeof(v));
    return v;
}

FP_INLINE uint64_t fp_host_bits32(float f)
{
    uint32_t v;
    memcpy(&v, &f, sizeof(v));
    return v;
}

/* The significand with its leading one. */
FP_INLINE uint64_t fp_host_sig64(uint64_t v)
{
    return zext(v, 52) | BIT(52);
}

FP_INLINE unsigned fp_host_exp64(uint64_t v)
{
    return (unsigned)(v >> 52) & 0x7ff;
}

FP_INLINE void fp_host_inexact(struct fp_env *e, bool inexact)
{
    e->fpsr |= inexact ? FPSR_IXC : 0;
}

/* D. Knuth's TwoSum: the error of a sum is itself a number of the format. */
FP_INLINE bool fp_host_add64(struct fp_env *e, uint64_t a, uint64_t b, uint64_t *out)
{
    if (!fp_host_takes(FP_64, a, 900) || !fp_host_takes(FP_64, b, 900))
        return false;

    const double x = fp_host_double(a), y = fp_host_double(b), sum = x + y, y_used = sum - x;
    fp_host_inexact(e, (x - (sum - y_used)) + (y - y_used) != 0);
    *out = fp_host_bits64(sum);
    return true;
}

FP_INLINE bool fp_host_add32(struct fp_env *e, uint64_t a, uint64_t b, uint64_t *out)
{
    if (!fp_host_takes(FP_32, a, 100) || !fp_host_takes(FP_32, b, 100))
        return false;

    const float x = fp_host_float(a), y = fp_host_float(b), sum = x + y, y_used = sum - x;
    fp_host_inexact(e, (x - (sum - y_used)) + (y - y_used) != 0);
    *out = fp_host_bits32(sum);
    return true;
}

/* Exact if the bits of the 106-bit product that do not fit are zero: 52 of them, or 53. */
FP_INLINE bool fp_host_mul64(struct fp_env *e, uint64_t a, uint64_t b, uint64_t *out)
{
    if (!fp_host_takes(FP_64, a, 500) || !fp_host_takes(FP_64, b, 500))
        return false;

    *out = fp_host_bits64(fp_host_double(a) * fp_host_double(b));
    if (zext(*out, 63) != 0) {
        const unsigned carry = fp_host_exp64(*out) + 1023 - fp_host_exp64(a) - fp_host_exp64(b);
        fp_host_inexact(e, zext(fp_host_sig64(a) * fp_host_sig64(b), 52 + carry) != 0);
    }
    return true;
}

/* A double holds the product of two floats. */
FP_INLINE bool fp_host_mul32(struct fp_env *e, uint64_t a, uint64_t b, uint64_t *out)
{
    if (!fp_host_takes(FP_32, a, 60) || !fp_host_takes(FP_32, b, 60))
        return false;

    const float x = fp_host_float(a), y = fp_host_float(b), rounded = x * y;
    fp_host_inexact(e, (double)rounded != (double)x * (double)y);
    *out = fp_host_bits32(rounded);
    return true;
}

/* Exact if quotient times divisor is the dividend; they are too near to agree in 64 bits only. */
FP_INLINE bool fp_host_div64(struct fp_env *e, uint64_t a, uint64_t b, uint64_t *out)
{
    if (!fp_host_takes(FP_64, a, 500) || !fp_host_takes(FP_64, b, 500) || zext(b, 63) == 0)
        return false;

    *out = fp_host_bits64(fp_host_double(a) / fp_host_double(b));
    if (zext(*out, 63) != 0) {
        const unsigned shift =
            fp_host_exp64(a) + 1023 + 52 - fp_host_exp64(b) - fp_host_exp64(*out);
        fp_host_inexact(e, fp_host_sig64(*out) * fp_host_sig64(b) != fp_host_sig64(a) << shift);
    }
    return true;
}

FP_INLINE bool fp_host_div32(struct fp_env *e, uint64_t a, uint64_t b, uint64_t *out)
{
    if (!fp_host_takes(FP_32, a, 60) || !fp_host_takes(FP_32, b, 60) || zext(b, 31) == 0)
        return false;

    const float x = fp_host_float(a), y = fp_host_float(b), rounded = x / y;
    fp_host_inexact(e, (double)rounded * (double)y != (double)x);
    *out = fp_host_bits32(rounded);
    return true;
}

/* May an operation be tried at all? */
FP_INLINE bool fp_host_usable(const struct fp_env *e)
{
    return FLT_EVAL_METHOD == 0 && likely(FPCR_RMODE(e->fpcr) == FP_TIEEVEN);
}

/* True and the result, or false: do it in integers. */
FP_INLINE bool fp_host_add(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b, uint64_t *out)
{
    if (!fp_host_usable(e))
        return false;
    return n == FP_64 ? fp_host_add64(e, a, b, out) : n == FP_32 && fp_host_add32(e, a, b, out);
}

FP_INLINE bool fp_host_mul(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b, uint64_t *out)
{
    if (!fp_host_usable(e))
        return false;
    return n == FP_64 ? fp_host_mul64(e, a, b, out) : n == FP_32 && fp_host_mul32(e, a, b, out);
}

FP_INLINE bool fp_host_div(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b, uint64_t *out)
{
    if (!fp_host_usable(e))
        return false;
    return n == FP_64 ? fp_host_div64(e, a, b, out) : n == FP_32 && fp_host_div32(e, a, b, out);
}
