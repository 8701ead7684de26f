/*
 * Scalar floating point: rounding to integral values, conversions between formats, to and from
 * integers and fixed point, and moves to and from general registers (DDI0487 C4.1).
 */
#include "cpu/exec/fp_scalar.h"

/* OP(suffix, size, ...) for half, single and double; the first has no FRINT32 and FRINT64. */
#define SINGLE_DOUBLE(OP, ...)                                                                     \
    OP(s, FP_32, __VA_ARGS__)                                                                      \
    OP(d, FP_64, __VA_ARGS__)
#define EACH_SIZE(OP, ...)                                                                         \
    OP(h, FP_16, __VA_ARGS__)                                                                      \
    SINGLE_DOUBLE(OP, __VA_ARGS__)

/* Stands for FPRoundingMode(FPCR) where an instruction may also name a mode of its own. */
#define FP_BY_FPCR ((enum fp_rounding)(FP_ODD + 1))

FP_EXEC_INLINE enum fp_rounding rounding(const struct cpu *cpu, enum fp_rounding r)
{
    return r == FP_BY_FPCR ? FPCR_RMODE(cpu->fpcr) : r;
}

/* Round to integral */

FP_EXEC_INLINE enum exec_result frint(struct cpu *cpu, const struct insn *i, enum fp_size n,
                                      enum fp_rounding r, bool exact)
{
    struct fp_env e = fp_begin(cpu);
    const uint64_t a = fp_reg(cpu, n, i->rn);

    set_fp_reg(cpu, i->rd, fp_round_int(&e, n, a, rounding(cpu, r), exact));
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

#define FRINT(suffix, size, name, r, exact)                                                        \
    EXEC_FUNCTION(name##_##suffix, frint(cpu, i, size, r, exact))
EACH_SIZE(FRINT, FRINTN, FP_TIEEVEN, false)
EACH_SIZE(FRINT, FRINTP, FP_POSINF, false)
EACH_SIZE(FRINT, FRINTM, FP_NEGINF, false)
EACH_SIZE(FRINT, FRINTZ, FP_ZERO, false)
EACH_SIZE(FRINT, FRINTA, FP_TIEAWAY, false)
EACH_SIZE(FRINT, FRINTX, FP_BY_FPCR, true)
EACH_SIZE(FRINT, FRINTI, FP_BY_FPCR, false)
#undef FRINT

FP_EXEC_INLINE enum exec_result frint_n(struct cpu *cpu, const struct insn *i, enum fp_size n,
                                        enum fp_rounding r, unsigned int_bits)
{
    struct fp_env e = fp_begin(cpu);
    const uint64_t a = fp_reg(cpu, n, i->rn);

    set_fp_reg(cpu, i->rd, fp_round_int_n(&e, n, a, rounding(cpu, r), int_bits));
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

#define FRINT_N(suffix, size, name, r, int_bits)                                                   \
    EXEC_FUNCTION(name##_##suffix, frint_n(cpu, i, size, r, int_bits))
SINGLE_DOUBLE(FRINT_N, FRINT32Z, FP_ZERO, 32)
SINGLE_DOUBLE(FRINT_N, FRINT32X, FP_BY_FPCR, 32)
SINGLE_DOUBLE(FRINT_N, FRINT64Z, FP_ZERO, 64)
SINGLE_DOUBLE(FRINT_N, FRINT64X, FP_BY_FPCR, 64)
#undef FRINT_N

/* Between formats */

FP_EXEC_INLINE enum exec_result fcvt(struct cpu *cpu, const struct insn *i, enum fp_size to,
                                     enum fp_size from)
{
    struct fp_env e = fp_begin(cpu);
    const uint64_t a = fp_reg(cpu, from, i->rn);

    set_fp_reg(cpu, i->rd, fp_convert(&e, to, from, a, FPCR_RMODE(cpu->fpcr)));
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

#define FCVT(to_suffix, to, from_suffix, from)                                                     \
    EXEC_FUNCTION(FCVT_##to_suffix##_##from_suffix, fcvt(cpu, i, to, from))
FCVT(h, FP_16, s, FP_32)
FCVT(h, FP_16, d, FP_64)
FCVT(s, FP_32, h, FP_16)
FCVT(s, FP_32, d, FP_64)
FCVT(d, FP_64, h, FP_16)
FCVT(d, FP_64, s, FP_32)
#undef FCVT

EXEC enum exec_result exec_BFCVT(struct cpu *cpu, const struct insn *i)
{
    struct fp_env e = fp_begin(cpu);

    set_fp_reg(cpu, i->rd, fp_convert_bf(&e, cpu->v[i->rn].s[0]));
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

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

FP_EXEC_INLINE enum exec_result to_int(struct cpu *cpu, const struct insn *i, enum fp_size n,
                                       enum fp_rounding r, bool is_unsigned, unsigned fbits)
{
    struct fp_env e = fp_begin(cpu);
    const uint64_t a = fp_reg(cpu, n, i->rn);

    cpu->x[i->rd] = fp_to_fixed(&e, n, a, fbits, is_unsigned, r, int_size(i));
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

#define FCVT_TO_INT(suffix, size, name, r, is_unsigned)                                            \
    EXEC_FUNCTION(name##_##suffix, to_int(cpu, i, size, r, is_unsigned, 0))
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
    EXEC_FUNCTION(name##_fix_##suffix, to_int(cpu, i, size, FP_ZERO, is_unsigned, fix_bits(i)))
EACH_SIZE(FCVT_TO_FIX, FCVTZS, false)
EACH_SIZE(FCVT_TO_FIX, FCVTZU, true)
#undef FCVT_TO_FIX

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

FP_EXEC_INLINE enum exec_result from_int(struct cpu *cpu, const struct insn *i, enum fp_size n,
                                         bool is_unsigned, unsigned fbits)
{
    struct fp_env e = fp_begin(cpu);
    const uint64_t v = cpu->x[i->rn];

    set_fp_reg(cpu, i->rd,
               fp_from_fixed(&e, n, v, int_size(i), fbits, is_unsigned, FPCR_RMODE(cpu->fpcr)));
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

#define CVTF(suffix, size, name, is_unsigned)                                                      \
    EXEC_FUNCTION(name##_##suffix, from_int(cpu, i, size, is_unsigned, 0))                         \
    EXEC_FUNCTION(name##_fix_##suffix, from_int(cpu, i, size, is_unsigned, fix_bits(i)))
EACH_SIZE(CVTF, SCVTF, false)
EACH_SIZE(CVTF, UCVTF, true)
#undef CVTF
#undef EACH_SIZE
#undef SINGLE_DOUBLE

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
