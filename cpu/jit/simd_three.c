/* Advanced SIMD: three same, by element, three different. */
#include "cpu/jit/simd.h"

/* clang-format off */
const simd_ops simd_op[SIMD_COUNT] = {
    [SIMD_ADD]     = {VEX_P1(0xfc), VEX_P1(0xfd), VEX_P1(0xfe), VEX_P1(0xd4)},
    [SIMD_SUB]     = {VEX_P1(0xf8), VEX_P1(0xf9), VEX_P1(0xfa), VEX_P1(0xfb)},
    [SIMD_EQUAL]   = {VEX_P1(0x74), VEX_P1(0x75), VEX_P1(0x76), VEX_38(0x29)},
    [SIMD_GREATER] = {VEX_P1(0x64), VEX_P1(0x65), VEX_P1(0x66), VEX_38(0x37)},
    [SIMD_SMAX]    = {VEX_38(0x3c), VEX_P1(0xee), VEX_38(0x3d), 0},
    [SIMD_SMIN]    = {VEX_38(0x38), VEX_P1(0xea), VEX_38(0x39), 0},
    [SIMD_UMAX]    = {VEX_P1(0xde), VEX_38(0x3e), VEX_38(0x3f), 0},
    [SIMD_UMIN]    = {VEX_P1(0xda), VEX_38(0x3a), VEX_38(0x3b), 0},
    [SIMD_MUL]     = {0, VPMULLW, VPMULLD, 0},
    [SIMD_UAVG]    = {VEX_P1(0xe0), VEX_P1(0xe3), 0, 0},
};
/* clang-format on */

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
    else if (to != from)
        vex_rr(c, VMOVAPS, to, 0, from);
    if (size == 0)
        vex_rr(c, VEX_P1(0x60), to, to, to); /* vpunpcklbw */
    vex_rr_imm(c, VPSHUFLW, to, 0, to, 0);
    vex_rr(c, VPUNPCKLQDQ, to, to, to);
}

/* ---- three same ---- */

struct operands {
    unsigned a, b, d, size;
};

static struct operands operands(struct tr *t, const struct insn *i)
{
    unsigned w = simd_bytes(i);

    return (struct operands){.a = tr_v_use(t, i->rn, XMM0, w),
                             .b = tr_v_use(t, i->rm, XMM1, w),
                             .d = tr_v_def(t, i->rd, XMM0),
                             .size = simd_element(i)};
}

static bool plain(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned op = simd_op[arg][simd_element(i)];

    if (!op)
        return false;
    simd_begin(t, k);
    struct operands o = operands(t, i);
    vex_rr(&t->c, op, o.d, o.a, o.b);
    tr_v_done(t, i->rd, o.d, simd_bytes(i));
    return true;
}

static void invert(struct x86_code *c, unsigned to, unsigned from)
{
    simd_ones(c, XMM2);
    vex_rr(c, VPXOR, to, from, XMM2);
}

/* arg: a >= b is: not b > a, or max(a, b) == a (without a sign); a > b is not b >= a. */
enum { GE_SIGNED, GE_UNSIGNED, GT_UNSIGNED };

static bool compare(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = simd_element(i);

    if (arg != GE_SIGNED && size == 3)
        return false;
    simd_begin(t, k);
    struct operands o = operands(t, i);
    if (arg == GE_SIGNED) {
        vex_rr(c, simd_op[SIMD_GREATER][size], XMM3, o.b, o.a);
    } else {
        vex_rr(c, simd_op[SIMD_UMAX][size], XMM3, o.a, o.b);
        vex_rr(c, simd_op[SIMD_EQUAL][size], XMM3, XMM3, arg == GE_UNSIGNED ? o.a : o.b);
    }
    if (arg == GE_UNSIGNED)
        vex_rr(c, VMOVAPS, o.d, 0, XMM3);
    else
        invert(c, o.d, XMM3);
    tr_v_done(t, i->rd, o.d, simd_bytes(i));
    return true;
}

static bool test(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;

    (void)arg;
    simd_begin(t, k);
    struct operands o = operands(t, i);
    vex_rr(c, VPAND, XMM3, o.a, o.b);
    vex_rr(c, VPXOR, XMM2, XMM2, XMM2);
    vex_rr(c, simd_op[SIMD_EQUAL][o.size], XMM3, XMM3, XMM2);
    invert(c, o.d, XMM3);
    tr_v_done(t, i->rd, o.d, simd_bytes(i));
    return true;
}

/* The larger less the smaller; arg: 1: signed; 2: and added to Vd. */
static bool difference(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = simd_element(i);

    simd_begin(t, k);
    struct operands o = operands(t, i);
    vex_rr(c, simd_op[arg & 1 ? SIMD_SMAX : SIMD_UMAX][size], XMM2, o.a, o.b);
    vex_rr(c, simd_op[arg & 1 ? SIMD_SMIN : SIMD_UMIN][size], XMM3, o.a, o.b);
    vex_rr(c, simd_op[SIMD_SUB][size], XMM2, XMM2, XMM3);
    if (arg & 2)
        vex_rr(c, simd_op[SIMD_ADD][size], o.d, tr_v_use(t, i->rd, XMM0, simd_bytes(i)), XMM2);
    else
        vex_rr(c, VMOVAPS, o.d, 0, XMM2);
    tr_v_done(t, i->rd, o.d, simd_bytes(i));
    return true;
}

