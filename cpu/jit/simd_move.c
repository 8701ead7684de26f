/* Advanced SIMD: what moves elements: copy, permute, extract, table lookup, immediate. */
#include "cpu/jit/simd.h"

#include "arch/a64_form.h"

void simd_constant(struct x86_code *c, unsigned xmm, uint64_t low, uint64_t high)
{
    x86_mov_imm(c, RAX, low);
    vex_rr(c, VMOVD_LOAD | VEX_W1, xmm, 0, RAX);
    x86_mov_imm(c, RAX, high);
    vex_rr_imm(c, VPINSRD | VEX_W1, xmm, xmm, RAX, 1);
}

void simd_same(struct tr *t, unsigned xmm, unsigned size, uint64_t value)
{
    if (size == 0)
        value = (value & 0xff) * 0x01010101;
    else if (size == 1)
        value = (value & 0xffff) * 0x00010001;
    tr_v_const(t, xmm, size == 3 ? 64 : 32, value);
}

/* The pieces of 16 bits that packing takes, zero-extended (bytes) or sign-extended. */
static void pack_operand(struct x86_code *c, unsigned to, unsigned from, unsigned size,
                         unsigned odd)
{
    if (size == 0 && odd) {
        vex_shift(c, VSHIFT_W, VSHIFT_RIGHT, to, from, 8);
    } else if (size == 0) {
        vex_shift(c, VSHIFT_W, VSHIFT_LEFT, to, from, 8);
        vex_shift(c, VSHIFT_W, VSHIFT_RIGHT, to, to, 8);
    } else if (odd) {
        vex_shift(c, VSHIFT_D, VSHIFT_ARITHMETIC, to, from, 16);
    } else {
        vex_shift(c, VSHIFT_D, VSHIFT_LEFT, to, from, 16);
        vex_shift(c, VSHIFT_D, VSHIFT_ARITHMETIC, to, to, 16);
    }
}

void simd_unzip(struct tr *t, unsigned to, unsigned a, unsigned b, unsigned size, unsigned odd)
{
    struct x86_code *c = &t->c;

    if (size == 3) {
        vex_rr(c, odd ? VPUNPCKHQDQ : VPUNPCKLQDQ, to, a, b);
    } else if (size == 2) {
        vex_rr_imm(c, VSHUFPS, to, a, b, odd ? 0xdd : 0x88);
    } else {
        pack_operand(c, XMM2, a, size, odd);
        pack_operand(c, to, b, size, odd);
        vex_rr(c, size == 0 ? VPACKUSWB : VPACKSSDW, to, XMM2, to);
    }
}

/* ---- copy: imm5's lowest set bit is the size, what is above it the index ---- */

static unsigned copy_size(const struct insn *i)
{
    return (unsigned)__builtin_ctzll(bits((uint64_t)i->imm, 20, 16));
}

static unsigned copy_index(const struct insn *i)
{
    return (unsigned)bits((uint64_t)i->imm, 20, 16) >> (copy_size(i) + 1);
}

static bool dup_element(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)arg;
    tr_v_begin(t, k);
    struct v_regs v = tr_v_unary(t, i, 16);
    simd_dup(&t->c, v.d, v.a, copy_size(i), copy_index(i));
    return tr_v_result(t, i, v.d, simd_bytes(i));
}

/* The scalar form: one element. */
static bool dup_scalar(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned size = copy_size(i);

    (void)arg;
    if (size < 2)
        return false;
    tr_v_begin(t, k);
    struct v_regs v = tr_v_unary(t, i, 16);
    vex_shift(&t->c, VSHIFT_Q, VSHIFT_RIGHT_BYTES, v.d, v.a, copy_index(i) << size);
    return tr_v_result(t, i, v.d, 1u << size);
}

static bool dup_general(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = copy_size(i);

    (void)arg;
    tr_v_begin(t, k);
    enum x86_reg r = tr_use(t, i->rn, RAX);
    unsigned d = tr_v_def(t, i->rd, XMM0);
    vex_rr(c, VMOVD_LOAD | (size == 3 ? VEX_W1 : 0), d, 0, r);
    simd_dup(c, d, d, size, 0);
    return tr_v_result(t, i, d, simd_bytes(i));
}

/* From the CPU, which has all of Vn. arg: signed. */
static bool to_general(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned size = copy_size(i);

    tr_v_begin(t, k);
    enum x86_reg d = tr_def(t, i->rd, RAX);
    struct x86_mem m = x86_at(CPU, tr_v(i->rn).disp + (int32_t)(copy_index(i) << size));
    x86_load_sized(&t->c, 1u << size, arg, simd_is_full(i), d, m);
    tr_done(t, i->rd, d);
    return true;
}

