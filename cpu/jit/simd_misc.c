/* Advanced SIMD: two-register miscellaneous, shifts by an immediate, across lanes. */
#include "cpu/jit/simd.h"

/* ---- one operand ---- */

/* arg: what is compared with zero. */
enum { ZERO_EQ, ZERO_GT, ZERO_LT, ZERO_GE, ZERO_LE };

static bool compare_zero(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = simd_element(i), w = simd_bytes(i);
    unsigned greater = simd_op[SIMD_GREATER][size];

    simd_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, w), d = tr_v_def(t, i->rd, XMM0);
    vex_rr(c, VPXOR, XMM2, XMM2, XMM2);
    if (arg == ZERO_EQ)
        vex_rr(c, simd_op[SIMD_EQUAL][size], d, a, XMM2);
    else if (arg == ZERO_GT || arg == ZERO_LE)
        vex_rr(c, greater, d, a, XMM2);
    else
        vex_rr(c, greater, d, XMM2, a);
    if (arg == ZERO_GE || arg == ZERO_LE) {
        simd_ones(c, XMM2);
        vex_rr(c, VPXOR, d, d, XMM2);
    }
    tr_v_done(t, i->rd, d, w);
    return true;
}

static bool negate(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned w = simd_bytes(i), a, d;

    (void)arg;
    simd_begin(t, k);
    a = tr_v_use(t, i->rn, XMM0, w);
    d = tr_v_def(t, i->rd, XMM0);
    vex_rr(c, VPXOR, XMM2, XMM2, XMM2);
    vex_rr(c, simd_op[SIMD_SUB][simd_element(i)], d, XMM2, a);
    tr_v_done(t, i->rd, d, w);
    return true;
}

static bool absolute(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned w = simd_bytes(i), size = simd_element(i);

    (void)arg;
    if (size == 3)
        return false;
    simd_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, w), d = tr_v_def(t, i->rd, XMM0);
    vex_rr(&t->c, VPABSB + size, d, 0, a);
    tr_v_done(t, i->rd, d, w);
    return true;
}

static bool invert(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned w = simd_bytes(i);

    (void)arg;
    simd_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, w), d = tr_v_def(t, i->rd, XMM0);
    simd_ones(&t->c, XMM2);
    vex_rr(&t->c, VPXOR, d, a, XMM2);
    tr_v_done(t, i->rd, d, w);
    return true;
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
    struct x86_code *c = &t->c;
    unsigned w = simd_bytes(i), size = simd_element(i);

    simd_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, w), d = tr_v_def(t, i->rd, XMM0);
    x86_mov_imm(c, RAX, reversed(arg, size, 0));
    vex_rr(c, VMOVD_LOAD | VEX_W1, XMM2, 0, RAX);
    x86_mov_imm(c, RAX, reversed(arg, size, 8));
    vex_rr_imm(c, VPINSRD | VEX_W1, XMM2, XMM2, RAX, 1);
    vex_rr(c, VPSHUFB, d, a, XMM2);
    tr_v_done(t, i->rd, d, w);
    return true;
}

/* Of each half of a byte the host looks up how many bits it has. */
static bool count_bits(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned w = simd_bytes(i);

    (void)arg;
    simd_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, w), d = tr_v_def(t, i->rd, XMM0);
    x86_mov_imm(c, RAX, UINT64_C(0x0302020102010100));
    vex_rr(c, VMOVD_LOAD | VEX_W1, XMM2, 0, RAX);
    x86_mov_imm(c, RAX, UINT64_C(0x0403030203020201));
    vex_rr_imm(c, VPINSRD | VEX_W1, XMM2, XMM2, RAX, 1);
    vex_shift(c, VSHIFT_W, VSHIFT_RIGHT, XMM1, a, 4);
    simd_same(t, XMM3, 0, 15);
    vex_rr(c, VPAND, XMM1, XMM1, XMM3);
    vex_rr(c, VPAND, XMM3, XMM3, a);
    vex_rr(c, VPSHUFB, XMM1, XMM2, XMM1);
    vex_rr(c, VPSHUFB, XMM3, XMM2, XMM3);
    vex_rr(c, VPADDB, d, XMM1, XMM3);
    tr_v_done(t, i->rd, d, w);
    return true;
}

/* ---- narrowing ---- */

/* The low halves of @from's elements, which are of twice @size, to the half of Vd that Q names. */
static void narrowed(struct tr *t, const struct insn *i, unsigned from, unsigned size)
{
    struct x86_code *c = &t->c;
    unsigned d = tr_v_def(t, i->rd, XMM0);

    simd_unzip(t, XMM3, from, from, size, 0);
    if (!simd_is_full(i)) {
        vex_rr(c, VMOVAPS, d, 0, XMM3);
        tr_v_done(t, i->rd, d, 8);
        return;
    }
    unsigned old = tr_v_use(t, i->rd, XMM1, 8);
    vex_rr(c, VPUNPCKLQDQ, d, old, XMM3);
    tr_v_done(t, i->rd, d, 16);
}

