/* Advanced SIMD: three same, by element, three different. */
#include "cpu/jit/simd.h"

const simd_ops simd_op[SIMD_COUNT] = {
    [SIMD_ADD] = {VPADDB, VPADDW, VPADDD, VPADDQ},
    [SIMD_SUB] = {VPSUBB, VPSUBW, VPSUBD, VPSUBQ},
    [SIMD_EQUAL] = {VPCMPEQB, VPCMPEQW, VPCMPEQD, VPCMPEQQ},
    [SIMD_GREATER] = {VPCMPGTB, VPCMPGTW, VPCMPGTD, VPCMPGTQ},
    [SIMD_SMAX] = {VPMAXSB, VPMAXSW, VPMAXSD, 0},
    [SIMD_SMIN] = {VPMINSB, VPMINSW, VPMINSD, 0},
    [SIMD_UMAX] = {VPMAXUB, VPMAXUW, VPMAXUD, 0},
    [SIMD_UMIN] = {VPMINUB, VPMINUW, VPMINUD, 0},
    [SIMD_MUL] = {0, VPMULLW, VPMULLD, 0},
    [SIMD_UAVG] = {VPAVGB, VPAVGW, 0, 0},
    [SIMD_ABS] = {VPABSB, VPABSW, VPABSD, 0},
    [SIMD_EXTEND_SIGN] = {VPMOVSXBW, VPMOVSXWD, VPMOVSXDQ, 0},
    [SIMD_EXTEND_ZERO] = {VPMOVZXBW, VPMOVZXWD, VPMOVZXDQ, 0},
};

const simd_ops simd_shift = {VSHIFT_W, VSHIFT_W, VSHIFT_D, VSHIFT_Q};

void simd_dup(struct x86_code *c, unsigned to, unsigned from, unsigned size, unsigned index)
{
    if (size == 3) {
        vex_rr(c, index ? VPUNPCKHQDQ : VPUNPCKLQDQ, to, from, from);
        return;
    }
    if (size == 2) {
        vex_rr_imm(c, VPSHUFD, to, 0, from, index * 0x55);
        return;
    }
    if (index << size)
        vex_shift(c, VSHIFT_Q, VSHIFT_RIGHT_BYTES, to, from, index << size);
    else
        vex_move(c, to, from);
    if (size == 0)
        vex_rr(c, VPUNPCKLBW, to, to, to);
    vex_rr_imm(c, VPSHUFLW, to, 0, to, 0);
    vex_rr(c, VPUNPCKLQDQ, to, to, to);
}

void simd_widen(struct tr *t, unsigned to, unsigned v, unsigned size, bool upper, bool is_signed)
{
    unsigned from = tr_v_use(t, v, to, upper ? 16 : 8);

    if (upper) {
        vex_rr(&t->c, VPUNPCKHQDQ, to, from, from);
        from = to;
    }
    vex_rr(&t->c, simd_op[is_signed ? SIMD_EXTEND_SIGN : SIMD_EXTEND_ZERO][size], to, 0, from);
}

bool simd_add_result(struct tr *t, const struct insn *i, struct v_regs v, unsigned r, unsigned size,
                     bool add)
{
    if (add)
        vex_rr(&t->c, simd_op[SIMD_ADD][size], v.d, tr_v_use(t, i->rd, XMM1, v.w), r);
    else
        vex_move(&t->c, v.d, r);
    return tr_v_result(t, i, v.d, v.w);
}

/* ---- three same ---- */

static bool plain(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned op = simd_op[arg][simd_element(i)];

    if (!op)
        return false;
    struct v_regs v = simd_binary(t, k, i);
    vex_rr(&t->c, op, v.d, v.a, v.b);
    return tr_v_result(t, i, v.d, v.w);
}

/* arg: a >= b is: not b > a, or max(a, b) == a (without a sign); a > b is not b >= a. */
enum { GE_SIGNED, GE_UNSIGNED, GT_UNSIGNED };

