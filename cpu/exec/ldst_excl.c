/* Load/store exclusive and load/store ordered: DDI0487 C4.1.90, B2.12 Synchronization and
 * semaphores. */
#include "cpu/events.h"
#include "cpu/exec.h"
#include "cpu/exec/ldst.h"
#include "cpu/mem_swap.h"
#include "cpu/parallel.h"

/* LDXR, LDAXR. @acc: ACC_ORDERED or 0. */
static inline enum exec_result ldxr(struct cpu *cpu, const struct insn *i, unsigned size,
                                    unsigned acc)
{
    uint64_t va, v;

    acc |= ACC_ALIGNED | ACC_EXCL | (size == 8 ? ACC_64 : 0);
    if (!ls_base(cpu, i, &va) || !mem_load(cpu, i, va, size, acc, &v) ||
        !mem_excl_set(cpu, i, va, size))
        return EXEC_ABORT;
    cpu->x[i->rd] = v;
    cpu->excl_value[0] = v;
    return cpu_next(cpu);
}

/* The end of a store-exclusive of @size bytes. */
static inline enum exec_result set_status(struct cpu *cpu, const struct insn *i, uint64_t va,
                                          unsigned size, bool stored)
{
    cpu->x[i->rm] = !stored;
    CPU_FIRE(cpu, i, EXCLUSIVE, exclusive, .va = va, .size = (uint8_t)size,
             .reg = i->rm < 31 ? i->rm : 31, .stored = stored);
    return cpu_next(cpu);
}

/*
 * STXR, STLXR.
 * CU-choice: Rs == Rt or Rs == Rn: the old values are stored to the old address, then Rs is
 * written.
 * Differs: where CPUs run at the same time the monitor is the value that the load has read: stores
 * of others that leave that value behind are not noticed.
 */
static inline enum exec_result stxr(struct cpu *cpu, const struct insn *i, unsigned size,
                                    unsigned acc)
{
    uint64_t va;
    bool pass;

    acc |= ACC_ALIGNED | ACC_EXCL | (size == 8 ? ACC_64 : 0);
    if (!ls_base(cpu, i, &va) || !mem_excl_pass(cpu, i, va, size, &pass))
        return EXEC_ABORT;
    if (pass && !(cpu_is_parallel(cpu)
                      ? mem_swap(cpu, i, va, size, acc, cpu->excl_value[0], cpu->x[i->rd], &pass)
                      : mem_store(cpu, i, va, size, acc, cpu->x[i->rd])))
        return EXEC_ABORT;
    return set_status(cpu, i, va, size, pass);
}

/* One access of twice @size as two registers: the one at the lower address first. */
static inline bool load_pair(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                             unsigned acc, uint64_t out[2])
{
    if (size == 8) {
        if (!mem_load128(cpu, i, va, acc, out))
            return false;
        cpu->excl_value[0] = out[0];
        cpu->excl_value[1] = out[1];
    } else {
        if (!mem_load(cpu, i, va, 8, acc, &out[0]))
            return false;
        cpu->excl_value[0] = out[0];
        out[1] = out[0] >> 32;
        out[0] = (uint32_t)out[0];
    }
    if (mem_big_endian(cpu)) {
        uint64_t lo = out[0];
        out[0] = out[1];
        out[1] = lo;
    }
    return true;
}

static inline bool store_pair(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                              unsigned acc, bool *stored)
{
    bool big = mem_big_endian(cpu);
    uint64_t first = cpu->x[i->rd], second = cpu->x[i->ra];
    uint64_t lo = big ? second : first, hi = big ? first : second;

    if (size == 4)
        lo = hi << 32 | (uint32_t)lo;
    if (cpu_is_parallel(cpu))
        return size == 4
                   ? mem_swap(cpu, i, va, 8, acc, cpu->excl_value[0], lo, stored)
                   : mem_swap128(cpu, i, va, acc, cpu->excl_value, (uint64_t[]){lo, hi}, stored);
    return size == 4 ? mem_store(cpu, i, va, 8, acc, lo) : mem_store128(cpu, i, va, acc, lo, hi);
}

