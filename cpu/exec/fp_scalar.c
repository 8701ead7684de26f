/*
 * Scalar floating point: data processing with one to three sources, compare, conditional compare
 * and select, immediate (DDI0487 C4.1, "Floating-point data-processing" and the classes around it).
 * Each list below is one encoding class; its functions are made for the three sizes.
 */
#include "cpu/exec/fp_scalar.h"

#include "arch/a64_form.h"

/* One source */

#define ONE_SOURCE(suffix, size, name, op)                                                         \
    EXEC_FP_RESULT(name##_##suffix, op(size, fp_reg(cpu, size, i->rn)))
#define SAME(size, a) (a)
#define SQRT(size, a) fp_sqrt(&e, size, a)
EACH_SIZE(ONE_SOURCE, FMOV, SAME)
EACH_SIZE(ONE_SOURCE, FABS, fp_abs)
EACH_SIZE(ONE_SOURCE, FNEG, fp_neg)
EACH_SIZE(ONE_SOURCE, FSQRT, SQRT)
#undef ONE_SOURCE
#undef SAME
#undef SQRT

/* Two sources */

FP_EXEC_INLINE uint64_t fp_nmul(struct fp_env *e, enum fp_size n, uint64_t a, uint64_t b)
{
    return fp_neg(n, fp_mul(e, n, a, b));
}

#define TWO_SOURCE(suffix, size, name, op)                                                         \
    EXEC_FP_RESULT(name##_##suffix,                                                                \
                   op(&e, size, fp_reg(cpu, size, i->rn), fp_reg(cpu, size, i->rm)))
EACH_SIZE(TWO_SOURCE, FMUL, fp_mul)
EACH_SIZE(TWO_SOURCE, FDIV, fp_div)
EACH_SIZE(TWO_SOURCE, FADD, fp_add)
EACH_SIZE(TWO_SOURCE, FSUB, fp_sub)
EACH_SIZE(TWO_SOURCE, FMAX, fp_max)
EACH_SIZE(TWO_SOURCE, FMIN, fp_min)
EACH_SIZE(TWO_SOURCE, FMAXNM, fp_maxnm)
EACH_SIZE(TWO_SOURCE, FMINNM, fp_minnm)
EACH_SIZE(TWO_SOURCE, FNMUL, fp_nmul)
#undef TWO_SOURCE

/* Three sources */

FP_EXEC_INLINE enum exec_result three_source(struct cpu *cpu, const struct insn *i, enum fp_size n,
                                             bool neg_addend, bool neg_product)
{
    struct fp_env e = fp_begin(cpu);
    uint64_t addend = fp_reg(cpu, n, i->ra), a = fp_reg(cpu, n, i->rn);

    if (neg_addend)
        addend = fp_neg(n, addend);
    if (neg_product)
        a = fp_neg(n, a);
    set_fp_reg(cpu, i->rd, fp_muladd(&e, n, addend, a, fp_reg(cpu, n, i->rm)));
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

#define THREE_SOURCE(suffix, size, name, neg_addend, neg_product)                                  \
    EXEC_FUNCTION(name##_##suffix, three_source(cpu, i, size, neg_addend, neg_product))
EACH_SIZE(THREE_SOURCE, FMADD, false, false)
EACH_SIZE(THREE_SOURCE, FMSUB, false, true)
EACH_SIZE(THREE_SOURCE, FNMADD, true, true)
EACH_SIZE(THREE_SOURCE, FNMSUB, true, false)
#undef THREE_SOURCE

/* Compare */

FP_EXEC_INLINE void compare(struct cpu *cpu, enum fp_size n, uint64_t a, uint64_t b,
                            bool signal_nans)
{
    struct fp_env e = fp_begin(cpu);

    cpu_set_nzcv(cpu, fp_compare(&e, n, a, b, signal_nans));
    fp_end(cpu, &e);
}

#define COMPARE(suffix, size, name, signal_nans)                                                   \
    EXEC enum exec_result exec_##name##_##suffix(struct cpu *cpu, const struct insn *i)            \
    {                                                                                              \
        compare(cpu, size, fp_reg(cpu, size, i->rn), fp_reg(cpu, size, i->rm), signal_nans);       \
        return EXEC_NEXT;                                                                          \
    }                                                                                              \
    EXEC enum exec_result exec_##name##_zero_##suffix(struct cpu *cpu, const struct insn *i)       \
    {                                                                                              \
        compare(cpu, size, fp_reg(cpu, size, i->rn), 0, signal_nans);                              \
        return EXEC_NEXT;                                                                          \
    }
EACH_SIZE(COMPARE, FCMP, false)
EACH_SIZE(COMPARE, FCMPE, true)
#undef COMPARE

/* Conditional compare: @i->mod is nzcv:cond. */
FP_EXEC_INLINE enum exec_result cond_compare(struct cpu *cpu, const struct insn *i, enum fp_size n,
                                             bool signal_nans)
{
    if (cond_holds(cpu, i->mod & 15))
        compare(cpu, n, fp_reg(cpu, n, i->rn), fp_reg(cpu, n, i->rm), signal_nans);
    else
        cpu_set_nzcv(cpu, i->mod >> 4);
    return EXEC_NEXT;
}

#define COND_COMPARE(suffix, size, name, signal_nans)                                              \
    EXEC_FUNCTION(name##_##suffix, cond_compare(cpu, i, size, signal_nans))
EACH_SIZE(COND_COMPARE, FCCMP, false)
EACH_SIZE(COND_COMPARE, FCCMPE, true)
#undef COND_COMPARE

/* Conditional select, immediate */

#define SELECT_IMM(suffix, size, dummy)                                                            \
    EXEC enum exec_result exec_FCSEL_##suffix(struct cpu *cpu, const struct insn *i)               \
    {                                                                                              \
        set_fp_reg(cpu, i->rd, fp_reg(cpu, size, cond_holds(cpu, i->mod) ? i->rn : i->rm));        \
        return EXEC_NEXT;                                                                          \
    }                                                                                              \
    EXEC enum exec_result exec_FMOV_imm_##suffix(struct cpu *cpu, const struct insn *i)            \
    {                                                                                              \
        set_fp_reg(cpu, i->rd, a64_fp_imm((unsigned)bits((uint64_t)i->imm, 20, 13), size));        \
        return EXEC_NEXT;                                                                          \
    }
EACH_SIZE(SELECT_IMM, )
#undef SELECT_IMM
#undef EACH_SIZE
