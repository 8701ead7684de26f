/* What the templates of floating-point arithmetic share: how a result is known to be right. */
#pragma once

#include "cpu/jit/vector.h"

/*
 * The host computes what IEEE 754 says, as Arm does, and the exec_ function does the rest. What is
 * left to it: results that are infinite or a NaN, since which NaN, and IOC, DZC and OFC, are its
 * business; and, of operations that can underflow, results that are zero, denormal or the least
 * normal numbers: Arm finds tininess before rounding, the host after. Of the cumulative bits then
 * IXC alone can have changed, and it is MXCSR.PE (tr_fp_enter()).
 *
 * A sum cannot underflow: FP_FINITE; other operations do: FP_NORMAL.
 */
enum fp_check { FP_FINITE_RESULT, FP_NORMAL_RESULT };

/* In the arg of a scalar's row, beside an opcode in its low byte. */
enum { FP_OPCODE = 0xff, FP_DOUBLE = 0x100 };

static inline unsigned fp_width(unsigned arg)
{
    return arg & FP_DOUBLE ? 8 : 4;
}

/* The host's instruction. */
static inline unsigned fp_scalar(unsigned arg)
{
    return vex_scalar(arg & FP_OPCODE, arg & FP_DOUBLE);
}

/* The rows of both formats. */
#define FP_ROWS(name, fn, arg, keeps)                                                              \
    {A64_##name##_s, (arg), fn, keeps},                                                            \
    {                                                                                              \
        A64_##name##_d, (arg) | FP_DOUBLE, fn, keeps                                               \
    }

/* Jump to @slow unless the scalar @r passes. RAX and EFLAGS go. */
void fp_check_scalar(struct tr *t, struct stub *slow, unsigned r, bool dbl, enum fp_check check);

/* The beginning of each template whose row reads FPCR; then its stub. */
struct stub *fp_begin_template(struct tr *t, unsigned k);

/* Its end: Vd is the low @w bytes of @r, and @slow comes back. True. */
bool fp_result(struct tr *t, const struct insn *i, struct stub *slow, unsigned r, unsigned w);

/* The warm() of a stub: the result is a zero, and so is the first operand. */
void fp_zero_of_zero(struct tr *t, struct stub *s);
