/* FEAT_LSE: compare-and-swap, swap and the atomic memory operations. Where CPUs take turns an
 * atomic is a load and a store that nothing can come between; where they do not the store is a
 * swap, and both are done again if something has. */
#include "cpu/exec.h"
#include "cpu/exec/ldst.h"
#include "cpu/mem_swap.h"
#include "cpu/parallel.h"

/* Rs is read and written: where its new value goes. */
static inline uint64_t *rs_result(struct cpu *cpu, unsigned rs)
{
    return &cpu->x[rs == REG_ZR ? REG_SINK : rs];
}

/* Flags of the access: acquire is A (bit 23; bit 22 of CAS and CASP), release R (22; 15). */
static inline unsigned atomic_acc(bool ordered, unsigned size)
{
    return ACC_ATOMIC | ACC_ALIGNED | (ordered ? ACC_ORDERED : 0) | (size == 8 ? ACC_64 : 0);
}

/* Reading came first, so that alignment faults precede others. Now: would a store succeed? */
static bool atomic_writable(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                            unsigned acc)
{
    return ls_writable(cpu, va, size) || mem_probe(cpu, i, va, size, acc, true);
}

/* The old value; write permission has been checked. */
static bool atomic_load(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                        unsigned acc, uint64_t *old)
{
    return mem_load(cpu, i, va, size, acc, old) && atomic_writable(cpu, i, va, size, acc);
}

/* The store of an atomic that has loaded @old. *done: false if that is to be done again. */
static bool atomic_store(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                         unsigned acc, uint64_t old, uint64_t new_value, bool *done)
{
    if (cpu_is_parallel(cpu))
        return mem_swap(cpu, i, va, size, acc, old, new_value, done);
    *done = true;
    return mem_store(cpu, i, va, size, acc, new_value);
}

/*
 * CAS. Write permission is needed whether or not the comparison succeeds; memory is written only if
 * it does.
 */
static inline enum exec_result cas(struct cpu *cpu, const struct insn *i, unsigned size)
{
    uint64_t va, old, expected = zext(cpu->x[i->rm], size * 8), new_value = cpu->x[i->rd];
    unsigned acc = atomic_acc(bit((uint64_t)i->imm, 22) || bit((uint64_t)i->imm, 15), size);
    bool done;

    if (!ls_base(cpu, i, &va))
        return EXEC_ABORT;
    do {
        if (!atomic_load(cpu, i, va, size, acc | ACC_VALUE_RM, &old))
            return EXEC_ABORT;
        done = old != expected;
        if (!done && !atomic_store(cpu, i, va, size, acc, old, new_value, &done))
            return EXEC_ABORT;
    } while (!done);
    *rs_result(cpu, i->rm) = old;
    return cpu_next(cpu);
}

/* CASP of 64-bit registers: one 16-byte access. @lo, @hi: which of a pair is the lower half. */
static inline enum exec_result casp64(struct cpu *cpu, const struct insn *i, uint64_t va,
                                      unsigned acc, unsigned lo, unsigned hi)
{
    const uint64_t desired[2] = {cpu->x[i->rd + lo], cpu->x[i->rd + hi]};
    uint64_t old[2];
    bool done;

    do {
        if (!mem_load128(cpu, i, va, acc | ACC_VALUE_RM, old) ||
            !atomic_writable(cpu, i, va, 16, acc))
            return EXEC_ABORT;
        done = true;
        /* Two halves that were not there at the same time are no value to compare with. */
        bool same = old[0] == cpu->x[i->rm + lo] && old[1] == cpu->x[i->rm + hi];
        if (cpu_is_parallel(cpu) ? !mem_swap128(cpu, i, va, acc, old, same ? desired : old, &done)
                                 : same && !mem_store128(cpu, i, va, acc, desired[0], desired[1]))
            return EXEC_ABORT;
    } while (!done);
    *rs_result(cpu, i->rm + lo) = old[0];
    *rs_result(cpu, i->rm + hi) = old[1];
    return cpu_next(cpu);
}

