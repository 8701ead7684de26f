/*
 * What the files of cpu/fp share: the unpacked number, FPUnpack(), FPRound() and the NaN rules.
 * Everything hot is inline and takes the size as its first argument, a constant after
 * FP_FOR_SIZE().
 */
#pragma once

#include "base/bits.h"
#include "cpu/fp/fp.h"

__extension__ typedef unsigned __int128 fp_u128;

#define FP_INLINE static inline __attribute__((always_inline))

/* Call @fn(size, ...) with a constant size, so that the compiler makes one body a size. */
#define FP_FOR_SIZE(n, fn, ...)                                                                    \
    ((n) == FP_64   ? fn(FP_64, __VA_ARGS__)                                                       \
     : (n) == FP_32 ? fn(FP_32, __VA_ARGS__)                                                       \
                    : fn(FP_16, __VA_ARGS__))

enum fp_type { FP_FINITE, FP_ZERO_T, FP_INF, FP_QNAN, FP_SNAN };

/*
 * FINITE: sig * 2^(exp - 63) with sig<63> set, so exp is floor(log2). Before rounding bit 0 also
 * stands for everything below it (sticky); at least two bits below any format's fraction remain.
 */
struct fp_num {
    enum fp_type type;
    bool sign;
    int exp;
    uint64_t sig;
};

/* What FPRoundBase() needs to know of the destination. @width - 1 - @frac is
 * the exponent's size. */
struct fp_format {
    unsigned width, frac;
    bool flush; /* results below the normal range become zero */
    bool ahp;   /* alternative half precision: no infinities or NaNs */
};

FP_INLINE unsigned fp_frac_bits(enum fp_size n)
{
    return n == FP_64 ? 52 : n == FP_32 ? 23 : 10;
}

/* The largest value of the exponent field, right-justified. */
FP_INLINE unsigned fp_exp_ones(enum fp_size n)
{
    return n == FP_64 ? 0x7ff : n == FP_32 ? 0xff : 0x1f;
}

FP_INLINE int fp_bias(enum fp_size n)
{
    return (int)(fp_exp_ones(n) >> 1);
}

/* sign:exponent:fraction of size @n; @exp is the biased field. */
FP_INLINE uint64_t fp_pack(enum fp_size n, bool sign, unsigned exp, uint64_t frac)
{
    return (uint64_t)sign << (n - 1) | (uint64_t)exp << fp_frac_bits(n) | frac;
}

FP_INLINE uint64_t fp_zero(enum fp_size n, bool sign)
{
    return fp_pack(n, sign, 0, 0);
}

FP_INLINE uint64_t fp_infinity(enum fp_size n, bool sign)
{
    return fp_pack(n, sign, fp_exp_ones(n), 0);
}

FP_INLINE uint64_t fp_max_normal(enum fp_size n, bool sign)
{
    return fp_pack(n, sign, fp_exp_ones(n) - 1, BIT(fp_frac_bits(n)) - 1);
}

FP_INLINE bool fp_is_nan(enum fp_type t)
{
    return t >= FP_QNAN;
}

/* The zero an exact cancellation gives. */
FP_INLINE uint64_t fp_exact_zero(enum fp_size n, enum fp_rounding r)
{
    return fp_zero(n, r == FP_NEGINF);
}

/* Are denormals of this size flushed? */
FP_INLINE bool fp_flushes(enum fp_size n, uint32_t fpcr)
{
    return fpcr & (n == FP_16 ? FPCR_FZ16 : FPCR_FZ);
}

FP_INLINE uint64_t fp_invalid(struct fp_env *e, enum fp_size n)
{
    e->fpsr |= FPSR_IOC;
    return fp_default_nan(n);
}

/* FPUnpackBase() of numbers whose exponent field is all zeros or all ones. */
struct fp_num fp_unpack_special(struct fp_env *e, enum fp_size n, uint64_t v, uint32_t fpcr);

/* FPUnpackBase(): @fpcr may differ from the environment's in AHP and FZ16. */
FP_INLINE struct fp_num fp_unpack_base(enum fp_size n, struct fp_env *e, uint64_t v, uint32_t fpcr)
{
    const unsigned f = fp_frac_bits(n);
    const unsigned biased = (unsigned)(v >> f) & fp_exp_ones(n);

    if (unlikely(biased - 1 >= fp_exp_ones(n) - 1))
        return fp_unpack_special(e, n, v, fpcr);
    return (struct fp_num){
        .type = FP_FINITE,
        .sign = bit(v, n - 1),
        .exp = (int)biased - fp_bias(n),
        .sig = BIT(63) | v << (63 - f),
    };
}

/* FPUnpack() */
FP_INLINE struct fp_num fp_unpack(enum fp_size n, struct fp_env *e, uint64_t v)
{
    return fp_unpack_base(n, e, v, e->fpcr & ~FPCR_AHP);
}

/* FPUnpackCV() */
FP_INLINE struct fp_num fp_unpack_cv(enum fp_size n, struct fp_env *e, uint64_t v)
{
    return fp_unpack_base(n, e, v, e->fpcr & ~FPCR_FZ16);
}

/* FPProcessNaN() */
uint64_t fp_process_nan(struct fp_env *e, enum fp_size n, enum fp_type type, uint64_t op);

