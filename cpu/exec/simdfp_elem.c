/* AdvSIMD floating point by element: FMUL, FMULX, FMLA, FMLS, vector and scalar. */
#include "cpu/exec/simdfp.h"

/* The index: H:L:M for halves, H:L for singles, H for doubles (L = 0 by the rows' conditions). */
static inline unsigned element_index(const struct insn *i, enum fp_size n)
{
    const unsigned h = bit((uint64_t)i->imm, 11), l = bit((uint64_t)i->imm, 21);
    const unsigned m = bit((uint64_t)i->imm, 20);

    return n == FP_16 ? h << 2 | l << 1 | m : n == FP_32 ? h << 1 | l : h;
}

#define EXEC_SHAPE(op, suffix)                                                                     \
    EXEC enum exec_result exec_##op##_elem_##suffix(struct cpu *cpu, const struct insn *i)         \
    {                                                                                              \
        const struct fp_shape s = shape_##suffix(i);                                               \
        return fp_by_element(cpu, i, s, element_index(i, s.n), fp_op_##op);                        \
    }
#define EXEC_ELEM(op, ...)                                                                         \
    EXEC_SHAPE(op, vec) EXEC_SHAPE(op, vec_h) EXEC_SHAPE(op, sca) EXEC_SHAPE(op, sca_h)

FP_OPS_MULTIPLY(EXEC_ELEM)
