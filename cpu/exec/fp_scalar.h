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
