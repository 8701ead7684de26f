/* The rare parts of unpacking and the rules for NaNs. */
#include "cpu/fp/fp_internal.h"

uint64_t fp_default_nan(enum fp_size n)
{
    return fp_pack(n, false, fp_exp_ones(n), BIT(fp_frac_bits(n) - 1));
}

uint64_t fp_neg(enum fp_size n, uint64_t a)
{
    return a ^ BIT(n - 1);
}

uint64_t fp_abs(enum fp_size n, uint64_t a)
{
    return a & ~BIT(n - 1);
}

/* A number whose exponent field is zero. */
static struct fp_num unpack_denormal(struct fp_env *e, enum fp_size n, bool sign, uint64_t frac,
                                     uint32_t fpcr)
{
    if (frac == 0)
        return (struct fp_num){.type = FP_ZERO_T, .sign = sign};
    if (fp_flushes(n, fpcr)) {
        if (n != FP_16)
            e->fpsr |= FPSR_IDC;
        return (struct fp_num){.type = FP_ZERO_T, .sign = sign};
    }

    const int lz = __builtin_clzll(frac);
    return (struct fp_num){
        .type = FP_FINITE,
        .sign = sign,
        .exp = 64 - lz - (int)fp_frac_bits(n) - fp_bias(n),
        .sig = frac << lz,
    };
}

struct fp_num fp_unpack_special(struct fp_env *e, enum fp_size n, uint64_t v, uint32_t fpcr)
{
    const unsigned f = fp_frac_bits(n);
    const uint64_t frac = zext(v, f);
    const bool sign = bit(v, n - 1);

    if (((v >> f) & fp_exp_ones(n)) == 0)
        return unpack_denormal(e, n, sign, frac, fpcr);
    if (n == FP_16 && (fpcr & FPCR_AHP))
        return (struct fp_num){FP_FINITE, sign, fp_bias(n) + 1, BIT(63) | frac << (63 - f)};
    if (frac == 0)
        return (struct fp_num){.type = FP_INF, .sign = sign};
    return (struct fp_num){.type = bit(frac, f - 1) ? FP_QNAN : FP_SNAN, .sign = sign};
}

uint64_t fp_process_nan(struct fp_env *e, enum fp_size n, enum fp_type type, uint64_t op)
{
    if (type == FP_SNAN)
        e->fpsr |= FPSR_IOC;
    return e->fpcr & FPCR_DN ? fp_default_nan(n) : op | BIT(fp_frac_bits(n) - 1);
}

uint64_t fp_process_nans(struct fp_env *e, enum fp_size n, enum fp_type ta, enum fp_type tb,
                         uint64_t a, uint64_t b)
{
    if (ta == FP_SNAN || (ta == FP_QNAN && tb != FP_SNAN))
        return fp_process_nan(e, n, ta, a);
    return fp_process_nan(e, n, tb, b);
}

uint64_t fp_convert_nan(enum fp_size to, enum fp_size from, uint64_t v)
{
    const unsigned f = fp_frac_bits(to);
    /* The fraction as the widest format has it, quiet. */
    const uint64_t frac = zext(v, fp_frac_bits(from)) << (52 - fp_frac_bits(from)) | BIT(51);

    return fp_pack(to, bit(v, from - 1), fp_exp_ones(to), frac >> (52 - f));
}