/* FPProcessNaNs(); at least one of the operands is a NaN. */
uint64_t fp_process_nans(struct fp_env *e, enum fp_size n, enum fp_type ta, enum fp_type tb,
                         uint64_t a, uint64_t b);

/* FPConvertNaN(): the payload's upper bits survive, the result is quiet. */
uint64_t fp_convert_nan(enum fp_size to, enum fp_size from, uint64_t v);

/* v >> n with the bits lost or'ed into bit 0; any n. */
FP_INLINE uint64_t fp_shift_sticky(uint64_t v, unsigned n)
{
    if (n == 0)
        return v;
    if (n > 63)
        return v != 0;
    return v >> n | ((v << (64 - n)) != 0);
}

/* Does the magnitude go up by one? @odd: its bit 0; @err: the bits dropped, left-justified. */
FP_INLINE bool fp_rounds_up(enum fp_rounding r, bool sign, bool odd, uint64_t err)
{
    switch (r) {
    case FP_TIEEVEN:
        return err > BIT(63) || (err == BIT(63) && odd);
    case FP_TIEAWAY:
        return err >= BIT(63);
    case FP_POSINF:
        return err != 0 && !sign;
    case FP_NEGINF:
        return err != 0 && sign;
    case FP_ODD:
        return err != 0 && !odd;
    default:
        return false;
    }
}

/* The result of an overflow; raises OFC and IXC. */
FP_INLINE uint64_t fp_overflow(struct fp_env *e, struct fp_format fmt, bool sign,
                               enum fp_rounding r)
{
    const uint64_t inf = MASK(fmt.width - 2, fmt.frac);
    const bool to_inf =
        r == FP_TIEEVEN || r == FP_TIEAWAY || (r == FP_POSINF && !sign) || (r == FP_NEGINF && sign);

    e->fpsr |= FPSR_OFC | FPSR_IXC;
    return (uint64_t)sign << (fmt.width - 1) | (to_inf ? inf : inf - 1);
}

/* FPRoundBase() of a FINITE number: tininess before rounding. */
FP_INLINE uint64_t fp_round_base(struct fp_format fmt, struct fp_env *e, struct fp_num x,
                                 enum fp_rounding r)
{
    const unsigned exp_ones = (1u << (fmt.width - 1 - fmt.frac)) - 1;
    const unsigned drop = 63 - fmt.frac;
    const uint64_t sign = (uint64_t)x.sign << (fmt.width - 1);
    int biased = x.exp + (int)(exp_ones >> 1);
    bool tiny = false;

    if (unlikely(biased < 1)) {
        if (fmt.flush) {
            e->fpsr |= FPSR_UFC;
            return sign;
        }
        x.sig = fp_shift_sticky(x.sig, 1 - (unsigned)biased);
        biased = 1;
        tiny = true;
    }

    uint64_t mant = x.sig >> drop;
    const uint64_t err = x.sig << (64 - drop);
    mant += fp_rounds_up(r, x.sign, mant & 1, err);
    /* The leading one adds 1 to the exponent field; so does a carry, also out of the denormals. */
    const uint64_t result = ((uint64_t)(biased - 1) << fmt.frac) + mant;

    if (unlikely(result >> fmt.frac >= exp_ones)) {
        if (!fmt.ahp)
            return fp_overflow(e, fmt, x.sign, r);
        if (result >> fmt.frac > exp_ones) {
            e->fpsr |= FPSR_IOC;
            return sign | MASK(fmt.width - 2, 0);
        }
    }
    if (err != 0)
        e->fpsr |= tiny ? FPSR_UFC | FPSR_IXC : FPSR_IXC;
    return sign | result;
}

/* FPRound() */
FP_INLINE uint64_t fp_round(enum fp_size n, struct fp_env *e, struct fp_num x, enum fp_rounding r)
{
    const struct fp_format fmt = {n, fp_frac_bits(n), fp_flushes(n, e->fpcr), false};

    return fp_round_base(fmt, e, x, r);
}

/* FPRoundCV(): half precision obeys AHP and not FZ16. */
FP_INLINE uint64_t fp_round_cv(enum fp_size n, struct fp_env *e, struct fp_num x,
                               enum fp_rounding r)
{
    const struct fp_format fmt = {n, fp_frac_bits(n), n != FP_16 && (e->fpcr & FPCR_FZ),
                                  n == FP_16 && (e->fpcr & FPCR_AHP)};

    return fp_round_base(fmt, e, x, r);
}

/* a + b, both FINITE or ZERO; an exact zero is positive. Exact but for the sticky bit. */
FP_INLINE struct fp_num fp_num_add(struct fp_num a, struct fp_num b)
{
    if (a.type == FP_ZERO_T)
        return b;
    if (b.type == FP_ZERO_T)
        return a;
    if (a.exp < b.exp || (a.exp == b.exp && a.sig < b.sig)) {
        const struct fp_num t = a;
        a = b;
        b = t;
    }

    /* At least ten bits are free below the significand: one goes to the carry. */
    const uint64_t low = fp_shift_sticky(b.sig >> 1, (unsigned)(a.exp - b.exp));
    const uint64_t sum = a.sign == b.sign ? (a.sig >> 1) + low : (a.sig >> 1) - low;
    if (sum == 0)
        return (struct fp_num){.type = FP_ZERO_T};

    const int lz = __builtin_clzll(sum);
    a.exp += 1 - lz;
    a.sig = sum << lz;
    return a;
}
