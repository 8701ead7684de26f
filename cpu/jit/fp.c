/* Scalar floating point: cpu/exec/fp_scalar.c as host code. */
#include "cpu/jit/fp.h"

#include "arch/a64_form.h"

/* Above those of cpu/jit/fp.h in a row's arg. */
enum { NEGATE = 0x200 };

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

bool fp_result(struct tr *t, const struct insn *i, struct stub *slow, unsigned r, unsigned w)
{
    tr_v_done(t, i->rd, r, w);
    tr_come_back(t, slow);
    return true;
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
    struct v_regs v = tr_v_binary(t, i, fp_width(arg));

    vex_rr(&t->c, fp_scalar(arg), v.d, v.a, v.b);
    fp_check_scalar(t, slow, v.d, arg & FP_DOUBLE, FP_FINITE_RESULT);
    return fp_result(t, i, slow, v.d, v.w);
}

static bool product(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    bool dbl = arg & FP_DOUBLE, divides = (arg & FP_OPCODE) == VDIV;
    struct stub *slow = fp_begin_template(t, k);
    struct v_regs v = tr_v_binary(t, i, fp_width(arg));

    vex_rr(&t->c, fp_scalar(arg), v.d, v.a, v.b);
    fp_check_scalar(t, slow, v.d, dbl, FP_NORMAL_RESULT);
    warm(t, slow, v.d, dbl, divides ? fp_zero_of_zero : zero_product);
    if (arg & NEGATE)
        tr_v_with(t, VXORPS, v.d, v.d, dbl ? CONST_SCALAR_SIGN_D : CONST_SCALAR_SIGN_S);
    return fp_result(t, i, slow, v.d, v.w);
}

/* d += a * b, in a register that is neither. */
static bool fused(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    bool dbl = arg & FP_DOUBLE;
    struct stub *slow = fp_begin_template(t, k);
    struct v_regs v = tr_v_binary(t, i, fp_width(arg));
    unsigned add = tr_v_use(t, i->ra, XMM2, v.w), d = tr_v_def(t, i->rd, XMM2);

    if (add != d && (d == v.a || d == v.b))
        d = XMM2;
    vex_move(&t->c, d, add);
    vex_rr(&t->c, vex_fused(arg & FP_OPCODE, dbl), d, v.a, v.b);
    fp_check_scalar(t, slow, d, dbl, FP_NORMAL_RESULT);
    warm(t, slow, d, dbl, zero_sum);
    return fp_result(t, i, slow, d, v.w);
}

static bool square_root(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct stub *slow = fp_begin_template(t, k);
    struct v_regs v = tr_v_unary(t, i, fp_width(arg));

    vex_rr(&t->c, fp_scalar(arg), v.d, v.a, v.a);
    fp_check_scalar(t, slow, v.d, arg & FP_DOUBLE, FP_FINITE_RESULT);
    return fp_result(t, i, slow, v.d, v.w);
}

/* Of equal operands, which may be zeros of both signs, the host returns its second one: both orders
 * and together (maximum) or or together (minimum) are the positive zero, or the negative one. */
static bool extreme(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    struct stub *slow = fp_begin_template(t, k);
    struct v_regs v = tr_v_binary(t, i, fp_width(arg));

    vex_rr(c, vex_packed(VUCOMI, arg & FP_DOUBLE), v.a, 0, v.b);
    slow->from[0] = x86_jcc(c, CC_P);
    vex_rr(c, fp_scalar(arg), XMM2, v.a, v.b);
    vex_rr(c, fp_scalar(arg), v.d, v.b, v.a);
    vex_rr(c, (arg & FP_OPCODE) == VMAX ? VANDPS : VORPS, v.d, v.d, XMM2);
    return fp_result(t, i, slow, v.d, v.w);
}

/* ---- bits ---- */

/* arg: what becomes of the sign. */
enum { KEEP, CLEAR, INVERT };

static bool sign(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    enum jit_constant s = arg & FP_DOUBLE ? CONST_SIGN_D : CONST_SIGN_S;

    tr_v_begin(t, k);
    struct v_regs v = tr_v_unary(t, i, fp_width(arg));
    if ((arg & FP_OPCODE) == CLEAR) { /* ~s & a */
        tr_v_with(t, VMOVUPS_LOAD, XMM1, 0, s);
        vex_rr(&t->c, VPANDN, v.d, XMM1, v.a);
    } else if ((arg & FP_OPCODE) == INVERT) {
        tr_v_with(t, VXORPS, v.d, v.a, s);
    } else {
        vex_move(&t->c, v.d, v.a);
    }
    return tr_v_result(t, i, v.d, v.w);
}

static bool immediate(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned imm8 = (unsigned)bits((uint64_t)i->imm, 20, 13);

    tr_v_begin(t, k);
    unsigned d = tr_v_def(t, i->rd, XMM0);
    x86_mov_imm(&t->c, RAX, a64_fp_imm(imm8, 8 * fp_width(arg)));
    vex_rr(&t->c, VMOVD_LOAD | VEX_W1, d, 0, RAX);
    return tr_v_result(t, i, d, 16);
}

