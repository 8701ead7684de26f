/* Rounding to integers and conversions among sizes, integers and fixed point. */
#include "cpu/fp/fp_internal.h"

/* The magnitude of a FINITE number as an integer, exp at most 63. *inexact: it had a fraction. */
FP_INLINE uint64_t to_integer(struct fp_num x, enum fp_rounding r, bool *inexact)
{
    uint64_t mant, err;

    if (x.exp >= 63) {
        mant = x.sig;
        err = 0;
    } else if (x.exp >= 0) {
        mant = x.sig >> (63 - x.exp);
        err = x.sig << (x.exp + 1);
    } else {
        mant = 0;
        err = fp_shift_sticky(x.sig, (unsigned)(-1 - x.exp));
    }
    *inexact = err != 0;
    return mant + fp_rounds_up(r, x.sign, mant & 1, err);
}

/* The number of size @n that is exactly @mag; not zero. */
FP_INLINE uint64_t from_magnitude(enum fp_size n, bool sign, uint64_t mag)
{
    const int lz = __builtin_clzll(mag);
    const unsigned f = fp_frac_bits(n);

    return fp_pack(n, sign, (unsigned)(63 - lz + fp_bias(n)), zext(mag << lz >> (63 - f), f));
}

FP_INLINE uint64_t round_int(enum fp_size n, struct fp_env *e, uint64_t a, enum fp_rounding r,
                             bool exact)
{
    const struct fp_num x = fp_unpack(n, e, a);
    bool inexact;

    if (unlikely(fp_is_nan(x.type)))
        return fp_process_nan(e, n, x.type, a);
    if (x.type == FP_ZERO_T)
        return fp_zero(n, x.sign);
    if (x.type == FP_INF || x.exp >= (int)fp_frac_bits(n))
        return a;

    const uint64_t mag = to_integer(x, r, &inexact);
    if (inexact && exact)
        e->fpsr |= FPSR_IXC;
    return mag ? from_magnitude(n, x.sign, mag) : fp_zero(n, x.sign);
}

uint64_t fp_round_int(struct fp_env *e, enum fp_size n, uint64_t a, enum fp_rounding r, bool exact)
{
    return FP_FOR_SIZE(n, round_int, e, a, r, exact);
}

uint64_t fp_round_int_n(struct fp_env *e, enum fp_size n, uint64_t a, enum fp_rounding r,
                        unsigned int_bits)
{
    const struct fp_num x = fp_unpack(n, e, a);
    const uint64_t limit = BIT(int_bits - 1);
    bool inexact = false;
    uint64_t mag = 0;

    if (x.type == FP_ZERO_T)
        return fp_zero(n, x.sign);
    if (x.type == FP_FINITE && x.exp <= 63)
        mag = to_integer(x, r, &inexact);
    if (x.type != FP_FINITE || x.exp > 63 || mag > limit || (mag == limit && !x.sign)) {
        e->fpsr |= FPSR_IOC;
        return from_magnitude(n, true, limit);
    }
    if (inexact)
        e->fpsr |= FPSR_IXC;
    return mag ? from_magnitude(n, x.sign, mag) : fp_zero(n, x.sign);
}

/* SatQ() of sign and magnitude; false if the value did not fit. */
static bool saturate(bool sign, uint64_t mag, bool is_unsigned, unsigned bits, uint64_t *out)
{
    const uint64_t max = is_unsigned ? ~UINT64_C(0) >> (64 - bits) : BIT(bits - 1) - 1;
    const uint64_t limit = !sign ? max : is_unsigned ? 0 : max + 1;
    const bool fits = mag <= limit;

    if (!fits)
        mag = limit;
    *out = zext(sign ? 0 - mag : mag, bits);
    return fits;
}

