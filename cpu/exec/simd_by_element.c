/* Advanced SIMD vector by element and scalar by element. */
#include "cpu/exec/simd_element.h"

/* The element of V[m] in every lane: H:L:M of V<Rm> for 16 bits, H:L of V<M:Rm> for 32. */
static inline union vreg element_m(const struct cpu *cpu, const struct insn *i, unsigned size)
{
    uint64_t w = (uint64_t)i->imm;
    unsigned hl = (unsigned)(bit(w, 11) << 1 | bit(w, 21));

    if (size == 1)
        return vreg_dup(1, cpu->v[i->rm & 15].h[hl << 1 | bit(w, 20)]);
    return vreg_dup(2, cpu->v[i->rm].s[hl]);
}

LANE_INLINE enum exec_result by_element(struct cpu *cpu, const struct insn *i, enum lane_view view,
                                        lane_fn *op)
{
    unsigned size = simd_size(i);
    const union vreg m = element_m(cpu, i, size);

    return simd_map(cpu, i, &cpu->v[i->rn], &m, size, simd_datasize(i, size), view, op);
}

/* Vpart[n, part] and the element widened first. */
LANE_INLINE enum exec_result by_element_long(struct cpu *cpu, const struct insn *i,
                                             enum lane_view view, lane_fn *op)
{
    unsigned size = simd_size(i);
    const union vreg n = vreg_widen(&cpu->v[i->rn], simd_part(i), size, view);
    const union vreg narrow = element_m(cpu, i, size);
    const union vreg m = vreg_widen(&narrow, 0, size, view);

    return simd_map(cpu, i, &n, &m, size + 1, simd_wide_datasize(i, size), view, op);
}

/* Four bytes are one element, whatever <23:22> says. */
LANE_INLINE enum exec_result by_four_bytes(struct cpu *cpu, const struct insn *i,
                                           enum lane_view view, lane_fn *op)
{
    const union vreg m = element_m(cpu, i, 2);

    return simd_map(cpu, i, &cpu->v[i->rn], &m, 2, simd_datasize(i, 2), view, op);
}

/* X(row, map, view, element operation): SIMD_EXEC() */
/* clang-format off */
#define SIMD_BY_ELEMENT(X)                                                                         \
    X(MUL_elem_vec,      by_element,      LANE_U, el_MUL)                                          \
    X(MLA_elem_vec,      by_element,      LANE_U, el_MLA)                                          \
    X(MLS_elem_vec,      by_element,      LANE_U, el_MLS)                                          \
    X(SMLAL_elem_vec,    by_element_long, LANE_S, el_MLA)                                          \
    X(UMLAL_elem_vec,    by_element_long, LANE_U, el_MLA)                                          \
    X(SMLSL_elem_vec,    by_element_long, LANE_S, el_MLS)                                          \
    X(UMLSL_elem_vec,    by_element_long, LANE_U, el_MLS)                                          \
    X(SMULL_elem_vec,    by_element_long, LANE_S, el_MUL)                                          \
    X(UMULL_elem_vec,    by_element_long, LANE_U, el_MUL)                                          \
    X(SQDMLAL_elem_vec,  by_element_long, LANE_S, el_SQDMLAL)                                      \
    X(SQDMLSL_elem_vec,  by_element_long, LANE_S, el_SQDMLSL)                                      \
    X(SQDMULL_elem_vec,  by_element_long, LANE_S, el_SQDMULL)                                      \
    X(SQDMULH_elem_vec,  by_element,      LANE_S, el_SQDMULH)                                      \
    X(SQRDMULH_elem_vec, by_element,      LANE_S, el_SQRDMULH)                                     \
    X(SQRDMLAH_elem_vec, by_element,      LANE_S, el_SQRDMLAH)                                     \
    X(SQRDMLSH_elem_vec, by_element,      LANE_S, el_SQRDMLSH)                                     \
    X(SDOT_elem_vec,     by_four_bytes,   LANE_U, el_SDOT)                                         \
    X(UDOT_elem_vec,     by_four_bytes,   LANE_U, el_UDOT)                                         \
    X(SUDOT_elem_vec,    by_four_bytes,   LANE_U, el_SUDOT)                                        \
    X(USDOT_elem_vec,    by_four_bytes,   LANE_U, el_USDOT)                                        \
    X(SQDMLAL_elem_sca,  by_element_long, LANE_S, el_SQDMLAL)                                      \
    X(SQDMLSL_elem_sca,  by_element_long, LANE_S, el_SQDMLSL)                                      \
    X(SQDMULL_elem_sca,  by_element_long, LANE_S, el_SQDMULL)                                      \
    X(SQDMULH_elem_sca,  by_element,      LANE_S, el_SQDMULH)                                      \
    X(SQRDMULH_elem_sca, by_element,      LANE_S, el_SQRDMULH)                                     \
    X(SQRDMLAH_elem_sca, by_element,      LANE_S, el_SQRDMLAH)                                     \
    X(SQRDMLSH_elem_sca, by_element,      LANE_S, el_SQRDMLSH)
/* clang-format on */

SIMD_BY_ELEMENT(SIMD_EXEC)
#undef SIMD_BY_ELEMENT
