/* Scalar floating point: cpu/exec/fp_scalar.c as host code. */
#include "cpu/jit/fp.h"

#include "arch/a64_form.h"

/* Above the opcode in a row's arg. */
enum { DOUBLE = 0x2000, NEGATE = 0x4000 };

static unsigned width_of(unsigned arg)
{
    return arg & DOUBLE ? 8 : 4;
}

/* RAX = the scalar's bits, without the sign, the exponent being the upper ones of EAX. */
static void exponent_to_rax(struct x86_code *c, unsigned r, bool dbl)
{
    vex_rr(c, VMOVD_STORE | (dbl ? VEX_W1 : 0), r, 0, RAX);
    if (dbl)
        x86_shift(c, SHIFT_SHR, 1, RAX, 32);
    x86_alu(c, ALU_ADD, 0, RAX, RAX);
}

void fp_check_scalar(struct tr *t, struct stub *slow, unsigned r, bool dbl, enum fp_check check)
{
    struct x86_code *c = &t->c;
    uint32_t unit = dbl ? UINT32_C(1) << 21 : UINT32_C(1) << 24, infinite = 0u - unit, least = 0;

    exponent_to_rax(c, r, dbl);
    if (check == FP_NORMAL_RESULT) {
        least = 2 * unit;
        x86_alu_imm(c, ALU_SUB, 0, RAX, (int32_t)least);
    }
    x86_alu_imm(c, ALU_CMP, 0, RAX, (int32_t)(infinite - least));
    slow->from[0] = x86_jcc(c, CC_AE);
}

struct stub *fp_begin_template(struct tr *t, unsigned k)
{
    tr_check_fp(t, k);
    tr_fp_enter(t, k);
    return tr_stub(t, STUB_EXEC, k);
}

/* ---- arithmetic ---- */

/* An operand of the record, as the CPU has it, is zero: jump. */
static void test_zero(struct x86_code *c, unsigned v, bool dbl)
{
    x86_rm(c, 0x8b, dbl, RAX, tr_v(v));
    x86_alu(c, ALU_ADD, dbl, RAX, RAX);
}

/* The bits of the result but for its sign are zero, or @slow goes on. */
static uint8_t *unless_zero(struct x86_code *c, unsigned r, bool dbl)
{
    vex_rr(c, VMOVD_STORE | (dbl ? VEX_W1 : 0), r, 0, RAX);
    x86_alu(c, ALU_ADD, dbl, RAX, RAX);
    return x86_jcc(c, CC_NE);
}

/* A zero product of a zero, a zero quotient of a zero dividend, and a zero of another precision are
 * exact. */
static void zero_result(struct tr *t, struct stub *s, bool product)
{
    const struct insn *i = &t->rec[s->k];
    struct x86_code *c = &t->c;
    uint8_t *not_zero = unless_zero(c, s->warm_r, s->warm_double);

    test_zero(c, i->rn, s->warm_from_double);
    x86_bind_to(c, x86_jcc(c, CC_E), s->warm_back);
    if (product) {
        test_zero(c, i->rm, s->warm_double);
        x86_bind_to(c, x86_jcc(c, CC_E), s->warm_back);
    }
    x86_bind(c, not_zero);
}

static void zero_product(struct tr *t, struct stub *s)
{
    zero_result(t, s, true);
}

void fp_zero_of_zero(struct tr *t, struct stub *s)
{
    zero_result(t, s, false);
}

/* A zero plus a product of zeros. */
static void zero_sum(struct tr *t, struct stub *s)
{
    const struct insn *i = &t->rec[s->k];
    struct x86_code *c = &t->c;
    uint8_t *not_zero = unless_zero(c, s->warm_r, s->warm_double);

    test_zero(c, i->ra, s->warm_double);
    uint8_t *added = x86_jcc(c, CC_NE);
    test_zero(c, i->rn, s->warm_double);
    x86_bind_to(c, x86_jcc(c, CC_E), s->warm_back);
    test_zero(c, i->rm, s->warm_double);
    x86_bind_to(c, x86_jcc(c, CC_E), s->warm_back);
    x86_bind(c, added);
    x86_bind(c, not_zero);
}

