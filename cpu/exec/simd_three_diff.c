/* Advanced SIMD three different: lengthening, wide, narrowing; and the scalar form. */
#include "cpu/exec/simd_element.h"

/* Vpart[n, part] op Vpart[m, part], elements widened first. Scalars: one widened element. */
LANE_INLINE enum exec_result three_long(struct cpu *cpu, const struct insn *i, enum lane_view view,
                                        lane_fn *op)
{
    unsigned size = simd_size(i), part = simd_part(i);
    const union vreg n = vreg_widen(&cpu->v[i->rn], part, size, view);
    const union vreg m = vreg_widen(&cpu->v[i->rm], part, size, view);

    return simd_map(cpu, i, &n, &m, size + 1, simd_wide_datasize(i, size), view, op);
}

/* V[n] op Vpart[m, part], the latter's elements widened first. */
LANE_INLINE enum exec_result three_wide(struct cpu *cpu, const struct insn *i, enum lane_view view,
                                        lane_fn *op)
{
    unsigned size = simd_size(i);
    const union vreg m = vreg_widen(&cpu->v[i->rm], simd_part(i), size, view);

    return simd_map(cpu, i, &cpu->v[i->rn], &m, size + 1, 128, view, op);
}

/* The high halves of V[n] op V[m]. */
LANE_INLINE enum exec_result three_narrow(struct cpu *cpu, const struct insn *i,
                                          enum lane_view view, lane_fn *op)
{
    return simd_map_narrow(cpu, i, &cpu->v[i->rn], &cpu->v[i->rm], 0, simd_size(i), view, op);
}

/* X(row, map, view, element operation): SIMD_EXEC() */
/* clang-format off */
#define SIMD_THREE_DIFF(X)                                                                         \
    X(SADDL_vec,   three_long,   LANE_S, el_ADD)                                                   \
    X(UADDL_vec,   three_long,   LANE_U, el_ADD)                                                   \
    X(SADDW_vec,   three_wide,   LANE_S, el_ADD)                                                   \
    X(UADDW_vec,   three_wide,   LANE_U, el_ADD)                                                   \
    X(SSUBL_vec,   three_long,   LANE_S, el_SUB)                                                   \
    X(USUBL_vec,   three_long,   LANE_U, el_SUB)                                                   \
    X(SSUBW_vec,   three_wide,   LANE_S, el_SUB)                                                   \
    X(USUBW_vec,   three_wide,   LANE_U, el_SUB)                                                   \
    X(ADDHN_vec,   three_narrow, LANE_U, el_ADDHN)                                                 \
    X(RADDHN_vec,  three_narrow, LANE_U, el_RADDHN)                                                \
    X(SABAL_vec,   three_long,   LANE_S, el_ABA)                                                   \
    X(UABAL_vec,   three_long,   LANE_U, el_ABA)                                                   \
    X(SUBHN_vec,   three_narrow, LANE_U, el_SUBHN)                                                 \
    X(RSUBHN_vec,  three_narrow, LANE_U, el_RSUBHN)                                                \
    X(SABDL_vec,   three_long,   LANE_S, el_ABD)                                                   \
    X(UABDL_vec,   three_long,   LANE_U, el_ABD)                                                   \
    X(SMLAL_vec,   three_long,   LANE_S, el_MLA)                                                   \
    X(UMLAL_vec,   three_long,   LANE_U, el_MLA)                                                   \
    X(SMLSL_vec,   three_long,   LANE_S, el_MLS)                                                   \
    X(UMLSL_vec,   three_long,   LANE_U, el_MLS)                                                   \
    X(SMULL_vec,   three_long,   LANE_S, el_MUL)                                                   \
    X(UMULL_vec,   three_long,   LANE_U, el_MUL)                                                   \
    X(SQDMLAL_vec, three_long,   LANE_S, el_SQDMLAL)                                               \
    X(SQDMLSL_vec, three_long,   LANE_S, el_SQDMLSL)                                               \
    X(SQDMULL_vec, three_long,   LANE_S, el_SQDMULL)                                               \
    X(PMULL_b,     three_long,   LANE_U, el_PMUL)                                                  \
    X(SQDMLAL_sca, three_long,   LANE_S, el_SQDMLAL)                                               \
    X(SQDMLSL_sca, three_long,   LANE_S, el_SQDMLSL)                                               \
    X(SQDMULL_sca, three_long,   LANE_S, el_SQDMULL)
/* clang-format on */

SIMD_THREE_DIFF(SIMD_EXEC)
#undef SIMD_THREE_DIFF

/* PolynomialMult() of two 64-bit elements: a 128-bit one. */
EXEC enum exec_result exec_PMULL_d(struct cpu *cpu, const struct insn *i)
{
    unsigned part = simd_part(i);
    uint64_t a = cpu->v[i->rn].d[part], b = cpu->v[i->rm].d[part];
    union vreg r = {{0}};

    for (unsigned k = 0; k < 64; k++) {
        uint64_t on = ones_if(bit(b, k));
        r.d[0] ^= (a << k) & on;
        r.d[1] ^= ((a >> 1) >> (63 - k)) & on;
    }
    cpu->v[i->rd] = r;
    return EXEC_NEXT;
}
