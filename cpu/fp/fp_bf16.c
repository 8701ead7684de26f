/* BFloat16, as of Armv8.6 (no FEAT_EBF16). */
#include "cpu/fp/fp_internal.h"

enum { BF16_FRAC = 7 };

uint16_t fp_convert_bf(struct fp_env *e, uint32_t a)
{
    const struct fp_format bf16 = {16, BF16_FRAC, e->fpcr & FPCR_FZ, false};
    const struct fp_num x = fp_unpack(FP_32, e, a);

    if (likely(x.type == FP_FINITE))
        return (uint16_t)fp_round_base(bf16, e, x, FPCR_RMODE(e->fpcr));
    if (x.type == FP_ZERO_T)
        return (uint16_t)(x.sign << 15);
    if (fp_is_nan(x.type))
        a = (uint32_t)fp_process_nan(e, FP_32, x.type, a);
    return (uint16_t)(a >> 16);
}

uint32_t fp_bf_muladdh(struct fp_env *e, uint32_t addend, uint16_t a, uint16_t b)
{
    return (uint32_t)fp_muladd(e, FP_32, addend, (uint32_t)a << 16, (uint32_t)b << 16);
}

/* BFUnpack() of a binary32: denormals are zero, whatever FPCR says; no flags. */
static struct fp_num bf_unpack(uint32_t a)
{
    struct fp_env e = {.fpcr = FPCR_FZ};

    return fp_unpack(FP_32, &e, a);
}

/* BFRound(): to odd; too small is zero, too large infinity. */
static uint32_t bf_round(struct fp_num x)
{
    const struct fp_format fmt = {32, 23, true, false};
    struct fp_env e = {0};
    const uint32_t result = (uint32_t)fp_round_base(fmt, &e, x, FP_ODD);

    return e.fpsr & FPSR_OFC ? (uint32_t)fp_infinity(FP_32, x.sign) : result;
}

/* BFMul() */
static uint32_t bf_mul(uint16_t a, uint16_t b)
{
    const struct fp_num x = bf_unpack((uint32_t)a << 16), y = bf_unpack((uint32_t)b << 16);
    const bool sign = x.sign != y.sign;
    const bool inf = x.type == FP_INF || y.type == FP_INF;
    const bool zero = x.type == FP_ZERO_T || y.type == FP_ZERO_T;

    if (fp_is_nan(x.type) || fp_is_nan(y.type) || (inf && zero))
        return (uint32_t)fp_default_nan(FP_32);
    if (inf)
        return (uint32_t)fp_infinity(FP_32, sign);
    if (zero)
        return (uint32_t)fp_zero(FP_32, sign);

    struct fp_num p = {FP_FINITE, sign, x.exp + y.exp + 1, (x.sig >> 32) * (y.sig >> 32)};
    if (!bit(p.sig, 63)) {
        p.exp--;
        p.sig <<= 1;
    }
    return bf_round(p);
}

/* BFAdd() */
static uint32_t bf_add(uint32_t a, uint32_t b)
{
    const struct fp_num x = bf_unpack(a), y = bf_unpack(b);

    if (fp_is_nan(x.type) || fp_is_nan(y.type) ||
        (x.type == FP_INF && y.type == FP_INF && x.sign != y.sign))
        return (uint32_t)fp_default_nan(FP_32);
    if (x.type == FP_INF || y.type == FP_INF)
        return (uint32_t)fp_infinity(FP_32, x.type == FP_INF ? x.sign : y.sign);
    if (x.type == FP_ZERO_T && y.type == FP_ZERO_T && x.sign == y.sign)
        return (uint32_t)fp_zero(FP_32, x.sign);

    const struct fp_num sum = fp_num_add(x, y);
    return sum.type == FP_ZERO_T ? 0 : bf_round(sum);
}

uint32_t fp_bf_dotadd(struct fp_env *e, uint32_t addend, uint16_t a1, uint16_t a2, uint16_t b1,
                      uint16_t b2)
{
    (void)e; /* neither controls nor flags: see BFAdd(), BFMul() */
    return bf_add(addend, bf_add(bf_mul(a1, b1), bf_mul(a2, b2)));
}