FP_INLINE uint64_t to_fixed(enum fp_size n, struct fp_env *e, uint64_t a, unsigned fbits,
                            bool is_unsigned, enum fp_rounding r, unsigned int_bits)
{
    struct fp_num x = fp_unpack(n, e, a);
    bool inexact = false;
    uint64_t mag = UINT64_MAX, result;

    if (unlikely(fp_is_nan(x.type))) {
        e->fpsr |= FPSR_IOC;
        return 0;
    }
    if (x.type == FP_ZERO_T)
        return 0;
    x.exp += (int)fbits;
    const bool huge = x.type == FP_INF || x.exp > 63;
    if (!huge)
        mag = to_integer(x, r, &inexact);
    if (unlikely(!saturate(x.sign, mag, is_unsigned, int_bits, &result) || huge))
        e->fpsr |= FPSR_IOC;
    else if (inexact)
        e->fpsr |= FPSR_IXC;
    return result;
}

uint64_t fp_to_fixed(struct fp_env *e, enum fp_size n, uint64_t a, unsigned fbits, bool is_unsigned,
                     enum fp_rounding r, unsigned int_bits)
{
    return FP_FOR_SIZE(n, to_fixed, e, a, fbits, is_unsigned, r, int_bits);
}

uint32_t fp_to_fixed_js(struct fp_env *e, uint64_t a, bool *z)
{
    const struct fp_num x = fp_unpack(FP_64, e, a);
    bool inexact = false;
    uint64_t mag = 0;

    *z = false;
    if (fp_is_nan(x.type) || x.type == FP_INF) {
        e->fpsr |= FPSR_IOC;
        return 0;
    }
    if (x.type == FP_ZERO_T) {
        /* Neither -0 nor a flushed denormal is an exact conversion. */
        *z = a == 0;
        return 0;
    }

    /* The integer modulo 2^32: of a number with no fraction bits only the low ones matter. */
    if (x.exp <= 63)
        mag = to_integer(x, FP_ZERO, &inexact);
    else if (x.exp < 63 + 32)
        mag = x.sig << (x.exp - 63);
    if (x.exp > 63 || mag > BIT(31) || (mag == BIT(31) && !x.sign))
        e->fpsr |= FPSR_IOC;
    else if (inexact)
        e->fpsr |= FPSR_IXC;
    else
        *z = true;
    return (uint32_t)(x.sign ? 0 - mag : mag);
}

FP_INLINE uint64_t from_fixed(enum fp_size n, struct fp_env *e, uint64_t value, unsigned int_bits,
                              unsigned fbits, bool is_unsigned, enum fp_rounding r)
{
    const bool sign = !is_unsigned && bit(value, int_bits - 1);
    const uint64_t mag = sign ? 0 - sext(value, int_bits) : zext(value, int_bits);

    if (mag == 0)
        return fp_zero(n, false);
    const int lz = __builtin_clzll(mag);
    const struct fp_num x = {FP_FINITE, sign, 63 - lz - (int)fbits, mag << lz};
    return fp_round(n, e, x, r);
}

uint64_t fp_from_fixed(struct fp_env *e, enum fp_size n, uint64_t value, unsigned int_bits,
                       unsigned fbits, bool is_unsigned, enum fp_rounding r)
{
    return FP_FOR_SIZE(n, from_fixed, e, value, int_bits, fbits, is_unsigned, r);
}

/* The results of FPConvert() that are not numbers. */
static uint64_t convert_special(struct fp_env *e, enum fp_size to, enum fp_size from, uint64_t a,
                                struct fp_num x)
{
    const bool alt_hp = to == FP_16 && (e->fpcr & FPCR_AHP);

    if (x.type == FP_ZERO_T)
        return fp_zero(to, x.sign);
    if (x.type == FP_SNAN || alt_hp)
        e->fpsr |= FPSR_IOC;
    if (x.type == FP_INF)
        return alt_hp ? fp_pack(to, x.sign, 0, zext(~UINT64_C(0), 15)) : fp_infinity(to, x.sign);
    if (alt_hp)
        return fp_zero(to, x.sign);
    return e->fpcr & FPCR_DN ? fp_default_nan(to) : fp_convert_nan(to, from, a);
}

uint64_t fp_convert(struct fp_env *e, enum fp_size to, enum fp_size from, uint64_t a,
                    enum fp_rounding r)
{
    const struct fp_num x = FP_FOR_SIZE(from, fp_unpack_cv, e, a);

    if (unlikely(x.type != FP_FINITE))
        return convert_special(e, to, from, a, x);
    return FP_FOR_SIZE(to, fp_round_cv, e, x, r);
}
