/* What the scalar floating-point exec_ functions share: operands and results by size. */
#pragma once

#include "cpu/exec.h"

#define FP_EXEC_INLINE static inline __attribute__((always_inline))

/* V[r] at size @n. */
FP_EXEC_INLINE uint64_t fp_reg(const struct cpu *cpu, enum fp_size n, unsigned r)
{
    return n == FP_64 ? cpu->v[r].d[0] : n == FP_32 ? cpu->v[r].s[0] : cpu->v[r].h[0];
}

/* V[r] = @value at any scalar size: the rest of the register becomes zero. */
FP_EXEC_INLINE void set_fp_reg(struct cpu *cpu, unsigned r, uint64_t value)
{
    cpu->v[r].d[0] = value;
    cpu->v[r].d[1] = 0;
}

/* A row's function that is one statement in the FP environment @e. */
#define EXEC_FP(name, ...)                                                                         \
    EXEC enum exec_result exec_##name(struct cpu *cpu, const struct insn *i)                       \
    {                                                                                              \
        struct fp_env e = fp_begin(cpu);                                                           \
                                                                                                   \
        __VA_ARGS__;                                                                               \
        fp_end(cpu, &e);                                                                           \
        return EXEC_NEXT;                                                                          \
    }

/* The same with a result for Vd. */
#define EXEC_FP_RESULT(name, ...) EXEC_FP(name, set_fp_reg(cpu, i->rd, __VA_ARGS__))

/* OP(suffix, size, ...) for half, single and double; the first has no FRINT32 and FRINT64. */
#define SINGLE_DOUBLE(OP, ...)                                                                     \
    OP(s, FP_32, __VA_ARGS__)                                                                      \
    OP(d, FP_64, __VA_ARGS__)
#define EACH_SIZE(OP, ...)                                                                         \
    OP(h, FP_16, __VA_ARGS__)                                                                      \
    SINGLE_DOUBLE(OP, __VA_ARGS__)
