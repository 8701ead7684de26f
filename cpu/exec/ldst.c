/* Loads and stores of general registers: single, literal, pair, unprivileged, RCpc, prefetch
 * (DDI0487 C4.1.90). Compiled a second time into the interpreter. */
#include "cpu/exec/ldst.h"
#include "cpu/exec.h"

/*
 * The kinds of access, a row each: suffixes of the row's name, bytes, ACC_ flags.
 * LDRSB_imm_x is made of R, SB and _x.
 */
#define LS_LOADS(X)                                                                                \
    X(B, , 1, 0)                                                                                   \
    X(H, , 2, 0)                                                                                   \
    X(, _w, 4, 0)                                                                                  \
    X(, _x, 8, ACC_64)                                                                             \
    X(SB, _w, 1, ACC_SIGNED)                                                                       \
    X(SB, _x, 1, ACC_SIGNED | ACC_64)                                                              \
    X(SH, _w, 2, ACC_SIGNED)                                                                       \
    X(SH, _x, 2, ACC_SIGNED | ACC_64)                                                              \
    X(SW, , 4, ACC_SIGNED | ACC_64)

#define LS_STORES(X)                                                                               \
    X(B, , 1, 0)                                                                                   \
    X(H, , 2, 0)                                                                                   \
    X(, _w, 4, 0)                                                                                  \
    X(, _x, 8, ACC_64)

#define LS_LOAD (1u << 31) /* beside the ACC_ flags: load, not store */

/*
 * The host's address of an access that needs nothing but a copy; NULL sends it to a function that
 * does everything. That one is called last, so that the path taken nearly always keeps no frame.
 */
LS_INLINE void *ls_host(const struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                        unsigned acc)
{
    const struct tlb_bank *bank = mem_bank(cpu, acc);

    if (unlikely(i->rn == REG_SP && (cpu->x[REG_SP] & 15)))
        return NULL;
    if ((acc & ACC_ALIGNED) && unlikely(va & (size - 1)))
        return NULL;
    return mem_fast(acc & LS_LOAD ? bank->r : bank->w, va, size);
}

/* CheckSPAlignment(), the access whatever it takes, writeback of @next. L1 has been asked. */
static __attribute__((noinline, cold)) enum exec_result ls_single_slow(struct cpu *cpu,
                                                                       const struct insn *i,
                                                                       uint64_t va, uint64_t next,
                                                                       unsigned size, unsigned acc)
{
    uint64_t v = cpu->x[i->rd], base;

    if (!ls_base(cpu, i, &base))
        return EXEC_ABORT;
    if (!(acc & LS_LOAD)) {
        if (!mem_store_slow(cpu, i, va, size, acc, v, 0))
            return EXEC_ABORT;
    } else {
        if (!mem_load_slow(cpu, i, va, size, acc & ~LS_LOAD))
            return EXEC_ABORT;
        cpu->x[i->rd] = ls_extend(cpu->mem_data[0], size, acc);
    }
    if (acc & ACC_WB)
        cpu->x[i->rn] = next;
    return cpu_next(cpu);
}

/* One register at @va; ACC_WB: the base becomes @next. */
LS_INLINE enum exec_result ls_single(struct cpu *cpu, const struct insn *i, uint64_t va,
                                     uint64_t next, unsigned size, unsigned acc)
{
    void *host = ls_host(cpu, i, va, size, acc);
    uint64_t v = 0;

    if (unlikely(!host))
        return ls_single_slow(cpu, i, va, next, size, acc);
    if (acc & LS_LOAD) {
        ram_load(&v, host, size);
        cpu->x[i->rd] = ls_extend(v, size, acc);
    } else {
        ram_store(host, &cpu->x[i->rd], size);
    }
    if (acc & ACC_WB)
        cpu->x[i->rn] = next;
    return EXEC_NEXT;
}

/*
 * Base plus immediate, with or without writeback.
 * CU-choice: writeback with Rt == Rn: a load's value is lost to the writeback, a store writes the
 * base as it was.
 */
