/* Advanced SIMD floating point: cpu/exec/simdfp*.c as host code. See cpu/jit/fp.h for what is
 * exact. */
#include "cpu/jit/fp.h"
#include "cpu/jit/simd.h"

struct shape {
    bool dbl, full;
    unsigned lanes, bytes;
};

static struct shape shape_of(const struct insn *i)
{
    bool dbl = bit((uint64_t)i->imm, 22), full = simd_is_full(i);

    return (struct shape){dbl, full, full ? (dbl ? 2 : 4) : 2, full ? 16 : 8};
}

/* RAX = a bit for each lane whose exponent is not what @check wants; XMM2 goes. */
static void bad_lanes(struct tr *t, unsigned r, bool dbl, enum fp_check check)
{
    static const enum jit_constant bias[2][2] = {{CONST_BIAS_FINITE, CONST_BIAS_FINITE},
                                                 {CONST_BIAS_NORMAL_S, CONST_BIAS_NORMAL_D}};
    static const enum jit_constant above[2][2] = {{CONST_ABOVE_FINITE_S, CONST_ABOVE_FINITE_D},
                                                  {CONST_ABOVE_NORMAL_S, CONST_ABOVE_NORMAL_D}};
    bool normal = check == FP_NORMAL_RESULT;

    vex_rr(&t->c, VPADDD, XMM2, r, r); /* without the sign */
    tr_v_with(t, VPADDD, XMM2, XMM2, bias[normal][dbl]);
    tr_v_with(t, VPCMPGTD, XMM2, XMM2, above[normal][dbl]);
}

static void mask_to_rax(struct tr *t, unsigned xmm, struct shape s)
{
    vex_rr(&t->c, s.dbl ? VMOVMSKPD : VMOVMSKPS, RAX, 0, xmm);
    x86_test_imm(&t->c, 0, RAX, (int32_t)((1u << s.lanes) - 1));
}

static void check_lanes(struct tr *t, struct stub *slow, unsigned r, struct shape s,
                        enum fp_check check)
{
    bad_lanes(t, r, s.dbl, check);
    mask_to_rax(t, XMM2, s);
    slow->from[0] = x86_jcc(&t->c, CC_NE);
}

/* Vn as an operand; of 64 bits with zeros above, which raise nothing. */
static unsigned operand(struct tr *t, unsigned v, unsigned scratch, struct shape s)
{
    unsigned r = tr_v_use(t, v, scratch, s.bytes);

    if (s.full)
        return r;
    vex_rr(&t->c, VMOVQ_LOAD, scratch, 0, r);
    return scratch;
}

/* By element: the index is H:L for singles, H for doubles. */
static unsigned operand_m(struct tr *t, const struct insn *i, struct shape s, bool element)
{
    uint64_t w = (uint64_t)i->imm;
    unsigned h = bit(w, 11), l = bit(w, 21);

    if (!element)
        return operand(t, i->rm, XMM1, s);
    simd_dup(&t->c, XMM1, tr_v_use(t, i->rm, XMM1, 16), s.dbl ? 3 : 2, s.dbl ? h : h << 1 | l);
    if (!s.full)
        vex_rr(&t->c, VMOVQ_LOAD, XMM1, 0, XMM1);
    return XMM1;
}

/* Lanes that are zero because Vn (or, if that is no element, Vm) is, and Vd if it is an addend, are
 * as they should be. */