static bool compare(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = simd_element(i);

    if (arg != GE_SIGNED && size == 3)
        return false;
    struct v_regs v = simd_binary(t, k, i);
    if (arg == GE_SIGNED) {
        vex_rr(c, simd_op[SIMD_GREATER][size], XMM3, v.b, v.a);
    } else {
        vex_rr(c, simd_op[SIMD_UMAX][size], XMM3, v.a, v.b);
        vex_rr(c, simd_op[SIMD_EQUAL][size], XMM3, XMM3, arg == GE_UNSIGNED ? v.a : v.b);
    }
    if (arg == GE_UNSIGNED)
        vex_move(c, v.d, XMM3);
    else
        simd_invert(c, v.d, XMM3);
    return tr_v_result(t, i, v.d, v.w);
}

static bool test(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    struct v_regs v = simd_binary(t, k, i);

    (void)arg;
    vex_rr(c, VPAND, XMM3, v.a, v.b);
    vex_rr(c, VPXOR, XMM2, XMM2, XMM2);
    vex_rr(c, simd_op[SIMD_EQUAL][simd_element(i)], XMM3, XMM3, XMM2);
    simd_invert(c, v.d, XMM3);
    return tr_v_result(t, i, v.d, v.w);
}

/* The larger less the smaller; arg: 1: signed; 2: and added to Vd. */
static bool difference(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = simd_element(i);
    struct v_regs v = simd_binary(t, k, i);

    vex_rr(c, simd_op[arg & 1 ? SIMD_SMAX : SIMD_UMAX][size], XMM2, v.a, v.b);
    vex_rr(c, simd_op[arg & 1 ? SIMD_SMIN : SIMD_UMIN][size], XMM3, v.a, v.b);
    vex_rr(c, simd_op[SIMD_SUB][size], XMM2, XMM2, XMM3);
    return simd_add_result(t, i, v, XMM2, size, arg & 2);
}

/* arg: BY_ELEMENT, the index being H:L:M or H:L; and what is done with the product and Vd. */
enum { MULTIPLY_THEN = 1, BY_ELEMENT = 0x100 };

static struct v_regs by_element(struct tr *t, unsigned k, const struct insn *i)
{
    struct v_regs v = simd_unary(t, k, i);
    uint64_t word = (uint64_t)i->imm;
    unsigned size = simd_element(i), index = (unsigned)(bit(word, 11) << 1 | bit(word, 21));
    unsigned m = i->rm;

    if (size == 1) {
        m &= 15;
        index = index << 1 | (unsigned)bit(word, 20);
    }
    v.b = XMM1;
    simd_dup(&t->c, v.b, tr_v_use(t, m, XMM1, 16), size, index);
    return v;
}

static bool multiply(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = simd_element(i), op = simd_op[SIMD_MUL][size];

    if (!op)
        return false;
    struct v_regs v = arg & BY_ELEMENT ? by_element(t, k, i) : simd_binary(t, k, i);
    if (arg & 0xff) {
        vex_rr(c, op, XMM2, v.a, v.b);
        vex_rr(c, simd_op[(arg & 0xff) - MULTIPLY_THEN][size], v.d, tr_v_use(t, i->rd, XMM0, v.w),
               XMM2);
    } else {
        vex_rr(c, op, v.d, v.a, v.b);
    }
    return tr_v_result(t, i, v.d, v.w);
}

/* ---- bits ---- */

/* arg: VPAND, VPOR or VPXOR. */
static bool logic(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct v_regs v = simd_binary(t, k, i);

    if (i->rn == i->rm && arg != VPXOR)
        vex_move(&t->c, v.d, v.a);
    else
        vex_rr(&t->c, arg, v.d, v.a, v.b);
    return tr_v_result(t, i, v.d, v.w);
}

