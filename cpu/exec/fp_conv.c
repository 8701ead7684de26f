/*
 * Scalar floating point: rounding to integral values, conversions between formats, to and from
 * integers and fixed point, and moves to and from general registers (DDI0487 C4.1).
 */
#include "cpu/exec/fp_scalar.h"

/* Stands for FPRoundingMode(FPCR) where an instruction may also name a mode of its own. */
#define FP_BY_FPCR ((enum fp_rounding)(FP_ODD + 1))

FP_EXEC_INLINE enum fp_rounding rounding(const struct cpu *cpu, enum fp_rounding r)
{
    return r == FP_BY_FPCR ? FPCR_RMODE(cpu->fpcr) : r;
}

/* Round to integral */

#define FRINT(suffix, size, name, r, exact)                                                        \
    EXEC_FP_RESULT(name##_##suffix,                                                                \
                   fp_round_int(&e, size, fp_reg(cpu, size, i->rn), rounding(cpu, r), exact))
EACH_SIZE(FRINT, FRINTN, FP_TIEEVEN, false)
EACH_SIZE(FRINT, FRINTP, FP_POSINF, false)
EACH_SIZE(FRINT, FRINTM, FP_NEGINF, false)
EACH_SIZE(FRINT, FRINTZ, FP_ZERO, false)
EACH_SIZE(FRINT, FRINTA, FP_TIEAWAY, false)
EACH_SIZE(FRINT, FRINTX, FP_BY_FPCR, true)
EACH_SIZE(FRINT, FRINTI, FP_BY_FPCR, false)
#undef FRINT

#define FRINT_N(suffix, size, name, r, int_bits)                                                   \
    EXEC_FP_RESULT(name##_##suffix,                                                                \
                   fp_round_int_n(&e, size, fp_reg(cpu, size, i->rn), rounding(cpu, r), int_bits))
SINGLE_DOUBLE(FRINT_N, FRINT32Z, FP_ZERO, 32)
SINGLE_DOUBLE(FRINT_N, FRINT32X, FP_BY_FPCR, 32)
SINGLE_DOUBLE(FRINT_N, FRINT64Z, FP_ZERO, 64)
SINGLE_DOUBLE(FRINT_N, FRINT64X, FP_BY_FPCR, 64)
#undef FRINT_N

/* Between formats */

#define FCVT(to_suffix, to, from_suffix, from)                                                     \
    EXEC_FP_RESULT(FCVT_##to_suffix##_##from_suffix,                                               \
                   fp_convert(&e, to, from, fp_reg(cpu, from, i->rn), FPCR_RMODE(cpu->fpcr)))
FCVT(h, FP_16, s, FP_32)
FCVT(h, FP_16, d, FP_64)
FCVT(s, FP_32, h, FP_16)
FCVT(s, FP_32, d, FP_64)
FCVT(d, FP_64, h, FP_16)
FCVT(d, FP_64, s, FP_32)
#undef FCVT

EXEC_FP_RESULT(BFCVT, fp_convert_bf(&e, cpu->v[i->rn].s[0]))

/* To integers and fixed point. With form SF, sz is sf and imm the word. */

FP_EXEC_INLINE unsigned int_size(const struct insn *i)
{
    return i->sz ? 64 : 32;
}

/* Fraction bits of a fixed-point operand: 64 - scale. */
FP_EXEC_INLINE unsigned fix_bits(const struct insn *i)
{
    return 64 - (unsigned)bits((uint64_t)i->imm, 15, 10);
}

#define TO_INT(row, size, r, is_unsigned, fbits)                                                   \
    EXEC_FP(row, cpu->x[i->rd] = fp_to_fixed(&e, size, fp_reg(cpu, size, i->rn), fbits,            \
                                             is_unsigned, r, int_size(i)))
#define FCVT_TO_INT(suffix, size, name, r, is_unsigned)                                            \
    TO_INT(name##_##suffix, size, r, is_unsigned, 0)
EACH_SIZE(FCVT_TO_INT, FCVTNS, FP_TIEEVEN, false)
EACH_SIZE(FCVT_TO_INT, FCVTNU, FP_TIEEVEN, true)
EACH_SIZE(FCVT_TO_INT, FCVTAS, FP_TIEAWAY, false)
EACH_SIZE(FCVT_TO_INT, FCVTAU, FP_TIEAWAY, true)
EACH_SIZE(FCVT_TO_INT, FCVTPS, FP_POSINF, false)
EACH_SIZE(FCVT_TO_INT, FCVTPU, FP_POSINF, true)
EACH_SIZE(FCVT_TO_INT, FCVTMS, FP_NEGINF, false)
EACH_SIZE(FCVT_TO_INT, FCVTMU, FP_NEGINF, true)
EACH_SIZE(FCVT_TO_INT, FCVTZS, FP_ZERO, false)
EACH_SIZE(FCVT_TO_INT, FCVTZU, FP_ZERO, true)
#undef FCVT_TO_INT

#define FCVT_TO_FIX(suffix, size, name, is_unsigned)                                               \
    TO_INT(name##_fix_##suffix, size, FP_ZERO, is_unsigned, fix_bits(i))
EACH_SIZE(FCVT_TO_FIX, FCVTZS, false)
EACH_SIZE(FCVT_TO_FIX, FCVTZU, true)
#undef FCVT_TO_FIX
#undef TO_INT

EXEC enum exec_result exec_FJCVTZS(struct cpu *cpu, const struct insn *i)
{
    struct fp_env e = fp_begin(cpu);
    bool z;

    cpu->x[i->rd] = fp_to_fixed_js(&e, cpu->v[i->rn].d[0], &z);
    cpu_set_nzcv(cpu, z ? 4 : 0);
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

/* From integers and fixed point */

#define FROM_INT(row, size, is_unsigned, fbits)                                                    \
    EXEC_FP_RESULT(row, fp_from_fixed(&e, size, cpu->x[i->rn], int_size(i), fbits, is_unsigned,    \
                                      FPCR_RMODE(cpu->fpcr)))
#define CVTF(suffix, size, name, is_unsigned)                                                      \
    FROM_INT(name##_##suffix, size, is_unsigned, 0)                                                \
    FROM_INT(name##_fix_##suffix, size, is_unsigned, fix_bits(i))
EACH_SIZE(CVTF, SCVTF, false)
EACH_SIZE(CVTF, UCVTF, true)
#undef CVTF
#undef FROM_INT

/* Moves: the bits as they are. */

EXEC_STATEMENT(FMOV_r_h, cpu->x[i->rd] = cpu->v[i->rn].h[0])
EXEC_STATEMENT(FMOV_w_s, cpu->x[i->rd] = cpu->v[i->rn].s[0])
EXEC_STATEMENT(FMOV_x_d, cpu->x[i->rd] = cpu->v[i->rn].d[0])
EXEC_STATEMENT(FMOV_x_d1, cpu->x[i->rd] = cpu->v[i->rn].d[1])
EXEC_STATEMENT(FMOV_h_r, set_fp_reg(cpu, i->rd, (uint16_t)cpu->x[i->rn]))
EXEC_STATEMENT(FMOV_s_w, set_fp_reg(cpu, i->rd, (uint32_t)cpu->x[i->rn]))
EXEC_STATEMENT(FMOV_d_x, set_fp_reg(cpu, i->rd, cpu->x[i->rn]))

/* Only the upper half changes. */
EXEC_STATEMENT(FMOV_d1_x, cpu->v[i->rd].d[1] = cpu->x[i->rn])
