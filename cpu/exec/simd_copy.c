/* Advanced SIMD copy: DUP, INS, SMOV, UMOV. */
#include "cpu/exec/simd_lane.h"

/* imm5: the lowest set bit is the size, what is above it the index. */
static inline unsigned copy_imm5(const struct insn *i)
{
    return (unsigned)bits((uint64_t)i->imm, 20, 16);
}

static inline unsigned copy_size(const struct insn *i)
{
    return (unsigned)__builtin_ctz(copy_imm5(i)) & 3;
}

static inline unsigned copy_index(const struct insn *i)
{
    return copy_imm5(i) >> (copy_size(i) + 1);
}

/* Elem[V[n], index, esize] */
static inline uint64_t copy_element(const struct cpu *cpu, const struct insn *i)
{
    return lane_get(&cpu->v[i->rn], copy_size(i), copy_index(i));
}

EXEC enum exec_result exec_DUP_elem_vec(struct cpu *cpu, const struct insn *i)
{
    unsigned size = copy_size(i);

    return simd_write(cpu, i, vreg_dup(size, copy_element(cpu, i)), simd_datasize(i, size), false);
}

EXEC_FUNCTION(DUP_elem_sca, exec_DUP_elem_vec(cpu, i))

EXEC enum exec_result exec_DUP_gen(struct cpu *cpu, const struct insn *i)
{
    unsigned size = copy_size(i);

    return simd_write(cpu, i, vreg_dup(size, cpu->x[i->rn]), simd_datasize(i, size), false);
}

EXEC_STATEMENT(UMOV, cpu->x[i->rd] = copy_element(cpu, i))

EXEC enum exec_result exec_SMOV(struct cpu *cpu, const struct insn *i)
{
    uint64_t v = sext(copy_element(cpu, i), lane_bits(copy_size(i)));

    cpu->x[i->rd] = bit((uint64_t)i->imm, 30) ? v : (uint32_t)v;
    return EXEC_NEXT;
}

EXEC_STATEMENT(INS_gen, lane_set(&cpu->v[i->rd], copy_size(i), copy_index(i), cpu->x[i->rn]))

/* The source index is imm4 less its low bits, which are ignored. */
EXEC enum exec_result exec_INS_elem(struct cpu *cpu, const struct insn *i)
{
    unsigned size = copy_size(i), from = (unsigned)bits((uint64_t)i->imm, 14, 11) >> size;

    lane_set(&cpu->v[i->rd], size, copy_index(i), lane_get(&cpu->v[i->rn], size, from));
    return EXEC_NEXT;
}
