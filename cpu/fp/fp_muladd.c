/* Fused multiply-add and the Newton steps built on it: one rounding. */
#include "cpu/fp/fp_internal.h"

/* A significand of up to 106 bits, normalised to bit 126. */
struct wide_num {
    bool sign;
    int exp;
    fp_u128 sig;
};

FP_INLINE struct fp_num narrow(struct wide_num w)
{
    if (w.sig == 0)
        return (struct fp_num){.type = FP_ZERO_T};

    const uint64_t high = (uint64_t)(w.sig >> 64);
    const int lz = high ? __builtin_clzll(high) : 64 + __builtin_clzll((uint64_t)w.sig);
    w.sig <<= lz;
    return (struct fp_num){
        .sign = w.sign,
        .exp = w.exp + 1 - lz,
        .sig = (uint64_t)(w.sig >> 64) | ((uint64_t)w.sig != 0),
    };
}

FP_INLINE fp_u128 wide_shift_sticky(fp_u128 v, unsigned n)
{
    if (n == 0)
        return v;
    if (n > 127)
        return v != 0;
    return v >> n | ((v << (128 - n)) != 0);
}

FP_INLINE struct fp_num wide_add(struct wide_num a, struct wide_num b)
{
    if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
        const struct wide_num t = a;
        a = b;
        b = t;
    }

    const fp_u128 low = wide_shift_sticky(b.sig, (unsigned)(a.exp - b.exp));
    a.sig = a.sign == b.sign ? a.sig + low : a.sig - low;
    return narrow(a);
}

/*
 * addend + x * y, all FINITE or ZERO; unrounded. @narrow_product: x and y have 32 bits at most, so
 * that 64 bits hold the product, with room for the sticky bit.
 */
FP_INLINE struct fp_num mul_add(bool narrow_product, struct fp_num addend, struct fp_num x,
                                struct fp_num y)
{
    if (x.type == FP_ZERO_T || y.type == FP_ZERO_T)
        return addend;

    const bool sign = x.sign != y.sign;
    if (narrow_product) {
        struct fp_num p = {FP_FINITE, sign, x.exp + y.exp, (x.sig >> 32) * (y.sig >> 32)};

        if (bit(p.sig, 63))
            p.exp++;
        else
            p.sig <<= 1;
        return fp_num_add(addend, p);
    }

    struct wide_num p = {sign, x.exp + y.exp, (fp_u128)x.sig * y.sig};
    if (p.sig >> 127) {
        p.exp++;
        p.sig >>= 1;
    }
    if (addend.type == FP_ZERO_T)
        return narrow(p);
    return wide_add(p, (struct wide_num){addend.sign, addend.exp, (fp_u128)addend.sig << 63});
}

/* FPMulAdd() once NaNs are out of the way. @n: the addend's and the result's size. */
FP_INLINE uint64_t mul_add_numbers(enum fp_size n, struct fp_env *e, struct fp_num addend,
                                   struct fp_num x, struct fp_num y)
{
    const enum fp_rounding r = FPCR_RMODE(e->fpcr);
    const bool product_zero = x.type == FP_ZERO_T || y.type == FP_ZERO_T;
    const bool product_inf = x.type == FP_INF || y.type == FP_INF;
    const bool sign = x.sign != y.sign;

    if (unlikely(product_inf || addend.type == FP_INF)) {
        if (product_inf && (product_zero || (addend.type == FP_INF && addend.sign != sign)))
            return fp_invalid(e, n);
        return fp_infinity(n, product_inf ? sign : addend.sign);
    }
    if (addend.type == FP_ZERO_T && product_zero && addend.sign == sign)
        return fp_zero(n, sign);

    const struct fp_num sum = mul_add(n != FP_64, addend, x, y);
    return sum.type == FP_ZERO_T ? fp_exact_zero(n, r) : fp_round(n, e, sum, r);
}

static bool is_inf_times_zero(enum fp_type a, enum fp_type b)
{
    return (a == FP_INF && b == FP_ZERO_T) || (a == FP_ZERO_T && b == FP_INF);
}