static void zero_lanes(struct tr *t, struct stub *s)
{
    const struct insn *i = &t->rec[s->k];
    struct x86_code *c = &t->c;
    struct shape shape = shape_of(i);
    unsigned eq = VCMPPS | (shape.dbl ? VEX_66 : 0);

    vex_rr(c, VPXOR, XMM1, XMM1, XMM1);
    vex_rm(c, eq, XMM0, XMM1, tr_v(i->rn));
    x86_byte(c, 0);
    if (!s->warm_element) {
        vex_rm(c, eq, XMM2, XMM1, tr_v(i->rm));
        x86_byte(c, 0);
        vex_rr(c, VPOR, XMM0, XMM0, XMM2);
    }
    if (s->warm_addend) {
        vex_rm(c, eq, XMM2, XMM1, tr_v(i->rd));
        x86_byte(c, 0);
        vex_rr(c, VPAND, XMM0, XMM0, XMM2);
    }
    vex_rr_imm(c, eq, XMM1, XMM1, s->warm_r, 0);
    vex_rr(c, VPAND, XMM1, XMM1, XMM0);
    bad_lanes(t, s->warm_r, shape.dbl, FP_NORMAL_RESULT);
    vex_rr(c, VPANDN, XMM1, XMM1, XMM2);
    mask_to_rax(t, XMM1, shape);
    x86_bind_to(c, x86_jcc(c, CC_E), s->warm_back);
}

static void warm(struct tr *t, struct stub *s, unsigned r, bool element, bool addend)
{
    s->warm = zero_lanes;
    s->warm_r = r;
    s->warm_element = element;
    s->warm_addend = addend;
    s->warm_back = t->c.p;
}

/* In a row's arg, above the opcode. */
enum { SUM = 0x2000, ABSOLUTE = 0x4000, ELEMENT = 0x8000 };

static unsigned packed(unsigned arg, struct shape s)
{
    return (arg & 0xff) | VEX_0F | (s.dbl ? VEX_66 : 0);
}

/* Results are in XMM3, which zero_lanes() leaves alone. */
static bool arithmetic(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    struct shape s = shape_of(i);

    if ((arg & 0xff) == 0x5e && !s.full)
        return false; /* there are no lanes above to divide by */
    struct stub *slow = fp_begin_template(t, k);
    unsigned b = operand_m(t, i, s, arg & ELEMENT), a = operand(t, i->rn, XMM0, s);
    vex_rr(c, packed(arg, s), XMM3, a, b);
    check_lanes(t, slow, XMM3, s, arg & SUM ? FP_FINITE_RESULT : FP_NORMAL_RESULT);
    if (!(arg & SUM) && (arg & 0xff) == 0x59)
        warm(t, slow, XMM3, arg & ELEMENT, false);
    if (arg & ABSOLUTE) {
        tr_v_with(t, VMOVUPS_LOAD, XMM2, 0, s.dbl ? CONST_SIGN_D : CONST_SIGN_S);
        vex_rr(c, VPANDN, XMM3, XMM2, XMM3);
    }
    tr_v_done(t, i->rd, XMM3, s.bytes);
    tr_come_back(t, slow);
    return true;
}

/* arg: 0xb8: d + a * b; 0xbc: d - a * b. */
static bool fused(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct shape s = shape_of(i);

    struct stub *slow = fp_begin_template(t, k);
    unsigned b = operand_m(t, i, s, arg & ELEMENT), a = operand(t, i->rn, XMM0, s);
    unsigned add = operand(t, i->rd, XMM3, s);
    vex_rr(&t->c, VEX_38(arg & 0xff) | (s.dbl ? VEX_W1 : 0), add, a, b);
    check_lanes(t, slow, add, s, FP_NORMAL_RESULT);
    warm(t, slow, add, arg & ELEMENT, true);
    tr_v_done(t, i->rd, add, s.bytes);
    tr_come_back(t, slow);
    return true;
}

/* See fp.c: of equal operands, zeros of both signs among them, both orders together. */
static bool extreme(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    struct shape s = shape_of(i);

    struct stub *slow = fp_begin_template(t, k);
    unsigned a = operand(t, i->rn, XMM0, s), b = operand(t, i->rm, XMM1, s);
    vex_rr_imm(c, VCMPPS | (s.dbl ? VEX_66 : 0), XMM2, a, b, 3); /* unordered */
    mask_to_rax(t, XMM2, s);
    slow->from[0] = x86_jcc(c, CC_NE);
    vex_rr(c, packed(arg, s), XMM2, a, b);
    vex_rr(c, packed(arg, s), XMM0, b, a);
    vex_rr(c, (arg & 0xff) == 0x5f ? VANDPS : VORPS, XMM0, XMM0, XMM2);
    tr_v_done(t, i->rd, XMM0, s.bytes);
    tr_come_back(t, slow);
    return true;
}

