/* Advanced SIMD three same, three-register extension, and their scalar forms. */
#include "cpu/exec/simd_element.h"

/* Elements of the same size throughout; size is <23:22>. */
LANE_INLINE enum exec_result three_same(struct cpu *cpu, const struct insn *i, enum lane_view view,
                                        lane_fn *op)
{
    unsigned size = simd_size(i);

    return simd_map(cpu, i, &cpu->v[i->rn], &cpu->v[i->rm], size, simd_datasize(i, size), view, op);
}

/* Bitwise: the size field is part of the opcode. */
LANE_INLINE enum exec_result three_bitwise(struct cpu *cpu, const struct insn *i,
                                           enum lane_view view, lane_fn *op)
{
    return simd_map(cpu, i, &cpu->v[i->rn], &cpu->v[i->rm], 3, simd_datasize(i, 3), view, op);
}

/* Pairwise is three same on the even and the odd elements of the concatenation. */
LANE_INLINE enum exec_result pairwise(struct cpu *cpu, const struct insn *i, enum lane_view view,
                                      lane_fn *op)
{
    const union vreg *n = &cpu->v[i->rn], *m = &cpu->v[i->rm];
    unsigned size = simd_size(i), datasize = simd_datasize(i, size);
    const union vreg even = vreg_unzip(n, m, size, datasize, 0);
    const union vreg odd = vreg_unzip(n, m, size, datasize, 1);

    return simd_map(cpu, i, &even, &odd, size, datasize, view, op);
}

