/* Advanced SIMD: two-register miscellaneous, shifts by an immediate, across lanes. */
#include "cpu/jit/simd.h"

/* ---- one operand ---- */

/* arg: what is compared with zero. */
enum { ZERO_EQ, ZERO_GT, ZERO_LT, ZERO_GE, ZERO_LE };

static bool compare_zero(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = simd_element(i), greater = simd_op[SIMD_GREATER][size];
    struct v_regs v = simd_unary(t, k, i);

    vex_rr(c, VPXOR, XMM2, XMM2, XMM2);
    if (arg == ZERO_EQ)
        vex_rr(c, simd_op[SIMD_EQUAL][size], v.d, v.a, XMM2);
    else if (arg == ZERO_GT || arg == ZERO_LE)
        vex_rr(c, greater, v.d, v.a, XMM2);
    else
        vex_rr(c, greater, v.d, XMM2, v.a);
    if (arg == ZERO_GE || arg == ZERO_LE)
        simd_invert(c, v.d, v.d);
    return tr_v_result(t, i, v.d, v.w);
}

static bool negate(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct v_regs v = simd_unary(t, k, i);

    (void)arg;
    vex_rr(&t->c, VPXOR, XMM2, XMM2, XMM2);
    vex_rr(&t->c, simd_op[SIMD_SUB][simd_element(i)], v.d, XMM2, v.a);
    return tr_v_result(t, i, v.d, v.w);
}

static bool absolute(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned op = simd_op[SIMD_ABS][simd_element(i)];

    (void)arg;
    if (!op)
        return false;
    struct v_regs v = simd_unary(t, k, i);
    vex_rr(&t->c, op, v.d, 0, v.a);
    return tr_v_result(t, i, v.d, v.w);
}

static bool invert(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct v_regs v = simd_unary(t, k, i);

    (void)arg;
    simd_invert(&t->c, v.d, v.a);
    return tr_v_result(t, i, v.d, v.w);
}

/* Bytes in another order within @container bytes, elements of @size staying as they are. */
static uint64_t reversed(unsigned container, unsigned size, unsigned first)
{
    uint64_t r = 0;

    for (unsigned b = 0; b < 8; b++)
        r |= (uint64_t)((first + b) ^ (container - 1) ^ ((1u << size) - 1)) << 8 * b;
    return r;
}

/* arg: bytes of the container. */
static bool reverse(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned size = simd_element(i);
    struct v_regs v = simd_unary(t, k, i);

    simd_constant(&t->c, XMM2, reversed(arg, size, 0), reversed(arg, size, 8));
    vex_rr(&t->c, VPSHUFB, v.d, v.a, XMM2);
    return tr_v_result(t, i, v.d, v.w);
}

/* Of each half of a byte the host looks up how many bits it has. */
static bool count_bits(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    struct v_regs v = simd_unary(t, k, i);

    (void)arg;
    simd_constant(c, XMM2, UINT64_C(0x0302020102010100), UINT64_C(0x0403030203020201));
    vex_shift(c, VSHIFT_W, VSHIFT_RIGHT, XMM1, v.a, 4);
    simd_same(t, XMM3, 0, 15);
    vex_rr(c, VPAND, XMM1, XMM1, XMM3);
    vex_rr(c, VPAND, XMM3, XMM3, v.a);
    vex_rr(c, VPSHUFB, XMM1, XMM2, XMM1);
    vex_rr(c, VPSHUFB, XMM3, XMM2, XMM3);
    vex_rr(c, VPADDB, v.d, XMM1, XMM3);
    return tr_v_result(t, i, v.d, v.w);
}

/* ---- narrowing ---- */

/* The low halves of @from's elements, which are of twice @size, to the half of Vd that Q names. */
static bool narrowed(struct tr *t, const struct insn *i, unsigned from, unsigned size)
{
    struct x86_code *c = &t->c;
    unsigned d = tr_v_def(t, i->rd, XMM0);

    simd_unzip(t, XMM3, from, from, size, 0);
    if (!simd_is_full(i)) {
        vex_move(c, d, XMM3);
        return tr_v_result(t, i, d, 8);
    }
    vex_rr(c, VPUNPCKLQDQ, d, tr_v_use(t, i->rd, XMM1, 8), XMM3);
    return tr_v_result(t, i, d, 16);
}

static bool narrow(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)arg;
    tr_v_begin(t, k);
    return narrowed(t, i, tr_v_use(t, i->rn, XMM0, 16), simd_element(i));
}