static void insert(struct x86_code *c, unsigned to, unsigned from, enum x86_reg r, unsigned size,
                   unsigned index)
{
    static const uint16_t op[] = {VPINSRB, VPINSRW, VPINSRD, VPINSRD | VEX_W1};

    vex_rr_imm(c, op[size], to, from, r, index);
}

static bool insert_general(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)arg;
    tr_v_begin(t, k);
    enum x86_reg r = tr_use(t, i->rn, RAX);
    unsigned old = tr_v_use(t, i->rd, XMM0, 16), d = tr_v_def(t, i->rd, XMM0);
    insert(&t->c, d, old, r, copy_size(i), copy_index(i));
    return tr_v_result(t, i, d, 16);
}

static bool insert_element(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = copy_size(i), from = (unsigned)bits((uint64_t)i->imm, 14, 11) >> size;
    struct x86_mem m = x86_at(CPU, tr_v(i->rn).disp + (int32_t)(from << size));

    (void)arg;
    tr_v_begin(t, k);
    unsigned old = tr_v_use(t, i->rd, XMM0, 16), d = tr_v_def(t, i->rd, XMM0);
    x86_load_sized(c, 1u << size, false, 0, RAX, m);
    insert(c, d, old, RAX, size, copy_index(i));
    return tr_v_result(t, i, d, 16);
}

/* ---- permute; arg: 1: the second of two ---- */

static bool zip(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    static const simd_ops low = {VPUNPCKLBW, VPUNPCKLWD, VPUNPCKLDQ, VPUNPCKLQDQ};
    static const simd_ops high = {VPUNPCKHBW, VPUNPCKHWD, VPUNPCKHDQ, VPUNPCKHQDQ};
    struct v_regs v = simd_binary(t, k, i);

    vex_rr(&t->c, (v.w == 16 && arg ? high : low)[simd_element(i)], v.d, v.a, v.b);
    if (v.w == 8 && arg)
        vex_shift(&t->c, VSHIFT_Q, VSHIFT_RIGHT_BYTES, v.d, v.d, 8);
    return tr_v_result(t, i, v.d, v.w);
}

/* Both operands of 64 bits as one, in XMM1; or as they are. */
static struct v_regs joined(struct tr *t, unsigned k, const struct insn *i)
{
    struct v_regs v = simd_binary(t, k, i);

    if (v.w == 8) {
        vex_rr(&t->c, VPUNPCKLQDQ, XMM1, v.a, v.b);
        v.a = v.b = XMM1;
    }
    return v;
}

static bool unzip(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct v_regs v = joined(t, k, i);

    simd_unzip(t, XMM3, v.a, v.b, simd_element(i), arg);
    vex_move(&t->c, v.d, XMM3);
    return tr_v_result(t, i, v.d, v.w);
}

/* arg: an operation on the even and the odd elements, see simd_op. */
static bool pairwise(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned size = simd_element(i), op = simd_op[arg][size];

    if (!op)
        return false;
    struct v_regs v = joined(t, k, i);
    simd_unzip(t, XMM3, v.a, v.b, size, 0);
    unsigned odd = size < 2 ? XMM0 : XMM2; /* which the narrow ones need */
    simd_unzip(t, odd, v.a, v.b, size, 1);
    vex_rr(&t->c, op, XMM0, XMM3, odd);
    vex_move(&t->c, v.d, XMM0);
    return tr_v_result(t, i, v.d, v.w);
}

/* Even elements in place and odd ones from the left, or the reverse. */
static bool transpose(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = simd_element(i), n = 8u << size;
    struct v_regs v = simd_binary(t, k, i);

    if (size == 3) {
        vex_rr(c, arg ? VPUNPCKHQDQ : VPUNPCKLQDQ, v.d, v.a, v.b);
        return tr_v_result(t, i, v.d, v.w);
    }
    unsigned shift = simd_shift[size + 1];
    if (arg) { /* a's odd ones to the right, b's as they are */
        vex_shift(c, shift, VSHIFT_RIGHT, XMM2, v.a, n);
        vex_shift(c, shift, VSHIFT_RIGHT, XMM3, v.b, n);
        vex_shift(c, shift, VSHIFT_LEFT, XMM3, XMM3, n);
    } else {
        vex_shift(c, shift, VSHIFT_LEFT, XMM2, v.a, n);
        vex_shift(c, shift, VSHIFT_RIGHT, XMM2, XMM2, n);
        vex_shift(c, shift, VSHIFT_LEFT, XMM3, v.b, n);
    }
    vex_rr(c, VPOR, v.d, XMM2, XMM3);
    return tr_v_result(t, i, v.d, v.w);
}

