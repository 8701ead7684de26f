/* Loads and stores of one or two SIMD&FP registers: single, literal, pair. What is above the loaded
 * size becomes zero. */
#include "cpu/exec.h"
#include "cpu/exec/ldst.h"

LS_INLINE bool load_v(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                      unsigned acc, union vreg *out)
{
    if (size == 16)
        return mem_load128(cpu, i, va, acc, out->d);
    out->d[1] = 0;
    return mem_load(cpu, i, va, size, acc, &out->d[0]);
}

LS_INLINE bool store_v(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                       unsigned acc, const union vreg *v)
{
    if (size == 16)
        return mem_store128(cpu, i, va, acc, v->d[0], v->d[1]);
    return mem_store(cpu, i, va, size, acc, v->d[0]);
}

LS_INLINE enum exec_result single(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                                  unsigned acc, bool load)
{
    union vreg v;

    if (!load)
        return store_v(cpu, i, va, size, acc | ACC_FP, &cpu->v[i->rd]) ? cpu_next(cpu) : EXEC_ABORT;
    if (!load_v(cpu, i, va, size, acc | ACC_FP, &v))
        return EXEC_ABORT;
    cpu->v[i->rd] = v;
    return cpu_next(cpu);
}

LS_INLINE enum exec_result single_imm(struct cpu *cpu, const struct insn *i, unsigned size,
                                      unsigned mode, bool load)
{
    uint64_t base;

    if (!ls_base(cpu, i, &base))
        return EXEC_ABORT;
    uint64_t next = base + (uint64_t)i->imm, va = mode == LS_POST ? base : next;
    enum exec_result r = single(cpu, i, va, size, mode == LS_OFFSET ? 0 : ACC_WB, load);
    if (mode != LS_OFFSET && r != EXEC_ABORT)
        cpu->x[i->rn] = next;
    return r;
}

LS_INLINE enum exec_result single_reg(struct cpu *cpu, const struct insn *i, unsigned size,
                                      bool load)
{
    uint64_t base;

    if (!ls_base(cpu, i, &base))
        return EXEC_ABORT;
    return single(cpu, i, base + ls_index(cpu, i), size, 0, load);
}

/* CU-choice: LDP with Vt == Vt2 keeps the second value. */
LS_INLINE bool load_pair_v(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                           unsigned acc)
{
    union vreg first, second;

    if (!load_v(cpu, i, va, size, acc, &first) ||
        !load_v(cpu, i, va + size, size, acc | ACC_VALUE_RA, &second))
        return false;
    cpu->v[i->rd] = first;
    cpu->v[i->ra] = second;
    return true;
}

LS_INLINE bool store_pair_v(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                            unsigned acc)
{
    return ls_probe_store(cpu, i, va, 2 * size, acc) &&
           store_v(cpu, i, va, size, acc, &cpu->v[i->rd]) &&
           store_v(cpu, i, va + size, size, acc | ACC_VALUE_RA, &cpu->v[i->ra]);
}

LS_INLINE enum exec_result pair(struct cpu *cpu, const struct insn *i, unsigned size, unsigned mode,
                                bool load)
{
    unsigned acc = ACC_FP | ACC_PAIR | (mode == LS_OFFSET ? 0 : ACC_WB);
    uint64_t base;

    if (!ls_base(cpu, i, &base))
        return EXEC_ABORT;
    uint64_t next = base + (uint64_t)i->imm, va = mode == LS_POST ? base : next;
    if (load ? !load_pair_v(cpu, i, va, size, acc) : !store_pair_v(cpu, i, va, size, acc))
        return EXEC_ABORT;
    if (mode != LS_OFFSET)
        cpu->x[i->rn] = next;
    return cpu_next(cpu);
}

#define X(w, size)                                                                                 \
    EXEC_FUNCTION(LDR_imm##w, single_imm(cpu, i, size, LS_OFFSET, true))                           \
    EXEC_FUNCTION(STR_imm##w, single_imm(cpu, i, size, LS_OFFSET, false))                          \
    EXEC_FUNCTION(LDR_post##w, single_imm(cpu, i, size, LS_POST, true))                            \
    EXEC_FUNCTION(STR_post##w, single_imm(cpu, i, size, LS_POST, false))                           \
    EXEC_FUNCTION(LDR_pre##w, single_imm(cpu, i, size, LS_PRE, true))                              \
    EXEC_FUNCTION(STR_pre##w, single_imm(cpu, i, size, LS_PRE, false))                             \
    EXEC_FUNCTION(LDUR##w, single_imm(cpu, i, size, LS_OFFSET, true))                              \
    EXEC_FUNCTION(STUR##w, single_imm(cpu, i, size, LS_OFFSET, false))                             \
    EXEC_FUNCTION(LDR_reg##w, single_reg(cpu, i, size, true))                                      \
    EXEC_FUNCTION(STR_reg##w, single_reg(cpu, i, size, false))
X(_b, 1)
X(_h, 2)
X(_s, 4)
X(_d, 8)
X(_q, 16)
#undef X

#define X(w, size)                                                                                 \
    EXEC_FUNCTION(LDR_lit##w, single(cpu, i, insn_target(cpu, i), size, 0, true))                  \
    EXEC_FUNCTION(LDP_off##w, pair(cpu, i, size, LS_OFFSET, true))                                 \
    EXEC_FUNCTION(STP_off##w, pair(cpu, i, size, LS_OFFSET, false))                                \
    EXEC_FUNCTION(LDP_post##w, pair(cpu, i, size, LS_POST, true))                                  \
    EXEC_FUNCTION(STP_post##w, pair(cpu, i, size, LS_POST, false))                                 \
    EXEC_FUNCTION(LDP_pre##w, pair(cpu, i, size, LS_PRE, true))                                    \
    EXEC_FUNCTION(STP_pre##w, pair(cpu, i, size, LS_PRE, false))                                   \
    EXEC_FUNCTION(LDNP##w, pair(cpu, i, size, LS_OFFSET, true))                                    \
    EXEC_FUNCTION(STNP##w, pair(cpu, i, size, LS_OFFSET, false))
X(_s, 4)
X(_d, 8)
X(_q, 16)
#undef X