/* arg: BY_ELEMENT, the index being H:L:M or H:L; and what is done with the product and Vd. */
enum { MULTIPLY_THEN = 1, BY_ELEMENT = 0x100 };

static bool multiply(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    uint64_t word = (uint64_t)i->imm;
    unsigned size = simd_element(i), op = simd_op[SIMD_MUL][size], w = simd_bytes(i);

    if (!op)
        return false;
    simd_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, w), b, d = tr_v_def(t, i->rd, XMM0);
    if (arg & BY_ELEMENT) {
        unsigned index = (unsigned)(bit(word, 11) << 1 | bit(word, 21));
        b = XMM1;
        if (size == 1)
            simd_dup(c, b, tr_v_use(t, i->rm & 15, XMM1, 16), 1,
                     index << 1 | (unsigned)bit(word, 20));
        else
            simd_dup(c, b, tr_v_use(t, i->rm, XMM1, 16), 2, index);
    } else {
        b = tr_v_use(t, i->rm, XMM1, w);
    }
    if (arg & 0xff) {
        vex_rr(c, op, XMM2, a, b);
        vex_rr(c, simd_op[(arg & 0xff) - MULTIPLY_THEN][size], d, tr_v_use(t, i->rd, XMM0, w),
               XMM2);
    } else {
        vex_rr(c, op, d, a, b);
    }
    tr_v_done(t, i->rd, d, w);
    return true;
}

/* ---- bits ---- */

/* arg: VPAND, VPOR or VPXOR. */
static bool logic(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    simd_begin(t, k);
    struct operands o = operands(t, i);
    if (i->rn == i->rm && arg != VPXOR) {
        if (o.d != o.a)
            vex_rr(&t->c, VMOVAPS, o.d, 0, o.a);
    } else {
        vex_rr(&t->c, arg, o.d, o.a, o.b);
    }
    tr_v_done(t, i->rd, o.d, simd_bytes(i));
    return true;
}

/* BIC: n & ~m; ORN: n | ~m. */
static bool logic_not(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;

    (void)arg;
    simd_begin(t, k);
    struct operands o = operands(t, i);
    if (i->op == A64_BIC_vec) {
        vex_rr(c, VPANDN, o.d, o.b, o.a);
    } else {
        invert(c, XMM2, o.b);
        vex_rr(c, VPOR, o.d, o.a, XMM2);
    }
    tr_v_done(t, i->rd, o.d, simd_bytes(i));
    return true;
}

/* What is chosen bit by bit: x ^ ((x ^ y) & mask), or & ~mask. */
static bool choose(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned w = simd_bytes(i);

    (void)arg;
    simd_begin(t, k);
    struct operands o = operands(t, i);
    unsigned old = tr_v_use(t, i->rd, XMM3, w);
    bool bsl = i->op == A64_BSL_vec;
    unsigned x = bsl ? o.b : old, mask = bsl ? old : o.b;
    vex_rr(c, VPXOR, XMM2, x, o.a);
    if (i->op == A64_BIF_vec)
        vex_rr(c, VPANDN, XMM2, mask, XMM2);
    else
        vex_rr(c, VPAND, XMM2, XMM2, mask);
    vex_rr(c, VPXOR, o.d, x, XMM2);
    tr_v_done(t, i->rd, o.d, w);
    return true;
}

/* ---- three different ---- */

/* The half that Q names of @v, its elements widened, in @to. */
static void widened(struct tr *t, unsigned to, unsigned v, unsigned size, bool upper,
                    bool is_signed)
{
    unsigned from = tr_v_use(t, v, to, upper ? 16 : 8);

    if (upper) {
        vex_rr(&t->c, VPUNPCKHQDQ, to, from, from);
        from = to;
    }
    vex_rr(&t->c,
           VEX_38((is_signed ? 0x20 : 0x30) | (size == 0   ? 0
                                               : size == 1 ? 3
                                                           : 5)),
           to, 0, from);
}

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
    simd_begin(t, k);
    widened(t, XMM1, i->rm, size, upper, is_signed);
    if (arg & WIDE)
        r = tr_v_use(t, i->rn, XMM0, 16);
    else
        widened(t, XMM0, i->rn, size, upper, is_signed);
    d = tr_v_def(t, i->rd, XMM0);
    if (arg & PRODUCT) {
        vex_rr(c, product_op(size, is_signed), XMM1, XMM0, XMM1);
    } else if (arg & DISTANCE) { /* they are positive, if they have no sign */
        vex_rr(c, simd_op[SIMD_SMAX][size + 1], XMM2, XMM0, XMM1);
        vex_rr(c, simd_op[SIMD_SMIN][size + 1], XMM3, XMM0, XMM1);
        vex_rr(c, simd_op[SIMD_SUB][size + 1], XMM1, XMM2, XMM3);
    }
    if (arg & ALONE) {
        vex_rr(c, VMOVAPS, d, 0, XMM1);
    } else {
        if (arg & (PRODUCT | DISTANCE))
            r = tr_v_use(t, i->rd, XMM0, 16);
        vex_rr(c, simd_op[arg & 0xff][size + 1], d, r, XMM1);
    }
    tr_v_done(t, i->rd, d, 16);
    return true;
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
