/* Advanced SIMD shift by immediate and its scalar form. */
#include "cpu/exec/simd_element.h"

/* immh:immb */
LANE_INLINE unsigned shift_field(const struct insn *i)
{
    return (unsigned)bits((uint64_t)i->imm, 22, 16);
}

/* log2 of the element's bytes: the position of the highest set bit of immh, which is not zero. */
LANE_INLINE unsigned shift_size(const struct insn *i)
{
    return (unsigned)highest_set_bit(shift_field(i) >> 3);
}

/* Right shift, 1..esize of the narrower element. */
LANE_INLINE unsigned right_amount(const struct insn *i)
{
    return 2 * lane_bits(shift_size(i)) - shift_field(i);
}

/* Left shift, 0..esize-1. */
LANE_INLINE unsigned left_amount(const struct insn *i)
{
    return shift_field(i) - lane_bits(shift_size(i));
}

/* Element-wise shifts to either side. */
LANE_INLINE enum exec_result shift_to_right(struct cpu *cpu, const struct insn *i,
                                            enum lane_view view, lane_fn *op)
{
    unsigned size = shift_size(i);

    return simd_map_imm(cpu, i, &cpu->v[i->rn], right_amount(i), size, simd_datasize(i, size), view,
                        op);
}

LANE_INLINE enum exec_result shift_to_left(struct cpu *cpu, const struct insn *i,
                                           enum lane_view view, lane_fn *op)
{
    unsigned size = shift_size(i);

    return simd_map_imm(cpu, i, &cpu->v[i->rn], left_amount(i), size, simd_datasize(i, size), view,
                        op);
}

/* Right, from elements of twice the size. */
LANE_INLINE enum exec_result shift_narrow(struct cpu *cpu, const struct insn *i,
                                          enum lane_view view, lane_fn *op)
{
    return simd_map_narrow(cpu, i, &cpu->v[i->rn], NULL, right_amount(i), shift_size(i), view, op);
}

/* Left, to elements of twice the size. */
LANE_INLINE enum exec_result shift_long(struct cpu *cpu, const struct insn *i, enum lane_view view,
                                        lane_fn *op)
{
    unsigned size = shift_size(i);
    const union vreg n = vreg_widen(&cpu->v[i->rn], simd_part(i), size, view);

    return simd_map_imm(cpu, i, &n, left_amount(i), size + 1, 128, view, op);
}

/* X(operation, expression in d, a, b, esize and qc): LANE_OP(); b is the amount. */
/* clang-format off */
#define SIMD_SHIFTS(X)                                                                             \
    X(sshr,   shr_s(a, b, esize))                                                                  \
    X(ushr,   shr_u(a, b, esize))                                                                  \
    X(srshr,  shr_s(a, b, esize) + shr_round(a, b))                                                \
    X(urshr,  shr_u(a, b, esize) + shr_round(a, b))                                                \
    X(ssra,   d + shr_s(a, b, esize))                                                              \
    X(usra,   d + shr_u(a, b, esize))                                                              \
    X(srsra,  d + shr_s(a, b, esize) + shr_round(a, b))                                            \
    X(ursra,  d + shr_u(a, b, esize) + shr_round(a, b))                                            \
    X(sri,    (d & ~zext(UINT64_MAX, esize - (unsigned)b)) | shr_u(a, b, esize))                   \
    X(shl,    a << b)                                                                              \
    X(sli,    (d & ~(UINT64_MAX << b)) | a << b)                                                   \
    X(sqshrn,   sat_s(wide_s(shr_s(a, b, esize)), esize / 2, qc))                                  \
    X(uqshrn,   sat_u(wide_u(shr_u(a, b, esize)), esize / 2, qc))                                  \
    X(sqshrun,  sat_u(wide_s(shr_s(a, b, esize)), esize / 2, qc))                                  \
    X(sqrshrn,  sat_s(wide_s(shr_s(a, b, esize) + shr_round(a, b)), esize / 2, qc))                \
    X(uqrshrn,  sat_u(wide_u(shr_u(a, b, esize) + shr_round(a, b)), esize / 2, qc))                \
    X(sqrshrun, sat_u(wide_s(shr_s(a, b, esize) + shr_round(a, b)), esize / 2, qc))