/* The high halves of sums or differences; arg: which. */
static bool high_half(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = simd_element(i);

    tr_v_begin(t, k);
    struct v_regs v = tr_v_binary(t, i, 16);
    vex_rr(c, simd_op[arg][size + 1], XMM0, v.a, v.b);
    vex_shift(c, simd_shift[size + 1], VSHIFT_RIGHT, XMM0, XMM0, 8u << size);
    return narrowed(t, i, XMM0, size);
}

/* ---- pairs ---- */

/* Has the host an operation for it? */
static bool can_add_pairs(unsigned size, bool is_signed)
{
    return size < 2 || !is_signed;
}

/* The sums of neighbours, in XMM0. */
static void add_pairs(struct tr *t, unsigned a, unsigned size, bool is_signed)
{
    struct x86_code *c = &t->c;
    unsigned shift = simd_shift[size + 1];

    if (size == 0) { /* its first operand has no sign, the second has */
        simd_same(t, XMM2, 0, 1);
        vex_rr(c, VPMADDUBSW, XMM0, is_signed ? XMM2 : a, is_signed ? a : XMM2);
    } else if (size == 1 && is_signed) {
        simd_same(t, XMM2, 1, 1);
        vex_rr(c, VPMADDWD, XMM0, a, XMM2);
    } else {
        vex_shift(c, shift, VSHIFT_RIGHT, XMM2, a, 8u << size);
        vex_shift(c, shift, VSHIFT_LEFT, XMM0, a, 8u << size);
        vex_shift(c, shift, VSHIFT_RIGHT, XMM0, XMM0, 8u << size);
        vex_rr(c, simd_op[SIMD_ADD][size + 1], XMM0, XMM0, XMM2);
    }
}

/* arg: 1: signed; 2: and added to Vd. */
static bool pairs(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned size = simd_element(i);

    if (!can_add_pairs(size, arg & 1))
        return false;
    struct v_regs v = simd_unary(t, k, i);
    add_pairs(t, v.a, size, arg & 1);
    return simd_add_result(t, i, v, XMM0, size + 1, arg & 2);
}

/* ---- shifts: immh's highest bit is the element's size, immh:immb the amount ---- */

static unsigned shift_field(const struct insn *i)
{
    return (unsigned)bits((uint64_t)i->imm, 22, 16);
}

static unsigned shift_size(const struct insn *i)
{
    return 28u - (unsigned)__builtin_clz(shift_field(i));
}

static unsigned right_amount(const struct insn *i)
{
    return (16u << shift_size(i)) - shift_field(i);
}

static unsigned left_amount(const struct insn *i)
{
    return shift_field(i) - (8u << shift_size(i));
}

/* XMM2 and RAX go, and @to is neither it nor, for signed ones, @from. */
static void shift_right(struct tr *t, unsigned to, unsigned from, unsigned size, unsigned n,
                        bool is_signed)
{
    struct x86_code *c = &t->c;

    if (size == 3 && is_signed) { /* what comes in from the left is the sign */
        vex_rr(c, VPXOR, XMM2, XMM2, XMM2);
        vex_rr(c, VPCMPGTQ, XMM2, XMM2, from);
        vex_shift(c, VSHIFT_Q, VSHIFT_LEFT, XMM2, XMM2, 64 - n);
        vex_shift(c, VSHIFT_Q, VSHIFT_RIGHT, to, from, n);
        vex_rr(c, VPOR, to, to, XMM2);
    } else if (size > 0) {
        vex_shift(c, simd_shift[size], is_signed ? VSHIFT_ARITHMETIC : VSHIFT_RIGHT, to, from, n);
    } else {
        if (is_signed && n == 8)
            n = 7;
        vex_shift(c, VSHIFT_W, VSHIFT_RIGHT, to, from, n);
        simd_same(t, XMM2, 0, 0xffu >> n);
        vex_rr(c, VPAND, to, to, XMM2);
        if (is_signed) { /* (x ^ sign) - sign */
            simd_same(t, XMM2, 0, 0x80u >> n);
            vex_rr(c, VPXOR, to, to, XMM2);
            vex_rr(c, VPSUBB, to, to, XMM2);
        }
    }
}