/* X(row, map, view, element operation): SIMD_EXEC() */
/* clang-format off */
#define SIMD_THREE_SAME(X)                                                                         \
    X(SHADD_vec,    three_same,    LANE_S, el_HADD)                                                \
    X(UHADD_vec,    three_same,    LANE_U, el_HADD)                                                \
    X(SQADD_vec,    three_same,    LANE_S, el_SQADD)                                               \
    X(UQADD_vec,    three_same,    LANE_U, el_UQADD)                                               \
    X(SRHADD_vec,   three_same,    LANE_S, el_RHADD)                                               \
    X(URHADD_vec,   three_same,    LANE_U, el_RHADD)                                               \
    X(SHSUB_vec,    three_same,    LANE_S, el_HSUB)                                                \
    X(UHSUB_vec,    three_same,    LANE_U, el_HSUB)                                                \
    X(SQSUB_vec,    three_same,    LANE_S, el_SQSUB)                                               \
    X(UQSUB_vec,    three_same,    LANE_U, el_UQSUB)                                               \
    X(CMGT_vec,     three_same,    LANE_S, el_CMGT)                                                \
    X(CMHI_vec,     three_same,    LANE_U, el_CMHI)                                                \
    X(CMGE_vec,     three_same,    LANE_S, el_CMGE)                                                \
    X(CMHS_vec,     three_same,    LANE_U, el_CMHS)                                                \
    X(SSHL_vec,     three_same,    LANE_S, el_SSHL)                                                \
    X(USHL_vec,     three_same,    LANE_U, el_USHL)                                                \
    X(SQSHL_vec,    three_same,    LANE_S, el_SQSHL)                                               \
    X(UQSHL_vec,    three_same,    LANE_U, el_UQSHL)                                               \
    X(SRSHL_vec,    three_same,    LANE_S, el_SRSHL)                                               \
    X(URSHL_vec,    three_same,    LANE_U, el_URSHL)                                               \
    X(SQRSHL_vec,   three_same,    LANE_S, el_SQRSHL)                                              \
    X(UQRSHL_vec,   three_same,    LANE_U, el_UQRSHL)                                              \
    X(SMAX_vec,     three_same,    LANE_S, el_MAX)                                                 \
    X(UMAX_vec,     three_same,    LANE_U, el_MAX)                                                 \
    X(SMIN_vec,     three_same,    LANE_S, el_MIN)                                                 \
    X(UMIN_vec,     three_same,    LANE_U, el_MIN)                                                 \
    X(SABD_vec,     three_same,    LANE_S, el_ABD)                                                 \
    X(UABD_vec,     three_same,    LANE_U, el_ABD)                                                 \
    X(SABA_vec,     three_same,    LANE_S, el_ABA)                                                 \
    X(UABA_vec,     three_same,    LANE_U, el_ABA)                                                 \
    X(ADD_vec,      three_same,    LANE_U, el_ADD)                                                 \
    X(SUB_vec,      three_same,    LANE_U, el_SUB)                                                 \
    X(CMTST_vec,    three_same,    LANE_U, el_CMTST)                                               \
    X(CMEQ_vec,     three_same,    LANE_U, el_CMEQ)                                                \
    X(MLA_vec,      three_same,    LANE_U, el_MLA)                                                 \
    X(MLS_vec,      three_same,    LANE_U, el_MLS)                                                 \
    X(MUL_vec,      three_same,    LANE_U, el_MUL)                                                 \
    X(PMUL_vec,     three_same,    LANE_U, el_PMUL)                                                \
    X(SQDMULH_vec,  three_same,    LANE_S, el_SQDMULH)                                             \
    X(SQRDMULH_vec, three_same,    LANE_S, el_SQRDMULH)                                            \
    X(SMAXP_vec,    pairwise,      LANE_S, el_MAX)                                                 \
    X(UMAXP_vec,    pairwise,      LANE_U, el_MAX)                                                 \
    X(SMINP_vec,    pairwise,      LANE_S, el_MIN)                                                 \
    X(UMINP_vec,    pairwise,      LANE_U, el_MIN)                                                 \
    X(ADDP_vec,     pairwise,      LANE_U, el_ADD)                                                 \
    X(AND_vec,      three_bitwise, LANE_U, el_AND)                                                 \
    X(BIC_vec,      three_bitwise, LANE_U, el_BIC)                                                 \
    X(ORR_vec,      three_bitwise, LANE_U, el_ORR)                                                 \
    X(ORN_vec,      three_bitwise, LANE_U, el_ORN)                                                 \
    X(EOR_vec,      three_bitwise, LANE_U, el_EOR)                                                 \
    X(BSL_vec,      three_bitwise, LANE_U, el_BSL)                                                 \
    X(BIT_vec,      three_bitwise, LANE_U, el_BIT)                                                 \
    X(BIF_vec,      three_bitwise, LANE_U, el_BIF)                                                 \
    /* scalar */                                                                                   \
    X(SQADD_sca,    three_same,    LANE_S, el_SQADD)                                               \
    X(UQADD_sca,    three_same,    LANE_U, el_UQADD)                                               \
    X(SQSUB_sca,    three_same,    LANE_S, el_SQSUB)                                               \
    X(UQSUB_sca,    three_same,    LANE_U, el_UQSUB)                                               \
    X(CMGT_sca,     three_same,    LANE_S, el_CMGT)                                                \
    X(CMHI_sca,     three_same,    LANE_U, el_CMHI)                                                \
    X(CMGE_sca,     three_same,    LANE_S, el_CMGE)                                                \
    X(CMHS_sca,     three_same,    LANE_U, el_CMHS)                                                \
    X(SSHL_sca,     three_same,    LANE_S, el_SSHL)                                                \
    X(USHL_sca,     three_same,    LANE_U, el_USHL)                                                \
    X(SQSHL_sca,    three_same,    LANE_S, el_SQSHL)                                               \
    X(UQSHL_sca,    three_same,    LANE_U, el_UQSHL)                                               \
    X(SRSHL_sca,    three_same,    LANE_S, el_SRSHL)                                               \
    X(URSHL_sca,    three_same,    LANE_U, el_URSHL)                                               \
    X(SQRSHL_sca,   three_same,    LANE_S, el_SQRSHL)                                              \
    X(UQRSHL_sca,   three_same,    LANE_U, el_UQRSHL)                                              \
    X(ADD_sca,      three_same,    LANE_U, el_ADD)                                                 \
    X(SUB_sca,      three_same,    LANE_U, el_SUB)                                                 \
    X(CMTST_sca,    three_same,    LANE_U, el_CMTST)                                               \
    X(CMEQ_sca,     three_same,    LANE_U, el_CMEQ)                                                \
    X(SQDMULH_sca,  three_same,    LANE_S, el_SQDMULH)                                             \
    X(SQRDMULH_sca, three_same,    LANE_S, el_SQRDMULH)                                            \
    /* extension; the dot products have size == 2 */                                               \
    X(SQRDMLAH_vec, three_same,    LANE_S, el_SQRDMLAH)                                            \
    X(SQRDMLSH_vec, three_same,    LANE_S, el_SQRDMLSH)                                            \
    X(SQRDMLAH_sca, three_same,    LANE_S, el_SQRDMLAH)                                            \
    X(SQRDMLSH_sca, three_same,    LANE_S, el_SQRDMLSH)                                            \
    X(SDOT_vec,     three_same,    LANE_U, el_SDOT)                                                \
    X(UDOT_vec,     three_same,    LANE_U, el_UDOT)                                                \
    X(USDOT_vec,    three_same,    LANE_U, el_USDOT)
/* clang-format on */

SIMD_THREE_SAME(SIMD_EXEC)
#undef SIMD_THREE_SAME

/* MatMulAdd(): 2x8 bytes times 8x2 bytes, added to 2x2 words. */
LANE_INLINE enum exec_result mmla(struct cpu *cpu, const struct insn *i, enum lane_view vn,
                                  enum lane_view vm)
{
    const union vreg n = cpu->v[i->rn], m = cpu->v[i->rm];

    for (unsigned e = 0; e < 4; e++) {
        uint64_t a = n.d[e / 2], b = m.d[e % 2];
        cpu->v[i->rd].s[e] += (uint32_t)(dot4(a, vn, b, vm) + dot4(a >> 32, vn, b >> 32, vm));
    }
    return EXEC_NEXT;
}

EXEC_FUNCTION(SMMLA_vec, mmla(cpu, i, LANE_S, LANE_S))
EXEC_FUNCTION(UMMLA_vec, mmla(cpu, i, LANE_U, LANE_U))
EXEC_FUNCTION(USMMLA_vec, mmla(cpu, i, LANE_U, LANE_S))
