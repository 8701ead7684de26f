/* Advanced SIMD two-register miscellaneous and its scalar form. */
#include "cpu/exec/simd_element.h"

/* Operations on one element, a; d is the destination's old one. */

/* Exchange neighbouring blocks of 1 << @log2 bits, @log2 0..5, throughout. */
LANE_INLINE uint64_t swap_blocks(uint64_t v, unsigned log2)
{
    static const uint64_t lower[6] = {UINT64_C(0x5555555555555555), UINT64_C(0x3333333333333333),
                                      UINT64_C(0x0f0f0f0f0f0f0f0f), UINT64_C(0x00ff00ff00ff00ff),
                                      UINT64_C(0x0000ffff0000ffff), UINT64_C(0x00000000ffffffff)};
    unsigned n = 1u << log2;

    return ((v >> n) & lower[log2]) | (v & lower[log2]) << n;
}

/* The bits set in each byte, in that byte. */
LANE_INLINE uint64_t popcount_bytes(uint64_t v)
{
    v -= (v >> 1) & UINT64_C(0x5555555555555555);
    v = (v & UINT64_C(0x3333333333333333)) + ((v >> 2) & UINT64_C(0x3333333333333333));
    return (v + (v >> 4)) & UINT64_C(0x0f0f0f0f0f0f0f0f);
}

LANE_INLINE uint64_t reverse_bits_in_bytes(uint64_t v)
{
    return swap_blocks(swap_blocks(swap_blocks(v, 0), 1), 2);
}

/* CountLeadingZeroBits() */
LANE_INLINE uint64_t leading_zeros(uint64_t a, unsigned esize)
{
    return a == 0 ? esize : (uint64_t)__builtin_clzll(a) - (64 - esize);
}

/* CountLeadingSignBits() of a sign-extended element. */
LANE_INLINE uint64_t leading_signs(uint64_t a, unsigned esize)
{
    return leading_zeros(a ^ asr(a, 63), esize) - 1;
}

LANE_INLINE i128 abs_wide(i128 v)
{
    return v < 0 ? -v : v;
}

/* The sum of the two halves of a, which are extended as @view says. */
LANE_INLINE uint64_t halves(uint64_t a, unsigned esize, enum lane_view view)
{
    uint64_t lo = zext(a, esize / 2), hi = zext(a >> (esize / 2), esize / 2);

    return view == LANE_U ? lo + hi : sext(lo, esize / 2) + sext(hi, esize / 2);
}

/* Element-wise: size is <23:22>. */
LANE_INLINE enum exec_result two_misc(struct cpu *cpu, const struct insn *i, enum lane_view view,
                                      lane_fn *op)
{
    unsigned size = simd_size(i);

    return simd_map_imm(cpu, i, &cpu->v[i->rn], 0, size, simd_datasize(i, size), view, op);
}

/* On 64 bits at a time, whatever <23:22> says. */
LANE_INLINE enum exec_result two_bitwise(struct cpu *cpu, const struct insn *i, enum lane_view view,
                                         lane_fn *op)
{
    return simd_map_imm(cpu, i, &cpu->v[i->rn], 0, 3, simd_datasize(i, 3), view, op);
}

/* On pairs of elements. */
LANE_INLINE enum exec_result two_pairs(struct cpu *cpu, const struct insn *i, enum lane_view view,
                                       lane_fn *op)
{
    unsigned size = simd_size(i);

    return simd_map_imm(cpu, i, &cpu->v[i->rn], 0, size + 1, simd_datasize(i, size), view, op);
}

/* From elements of twice the size. */
LANE_INLINE enum exec_result two_narrow(struct cpu *cpu, const struct insn *i, enum lane_view view,
                                        lane_fn *op)
{
    return simd_map_narrow(cpu, i, &cpu->v[i->rn], NULL, 0, simd_size(i), view, op);
}