/* arg: 1: signed; 2: and added to Vd; 4: rounded. */
static bool right(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = shift_size(i), n = right_amount(i), shift = simd_shift[size];

    if (arg & 4 && (size == 0 || (size == 3 && arg & 1)))
        return false;
    struct v_regs v = simd_unary(t, k, i);
    shift_right(t, XMM3, v.a, size, n, arg & 1);
    if (arg & 4) { /* the last bit that goes */
        vex_shift(c, shift, VSHIFT_RIGHT, XMM2, v.a, n - 1);
        vex_shift(c, shift, VSHIFT_LEFT, XMM2, XMM2, (8u << size) - 1);
        vex_shift(c, shift, VSHIFT_RIGHT, XMM2, XMM2, (8u << size) - 1);
        vex_rr(c, simd_op[SIMD_ADD][size], XMM3, XMM3, XMM2);
    }
    return simd_add_result(t, i, v, XMM3, size, arg & 2);
}

static bool left(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned size = shift_size(i), n = left_amount(i);
    struct v_regs v = simd_unary(t, k, i);

    (void)arg;
    vex_shift(&t->c, simd_shift[size], VSHIFT_LEFT, v.d, v.a, n);
    if (size == 0) {
        simd_same(t, XMM2, 0, 0xffu << n);
        vex_rr(&t->c, VPAND, v.d, v.d, XMM2);
    }
    return tr_v_result(t, i, v.d, v.w);
}

/* SLI and SRI: the other bits of Vd stay. arg: 1: to the right. */
static bool shift_insert(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = shift_size(i);
    unsigned n = arg ? right_amount(i) : left_amount(i), esize = 8u << size;
    uint64_t ones = size == 3 ? UINT64_MAX : BIT(esize) - 1;
    uint64_t mask = arg ? (n == 64 ? 0 : ones >> n) : (ones << n & ones);
    struct v_regs v = simd_unary(t, k, i);

    vex_shift(c, simd_shift[size], arg ? VSHIFT_RIGHT : VSHIFT_LEFT, XMM3, v.a, n);
    simd_same(t, XMM2, size, mask);
    vex_rr(c, VPAND, XMM3, XMM3, XMM2);
    vex_rr(c, VPANDN, XMM2, XMM2, tr_v_use(t, i->rd, XMM1, v.w));
    vex_rr(c, VPOR, v.d, XMM2, XMM3);
    return tr_v_result(t, i, v.d, v.w);
}

static bool shift_narrow(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned size = shift_size(i);

    (void)arg;
    tr_v_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, 16);
    vex_shift(&t->c, simd_shift[size + 1], VSHIFT_RIGHT, XMM0, a, right_amount(i));
    return narrowed(t, i, XMM0, size);
}

/* arg: 1: signed. */
static bool shift_long(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned size = shift_size(i), n = left_amount(i);

    tr_v_begin(t, k);
    unsigned d = tr_v_def(t, i->rd, XMM0);
    simd_widen(t, d, i->rn, size, simd_is_full(i), arg);
    if (n)
        vex_shift(&t->c, simd_shift[size + 1], VSHIFT_LEFT, d, d, n);
    return tr_v_result(t, i, d, 16);
}

/* ---- across lanes ---- */

/* Vd = of all elements of @size of v.a one, by @op of simd_op: halves upon halves. */
static bool halve(struct tr *t, const struct insn *i, struct v_regs v, unsigned size, unsigned op)
{
    struct x86_code *c = &t->c;
    unsigned bytes = 1u << size;

    for (unsigned s = v.w / 2; s >= bytes; s /= 2) {
        vex_shift(c, VSHIFT_Q, VSHIFT_RIGHT_BYTES, XMM2, v.a, s);
        vex_rr(c, simd_op[op][size], XMM0, v.a, XMM2);
        v.a = XMM0;
    }
    if (bytes < 4) { /* it alone */
        vex_shift(c, VSHIFT_Q, VSHIFT_LEFT, XMM0, XMM0, 64 - 8 * bytes);
        vex_shift(c, VSHIFT_Q, VSHIFT_RIGHT, XMM0, XMM0, 64 - 8 * bytes);
    }
    return tr_v_result(t, i, XMM0, bytes < 4 ? 8 : bytes);
}

/* arg: the operation, see simd_op. */
static bool across(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    return halve(t, i, simd_unary(t, k, i), simd_element(i), arg);
}

/* Sums of pairs first, and then across. */
static bool across_long(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned size = simd_element(i);

    if (!can_add_pairs(size, arg & 1))
        return false;
    struct v_regs v = simd_unary(t, k, i);
    add_pairs(t, v.a, size, arg & 1);
    v.a = XMM0;
    return halve(t, i, v, size + 1, SIMD_ADD);
}