static inline enum exec_result casp32(struct cpu *cpu, const struct insn *i, uint64_t va,
                                      unsigned acc, unsigned lo, unsigned hi)
{
    uint64_t old;
    uint64_t expected = cpu->x[i->rm + hi] << 32 | (uint32_t)cpu->x[i->rm + lo];
    uint64_t new_value = cpu->x[i->rd + hi] << 32 | (uint32_t)cpu->x[i->rd + lo];

    bool done;

    do {
        if (!atomic_load(cpu, i, va, 8, acc | ACC_VALUE_RM, &old))
            return EXEC_ABORT;
        done = old != expected;
        if (!done && !atomic_store(cpu, i, va, 8, acc, old, new_value, &done))
            return EXEC_ABORT;
    } while (!done);
    *rs_result(cpu, i->rm + lo) = (uint32_t)old;
    *rs_result(cpu, i->rm + hi) = old >> 32;
    return cpu_next(cpu);
}

static inline enum exec_result casp(struct cpu *cpu, const struct insn *i, unsigned size)
{
    unsigned hi = !mem_big_endian(cpu), lo = !hi;
    unsigned acc = atomic_acc(bit((uint64_t)i->imm, 22) || bit((uint64_t)i->imm, 15), size);
    uint64_t va;

    if (!ls_base(cpu, i, &va))
        return EXEC_ABORT;
    acc |= ACC_PAIR | ACC_VALUE_TWO;
    return size == 8 ? casp64(cpu, i, va, acc, lo, hi) : casp32(cpu, i, va, acc, lo, hi);
}

enum atomic_op { OP_ADD, OP_CLR, OP_EOR, OP_SET, OP_SMAX, OP_SMIN, OP_UMAX, OP_UMIN, OP_SWP };

/* MemAtomicOp: @a from memory, @b from Rs, both zero-extended from @size bytes. */
static inline uint64_t atomic_result(enum atomic_op op, uint64_t a, uint64_t b, unsigned size)
{
    int64_t sa = (int64_t)sext(a, size * 8), sb = (int64_t)sext(b, size * 8);

    switch (op) {
    case OP_ADD:
        return a + b;
    case OP_CLR:
        return a & ~b;
    case OP_EOR:
        return a ^ b;
    case OP_SET:
        return a | b;
    case OP_SMAX:
        return sa > sb ? a : b;
    case OP_SMIN:
        return sa > sb ? b : a;
    case OP_UMAX:
        return a > b ? a : b;
    case OP_UMIN:
        return a > b ? b : a;
    default:
        return b;
    }
}

static inline enum exec_result atomic(struct cpu *cpu, const struct insn *i, enum atomic_op op,
                                      unsigned size)
{
    uint64_t va, old, operand = zext(cpu->x[i->rm], size * 8);
    unsigned acc = atomic_acc(bits((uint64_t)i->imm, 23, 22) != 0, size);
    unsigned value_in = op == OP_SWP ? ACC_VALUE_RM : ACC_VALUE_NONE;
    bool done;

    if (!ls_base(cpu, i, &va))
        return EXEC_ABORT;
    do {
        if (!atomic_load(cpu, i, va, size, acc, &old) ||
            !atomic_store(cpu, i, va, size, acc | value_in, old,
                          atomic_result(op, old, operand, size), &done))
            return EXEC_ABORT;
    } while (!done);
    cpu->x[i->rd] = old;
    return cpu_next(cpu);
}

#define X(s, size)                                                                                 \
    EXEC_FUNCTION(CAS##s, cas(cpu, i, size))                                                       \
    EXEC_FUNCTION(LDADD##s, atomic(cpu, i, OP_ADD, size))                                          \
    EXEC_FUNCTION(LDCLR##s, atomic(cpu, i, OP_CLR, size))                                          \
    EXEC_FUNCTION(LDEOR##s, atomic(cpu, i, OP_EOR, size))                                          \
    EXEC_FUNCTION(LDSET##s, atomic(cpu, i, OP_SET, size))                                          \
    EXEC_FUNCTION(LDSMAX##s, atomic(cpu, i, OP_SMAX, size))                                        \
    EXEC_FUNCTION(LDSMIN##s, atomic(cpu, i, OP_SMIN, size))                                        \
    EXEC_FUNCTION(LDUMAX##s, atomic(cpu, i, OP_UMAX, size))                                        \
    EXEC_FUNCTION(LDUMIN##s, atomic(cpu, i, OP_UMIN, size))                                        \
    EXEC_FUNCTION(SWP##s, atomic(cpu, i, OP_SWP, size))
X(B, 1)
X(H, 2)
X(_w, 4)
X(_x, 8)
#undef X

EXEC_FUNCTION(CASP_w, casp(cpu, i, 4))
EXEC_FUNCTION(CASP_x, casp(cpu, i, 8))