/* BIC: n & ~m; ORN: n | ~m. */
static bool logic_not(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    struct v_regs v = simd_binary(t, k, i);

    (void)arg;
    if (i->op == A64_BIC_vec) {
        vex_rr(c, VPANDN, v.d, v.b, v.a);
    } else {
        simd_invert(c, XMM2, v.b);
        vex_rr(c, VPOR, v.d, v.a, XMM2);
    }
    return tr_v_result(t, i, v.d, v.w);
}

/* What is chosen bit by bit: x ^ ((x ^ y) & mask), or & ~mask. */
static bool choose(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    struct v_regs v = simd_binary(t, k, i);
    unsigned old = tr_v_use(t, i->rd, XMM3, v.w);
    bool bsl = i->op == A64_BSL_vec;
    unsigned x = bsl ? v.b : old, mask = bsl ? old : v.b;

    (void)arg;
    vex_rr(c, VPXOR, XMM2, x, v.a);
    if (i->op == A64_BIF_vec)
        vex_rr(c, VPANDN, XMM2, mask, XMM2);
    else
        vex_rr(c, VPAND, XMM2, XMM2, mask);
    vex_rr(c, VPXOR, v.d, x, XMM2);
    return tr_v_result(t, i, v.d, v.w);
}

/* ---- three different ---- */

/* arg: what is done, and how. */
enum { SIGNED = 0x100, WIDE = 0x200, PRODUCT = 0x400, ALONE = 0x800, DISTANCE = 0x1000 };

/* The product of widened elements, whose low halves say all. */
static unsigned product_op(unsigned size, bool is_signed)
{
    return size == 0 ? VPMULLW : size == 1 ? VPMULLD : is_signed ? VPMULDQ : VPMULUDQ;
}

static bool different(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = simd_element(i), r = XMM0, d;
    bool is_signed = arg & SIGNED, upper = simd_is_full(i);

    if (arg & DISTANCE && size == 2)
        return false;
    tr_v_begin(t, k);
    simd_widen(t, XMM1, i->rm, size, upper, is_signed);
    if (arg & WIDE)
        r = tr_v_use(t, i->rn, XMM0, 16);
    else
        simd_widen(t, XMM0, i->rn, size, upper, is_signed);
    d = tr_v_def(t, i->rd, XMM0);
    if (arg & PRODUCT) {
        vex_rr(c, product_op(size, is_signed), XMM1, XMM0, XMM1);
    } else if (arg & DISTANCE) { /* they are positive, if they have no sign */
        vex_rr(c, simd_op[SIMD_SMAX][size + 1], XMM2, XMM0, XMM1);
        vex_rr(c, simd_op[SIMD_SMIN][size + 1], XMM3, XMM0, XMM1);
        vex_rr(c, simd_op[SIMD_SUB][size + 1], XMM1, XMM2, XMM3);
    }
    if (arg & ALONE) {
        vex_move(c, d, XMM1);
    } else {
        if (arg & (PRODUCT | DISTANCE))
            r = tr_v_use(t, i->rd, XMM0, 16);
        vex_rr(c, simd_op[arg & 0xff][size + 1], d, r, XMM1);
    }
    return tr_v_result(t, i, d, 16);
}

