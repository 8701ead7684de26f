/* Addition, multiplication, division and square root. */
#include "cpu/fp/fp_host.h"
#include "cpu/fp/fp_internal.h"

#define FP_NOINLINE __attribute__((noinline))

/* FPAdd() and FPSub(): the latter changes the sign of a number, but not of a NaN. */
FP_INLINE uint64_t add(enum fp_size n, struct fp_env *e, uint64_t a, uint64_t b, bool subtract)
{
    const enum fp_rounding r = FPCR_RMODE(e->fpcr);
    struct fp_num x = fp_unpack(n, e, a), y = fp_unpack(n, e, b);

    if (unlikely(fp_is_nan(x.type) || fp_is_nan(y.type)))
        return fp_process_nans(e, n, x.type, y.type, a, b);
    y.sign ^= subtract;
    if (unlikely(x.type == FP_INF || y.type == FP_INF)) {
        if (x.type == y.type && x.sign != y.sign)
            return fp_invalid(e, n);
        return fp_infinity(n, x.type == FP_INF ? x.sign : y.sign);
    }
    if (x.type == FP_ZERO_T && y.type == FP_ZERO_T && x.sign == y.sign)
        return fp_zero(n, x.sign);

    const struct fp_num sum = fp_num_add(x, y);
    return sum.type == FP_ZERO_T ? fp_exact_zero(n, r) : fp_round(n, e, sum, r);
}

/* Out of line, so that the host's way needs no stack frame. */
static FP_NOINLINE uint64_t add_integers(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b,
                                         bool subtract)
{
    return FP_FOR_SIZE(n, add, e, a, b, subtract);
}

uint64_t fp_add(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    uint64_t out;

    if (fp_host_add(e, n, a, b, &out))
        return out;
    return add_integers(e, n, a, b, false);
}

uint64_t fp_sub(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    uint64_t out;

    if (fp_host_add(e, n, a, fp_neg(n, b), &out))
        return out;
    return add_integers(e, n, a, b, true);
}

/* FPMul() and FPMulX(); the latter makes inf * 0 a two. */
FP_INLINE uint64_t mul(enum fp_size n, struct fp_env *e, uint64_t a, uint64_t b, bool extended)
{
    const struct fp_num x = fp_unpack(n, e, a), y = fp_unpack(n, e, b);
    const bool sign = x.sign != y.sign;

    if (unlikely(fp_is_nan(x.type) || fp_is_nan(y.type)))
        return fp_process_nans(e, n, x.type, y.type, a, b);
    if (unlikely(x.type == FP_INF || y.type == FP_INF)) {
        if (x.type != FP_ZERO_T && y.type != FP_ZERO_T)
            return fp_infinity(n, sign);
        return extended ? fp_pack(n, sign, (unsigned)fp_bias(n) + 1, 0) : fp_invalid(e, n);
    }
    if (x.type == FP_ZERO_T || y.type == FP_ZERO_T)
        return fp_zero(n, sign);

    struct fp_num p = {.sign = sign, .exp = x.exp + y.exp};
    if (n == FP_64) {
        const fp_u128 wide = (fp_u128)x.sig * y.sig;
        p.sig = (uint64_t)(wide >> 64) | ((uint64_t)wide != 0);
    } else {
        p.sig = (x.sig >> 32) * (y.sig >> 32);
    }
    if (bit(p.sig, 63))
        p.exp++;
    else
        p.sig <<= 1;
    return fp_round(n, e, p, FPCR_RMODE(e->fpcr));
}

static FP_NOINLINE uint64_t mul_integers(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    return FP_FOR_SIZE(n, mul, e, a, b, false);
}

uint64_t fp_mul(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    uint64_t out;

    if (fp_host_mul(e, n, a, b, &out))
        return out;
    return mul_integers(e, n, a, b);
}

uint64_t fp_mulx(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    return FP_FOR_SIZE(n, mul, e, a, b, true);
}

/* The quotient of two significands, normalised, sticky; *lower if it is below one. */
FP_INLINE uint64_t divide_sig(enum fp_size n, uint64_t a, uint64_t b, bool *lower)
{
    *lower = a < b;
    if (n == FP_64) {
        const fp_u128 num = (fp_u128)a << (*lower ? 64 : 63);
        const uint64_t q = (uint64_t)(num / b);

        return q | (num - (fp_u128)q * b != 0);
    }
    /* Both fit into 32 bits, and the quotient into 33. */
    const uint64_t num = *lower ? a : a >> 1;
    const uint64_t q = num / (b >> 32);
    return q << 32 | (num % (b >> 32) != 0);
}

