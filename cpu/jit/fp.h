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

/* Jump to @slow unless the scalar @r passes. RAX and EFLAGS go. */
void fp_check_scalar(struct tr *t, struct stub *slow, unsigned r, bool dbl, enum fp_check check);

/* The beginning of each template whose row reads FPCR; then its stub. */
struct stub *fp_begin_template(struct tr *t, unsigned k);

/* The warm() of a stub: the result is a zero, and so is the first operand. */
void fp_zero_of_zero(struct tr *t, struct stub *s);