/* clang-format off */
static const struct jit_template rows[] = {
    SIMD_ROW(ADD_vec, plain, SIMD_ADD),
    SIMD_ROW(SUB_vec, plain, SIMD_SUB),
    SIMD_ROW(ADD_sca, plain, SIMD_ADD),
    SIMD_ROW(SUB_sca, plain, SIMD_SUB),
    SIMD_ROW(CMEQ_vec, plain, SIMD_EQUAL),
    SIMD_ROW(CMGT_vec, plain, SIMD_GREATER),
    SIMD_ROW(CMEQ_sca, plain, SIMD_EQUAL),
    SIMD_ROW(CMGT_sca, plain, SIMD_GREATER),
    SIMD_ROW(SMAX_vec, plain, SIMD_SMAX),
    SIMD_ROW(SMIN_vec, plain, SIMD_SMIN),
    SIMD_ROW(UMAX_vec, plain, SIMD_UMAX),
    SIMD_ROW(UMIN_vec, plain, SIMD_UMIN),
    SIMD_ROW(URHADD_vec, plain, SIMD_UAVG),
    SIMD_ROW(CMGE_vec, compare, GE_SIGNED),
    SIMD_ROW(CMGE_sca, compare, GE_SIGNED),
    SIMD_ROW(CMHS_vec, compare, GE_UNSIGNED),
    SIMD_ROW(CMHI_vec, compare, GT_UNSIGNED),
    SIMD_ROW(CMTST_vec, test, 0),
    SIMD_ROW(CMTST_sca, test, 0),
    SIMD_ROW(SABD_vec, difference, 1),
    SIMD_ROW(UABD_vec, difference, 0),
    SIMD_ROW(SABA_vec, difference, 3),
    SIMD_ROW(UABA_vec, difference, 2),
    SIMD_ROW(MUL_vec, multiply, 0),
    SIMD_ROW(MLA_vec, multiply, SIMD_ADD + MULTIPLY_THEN),
    SIMD_ROW(MLS_vec, multiply, SIMD_SUB + MULTIPLY_THEN),
    SIMD_ROW(MUL_elem_vec, multiply, BY_ELEMENT),
    SIMD_ROW(MLA_elem_vec, multiply, BY_ELEMENT | (SIMD_ADD + MULTIPLY_THEN)),
    SIMD_ROW(MLS_elem_vec, multiply, BY_ELEMENT | (SIMD_SUB + MULTIPLY_THEN)),
    SIMD_ROW(AND_vec, logic, VPAND),
    SIMD_ROW(ORR_vec, logic, VPOR),
    SIMD_ROW(EOR_vec, logic, VPXOR),
    SIMD_ROW(BIC_vec, logic_not, 0),
    SIMD_ROW(ORN_vec, logic_not, 0),
    SIMD_ROW(BSL_vec, choose, 0),
    SIMD_ROW(BIT_vec, choose, 0),
    SIMD_ROW(BIF_vec, choose, 0),
    SIMD_ROW(SADDL_vec, different, SIMD_ADD | SIGNED),
    SIMD_ROW(UADDL_vec, different, SIMD_ADD),
    SIMD_ROW(SSUBL_vec, different, SIMD_SUB | SIGNED),
    SIMD_ROW(USUBL_vec, different, SIMD_SUB),
    SIMD_ROW(SADDW_vec, different, SIMD_ADD | SIGNED | WIDE),
    SIMD_ROW(UADDW_vec, different, SIMD_ADD | WIDE),
    SIMD_ROW(SSUBW_vec, different, SIMD_SUB | SIGNED | WIDE),
    SIMD_ROW(USUBW_vec, different, SIMD_SUB | WIDE),
    SIMD_ROW(SMULL_vec, different, PRODUCT | SIGNED | ALONE),
    SIMD_ROW(UMULL_vec, different, PRODUCT | ALONE),
    SIMD_ROW(SMLAL_vec, different, SIMD_ADD | PRODUCT | SIGNED),
    SIMD_ROW(UMLAL_vec, different, SIMD_ADD | PRODUCT),
    SIMD_ROW(SMLSL_vec, different, SIMD_SUB | PRODUCT | SIGNED),
    SIMD_ROW(UMLSL_vec, different, SIMD_SUB | PRODUCT),
    SIMD_ROW(SABDL_vec, different, DISTANCE | SIGNED | ALONE),
    SIMD_ROW(UABDL_vec, different, DISTANCE | ALONE),
    SIMD_ROW(SABAL_vec, different, SIMD_ADD | DISTANCE | SIGNED),
    SIMD_ROW(UABAL_vec, different, SIMD_ADD | DISTANCE),
};
/* clang-format on */

const struct jit_templates jit_simd_three = JIT_HOST_TEMPLATES(rows, HOST_AVX);