/* From here on all is as if @slow had found nothing to do: @fn may come back here. */
static void warm(struct tr *t, struct stub *s, unsigned r, bool dbl,
                 void (*fn)(struct tr *, struct stub *))
{
    s->warm = fn;
    s->warm_r = r;
    s->warm_double = s->warm_from_double = dbl;
    s->warm_back = t->c.p;
}

static bool sum(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct stub *slow = fp_begin_template(t, k);
    unsigned w = width_of(arg), a = tr_v_use(t, i->rn, XMM0, w), b = tr_v_use(t, i->rm, XMM1, w);
    unsigned d = tr_v_def(t, i->rd, XMM0);

    vex_rr(&t->c, arg & VEX_BITS, d, a, b);
    fp_check_scalar(t, slow, d, arg & DOUBLE, FP_FINITE_RESULT);
    tr_v_done(t, i->rd, d, w);
    tr_come_back(t, slow);
    return true;
}

static bool product(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    bool divides = (arg & 0xff) == 0x5e;

    struct stub *slow = fp_begin_template(t, k);
    unsigned w = width_of(arg), a = tr_v_use(t, i->rn, XMM0, w), b = tr_v_use(t, i->rm, XMM1, w);
    unsigned d = tr_v_def(t, i->rd, XMM0);

    vex_rr(&t->c, arg & VEX_BITS, d, a, b);
    fp_check_scalar(t, slow, d, arg & DOUBLE, FP_NORMAL_RESULT);
    warm(t, slow, d, arg & DOUBLE, divides ? fp_zero_of_zero : zero_product);
    if (arg & NEGATE)
        tr_v_with(t, VXORPS, d, d, arg & DOUBLE ? CONST_SCALAR_SIGN_D : CONST_SCALAR_SIGN_S);
    tr_v_done(t, i->rd, d, w);
    tr_come_back(t, slow);
    return true;
}

static bool fused(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;

    struct stub *slow = fp_begin_template(t, k);
    unsigned w = width_of(arg), a = tr_v_use(t, i->rn, XMM0, w), b = tr_v_use(t, i->rm, XMM1, w);
    unsigned add = tr_v_use(t, i->ra, XMM2, w), d = tr_v_def(t, i->rd, XMM2);

    if (add != d) { /* d += a * b, in a register that is neither */
        if (d == a || d == b)
            d = XMM2;
        if (add != d)
            vex_rr(c, VMOVAPS, d, 0, add);
    }
    vex_rr(c, arg & VEX_BITS, d, a, b);
    fp_check_scalar(t, slow, d, arg & DOUBLE, FP_NORMAL_RESULT);
    warm(t, slow, d, arg & DOUBLE, zero_sum);
    tr_v_done(t, i->rd, d, w);
    tr_come_back(t, slow);
    return true;
}

static bool square_root(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct stub *slow = fp_begin_template(t, k);
    unsigned w = width_of(arg), a = tr_v_use(t, i->rn, XMM0, w), d = tr_v_def(t, i->rd, XMM0);

    vex_rr(&t->c, arg & VEX_BITS, d, a, a);
    fp_check_scalar(t, slow, d, arg & DOUBLE, FP_FINITE_RESULT);
    tr_v_done(t, i->rd, d, w);
    tr_come_back(t, slow);
    return true;
}

/* Of equal operands, which may be zeros of both signs, the host returns its second one: both orders
 * and together (maximum) or or together (minimum) are the positive zero, or the negative one. */
static bool extreme(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    bool max = (arg & 0xff) == 0x5f;

    struct stub *slow = fp_begin_template(t, k);
    unsigned w = width_of(arg), a = tr_v_use(t, i->rn, XMM0, w), b = tr_v_use(t, i->rm, XMM1, w);
    unsigned d = tr_v_def(t, i->rd, XMM0);

    vex_rr(c, arg & DOUBLE ? VUCOMISD : VUCOMISS, a, 0, b);
    slow->from[0] = x86_jcc(c, CC_P);
    vex_rr(c, arg & VEX_BITS, XMM2, a, b);
    vex_rr(c, arg & VEX_BITS, d, b, a);
    vex_rr(c, max ? VANDPS : VORPS, d, d, XMM2);
    tr_v_done(t, i->rd, d, w);
    tr_come_back(t, slow);
    return true;
}