/* FPDiv() */
FP_INLINE uint64_t divide(enum fp_size n, struct fp_env *e, uint64_t a, uint64_t b)
{
    const struct fp_num x = fp_unpack(n, e, a), y = fp_unpack(n, e, b);
    const bool sign = x.sign != y.sign;

    if (unlikely(x.type != FP_FINITE || y.type != FP_FINITE)) {
        if (fp_is_nan(x.type) || fp_is_nan(y.type))
            return fp_process_nans(e, n, x.type, y.type, a, b);
        if (x.type == y.type)
            return fp_invalid(e, n);
        if (x.type == FP_INF || y.type == FP_ZERO_T) {
            if (x.type != FP_INF)
                e->fpsr |= FPSR_DZC;
            return fp_infinity(n, sign);
        }
        return fp_zero(n, sign);
    }

    bool lower;
    const uint64_t sig = divide_sig(n, x.sig, y.sig, &lower);
    const struct fp_num q = {FP_FINITE, sign, x.exp - y.exp - lower, sig};
    return fp_round(n, e, q, FPCR_RMODE(e->fpcr));
}

static FP_NOINLINE uint64_t divide_integers(struct fp_env *e, enum fp_size n, uint64_t a,
                                            uint64_t b)
{
    return FP_FOR_SIZE(n, divide, e, a, b);
}

uint64_t fp_div(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    uint64_t out;

    if (fp_host_div(e, n, a, b, &out))
        return out;
    return divide_integers(e, n, a, b);
}

/* floor(sqrt(v)) and the remainder, bit by bit; v >= 2^30. */
static uint32_t sqrt32(uint32_t v, uint32_t *rem)
{
    uint32_t root = 0;

    for (uint32_t b = UINT32_C(1) << 30; b != 0; b >>= 2) {
        const uint32_t trial = root + b;

        root >>= 1;
        if (v >= trial) {
            v -= trial;
            root += b;
        }
    }
    *rem = v;
    return root;
}

/*
 * Square roots of twice the width: the root of the upper half gives half of the bits, one division
 * the others (P. Zimmermann, "Karatsuba Square Root", 1999). The two top bits of v are not both 0.
 */
static uint64_t sqrt64(uint64_t v, uint64_t *rem)
{
    uint32_t high_rem;
    const uint64_t high = sqrt32((uint32_t)(v >> 32), &high_rem);
    const uint64_t num = (uint64_t)high_rem << 16 | ((v >> 16) & 0xffff);
    const uint64_t q = num / (2 * high);
    uint64_t root = (high << 16) + q;
    int64_t r = (int64_t)((num % (2 * high)) << 16 | (v & 0xffff)) - (int64_t)(q * q);

    if (r < 0) {
        r += (int64_t)(2 * root - 1);
        root--;
    }
    *rem = (uint64_t)r;
    return root;
}

static uint64_t sqrt128(fp_u128 v, bool *inexact)
{
    uint64_t high_rem;
    const uint64_t high = sqrt64((uint64_t)(v >> 64), &high_rem);
    const fp_u128 num = (fp_u128)high_rem << 32 | ((uint64_t)v >> 32);
    const fp_u128 q = num / (2 * high);
    const fp_u128 root = ((fp_u128)high << 32) + q;
    const fp_u128 low = (num - q * 2 * high) << 32 | (uint32_t)v;

    *inexact = low != q * q;
    return (uint64_t)(low < q * q ? root - 1 : root);
}

/* The root of sig * 2^(odd - 63), normalised, sticky. */
FP_INLINE uint64_t sqrt_sig(enum fp_size n, uint64_t sig, bool odd)
{
    if (n == FP_64) {
        bool inexact;
        const uint64_t root = sqrt128((fp_u128)sig << (odd ? 64 : 63), &inexact);

        return root | inexact;
    }
    uint64_t rem;
    const uint64_t root = sqrt64(odd ? sig : sig >> 1, &rem);
    return root << 32 | (rem != 0);
}

/* FPSqrt() */
FP_INLINE uint64_t square_root(enum fp_size n, struct fp_env *e, uint64_t a)
{
    const struct fp_num x = fp_unpack(n, e, a);

    if (unlikely(x.type != FP_FINITE || x.sign)) {
        if (fp_is_nan(x.type))
            return fp_process_nan(e, n, x.type, a);
        if (x.type == FP_ZERO_T)
            return fp_zero(n, x.sign);
        return x.sign ? fp_invalid(e, n) : fp_infinity(n, false);
    }

    const bool odd = x.exp & 1;
    const struct fp_num root = {FP_FINITE, false, (x.exp - odd) / 2, sqrt_sig(n, x.sig, odd)};
    return fp_round(n, e, root, FPCR_RMODE(e->fpcr));
}

uint64_t fp_sqrt(struct fp_env *e, enum fp_size n, uint64_t a)
{
    return FP_FOR_SIZE(n, square_root, e, a);
}
