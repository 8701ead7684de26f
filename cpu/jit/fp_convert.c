/* Scalar floating point: cpu/exec/fp_conv.c as host code. */
#include "cpu/jit/fp.h"

enum { DOUBLE = 0x2000 };

/* MODE of the host's rounding instructions, in a row's arg; EXACT: they leave MXCSR.PE alone. */
enum {
    NEAREST = 0,
    DOWN = 1,
    UP = 2,
    TRUNCATE = 3,
    EXACT = 8,
    UNSIGNED = 0x100,
};

/* cvtsi2ss, cvttss2si, and with another prefix those of doubles. */
#define VCVTSI2SS  VEX_P2(0x2a)
#define VCVTTSS2SI VEX_P2(0x2c)
#define TO_DOUBLE  (VEX_F2 ^ VEX_F3)

static unsigned width_of(unsigned arg)
{
    return arg & DOUBLE ? 8 : 4;
}

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
    vex_rr(c, (VCVTSI2SS ^ (arg & DOUBLE ? TO_DOUBLE : 0)) | wide, d, XMM1, r);
    tr_v_done(t, i->rd, d, 16);
    tr_come_back(t, slow);
    return true;
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
    bool dbl = arg & DOUBLE, is_unsigned = arg & UNSIGNED, x = i->sz;
    unsigned mode = arg & 3;

    struct stub *slow = fp_begin_template(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, width_of(arg));
    if (mode != TRUNCATE) { /* which may make it one more */
        check_magnitude(t, slow, a, dbl, x ? 62 : 30, is_unsigned);
        vex_rr_imm(c, dbl ? VROUNDSD : VROUNDSS, XMM1, a, a, mode);
        a = XMM1;
    } else if (is_unsigned) {
        check_magnitude(t, slow, a, dbl, x ? 63 : 32, true);
    }
    vex_rr(c, (VCVTTSS2SI ^ (dbl ? TO_DOUBLE : 0)) | (x || is_unsigned ? VEX_W1 : 0), RAX, 0, a);
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
    bool dbl = arg & DOUBLE;
    unsigned w = width_of(arg);

    struct stub *slow = fp_begin_template(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, w), d = tr_v_def(t, i->rd, XMM0);
    vex_rr(c, dbl ? VUCOMISD : VUCOMISS, a, 0, a);
    slow->from[0] = x86_jcc(c, CC_P);
    vex_rr_imm(c, dbl ? VROUNDSD : VROUNDSS, d, a, a, arg & 15);
    tr_v_done(t, i->rd, d, w);
    tr_come_back(t, slow);
    return true;
}

static bool widen(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)arg;
    struct stub *slow = fp_begin_template(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, 4), d = tr_v_def(t, i->rd, XMM0);
    vex_rr(&t->c, VEX_P2(0x5a), d, a, a);
    fp_check_scalar(t, slow, d, true, FP_FINITE_RESULT);
    tr_v_done(t, i->rd, d, 8);
    tr_come_back(t, slow);
    return true;
}

static bool narrow(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)arg;
    struct stub *slow = fp_begin_template(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, 8), d = tr_v_def(t, i->rd, XMM0);
    vex_rr(&t->c, VEX_P3(0x5a), d, a, a);
    fp_check_scalar(t, slow, d, false, FP_NORMAL_RESULT);
    slow->warm = fp_zero_of_zero;
    slow->warm_r = d;
    slow->warm_from_double = true;
    slow->warm_back = t->c.p;
    tr_v_done(t, i->rd, d, 4);
    tr_come_back(t, slow);
    return true;
}

#define BOTH(name, fn, arg)                                                                        \
    {A64_##name##_s, (arg), fn, NULL},                                                             \
    {                                                                                              \
        A64_##name##_d, (arg) | DOUBLE, fn, NULL                                                   \
    }

/* clang-format off */
static const struct jit_template rows[] = {
    BOTH(SCVTF, from_int, 0),
    BOTH(UCVTF, from_int, UNSIGNED),
    BOTH(FCVTZS, to_int, TRUNCATE),
    BOTH(FCVTZU, to_int, TRUNCATE | UNSIGNED),
    BOTH(FCVTNS, to_int, NEAREST),
    BOTH(FCVTNU, to_int, NEAREST | UNSIGNED),
    BOTH(FCVTPS, to_int, UP),
    BOTH(FCVTPU, to_int, UP | UNSIGNED),
    BOTH(FCVTMS, to_int, DOWN),
    BOTH(FCVTMU, to_int, DOWN | UNSIGNED),
    BOTH(FRINTN, round_int, NEAREST | EXACT),
    BOTH(FRINTP, round_int, UP | EXACT),
    BOTH(FRINTM, round_int, DOWN | EXACT),
    BOTH(FRINTZ, round_int, TRUNCATE | EXACT),
    BOTH(FRINTI, round_int, NEAREST | EXACT), /* by FPCR, which is that */
    BOTH(FRINTX, round_int, NEAREST),
    {A64_FCVT_d_s, 0, widen, NULL},
    {A64_FCVT_s_d, 0, narrow, NULL},
};
/* clang-format on */

const struct jit_templates jit_fp_convert = JIT_HOST_TEMPLATES(rows, HOST_AVX);