LS_INLINE enum exec_result ls_imm(struct cpu *cpu, const struct insn *i, unsigned size,
                                  unsigned acc, unsigned mode)
{
    uint64_t base = cpu->x[i->rn], next = base + (uint64_t)i->imm;

    return ls_single(cpu, i, mode == LS_POST ? base : next, next, size,
                     acc | (mode == LS_OFFSET ? 0 : ACC_WB));
}

LS_INLINE enum exec_result ls_reg(struct cpu *cpu, const struct insn *i, unsigned size,
                                  unsigned acc)
{
    return ls_single(cpu, i, cpu->x[i->rn] + ls_index(cpu, i), 0, size, acc);
}

LS_INLINE enum exec_result ls_literal(struct cpu *cpu, const struct insn *i, unsigned size,
                                      unsigned acc)
{
    return ls_single(cpu, i, insn_target(cpu, i), 0, size, acc | LS_LOAD);
}

#define LS_ORDERED (ACC_ORDERED | ACC_ALIGNED)

#define X(s, w, size, acc)                                                                         \
    EXEC_FUNCTION(LDR##s##_imm##w, ls_imm(cpu, i, size, (acc) | LS_LOAD, LS_OFFSET))               \
    EXEC_FUNCTION(LDR##s##_post##w, ls_imm(cpu, i, size, (acc) | LS_LOAD, LS_POST))                \
    EXEC_FUNCTION(LDR##s##_pre##w, ls_imm(cpu, i, size, (acc) | LS_LOAD, LS_PRE))                  \
    EXEC_FUNCTION(LDR##s##_reg##w, ls_reg(cpu, i, size, (acc) | LS_LOAD))                          \
    EXEC_FUNCTION(LDUR##s##w, ls_imm(cpu, i, size, (acc) | LS_LOAD, LS_OFFSET))                    \
    EXEC_FUNCTION(LDTR##s##w, ls_imm(cpu, i, size, (acc) | LS_LOAD | ACC_UNPRIV, LS_OFFSET))       \
    EXEC_FUNCTION(LDAPUR##s##w, ls_imm(cpu, i, size, (acc) | LS_LOAD | LS_ORDERED, LS_OFFSET))
LS_LOADS(X)
#undef X

#define X(s, w, size, acc)                                                                         \
    EXEC_FUNCTION(STR##s##_imm##w, ls_imm(cpu, i, size, acc, LS_OFFSET))                           \
    EXEC_FUNCTION(STR##s##_post##w, ls_imm(cpu, i, size, acc, LS_POST))                            \
    EXEC_FUNCTION(STR##s##_pre##w, ls_imm(cpu, i, size, acc, LS_PRE))                              \
    EXEC_FUNCTION(STR##s##_reg##w, ls_reg(cpu, i, size, acc))                                      \
    EXEC_FUNCTION(STUR##s##w, ls_imm(cpu, i, size, acc, LS_OFFSET))                                \
    EXEC_FUNCTION(STTR##s##w, ls_imm(cpu, i, size, (acc) | ACC_UNPRIV, LS_OFFSET))                 \
    EXEC_FUNCTION(STLUR##s##w, ls_imm(cpu, i, size, (acc) | LS_ORDERED, LS_OFFSET))
LS_STORES(X)
#undef X

EXEC_FUNCTION(LDR_lit_w, ls_literal(cpu, i, 4, 0))
EXEC_FUNCTION(LDR_lit_x, ls_literal(cpu, i, 8, ACC_64))
EXEC_FUNCTION(LDRSW_lit, ls_literal(cpu, i, 4, ACC_SIGNED | ACC_64))

static __attribute__((noinline, cold)) enum exec_result ls_pair_slow(struct cpu *cpu,
                                                                     const struct insn *i,
                                                                     uint64_t va, uint64_t next,
                                                                     unsigned size, unsigned acc)
{
    uint64_t first = cpu->x[i->rd], second = cpu->x[i->ra], base;
    bool load = acc & LS_LOAD;

    acc = (acc & ~LS_LOAD) | ACC_PAIR;
    if (!ls_base(cpu, i, &base))
        return EXEC_ABORT;
    if (load) {
        if (!mem_load(cpu, i, va, size, acc, &first) ||
            !mem_load(cpu, i, va + size, size, acc | ACC_VALUE_RA, &second))
            return EXEC_ABORT;
        cpu->x[i->ra] = ls_extend(second, size, acc);
        cpu->x[i->rd] = ls_extend(first, size, acc);
    } else if (!ls_probe_store(cpu, i, va, 2 * size, acc) ||
               !mem_store(cpu, i, va, size, acc, first) ||
               !mem_store(cpu, i, va + size, size, acc | ACC_VALUE_RA, second)) {
        return EXEC_ABORT;
    }
    if (acc & ACC_WB)
        cpu->x[i->rn] = next;
    return cpu_next(cpu);
}

/*
 * A pair is two single-copy atomic accesses; both are done before any register changes.
 * CU-choice: LDP with Rt == Rt2 keeps the first value; writeback to one of them wins.
 */
LS_INLINE enum exec_result ls_pair(struct cpu *cpu, const struct insn *i, unsigned size,
                                   unsigned acc, unsigned mode)
{
    uint64_t base = cpu->x[i->rn], next = base + (uint64_t)i->imm;
    uint64_t va = mode == LS_POST ? base : next, first = 0, second = 0;

    acc |= mode == LS_OFFSET ? 0 : ACC_WB;
    char *host = ls_host(cpu, i, va, 2 * size, acc);
    if (unlikely(!host))
        return ls_pair_slow(cpu, i, va, next, size, acc);
    if (acc & LS_LOAD) {
        ram_load(&first, host, size);
        ram_load(&second, host + size, size);
        cpu->x[i->ra] = ls_extend(second, size, acc);
        cpu->x[i->rd] = ls_extend(first, size, acc);
    } else {
        ram_store(host, &cpu->x[i->rd], size);
        ram_store(host + size, &cpu->x[i->ra], size);
    }
    if (acc & ACC_WB)
        cpu->x[i->rn] = next;
    return EXEC_NEXT;
}

#define LS_PAIRS(name, w, size, acc)                                                               \
    EXEC_FUNCTION(name##_off##w, ls_pair(cpu, i, size, acc, LS_OFFSET))                            \
    EXEC_FUNCTION(name##_post##w, ls_pair(cpu, i, size, acc, LS_POST))                             \
    EXEC_FUNCTION(name##_pre##w, ls_pair(cpu, i, size, acc, LS_PRE))
LS_PAIRS(LDP, _w, 4, LS_LOAD)
LS_PAIRS(LDP, _x, 8, LS_LOAD | ACC_64)
LS_PAIRS(LDPSW, , 4, LS_LOAD | ACC_SIGNED | ACC_64)
LS_PAIRS(STP, _w, 4, 0)
LS_PAIRS(STP, _x, 8, ACC_64)
EXEC_FUNCTION(LDNP_w, ls_pair(cpu, i, 4, LS_LOAD, LS_OFFSET))
EXEC_FUNCTION(LDNP_x, ls_pair(cpu, i, 8, LS_LOAD | ACC_64, LS_OFFSET))
EXEC_FUNCTION(STNP_w, ls_pair(cpu, i, 4, 0, LS_OFFSET))
EXEC_FUNCTION(STNP_x, ls_pair(cpu, i, 8, ACC_64, LS_OFFSET))

/* A prefetch is a hint: it touches no memory, checks no SP and takes no exception. */
EXEC_FUNCTION(PRFM_imm, EXEC_NEXT)
EXEC_FUNCTION(PRFM_reg, EXEC_NEXT)
EXEC_FUNCTION(PRFM_lit, EXEC_NEXT)
EXEC_FUNCTION(PRFUM, EXEC_NEXT)

#undef LS_LOAD
#undef LS_LOADS
#undef LS_STORES
#undef LS_ORDERED
#undef LS_PAIRS