static bool narrow(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)arg;
    simd_begin(t, k);
    narrowed(t, i, tr_v_use(t, i->rn, XMM0, 16), simd_element(i));
    return true;
}

/* The high halves of sums or differences; arg: which. */
static bool high_half(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    static const uint16_t shift[] = {VSHIFT_W, VSHIFT_D, VSHIFT_Q};
    unsigned size = simd_element(i);

    simd_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, 16), b = tr_v_use(t, i->rm, XMM1, 16);
    vex_rr(c, simd_op[arg][size + 1], XMM0, a, b);
    vex_shift(c, shift[size], VSHIFT_RIGHT, XMM0, XMM0, 8u << size);
    narrowed(t, i, XMM0, size);
    return true;
}

/* ---- pairs ---- */

/* The sums of neighbours, in XMM0; 0: of these elements the host has none. */
static bool can_add_pairs(unsigned size, bool is_signed)
{
    return size < 2 || !is_signed;
}

static void add_pairs(struct tr *t, unsigned a, unsigned size, bool is_signed)
{
    static const uint16_t shift[] = {0, VSHIFT_D, VSHIFT_Q};
    struct x86_code *c = &t->c;

    if (size == 0) { /* its first operand has no sign, the second has */
        simd_same(t, XMM2, 0, 1);
        vex_rr(c, VPMADDUBSW, XMM0, is_signed ? XMM2 : a, is_signed ? a : XMM2);
    } else if (size == 1 && is_signed) {
        simd_same(t, XMM2, 1, 1);
        vex_rr(c, VPMADDWD, XMM0, a, XMM2);
    } else {
        vex_shift(c, shift[size], VSHIFT_RIGHT, XMM2, a, 8u << size);
        vex_shift(c, shift[size], VSHIFT_LEFT, XMM0, a, 8u << size);
        vex_shift(c, shift[size], VSHIFT_RIGHT, XMM0, XMM0, 8u << size);
        vex_rr(c, simd_op[SIMD_ADD][size + 1], XMM0, XMM0, XMM2);
    }
}

/* arg: 1: signed; 2: and added to Vd. */
static bool pairs(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned size = simd_element(i), w = simd_bytes(i);

    if (!can_add_pairs(size, arg & 1))
        return false;
    simd_begin(t, k);
    add_pairs(t, tr_v_use(t, i->rn, XMM0, w), size, arg & 1);
    unsigned d = tr_v_def(t, i->rd, XMM1);
    if (arg & 2)
        vex_rr(&t->c, simd_op[SIMD_ADD][size + 1], d, tr_v_use(t, i->rd, XMM1, w), XMM0);
    else
        vex_rr(&t->c, VMOVAPS, d, 0, XMM0);
    tr_v_done(t, i->rd, d, w);
    return true;
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

static const uint16_t by_size[] = {VSHIFT_W, VSHIFT_W, VSHIFT_D, VSHIFT_Q};

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
        vex_shift(c, by_size[size], is_signed ? VSHIFT_ARITHMETIC : VSHIFT_RIGHT, to, from, n);
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
    unsigned size = shift_size(i), n = right_amount(i), w = simd_bytes(i);

    if (arg & 4 && (size == 0 || (size == 3 && arg & 1)))
        return false;
    simd_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, w), d = tr_v_def(t, i->rd, XMM1);
    shift_right(t, XMM3, a, size, n, arg & 1);
    if (arg & 4) { /* the last bit that goes */
        vex_shift(c, by_size[size], VSHIFT_RIGHT, XMM2, a, n - 1);
        vex_shift(c, by_size[size], VSHIFT_LEFT, XMM2, XMM2, (8u << size) - 1);
        vex_shift(c, by_size[size], VSHIFT_RIGHT, XMM2, XMM2, (8u << size) - 1);
        vex_rr(c, simd_op[SIMD_ADD][size], XMM3, XMM3, XMM2);
    }
    if (arg & 2)
        vex_rr(c, simd_op[SIMD_ADD][size], d, tr_v_use(t, i->rd, XMM1, w), XMM3);
    else
        vex_rr(c, VMOVAPS, d, 0, XMM3);
    tr_v_done(t, i->rd, d, w);
    return true;
}