static bool add_pair(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)arg;
    tr_v_begin(t, k);
    struct v_regs v = tr_v_unary(t, i, 16);
    vex_rr(&t->c, VPUNPCKHQDQ, XMM2, v.a, v.a);
    vex_rr(&t->c, VPADDQ, v.d, v.a, XMM2);
    return tr_v_result(t, i, v.d, 8);
}

/* clang-format off */
static const struct jit_template rows[] = {
    SIMD_ROW(CMEQ_zero_vec, compare_zero, ZERO_EQ),
    SIMD_ROW(CMGT_zero_vec, compare_zero, ZERO_GT),
    SIMD_ROW(CMLT_zero_vec, compare_zero, ZERO_LT),
    SIMD_ROW(CMGE_zero_vec, compare_zero, ZERO_GE),
    SIMD_ROW(CMLE_zero_vec, compare_zero, ZERO_LE),
    SIMD_ROW(CMEQ_zero_sca, compare_zero, ZERO_EQ),
    SIMD_ROW(CMGT_zero_sca, compare_zero, ZERO_GT),
    SIMD_ROW(CMLT_zero_sca, compare_zero, ZERO_LT),
    SIMD_ROW(CMGE_zero_sca, compare_zero, ZERO_GE),
    SIMD_ROW(CMLE_zero_sca, compare_zero, ZERO_LE),
    SIMD_ROW(NEG_vec, negate, 0),
    SIMD_ROW(NEG_sca, negate, 0),
    SIMD_ROW(ABS_vec, absolute, 0),
    SIMD_ROW(NOT_vec, invert, 0),
    SIMD_ROW(REV64_vec, reverse, 8),
    SIMD_ROW(REV32_vec, reverse, 4),
    SIMD_ROW(REV16_vec, reverse, 2),
    SIMD_ROW(CNT_vec, count_bits, 0),
    SIMD_ROW(XTN_vec, narrow, 0),
    SIMD_ROW(ADDHN_vec, high_half, SIMD_ADD),
    SIMD_ROW(SUBHN_vec, high_half, SIMD_SUB),
    SIMD_ROW(SADDLP_vec, pairs, 1),
    SIMD_ROW(UADDLP_vec, pairs, 0),
    SIMD_ROW(SADALP_vec, pairs, 3),
    SIMD_ROW(UADALP_vec, pairs, 2),
    SIMD_ROW(SSHR_vec, right, 1),
    SIMD_ROW(USHR_vec, right, 0),
    SIMD_ROW(SSRA_vec, right, 3),
    SIMD_ROW(USRA_vec, right, 2),
    SIMD_ROW(SRSHR_vec, right, 5),
    SIMD_ROW(URSHR_vec, right, 4),
    SIMD_ROW(SRSRA_vec, right, 7),
    SIMD_ROW(URSRA_vec, right, 6),
    SIMD_ROW(SSHR_sca, right, 1),
    SIMD_ROW(USHR_sca, right, 0),
    SIMD_ROW(SSRA_sca, right, 3),
    SIMD_ROW(USRA_sca, right, 2),
    SIMD_ROW(SHL_vec, left, 0),
    SIMD_ROW(SHL_sca, left, 0),
    SIMD_ROW(SLI_vec, shift_insert, 0),
    SIMD_ROW(SLI_sca, shift_insert, 0),
    SIMD_ROW(SRI_vec, shift_insert, 1),
    SIMD_ROW(SRI_sca, shift_insert, 1),
    SIMD_ROW(SHRN_vec, shift_narrow, 0),
    SIMD_ROW(SSHLL_vec, shift_long, 1),
    SIMD_ROW(USHLL_vec, shift_long, 0),
    SIMD_ROW(ADDV, across, SIMD_ADD),
    SIMD_ROW(SMAXV, across, SIMD_SMAX),
    SIMD_ROW(UMAXV, across, SIMD_UMAX),
    SIMD_ROW(SMINV, across, SIMD_SMIN),
    SIMD_ROW(UMINV, across, SIMD_UMIN),
    SIMD_ROW(SADDLV, across_long, 1),
    SIMD_ROW(UADDLV, across_long, 0),
    SIMD_ROW(ADDP_sca, add_pair, 0),
};
/* clang-format on */

const struct jit_templates jit_simd_misc = JIT_HOST_TEMPLATES(rows, HOST_AVX);