/* LDXP, LDAXP; @size of one register. CU-choice: Rt == Rt2 keeps the second value. */
static inline enum exec_result ldxp(struct cpu *cpu, const struct insn *i, unsigned size,
                                    unsigned acc)
{
    uint64_t va, v[2];

    acc |= ACC_ALIGNED | ACC_EXCL | ACC_PAIR | ACC_VALUE_TWO | (size == 8 ? ACC_64 : 0);
    if (!ls_base(cpu, i, &va) || !load_pair(cpu, i, va, size, acc, v) ||
        !mem_excl_set(cpu, i, va, 2 * size))
        return EXEC_ABORT;
    cpu->x[i->rd] = v[0];
    cpu->x[i->ra] = v[1];
    return cpu_next(cpu);
}

static inline enum exec_result stxp(struct cpu *cpu, const struct insn *i, unsigned size,
                                    unsigned acc)
{
    uint64_t va;
    bool pass;

    acc |= ACC_ALIGNED | ACC_EXCL | ACC_PAIR | ACC_VALUE_TWO | (size == 8 ? ACC_64 : 0);
    if (!ls_base(cpu, i, &va) || !mem_excl_pass(cpu, i, va, 2 * size, &pass))
        return EXEC_ABORT;
    if (pass && !store_pair(cpu, i, va, size, acc, &pass))
        return EXEC_ABORT;
    return set_status(cpu, i, va, 2 * size, pass);
}

/* LDAR, LDLAR, LDAPR. Program order is enough where CPUs take turns, and on x86-64 where they do
 * not. */
static inline enum exec_result ldar(struct cpu *cpu, const struct insn *i, unsigned size)
{
    uint64_t va, v;
    unsigned acc = ACC_ORDERED | ACC_ALIGNED | (size == 8 ? ACC_64 : 0);

    if (!ls_base(cpu, i, &va) || !mem_load(cpu, i, va, size, acc, &v))
        return EXEC_ABORT;
    cpu->x[i->rd] = v;
    return cpu_next(cpu);
}

/* STLR, STLLR. */
static inline enum exec_result stlr(struct cpu *cpu, const struct insn *i, unsigned size)
{
    uint64_t va;
    unsigned acc = ACC_ORDERED | ACC_ALIGNED | (size == 8 ? ACC_64 : 0);

    if (!ls_base(cpu, i, &va) || !mem_store(cpu, i, va, size, acc, cpu->x[i->rd]))
        return EXEC_ABORT;
    cpu_fence(cpu); /* a later Load-Acquire is not to be before it */
    return cpu_next(cpu);
}

#define X(s, size)                                                                                 \
    EXEC_FUNCTION(LDXR##s, ldxr(cpu, i, size, 0))                                                  \
    EXEC_FUNCTION(LDAXR##s, ldxr(cpu, i, size, ACC_ORDERED))                                       \
    EXEC_FUNCTION(STXR##s, stxr(cpu, i, size, 0))                                                  \
    EXEC_FUNCTION(STLXR##s, stxr(cpu, i, size, ACC_ORDERED))                                       \
    EXEC_FUNCTION(LDAR##s, ldar(cpu, i, size))                                                     \
    EXEC_FUNCTION(LDLAR##s, ldar(cpu, i, size))                                                    \
    EXEC_FUNCTION(LDAPR##s, ldar(cpu, i, size))                                                    \
    EXEC_FUNCTION(STLR##s, stlr(cpu, i, size))                                                     \
    EXEC_FUNCTION(STLLR##s, stlr(cpu, i, size))
X(B, 1)
X(H, 2)
X(_w, 4)
X(_x, 8)
#undef X

#define X(s, size)                                                                                 \
    EXEC_FUNCTION(LDXP##s, ldxp(cpu, i, size, 0))                                                  \
    EXEC_FUNCTION(LDAXP##s, ldxp(cpu, i, size, ACC_ORDERED))                                       \
    EXEC_FUNCTION(STXP##s, stxp(cpu, i, size, 0))                                                  \
    EXEC_FUNCTION(STLXP##s, stxp(cpu, i, size, ACC_ORDERED))
X(_w, 4)
X(_x, 8)
#undef X