/* arg: 1: the upper half; 2: from the general register. */
static bool move_general(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned w = arg & FP_DOUBLE ? VEX_W1 : 0;

    tr_v_begin(t, k);
    if (arg & 2) {
        enum x86_reg r = tr_use(t, i->rn, RAX);
        unsigned d = tr_v_def(t, i->rd, XMM0);
        if (arg & 1) {
            unsigned old = tr_v_use(t, i->rd, XMM1, 16);
            vex_rr_imm(c, VPINSRD | VEX_W1, d, old, r, 1);
        } else {
            vex_rr(c, VMOVD_LOAD | w, d, 0, r);
        }
        return tr_v_result(t, i, d, 16);
    }
    enum x86_reg d = tr_def(t, i->rd, RAX);
    if (arg & 1)
        x86_load(c, d, x86_at(CPU, tr_v(i->rn).disp + 8));
    else
        vex_rr(c, VMOVD_STORE | w, tr_v_use(t, i->rn, XMM0, fp_width(arg)), 0, d);
    tr_done(t, i->rd, d);
    return true;
}

/* ---- compare and select ---- */

/* arg: 1: with zero. AL becomes 1, 0 or -1, as a subtraction that says what NZCV are. */
static bool compare(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned w = fp_width(arg);

    struct stub *slow = fp_begin_template(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, w), b = XMM1;
    if (arg & 1)
        vex_rr(c, VPXOR, b, b, b);
    else
        b = tr_v_use(t, i->rm, XMM1, w);
    vex_rr(c, vex_packed(VUCOMI, w == 8), a, 0, b);
    slow->from[0] = x86_jcc(c, CC_P);
    slow->unordered = true;
    x86_setcc(c, CC_A, RAX);
    x86_byte(c, 0x1c); /* sbb al, 0 */
    x86_byte(c, 0);
    tr_flags_are(t, FLAGS_SUB);
    tr_come_back(t, slow);
    return true;
}

static bool select_one(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned w = fp_width(arg), wide = w == 8 ? VEX_W1 : 0;

    tr_v_begin(t, k);
    struct v_regs v = tr_v_binary(t, i, w);
    if ((i->mod & 14) == 14) { /* AL and NV */
        vex_move(c, v.d, v.a);
        return tr_v_result(t, i, v.d, w);
    }
    enum x86_cc cc = tr_cond(t, i->mod);
    vex_rr(c, VMOVD_STORE | wide, v.a, 0, RAX);
    vex_rr(c, VMOVD_STORE | wide, v.b, 0, RCX);
    x86_cmov(c, cc, w == 8, RCX, RAX);
    vex_rr(c, VMOVD_LOAD | wide, v.d, 0, RCX);
    return tr_v_result(t, i, v.d, 16);
}

/* ---- rows ---- */

/* clang-format off */
static const struct jit_template rows[] = {
    FP_ROWS(FADD, sum, VADD, NULL),
    FP_ROWS(FSUB, sum, VSUB, NULL),
    FP_ROWS(FMUL, product, VMUL, NULL),
    FP_ROWS(FNMUL, product, VMUL | NEGATE, NULL),
    FP_ROWS(FDIV, product, VDIV, NULL),
    FP_ROWS(FSQRT, square_root, VSQRT, NULL),
    FP_ROWS(FMAX, extreme, VMAX, NULL),
    FP_ROWS(FMIN, extreme, VMIN, NULL),
    FP_ROWS(FMAXNM, extreme, VMAX, NULL),
    FP_ROWS(FMINNM, extreme, VMIN, NULL),
    FP_ROWS(FMOV, sign, KEEP, jit_keeps_flags),
    FP_ROWS(FABS, sign, CLEAR, jit_keeps_flags),
    FP_ROWS(FNEG, sign, INVERT, jit_keeps_flags),
    FP_ROWS(FMOV_imm, immediate, 0, jit_keeps_flags),
    FP_ROWS(FCMP, compare, 0, NULL),
    FP_ROWS(FCMPE, compare, 0, NULL),
    FP_ROWS(FCMP_zero, compare, 1, NULL),
    FP_ROWS(FCMPE_zero, compare, 1, NULL),
    FP_ROWS(FCSEL, select_one, 0, jit_keeps_flags),
    {A64_FMOV_w_s, 0, move_general, jit_keeps_flags},
    {A64_FMOV_x_d, FP_DOUBLE, move_general, jit_keeps_flags},
    {A64_FMOV_x_d1, 1 | FP_DOUBLE, move_general, jit_keeps_flags},
    {A64_FMOV_s_w, 2, move_general, jit_keeps_flags},
    {A64_FMOV_d_x, 2 | FP_DOUBLE, move_general, jit_keeps_flags},
    {A64_FMOV_d1_x, 3 | FP_DOUBLE, move_general, jit_keeps_flags},
};

static const struct jit_template fused_rows[] = {
    FP_ROWS(FMADD, fused, VFMADD231 | VFUSED_SCALAR, NULL), /* d + a * b */
    FP_ROWS(FMSUB, fused, VFNMADD231 | VFUSED_SCALAR, NULL), /* d - a * b */
    FP_ROWS(FNMADD, fused, VFNMSUB231 | VFUSED_SCALAR, NULL), /* -d - a * b */
    FP_ROWS(FNMSUB, fused, VFMSUB231 | VFUSED_SCALAR, NULL), /* -d + a * b */
};
/* clang-format on */

const struct jit_templates jit_fp_fused = JIT_HOST_TEMPLATES(fused_rows, HOST_AVX | HOST_FMA);
const struct jit_templates jit_fp = JIT_HOST_TEMPLATES(rows, HOST_AVX);
