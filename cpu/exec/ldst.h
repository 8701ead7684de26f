/* What all loads and stores share: the base address with its SP alignment check, index registers,
 * extension of what was loaded. */
#pragma once

#include "cpu/cpu.h"
#include "cpu/mem.h"

#define LS_INLINE static inline __attribute__((always_inline))

/* Addressing with writeback: insn.mod of the forms LS_S9 and LS_PAIR. */
enum { LS_OFFSET = 0, LS_POST = 1, LS_PRE = 3 };

/* SP[] or X[n], after CheckSPAlignment(). False: the exception has been taken. */
LS_INLINE bool ls_base(struct cpu *cpu, const struct insn *i, uint64_t *base)
{
    *base = cpu->x[i->rn];
    if (unlikely(i->rn == REG_SP && (*base & 15)))
        return mem_sp_aligned(cpu, i);
    return true;
}

/* ExtendReg() of a register offset: UXTW, LSL, SXTW or SXTX, then shifted. */
LS_INLINE uint64_t ls_index(const struct cpu *cpu, const struct insn *i)
{
    uint64_t v = cpu->x[i->rm];

    if (!(i->mod & 1))
        v = i->mod & 4 ? sext(v, 32) : (uint32_t)v;
    return v << i->imm;
}

/* A loaded value as its register gets it. */
LS_INLINE uint64_t ls_extend(uint64_t v, unsigned size, unsigned acc)
{
    if (!(acc & ACC_SIGNED))
        return v;
    v = sext(v, size * 8);
    return acc & ACC_64 ? v : (uint32_t)v;
}

/* Would the fast path write [va, va+size) now? Else a store in parts needs mem_probe() first. */
LS_INLINE bool ls_writable(const struct cpu *cpu, uint64_t va, unsigned size)
{
    return mem_fast(cpu->bank->w, va, size) != NULL;
}

/* A store in parts must happen as a whole or not at all. Only a page boundary can come between. */
static inline bool ls_probe_store(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                                  unsigned acc)
{
    if ((va & PAGE_MASK) + size <= PAGE_SIZE)
        return true;
    return mem_probe(cpu, i, va, size, acc, true);
}
