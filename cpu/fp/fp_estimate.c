/* Reciprocal and reciprocal square root estimates. */
#include "cpu/fp/fp_internal.h"

/* RecipEstimate(): 256..511 -> 256..511. */
static unsigned recip_estimate(unsigned a)
{
    const unsigned b = (1u << 19) / (2 * a + 1);

    return (b + 1) / 2;
}

/* RecipSqrtEstimate(): 128..511 -> 256..511. */
static unsigned recip_sqrt_estimate(unsigned a)
{
    unsigned b = 512;

    a = a < 256 ? 2 * a + 1 : 2 * ((a & ~1u) + 1);
    while (a * (b + 1) * (b + 1) < 1u << 28)
        b++;
    return (b + 1) / 2;
}

/* An estimate out of range: what the largest number's reciprocal would overflow to. */
static uint64_t overflowed(struct fp_env *e, enum fp_size n, bool sign)
{
    const struct fp_format fmt = {n, fp_frac_bits(n), false, false};

    return fp_overflow(e, fmt, sign, FPCR_RMODE(e->fpcr));
}

uint64_t fp_recpe(struct fp_env *e, enum fp_size n, uint64_t a)
{
    const struct fp_num x = fp_unpack(n, e, a);
    const int bias = fp_bias(n);

    if (fp_is_nan(x.type))
        return fp_process_nan(e, n, x.type, a);
    if (x.type == FP_INF)
        return fp_zero(n, x.sign);
    if (x.type == FP_ZERO_T) {
        e->fpsr |= FPSR_DZC;
        return fp_infinity(n, x.sign);
    }
    if (x.exp < -bias - 1)
        return overflowed(e, n, x.sign);
    if (x.exp >= bias - 1 && fp_flushes(n, e->fpcr)) {
        e->fpsr |= FPSR_UFC;
        return fp_zero(n, x.sign);
    }

    /* 1/x = estimate * 2^(-1 - exp - 8); below the normal range the fraction is
     * cut, not rounded. */
    const unsigned f = fp_frac_bits(n);
    const int exp = bias - 1 - x.exp;
    uint64_t mant = (uint64_t)recip_estimate((unsigned)(x.sig >> 55)) << (f - 8);
    if (exp < 1)
        mant >>= 1 - exp;
    return fp_pack(n, x.sign, exp < 1 ? 0 : (unsigned)exp, zext(mant, f));
}

uint64_t fp_rsqrte(struct fp_env *e, enum fp_size n, uint64_t a)
{
    const struct fp_num x = fp_unpack(n, e, a);

    if (fp_is_nan(x.type))
        return fp_process_nan(e, n, x.type, a);
    if (x.type == FP_ZERO_T) {
        e->fpsr |= FPSR_DZC;
        return fp_infinity(n, x.sign);
    }
    if (x.sign)
        return fp_invalid(e, n);
    if (x.type == FP_INF)
        return fp_zero(n, false);

    /* An odd exponent (of a significand in 1..2) makes it 0.5..1 of the even one above. */
    const bool odd = x.exp & 1;
    const unsigned estimate = recip_sqrt_estimate((unsigned)(x.sig >> (odd ? 55 : 56)));
    const int exp = fp_bias(n) - (x.exp - odd) / 2 - 1;
    return fp_pack(n, false, (unsigned)exp, (uint64_t)(estimate & 0xff) << (fp_frac_bits(n) - 8));
}

uint64_t fp_recpx(struct fp_env *e, enum fp_size n, uint64_t a)
{
    const struct fp_num x = fp_unpack(n, e, a);
    const unsigned exp = (unsigned)(a >> fp_frac_bits(n)) & fp_exp_ones(n);

    if (fp_is_nan(x.type))
        return fp_process_nan(e, n, x.type, a);
    return fp_pack(n, x.sign, exp == 0 ? fp_exp_ones(n) - 1 : exp ^ fp_exp_ones(n), 0);
}

uint32_t fp_u32_recpe(uint32_t a)
{
    return bit(a, 31) ? recip_estimate(a >> 23) << 23 : UINT32_MAX;
}

uint32_t fp_u32_rsqrte(uint32_t a)
{
    return a >> 30 ? recip_sqrt_estimate(a >> 23) << 23 : UINT32_MAX;
}