/* ---- bits ---- */

/* arg: 0: FMOV; 1: FABS; 2: FNEG. */
static bool sign(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned w = width_of(arg);

    if (!t->fp_checked) /* FMOV leaves EFLAGS alone, but not this */
        tr_save_flags(t);
    tr_check_fp(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, w), d = tr_v_def(t, i->rd, XMM0);
    enum jit_constant s = w == 8 ? CONST_SIGN_D : CONST_SIGN_S;

    if ((arg & 3) == 1) { /* ~s & a */
        vex_rip(&t->c, VMOVUPS_LOAD, XMM1, 0, jit_constant_at(t->jit, s));
        vex_rr(&t->c, VPANDN, d, XMM1, a);
    } else if ((arg & 3) == 2) {
        tr_v_with(t, VXORPS, d, a, s);
    } else if (d != a) {
        vex_rr(&t->c, VMOVAPS, d, 0, a);
    }
    tr_v_done(t, i->rd, d, w);
    return true;
}

static bool immediate(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    if (!t->fp_checked)
        tr_save_flags(t);
    tr_check_fp(t, k);
    unsigned d = tr_v_def(t, i->rd, XMM0);

    x86_mov_imm(&t->c, RAX,
                a64_fp_imm((unsigned)bits((uint64_t)i->imm, 20, 13), 8 * width_of(arg)));
    vex_rr(&t->c, VMOVD_LOAD | VEX_W1, d, 0, RAX);
    tr_v_done(t, i->rd, d, 16);
    return true;
}

/* arg: 1: the upper half; 2: from the general register. */
static bool move_general(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned w = arg & DOUBLE ? VEX_W1 : 0;

    if (!t->fp_checked)
        tr_save_flags(t);
    tr_check_fp(t, k);
    if (arg & 2) {
        enum x86_reg r = tr_use(t, i->rn, RAX);
        unsigned d = tr_v_def(t, i->rd, XMM0);
        if (arg & 1) {
            unsigned old = tr_v_use(t, i->rd, XMM1, 16);
            vex_rr_imm(c, VPINSRD | VEX_W1, d, old, r, 1);
        } else {
            vex_rr(c, VMOVD_LOAD | w, d, 0, r);
        }
        tr_v_done(t, i->rd, d, 16);
        return true;
    }
    enum x86_reg d = tr_def(t, i->rd, RAX);
    if (arg & 1)
        x86_load(c, d, x86_at(CPU, tr_v(i->rn).disp + 8));
    else
        vex_rr(c, VMOVD_STORE | w, tr_v_use(t, i->rn, XMM0, width_of(arg)), 0, d);
    tr_done(t, i->rd, d);
    return true;
}

/* ---- compare and select ---- */

/* arg: 1: with zero. AL becomes 1, 0 or -1, as a subtraction that says what NZCV are. */
static bool compare(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned w = width_of(arg);

    struct stub *slow = fp_begin_template(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, w), b = XMM1;
    if (arg & 1)
        vex_rr(c, VPXOR, b, b, b);
    else
        b = tr_v_use(t, i->rm, XMM1, w);
    vex_rr(c, w == 8 ? VUCOMISD : VUCOMISS, a, 0, b);
    slow->from[0] = x86_jcc(c, CC_P);
    slow->unordered = true;
    x86_setcc(c, CC_A, RAX);
    x86_byte(c, 0x1c); /* sbb al, 0 */
    x86_byte(c, 0);
    t->s.flags = FLAGS_SUB;
    tr_come_back(t, slow);
    return true;
}