/* arg: 1: FABS; 2: FNEG. */
static bool sign(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    struct shape s = shape_of(i);

    simd_begin(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, s.bytes), d = tr_v_def(t, i->rd, XMM0);
    tr_v_with(t, VMOVUPS_LOAD, XMM2, 0, s.dbl ? CONST_SIGN_D : CONST_SIGN_S);
    vex_rr(c, arg == 1 ? VPANDN : VXORPS, d, XMM2, a);
    tr_v_done(t, i->rd, d, s.bytes);
    return true;
}

/* arg: the predicate of the host, for b and a in this order; and WITH_ZERO. */
enum {
    PREDICATE_EQ,
    PREDICATE_LT,
    PREDICATE_LE,
    PREDICATE_UNORDERED,
    WITH_ZERO = 0x10,
    SWAP = 0x20
};

static bool compare(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    struct shape s = shape_of(i);
    unsigned op = VCMPPS | (s.dbl ? VEX_66 : 0);

    struct stub *slow = fp_begin_template(t, k);
    unsigned a = operand(t, i->rn, XMM0, s), b = XMM1;
    if (arg & WITH_ZERO)
        vex_rr(c, VPXOR, b, b, b);
    else
        b = operand(t, i->rm, XMM1, s);
    vex_rr_imm(c, op, XMM2, a, b, PREDICATE_UNORDERED);
    mask_to_rax(t, XMM2, s);
    slow->from[0] = x86_jcc(c, CC_NE);
    vex_rr_imm(c, op, XMM0, arg & SWAP ? a : b, arg & SWAP ? b : a, arg & 3);
    tr_v_done(t, i->rd, XMM0, s.bytes);
    tr_come_back(t, slow);
    return true;
}

static bool square_root(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct shape s = shape_of(i);

    struct stub *slow = fp_begin_template(t, k);
    unsigned a = operand(t, i->rn, XMM0, s);
    vex_rr(&t->c, packed(arg, s), XMM0, 0, a);
    check_lanes(t, slow, XMM0, s, FP_FINITE_RESULT);
    tr_v_done(t, i->rd, XMM0, s.bytes);
    tr_come_back(t, slow);
    return true;
}

/* Pairs, the lower half from Vn: even and odd lanes are added. */
static bool add_pairs(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct shape s = shape_of(i);

    (void)arg;
    if (!s.full)
        return false;
    struct stub *slow = fp_begin_template(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, 16), b = tr_v_use(t, i->rm, XMM1, 16);
    simd_unzip(t, XMM3, a, b, s.dbl ? 3 : 2, 0);
    simd_unzip(t, XMM2, a, b, s.dbl ? 3 : 2, 1);
    vex_rr(&t->c, packed(0x58, s), XMM0, XMM3, XMM2);
    check_lanes(t, slow, XMM0, s, FP_FINITE_RESULT);
    tr_v_done(t, i->rd, XMM0, 16);
    tr_come_back(t, slow);
    return true;
}

/* The two lanes of a scalar pair. */
static bool add_pair(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    bool dbl = bit((uint64_t)i->imm, 22);

    (void)arg;
    struct stub *slow = fp_begin_template(t, k);
    unsigned a = tr_v_use(t, i->rn, XMM0, dbl ? 16 : 8);
    vex_shift(c, VSHIFT_Q, VSHIFT_RIGHT_BYTES, XMM1, a, dbl ? 8 : 4);
    vex_rr(c, dbl ? VEX_P3(0x58) : VEX_P2(0x58), XMM0, a, XMM1);
    fp_check_scalar(t, slow, XMM0, dbl, FP_FINITE_RESULT);
    tr_v_done(t, i->rd, XMM0, dbl ? 8 : 4);
    tr_come_back(t, slow);
    return true;
}