/* FPProcessNaNs3(), and inf * 0 + QNaN. At least one type is a NaN. */
static uint64_t mul_add_nans(struct fp_env *e, enum fp_size n, const enum fp_type t[3],
                             const uint64_t op[3])
{
    if (t[0] == FP_QNAN && is_inf_times_zero(t[1], t[2]))
        return fp_invalid(e, n);

    unsigned first = 0;
    while (first < 3 && t[first] != FP_SNAN)
        first++;
    if (first == 3)
        for (first = 0; t[first] != FP_QNAN;)
            first++;
    return fp_process_nan(e, n, t[first], op[first]);
}

FP_INLINE uint64_t mul_add_any(enum fp_size n, struct fp_env *e, uint64_t addend, uint64_t a,
                               uint64_t b)
{
    const struct fp_num z = fp_unpack(n, e, addend), x = fp_unpack(n, e, a), y = fp_unpack(n, e, b);

    if (unlikely(fp_is_nan(z.type) || fp_is_nan(x.type) || fp_is_nan(y.type)))
        return mul_add_nans(e, n, (const enum fp_type[]){z.type, x.type, y.type},
                            (const uint64_t[]){addend, a, b});
    return mul_add_numbers(n, e, z, x, y);
}

uint64_t fp_muladd(struct fp_env *e, enum fp_size n, uint64_t addend, uint64_t a, uint64_t b)
{
    return FP_FOR_SIZE(n, mul_add_any, e, addend, a, b);
}

/* FPProcessNaNs3H() converts the NaN it has chosen; converting first is the same, but for the
 * quiet bit, which would hide a signaling one: hence types of the halves, bits of the singles. */
uint64_t fp_muladdh(struct fp_env *e, uint64_t addend, uint64_t a, uint64_t b)
{
    const struct fp_num z = fp_unpack(FP_32, e, addend), x = fp_unpack(FP_16, e, a),
                        y = fp_unpack(FP_16, e, b);

    if (unlikely(fp_is_nan(z.type) || fp_is_nan(x.type) || fp_is_nan(y.type)))
        return mul_add_nans(e, FP_32, (const enum fp_type[]){z.type, x.type, y.type},
                            (const uint64_t[]){addend, fp_convert_nan(FP_32, FP_16, a),
                                               fp_convert_nan(FP_32, FP_16, b)});
    return mul_add_numbers(FP_32, e, z, x, y);
}

/* FPRecipStepFused() and FPRSqrtStepFused(): (@constant - a * b) / 2^@halve; inf * 0
 * counts as 0. */
FP_INLINE uint64_t step(enum fp_size n, struct fp_env *e, uint64_t a, uint64_t b, unsigned constant,
                        int halve)
{
    const enum fp_rounding r = FPCR_RMODE(e->fpcr);
    const struct fp_num two_or_three = {FP_FINITE, false, 1, (uint64_t)constant << 62};

    a = fp_neg(n, a);
    const struct fp_num x = fp_unpack(n, e, a), y = fp_unpack(n, e, b);
    if (unlikely(fp_is_nan(x.type) || fp_is_nan(y.type)))
        return fp_process_nans(e, n, x.type, y.type, a, b);

    struct fp_num v = two_or_three;
    if (unlikely(x.type == FP_INF || y.type == FP_INF)) {
        if (!is_inf_times_zero(x.type, y.type))
            return fp_infinity(n, x.sign != y.sign);
    } else {
        v = mul_add(n != FP_64, two_or_three, x, y);
    }
    v.exp -= halve;
    return v.type == FP_ZERO_T ? fp_exact_zero(n, r) : fp_round(n, e, v, r);
}

uint64_t fp_recps(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    return FP_FOR_SIZE(n, step, e, a, b, 2, 0);
}

uint64_t fp_rsqrts(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    return FP_FOR_SIZE(n, step, e, a, b, 3, 1);
}