/* TWO_MISC(row, map, view, expression in d, a, esize and qc) */
/* clang-format off */
#define TWO_MISC_VEC_AND_SCA(X, form)                                                              \
    X(SUQADD_##form,    two_misc,   LANE_S, sat_s(wide_s(d) + wide_u(zext(a, esize)), esize, qc))  \
    X(USQADD_##form,    two_misc,   LANE_U, sat_u(wide_u(d) + wide_s(sext(a, esize)), esize, qc))  \
    X(SQABS_##form,     two_misc,   LANE_S, sat_s(abs_wide(wide_s(a)), esize, qc))                 \
    X(SQNEG_##form,     two_misc,   LANE_S, sat_s(-wide_s(a), esize, qc))                          \
    X(CMGT_zero_##form, two_misc,   LANE_S, ones_if((int64_t)a > 0))                               \
    X(CMGE_zero_##form, two_misc,   LANE_S, ones_if((int64_t)a >= 0))                              \
    X(CMEQ_zero_##form, two_misc,   LANE_U, ones_if(a == 0))                                       \
    X(CMLE_zero_##form, two_misc,   LANE_S, ones_if((int64_t)a <= 0))                              \
    X(CMLT_zero_##form, two_misc,   LANE_S, ones_if((int64_t)a < 0))                               \
    X(ABS_##form,       two_misc,   LANE_S, (int64_t)a < 0 ? -a : a)                               \
    X(NEG_##form,       two_misc,   LANE_U, -a)                                                    \
    X(SQXTUN_##form,    two_narrow, LANE_S, sat_u(wide_s(a), esize / 2, qc))                       \
    X(SQXTN_##form,     two_narrow, LANE_S, sat_s(wide_s(a), esize / 2, qc))                       \
    X(UQXTN_##form,     two_narrow, LANE_U, sat_u(wide_u(a), esize / 2, qc))

#define SIMD_TWO_MISC(X)                                                                           \
    X(CNT_vec,       two_bitwise, LANE_U, popcount_bytes(a))                                       \
    X(NOT_vec,       two_bitwise, LANE_U, ~a)                                                      \
    X(RBIT_vec,      two_bitwise, LANE_U, reverse_bits_in_bytes(a))                                \
    X(SADDLP_vec,    two_pairs,   LANE_U, halves(a, esize, LANE_S))                                \
    X(UADDLP_vec,    two_pairs,   LANE_U, halves(a, esize, LANE_U))                                \
    X(SADALP_vec,    two_pairs,   LANE_U, d + halves(a, esize, LANE_S))                            \
    X(UADALP_vec,    two_pairs,   LANE_U, d + halves(a, esize, LANE_U))                            \
    X(CLS_vec,       two_misc,    LANE_S, leading_signs(a, esize))                                 \
    X(CLZ_vec,       two_misc,    LANE_U, leading_zeros(a, esize))                                 \
    X(XTN_vec,       two_narrow,  LANE_U, a)                                                       \
    X(URECPE_vec,    two_misc,    LANE_U, fp_u32_recpe((uint32_t)a))                               \
    X(URSQRTE_vec,   two_misc,    LANE_U, fp_u32_rsqrte((uint32_t)a))                              \
    TWO_MISC_VEC_AND_SCA(X, vec)                                                                   \
    TWO_MISC_VEC_AND_SCA(X, sca)
/* clang-format on */

#define TWO_MISC(row, map, view, expression)                                                       \
    LANE_OP(row, expression)                                                                       \
    SIMD_EXEC(row, map, view, el_##row)
SIMD_TWO_MISC(TWO_MISC)
#undef TWO_MISC
#undef SIMD_TWO_MISC

/* Elements of <23:22> in reverse order within containers of 1 << @container_log2 bits. */
LANE_INLINE enum exec_result reverse(struct cpu *cpu, const struct insn *i, unsigned container_log2)
{
    union vreg r = cpu->v[i->rn];

    for (unsigned log2 = simd_size(i) + 3; log2 < container_log2; log2++)
        for (unsigned k = 0; k < 2; k++)
            r.d[k] = swap_blocks(r.d[k], log2);
    return simd_write(cpu, i, r, simd_datasize(i, 0), false);
}

EXEC_FUNCTION(REV64_vec, reverse(cpu, i, 6))
EXEC_FUNCTION(REV32_vec, reverse(cpu, i, 5))
EXEC_FUNCTION(REV16_vec, reverse(cpu, i, 4))

/* Widened and shifted left by the elements' own size. */
EXEC enum exec_result exec_SHLL_vec(struct cpu *cpu, const struct insn *i)
{
    unsigned size = simd_size(i);
    union vreg r = vreg_widen(&cpu->v[i->rn], simd_part(i), size, LANE_U);

    for (unsigned k = 0; k < 2; k++)
        r.d[k] <<= lane_bits(size);
    return simd_write(cpu, i, r, 128, false);
}