static bool extract(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct v_regs v = joined(t, k, i);

    (void)arg;
    vex_rr_imm(&t->c, VPALIGNR, v.d, v.b, v.a, (unsigned)bits((uint64_t)i->imm, 14, 11));
    return tr_v_result(t, i, v.d, v.w);
}

/* Indexes that are out of a register's range get their top bit set, for which the host gives 0. */
static bool table(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned regs = (unsigned)bits((uint64_t)i->imm, 14, 13) + 1, w = simd_bytes(i);

    (void)arg;
    tr_v_begin(t, k);
    unsigned index = tr_v_use(t, i->rm, XMM1, w), r = XMM0, d = tr_v_def(t, i->rd, XMM0);
    if (regs > 1) {
        vex_rr(c, VMOVAPS, XMM1, 0, index);
        index = XMM1;
    }
    for (unsigned n = 0; n < regs; n++) {
        if (n) {
            simd_same(t, XMM3, 0, 16);
            vex_rr(c, VPSUBB, XMM1, XMM1, XMM3);
        }
        simd_same(t, XMM3, 0, 0x70);
        vex_rr(c, VPADDUSB, XMM3, XMM3, index);
        unsigned from = tr_v_use(t, (i->rn + n) & 31, XMM2, 16);
        vex_rr(c, VPSHUFB, n ? XMM2 : r, from, XMM3);
        if (n)
            vex_rr(c, VPOR, r, r, XMM2);
    }
    vex_move(c, d, r);
    return tr_v_result(t, i, d, w);
}

/* ---- immediate ---- */

/* arg: MOVI, FMOV; MVNI; ORR; BIC. */
enum { IMM, IMM_NOT, IMM_OR, IMM_CLEAR };

static bool immediate(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    uint64_t w = (uint64_t)i->imm;
    unsigned imm8 = (unsigned)(bits(w, 18, 16) << 5 | bits(w, 9, 5)),
             bytes = simd_is_full(i) ? 16 : 8;
    uint64_t v = a64_simd_imm(bit(w, 29), (unsigned)bits(w, 15, 12), imm8);

    tr_v_begin(t, k);
    unsigned d = tr_v_def(t, i->rd, XMM0);
    if (arg == IMM || arg == IMM_NOT) {
        v = arg == IMM_NOT ? ~v : v;
        if (v == ~UINT64_C(0))
            simd_ones(c, d);
        else
            tr_v_const(t, d, (uint32_t)v == v >> 32 ? 32 : 64, v);
    } else {
        unsigned old = tr_v_use(t, i->rd, XMM1, bytes);
        tr_v_const(t, XMM2, 64, v);
        vex_rr(c, arg == IMM_OR ? VPOR : VPANDN, d, XMM2, old);
    }
    return tr_v_result(t, i, d, bytes);
}

/* clang-format off */
static const struct jit_template rows[] = {
    SIMD_ROW(DUP_elem_vec, dup_element, 0),
    SIMD_ROW(DUP_elem_sca, dup_scalar, 0),
    SIMD_ROW(DUP_gen, dup_general, 0),
    SIMD_ROW(UMOV, to_general, 0),
    SIMD_ROW(SMOV, to_general, 1),
    SIMD_ROW(INS_gen, insert_general, 0),
    SIMD_ROW(INS_elem, insert_element, 0),
    SIMD_ROW(ZIP1, zip, 0),
    SIMD_ROW(ZIP2, zip, 1),
    SIMD_ROW(UZP1, unzip, 0),
    SIMD_ROW(UZP2, unzip, 1),
    SIMD_ROW(TRN1, transpose, 0),
    SIMD_ROW(TRN2, transpose, 1),
    SIMD_ROW(ADDP_vec, pairwise, SIMD_ADD),
    SIMD_ROW(SMAXP_vec, pairwise, SIMD_SMAX),
    SIMD_ROW(SMINP_vec, pairwise, SIMD_SMIN),
    SIMD_ROW(UMAXP_vec, pairwise, SIMD_UMAX),
    SIMD_ROW(UMINP_vec, pairwise, SIMD_UMIN),
    SIMD_ROW(EXT, extract, 0),
    SIMD_ROW(TBL, table, 0),
    SIMD_ROW(MOVI, immediate, IMM),
    SIMD_ROW(FMOV_imm_vec, immediate, IMM),
    SIMD_ROW(MVNI, immediate, IMM_NOT),
    SIMD_ROW(ORR_imm_vec, immediate, IMM_OR),
    SIMD_ROW(BIC_imm_vec, immediate, IMM_CLEAR),
};
/* clang-format on */

const struct jit_templates jit_simd_move = JIT_HOST_TEMPLATES(rows, HOST_AVX);