/* Singles alone. */
static bool from_int(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct shape s = shape_of(i);

    (void)arg;
    if (s.dbl)
        return false;
    struct stub *slow = fp_begin_template(t, k);
    unsigned a = operand(t, i->rn, XMM0, s);
    vex_rr(&t->c, VEX_P0(0x5b), XMM0, 0, a);
    tr_v_done(t, i->rd, XMM0, s.bytes);
    tr_come_back(t, slow);
    return true;
}

static bool to_int(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    struct shape s = shape_of(i);

    (void)arg;
    if (s.dbl)
        return false;
    struct stub *slow = fp_begin_template(t, k);
    unsigned a = operand(t, i->rn, XMM0, s);
    vex_rr(c, VEX_P2(0x5b), XMM0, 0, a);
    tr_v_with(t, VPCMPEQD, XMM2, XMM0, CONST_SIGN_S); /* what it says of all that does not fit */
    mask_to_rax(t, XMM2, s);
    slow->from[0] = x86_jcc(c, CC_NE);
    tr_v_done(t, i->rd, XMM0, s.bytes);
    tr_come_back(t, slow);
    return true;
}

#define ROW(name, fn, arg)                                                                         \
    {                                                                                              \
        A64_##name, (arg), fn, NULL                                                                \
    }

/* clang-format off */
static const struct jit_template rows[] = {
    ROW(FADD_vec, arithmetic, 0x58 | SUM),
    ROW(FSUB_vec, arithmetic, 0x5c | SUM),
    ROW(FABD_vec, arithmetic, 0x5c | SUM | ABSOLUTE),
    ROW(FMUL_vec, arithmetic, 0x59),
    ROW(FMUL_elem_vec, arithmetic, 0x59 | ELEMENT),
    ROW(FDIV_vec, arithmetic, 0x5e),
    ROW(FSQRT_vec, square_root, 0x51),
    ROW(FMAX_vec, extreme, 0x5f),
    ROW(FMIN_vec, extreme, 0x5d),
    ROW(FMAXNM_vec, extreme, 0x5f),
    ROW(FMINNM_vec, extreme, 0x5d),
    SIMD_ROW(FABS_vec, sign, 1),
    SIMD_ROW(FNEG_vec, sign, 2),
    ROW(FCMEQ_vec, compare, PREDICATE_EQ),
    ROW(FCMGT_vec, compare, PREDICATE_LT),
    ROW(FCMGE_vec, compare, PREDICATE_LE),
    ROW(FCMEQ_zero_vec, compare, PREDICATE_EQ | WITH_ZERO),
    ROW(FCMGT_zero_vec, compare, PREDICATE_LT | WITH_ZERO),
    ROW(FCMGE_zero_vec, compare, PREDICATE_LE | WITH_ZERO),
    ROW(FCMLT_zero_vec, compare, PREDICATE_LT | WITH_ZERO | SWAP),
    ROW(FCMLE_zero_vec, compare, PREDICATE_LE | WITH_ZERO | SWAP),
    ROW(FADDP_vec, add_pairs, 0),
    ROW(FADDP_sca, add_pair, 0),
    ROW(SCVTF_vec, from_int, 0),
    ROW(FCVTZS_vec, to_int, 0),
};

static const struct jit_template fused_rows[] = {
    ROW(FMLA_vec, fused, 0xb8),
    ROW(FMLS_vec, fused, 0xbc),
    ROW(FMLA_elem_vec, fused, 0xb8 | ELEMENT),
    ROW(FMLS_elem_vec, fused, 0xbc | ELEMENT),
};
/* clang-format on */

const struct jit_templates jit_simd_fp = JIT_HOST_TEMPLATES(rows, HOST_AVX);
const struct jit_templates jit_simd_fused = JIT_HOST_TEMPLATES(fused_rows, HOST_AVX | HOST_FMA);
