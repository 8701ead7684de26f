/* Advanced SIMD across lanes and scalar pairwise. */
#include "cpu/exec/simd_element.h"

/* One typed loop a size: op(op(op(v[0], v[1]), v[2]), ...) in 64 bits. */
#define ACROSS(member, stype)                                                                      \
    LANE_INLINE uint64_t across_##member(const union vreg *v, unsigned lanes, enum lane_view view, \
                                         lane_fn *op)                                              \
    {                                                                                              \
        uint64_t r = view == LANE_S ? (uint64_t)(stype)v->member[0] : v->member[0];                \
        bool qc = false;                                                                           \
        for (unsigned e = 1; e < lanes; e++)                                                       \
            r = op(0, r, view == LANE_S ? (uint64_t)(stype)v->member[e] : v->member[e], 64, &qc);  \
        return r;                                                                                  \
    }
ACROSS(b, int8_t)
ACROSS(h, int16_t)
ACROSS(s, int32_t)
#undef ACROSS

/* The result is one element of @size + @widen. */
LANE_INLINE enum exec_result across(struct cpu *cpu, const struct insn *i, enum lane_view view,
                                    lane_fn *op, unsigned widen)
{
    const union vreg *n = &cpu->v[i->rn];
    unsigned size = simd_size(i), lanes = simd_datasize(i, size) / lane_bits(size);
    uint64_t r = size == 0   ? across_b(n, lanes, view, op)
                 : size == 1 ? across_h(n, lanes, view, op)
                             : across_s(n, lanes, view, op);

    return simd_write(cpu, i, (union vreg){.d = {r, 0}}, lane_bits(size + widen), false);
}

/* ACROSS_LANES(row, view, element operation, 1 if the result is twice as wide) */
/* clang-format off */
#define SIMD_ACROSS(X)                                                                             \
    X(SADDLV, LANE_S, el_ADD, 1)                                                                   \
    X(UADDLV, LANE_U, el_ADD, 1)                                                                   \
    X(SMAXV,  LANE_S, el_MAX, 0)                                                                   \
    X(UMAXV,  LANE_U, el_MAX, 0)                                                                   \
    X(SMINV,  LANE_S, el_MIN, 0)                                                                   \
    X(UMINV,  LANE_U, el_MIN, 0)                                                                   \
    X(ADDV,   LANE_U, el_ADD, 0)
/* clang-format on */

#define ACROSS_LANES(row, view, op, widen) EXEC_FUNCTION(row, across(cpu, i, view, op, widen))
SIMD_ACROSS(ACROSS_LANES)
#undef ACROSS_LANES
#undef SIMD_ACROSS

EXEC enum exec_result exec_ADDP_sca(struct cpu *cpu, const struct insn *i)
{
    const union vreg *n = &cpu->v[i->rn];

    cpu->v[i->rd] = (union vreg){.d = {n->d[0] + n->d[1], 0}};
    return EXEC_NEXT;
}
