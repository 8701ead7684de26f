/* Scalar floating point: cpu/exec/fp_conv.c as host code. */
#include "cpu/jit/fp.h"

/* MODE of the host's rounding instructions, in a row's arg; EXACT: they leave MXCSR.PE alone. */
enum {
    NEAREST = 0,
    DOWN = 1,
    UP = 2,
    TRUNCATE = 3,
    EXACT = 8,
    UNSIGNED = 0x10,
};

/* ---- from integers ---- */

static bool from_int(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned wide = i->sz || arg & UNSIGNED ? VEX_W1 : 0;

    struct stub *slow = fp_begin_template(t, k);
    enum x86_reg r = tr_use(t, i->rn, RAX);
    if (arg & UNSIGNED && i->sz) { /* not as a negative number */
        x86_test(c, 1, r, r);
        slow->from[0] = x86_jcc(c, CC_S);
    } else if (arg & UNSIGNED) {
        x86_mov(c, 0, RAX, r);
        r = RAX;
    }
    unsigned d = tr_v_def(t, i->rd, XMM0);
    vex_rr(c, VPXOR, XMM1, XMM1, XMM1);
    vex_rr(c, vex_scalar(VCVTSI2, arg & FP_DOUBLE) | wide, d, XMM1, r);
    return fp_result(t, i, slow, d, 16);
}

/* ---- to integers ---- */

/* Jump to @slow unless the number is less than 2^@bits in magnitude, and not negative if
 * @positive. */
static void check_magnitude(struct tr *t, struct stub *slow, unsigned r, bool dbl, unsigned bits,
                            bool positive)
{
    struct x86_code *c = &t->c;
    unsigned frac = dbl ? 52 : 23, bias = dbl ? 1023 : 127;

    vex_rr(c, VMOVD_STORE | (dbl ? VEX_W1 : 0), r, 0, RAX);
    if (!positive)
        x86_alu(c, ALU_ADD, dbl, RAX, RAX);
    x86_shift(c, SHIFT_SHR, dbl, RAX, positive ? frac : frac + 1);
    x86_alu_imm(c, ALU_CMP, 0, RAX, (int32_t)(bias + bits));
    slow->from[0] = x86_jcc(c, CC_AE);
}

/* MXCSR.PE is not to be set where the integer is saturated: that raises IOC alone. The host's own
 * conversion sees to it where it can tell, and else the number is looked at first. */
static bool to_int(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    bool dbl = arg & FP_DOUBLE, is_unsigned = arg & UNSIGNED, x = i->sz;
    unsigned mode = arg & 3;

    struct stub *slow = fp_begin_template(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, fp_width(arg));
    if (mode != TRUNCATE) { /* which may make it one more */
        check_magnitude(t, slow, a, dbl, x ? 62 : 30, is_unsigned);
        vex_rr_imm(c, dbl ? VROUNDSD : VROUNDSS, XMM1, a, a, mode);
        a = XMM1;
    } else if (is_unsigned) {
        check_magnitude(t, slow, a, dbl, x ? 63 : 32, true);
    }
    vex_rr(c, vex_scalar(VCVTT2SI, dbl) | (x || is_unsigned ? VEX_W1 : 0), RAX, 0, a);
    if (mode == TRUNCATE && !is_unsigned) {
        x86_alu_imm(c, ALU_CMP, x, RAX, 1);
        slow->from[0] = x86_jcc(c, CC_O); /* what it says of all that does not fit */
    }
    tr_done(t, i->rd, RAX);
    tr_come_back(t, slow);
    return true;
}

/* ---- to numbers ---- */

static bool round_int(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    bool dbl = arg & FP_DOUBLE;

    struct stub *slow = fp_begin_template(t, k);
    struct v_regs v = tr_v_unary(t, i, fp_width(arg));
    vex_rr(c, vex_packed(VUCOMI, dbl), v.a, 0, v.a);
    slow->from[0] = x86_jcc(c, CC_P);
    vex_rr_imm(c, dbl ? VROUNDSD : VROUNDSS, v.d, v.a, v.a, arg & 15);
    return fp_result(t, i, slow, v.d, v.w);
}

static bool widen(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)arg;
    struct stub *slow = fp_begin_template(t, k);
    struct v_regs v = tr_v_unary(t, i, 4);
    vex_rr(&t->c, vex_scalar(VCVTFP, false), v.d, v.a, v.a);
    fp_check_scalar(t, slow, v.d, true, FP_FINITE_RESULT);
    return fp_result(t, i, slow, v.d, 8);
}

static bool narrow(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)arg;
    struct stub *slow = fp_begin_template(t, k);
    struct v_regs v = tr_v_unary(t, i, 8);
    vex_rr(&t->c, vex_scalar(VCVTFP, true), v.d, v.a, v.a);
    fp_check_scalar(t, slow, v.d, false, FP_NORMAL_RESULT);
    slow->warm = fp_zero_of_zero;
    slow->warm_r = v.d;
    slow->warm_from_double = true;
    slow->warm_back = t->c.p;
    return fp_result(t, i, slow, v.d, 4);
}

/* clang-format off */
static const struct jit_template rows[] = {
    FP_ROWS(SCVTF, from_int, 0, NULL),
    FP_ROWS(UCVTF, from_int, UNSIGNED, NULL),
    FP_ROWS(FCVTZS, to_int, TRUNCATE, NULL),
    FP_ROWS(FCVTZU, to_int, TRUNCATE | UNSIGNED, NULL),
    FP_ROWS(FCVTNS, to_int, NEAREST, NULL),
    FP_ROWS(FCVTNU, to_int, NEAREST | UNSIGNED, NULL),
    FP_ROWS(FCVTPS, to_int, UP, NULL),
    FP_ROWS(FCVTPU, to_int, UP | UNSIGNED, NULL),
    FP_ROWS(FCVTMS, to_int, DOWN, NULL),
    FP_ROWS(FCVTMU, to_int, DOWN | UNSIGNED, NULL),
    FP_ROWS(FRINTN, round_int, NEAREST | EXACT, NULL),
    FP_ROWS(FRINTP, round_int, UP | EXACT, NULL),
    FP_ROWS(FRINTM, round_int, DOWN | EXACT, NULL),
    FP_ROWS(FRINTZ, round_int, TRUNCATE | EXACT, NULL),
    FP_ROWS(FRINTI, round_int, NEAREST | EXACT, NULL), /* by FPCR, which is that */
    FP_ROWS(FRINTX, round_int, NEAREST, NULL),
    {A64_FCVT_d_s, 0, widen, NULL},
    {A64_FCVT_s_d, 0, narrow, NULL},
};
/* clang-format on */

const struct jit_templates jit_fp_convert = JIT_HOST_TEMPLATES(rows, HOST_AVX);