static bool left(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = shift_size(i), n = left_amount(i), w = simd_bytes(i);

    (void)arg;
    simd_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, w), d = tr_v_def(t, i->rd, XMM0);
    vex_shift(c, by_size[size], VSHIFT_LEFT, d, a, n);
    if (size == 0) {
        simd_same(t, XMM2, 0, 0xffu << n);
        vex_rr(c, VPAND, d, d, XMM2);
    }
    tr_v_done(t, i->rd, d, w);
    return true;
}

/* SLI and SRI: the other bits of Vd stay. arg: 1: to the right. */
static bool shift_insert(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = shift_size(i), w = simd_bytes(i);
    unsigned n = arg ? right_amount(i) : left_amount(i), esize = 8u << size;
    uint64_t ones = size == 3 ? UINT64_MAX : BIT(esize) - 1;
    uint64_t mask = arg ? (n == 64 ? 0 : ones >> n) : (ones << n & ones);

    simd_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, w), d = tr_v_def(t, i->rd, XMM1);
    vex_shift(c, by_size[size], arg ? VSHIFT_RIGHT : VSHIFT_LEFT, XMM3, a, n);
    simd_same(t, XMM2, size, mask);
    vex_rr(c, VPAND, XMM3, XMM3, XMM2);
    vex_rr(c, VPANDN, XMM2, XMM2, tr_v_use(t, i->rd, XMM1, w));
    vex_rr(c, VPOR, d, XMM2, XMM3);
    tr_v_done(t, i->rd, d, w);
    return true;
}

static bool shift_narrow(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = shift_size(i);

    (void)arg;
    simd_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, 16);
    vex_shift(c, by_size[size + 1], VSHIFT_RIGHT, XMM0, a, right_amount(i));
    narrowed(t, i, XMM0, size);
    return true;
}

/* arg: 1: signed. */
static bool shift_long(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = shift_size(i), n = left_amount(i), op[] = {0x30, 0x33, 0x35};
    bool upper = simd_is_full(i);

    simd_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, upper ? 16 : 8), d = tr_v_def(t, i->rd, XMM0);
    if (upper)
        vex_rr(c, VPUNPCKHQDQ, XMM0, a, a);
    vex_rr(c, VEX_38(op[size] - (arg ? 0x10 : 0)), d, 0, upper ? XMM0 : a);
    if (n)
        vex_shift(c, by_size[size + 1], VSHIFT_LEFT, d, d, n);
    tr_v_done(t, i->rd, d, 16);
    return true;
}

/* ---- across lanes ---- */

/* Halves upon halves; arg: the operation, see simd_op. */
static bool across(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = simd_element(i), w = simd_bytes(i), bytes = 1u << size;

    simd_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, w);
    for (unsigned s = w / 2; s >= bytes; s /= 2) {
        vex_shift(c, VSHIFT_Q, VSHIFT_RIGHT_BYTES, XMM2, a, s);
        vex_rr(c, simd_op[arg][size], XMM0, a, XMM2);
        a = XMM0;
    }
    if (bytes < 4) { /* it alone */
        vex_shift(c, VSHIFT_Q, VSHIFT_LEFT, XMM0, XMM0, 64 - 8 * bytes);
        vex_shift(c, VSHIFT_Q, VSHIFT_RIGHT, XMM0, XMM0, 64 - 8 * bytes);
    }
    tr_v_done(t, i->rd, XMM0, bytes < 4 ? 8 : bytes);
    return true;
}

/* Sums of pairs first, and then across. */
static bool across_long(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = simd_element(i), w = simd_bytes(i), bytes = 2u << size;

    if (!can_add_pairs(size, arg & 1))
        return false;
    simd_begin(t, k);
    add_pairs(t, tr_v_use(t, i->rn, XMM0, w), size, arg & 1);
    for (unsigned s = w / 2; s >= bytes; s /= 2) {
        vex_shift(c, VSHIFT_Q, VSHIFT_RIGHT_BYTES, XMM2, XMM0, s);
        vex_rr(c, simd_op[SIMD_ADD][size + 1], XMM0, XMM0, XMM2);
    }
    if (bytes < 4) {
        vex_shift(c, VSHIFT_Q, VSHIFT_LEFT, XMM0, XMM0, 48);
        vex_shift(c, VSHIFT_Q, VSHIFT_RIGHT, XMM0, XMM0, 48);
    }
    tr_v_done(t, i->rd, XMM0, bytes < 4 ? 8 : bytes);
    return true;
}

static bool add_pair(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;

    (void)arg;
    simd_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, 16), d = tr_v_def(t, i->rd, XMM0);
    vex_rr(c, VPUNPCKHQDQ, XMM2, a, a);
    vex_rr(c, VPADDQ, d, a, XMM2);
    tr_v_done(t, i->rd, d, 8);
    return true;
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