/* X(row, map, view, operation): SIMD_EXEC() */
#define SIMD_SHIFT_IMM(X)                                                                          \
    X(SSHR_vec,       shift_to_right, LANE_S, el_sshr)                                             \
    X(USHR_vec,       shift_to_right, LANE_U, el_ushr)                                             \
    X(SSRA_vec,       shift_to_right, LANE_S, el_ssra)                                             \
    X(USRA_vec,       shift_to_right, LANE_U, el_usra)                                             \
    X(SRSHR_vec,      shift_to_right, LANE_S, el_srshr)                                            \
    X(URSHR_vec,      shift_to_right, LANE_U, el_urshr)                                            \
    X(SRSRA_vec,      shift_to_right, LANE_S, el_srsra)                                            \
    X(URSRA_vec,      shift_to_right, LANE_U, el_ursra)                                            \
    X(SRI_vec,        shift_to_right, LANE_U, el_sri)                                              \
    X(SHL_vec,        shift_to_left,  LANE_U, el_shl)                                              \
    X(SLI_vec,        shift_to_left,  LANE_U, el_sli)                                              \
    X(SQSHLU_imm_vec, shift_to_left,  LANE_S, el_SQSHLU)                                           \
    X(SQSHL_imm_vec,  shift_to_left,  LANE_S, el_SQSHL)                                            \
    X(UQSHL_imm_vec,  shift_to_left,  LANE_U, el_UQSHL)                                            \
    X(SHRN_vec,       shift_narrow,   LANE_U, el_ushr)                                             \
    X(RSHRN_vec,      shift_narrow,   LANE_U, el_urshr)                                            \
    X(SQSHRUN_vec,    shift_narrow,   LANE_S, el_sqshrun)                                          \
    X(SQRSHRUN_vec,   shift_narrow,   LANE_S, el_sqrshrun)                                         \
    X(SQSHRN_vec,     shift_narrow,   LANE_S, el_sqshrn)                                           \
    X(UQSHRN_vec,     shift_narrow,   LANE_U, el_uqshrn)                                           \
    X(SQRSHRN_vec,    shift_narrow,   LANE_S, el_sqrshrn)                                          \
    X(UQRSHRN_vec,    shift_narrow,   LANE_U, el_uqrshrn)                                          \
    X(SSHLL_vec,      shift_long,     LANE_S, el_shl)                                              \
    X(USHLL_vec,      shift_long,     LANE_U, el_shl)                                              \
    /* scalar */                                                                                   \
    X(SSHR_sca,       shift_to_right, LANE_S, el_sshr)                                             \
    X(USHR_sca,       shift_to_right, LANE_U, el_ushr)                                             \
    X(SSRA_sca,       shift_to_right, LANE_S, el_ssra)                                             \
    X(USRA_sca,       shift_to_right, LANE_U, el_usra)                                             \
    X(SRSHR_sca,      shift_to_right, LANE_S, el_srshr)                                            \
    X(URSHR_sca,      shift_to_right, LANE_U, el_urshr)                                            \
    X(SRSRA_sca,      shift_to_right, LANE_S, el_srsra)                                            \
    X(URSRA_sca,      shift_to_right, LANE_U, el_ursra)                                            \
    X(SRI_sca,        shift_to_right, LANE_U, el_sri)                                              \
    X(SHL_sca,        shift_to_left,  LANE_U, el_shl)                                              \
    X(SLI_sca,        shift_to_left,  LANE_U, el_sli)                                              \
    X(SQSHLU_imm_sca, shift_to_left,  LANE_S, el_SQSHLU)                                           \
    X(SQSHL_imm_sca,  shift_to_left,  LANE_S, el_SQSHL)                                            \
    X(UQSHL_imm_sca,  shift_to_left,  LANE_U, el_UQSHL)                                            \
    X(SQSHRUN_sca,    shift_narrow,   LANE_S, el_sqshrun)                                          \
    X(SQRSHRUN_sca,   shift_narrow,   LANE_S, el_sqrshrun)                                         \
    X(SQSHRN_sca,     shift_narrow,   LANE_S, el_sqshrn)                                           \
    X(UQSHRN_sca,     shift_narrow,   LANE_U, el_uqshrn)                                           \
    X(SQRSHRN_sca,    shift_narrow,   LANE_S, el_sqrshrn)                                          \
    X(UQRSHRN_sca,    shift_narrow,   LANE_U, el_uqrshrn)
/* clang-format on */

SIMD_SHIFTS(LANE_OP)
SIMD_SHIFT_IMM(SIMD_EXEC)
#undef SIMD_SHIFTS
#undef SIMD_SHIFT_IMM