static bool select_one(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned w = width_of(arg), wide = w == 8 ? VEX_W1 : 0;

    if (!t->fp_checked)
        tr_save_flags(t);
    tr_check_fp(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, w), b = tr_v_use(t, i->rm, XMM1, w);
    unsigned d = tr_v_def(t, i->rd, XMM0);
    if ((i->mod & 14) == 14) { /* AL and NV */
        vex_rr(c, VMOVAPS, d, 0, a);
        tr_v_done(t, i->rd, d, w);
        return true;
    }
    enum x86_cc cc = tr_cond(t, i->mod);
    vex_rr(c, VMOVD_STORE | wide, a, 0, RAX);
    vex_rr(c, VMOVD_STORE | wide, b, 0, RCX);
    x86_cmov(c, cc, w == 8, RCX, RAX);
    vex_rr(c, VMOVD_LOAD | wide, d, 0, RCX);
    tr_v_done(t, i->rd, d, 16);
    return true;
}

/* ---- rows ---- */

#define BOTH(name, fn, op, flags)                                                                  \
    {A64_##name##_s, VEX_P2(op) | (flags), fn, NULL},                                              \
    {                                                                                              \
        A64_##name##_d, VEX_P3(op) | (flags) | DOUBLE, fn, NULL                                    \
    }
#define FUSED(name, op)                                                                            \
    {A64_##name##_s, VEX_38(op), fused, NULL},                                                     \
    {                                                                                              \
        A64_##name##_d, VEX_38(op) | VEX_W1 | DOUBLE, fused, NULL                                  \
    }
#define BITS(name, fn, arg, keeps)                                                                 \
    {A64_##name##_s, (arg), fn, keeps},                                                            \
    {                                                                                              \
        A64_##name##_d, (arg) | DOUBLE, fn, keeps                                                  \
    }

/* clang-format off */
static const struct jit_template rows[] = {
    BOTH(FADD, sum, 0x58, 0),
    BOTH(FSUB, sum, 0x5c, 0),
    BOTH(FMUL, product, 0x59, 0),
    BOTH(FNMUL, product, 0x59, NEGATE),
    BOTH(FDIV, product, 0x5e, 0),
    BOTH(FSQRT, square_root, 0x51, 0),
    BOTH(FMAX, extreme, 0x5f, 0),
    BOTH(FMIN, extreme, 0x5d, 0),
    BOTH(FMAXNM, extreme, 0x5f, 0),
    BOTH(FMINNM, extreme, 0x5d, 0),
    BITS(FMOV, sign, 0, jit_keeps_flags),
    BITS(FABS, sign, 1, jit_keeps_flags),
    BITS(FNEG, sign, 2, jit_keeps_flags),
    BITS(FMOV_imm, immediate, 0, jit_keeps_flags),
    BITS(FCMP, compare, 0, NULL),
    BITS(FCMPE, compare, 0, NULL),
    BITS(FCMP_zero, compare, 1, NULL),
    BITS(FCMPE_zero, compare, 1, NULL),
    BITS(FCSEL, select_one, 0, jit_keeps_flags),
    {A64_FMOV_w_s, 0, move_general, jit_keeps_flags},
    {A64_FMOV_x_d, DOUBLE, move_general, jit_keeps_flags},
    {A64_FMOV_x_d1, 1 | DOUBLE, move_general, jit_keeps_flags},
    {A64_FMOV_s_w, 2, move_general, jit_keeps_flags},
    {A64_FMOV_d_x, 2 | DOUBLE, move_general, jit_keeps_flags},
    {A64_FMOV_d1_x, 3 | DOUBLE, move_general, jit_keeps_flags},
};

static const struct jit_template fused_rows[] = {
    FUSED(FMADD, 0xb9),  /* d + a * b */
    FUSED(FMSUB, 0xbd),  /* d - a * b */
    FUSED(FNMADD, 0xbf), /* -d - a * b */
    FUSED(FNMSUB, 0xbb), /* -d + a * b */
};
/* clang-format on */

const struct jit_templates jit_fp_fused = JIT_HOST_TEMPLATES(fused_rows, HOST_AVX | HOST_FMA);
const struct jit_templates jit_fp = JIT_HOST_TEMPLATES(rows, HOST_AVX);
