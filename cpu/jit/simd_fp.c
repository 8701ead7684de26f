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
    vex_rr(&t->c, vex_packed(VMOVMSK, s.dbl), RAX, 0, xmm);
    x86_test_imm(&t->c, 0, RAX, (int32_t)((1u << s.lanes) - 1));
}

static void check_lanes(struct tr *t, struct stub *slow, unsigned r, struct shape s,
                        enum fp_check check)
{
    bad_lanes(t, r, s.dbl, check);
    mask_to_rax(t, XMM2, s);
    slow->from[0] = x86_jcc(&t->c, CC_NE);
}

/* Comparisons of the host, as immediates. */
enum { PREDICATE_EQ, PREDICATE_LT, PREDICATE_LE, PREDICATE_UNORDERED };

/* Jump to @slow if a NaN is in a lane. XMM2 and RAX go. */
static void check_ordered(struct tr *t, struct stub *slow, unsigned a, unsigned b, struct shape s)
{
    vex_rr_imm(&t->c, vex_packed(VCMP, s.dbl), XMM2, a, b, PREDICATE_UNORDERED);
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
    unsigned eq = vex_packed(VCMP, shape.dbl);

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
enum { OPCODE = 0xff, SUM = 0x100, ABSOLUTE = 0x200, ELEMENT = 0x400 };

static unsigned packed(unsigned arg, struct shape s)
{
    return vex_packed(arg & OPCODE, s.dbl);
}

/* Results are in XMM3, which zero_lanes() leaves alone. */
static bool arithmetic(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    struct shape s = shape_of(i);

    if ((arg & OPCODE) == VDIV && !s.full)
        return false; /* there are no lanes above to divide by */
    struct stub *slow = fp_begin_template(t, k);
    unsigned b = operand_m(t, i, s, arg & ELEMENT), a = operand(t, i->rn, XMM0, s);
    vex_rr(c, packed(arg, s), XMM3, a, b);
    check_lanes(t, slow, XMM3, s, arg & SUM ? FP_FINITE_RESULT : FP_NORMAL_RESULT);
    if (!(arg & SUM) && (arg & OPCODE) == VMUL)
        warm(t, slow, XMM3, arg & ELEMENT, false);
    if (arg & ABSOLUTE) {
        tr_v_with(t, VMOVUPS_LOAD, XMM2, 0, s.dbl ? CONST_SIGN_D : CONST_SIGN_S);
        vex_rr(c, VPANDN, XMM3, XMM2, XMM3);
    }
    return fp_result(t, i, slow, XMM3, s.bytes);
}

static bool fused(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct shape s = shape_of(i);

    struct stub *slow = fp_begin_template(t, k);
    unsigned b = operand_m(t, i, s, arg & ELEMENT), a = operand(t, i->rn, XMM0, s);
    unsigned add = operand(t, i->rd, XMM3, s);
    vex_rr(&t->c, vex_fused(arg & OPCODE, s.dbl), add, a, b);
    check_lanes(t, slow, add, s, FP_NORMAL_RESULT);
    warm(t, slow, add, arg & ELEMENT, true);
    return fp_result(t, i, slow, add, s.bytes);
}

/* See fp.c: of equal operands, zeros of both signs among them, both orders together. */
static bool extreme(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    struct shape s = shape_of(i);

    struct stub *slow = fp_begin_template(t, k);
    unsigned a = operand(t, i->rn, XMM0, s), b = operand(t, i->rm, XMM1, s);
    check_ordered(t, slow, a, b, s);
    vex_rr(c, packed(arg, s), XMM2, a, b);
    vex_rr(c, packed(arg, s), XMM0, b, a);
    vex_rr(c, (arg & OPCODE) == VMAX ? VANDPS : VORPS, XMM0, XMM0, XMM2);
    return fp_result(t, i, slow, XMM0, s.bytes);
}

/* arg: what is done with the signs. */
static bool sign(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct v_regs v = simd_unary(t, k, i);

    tr_v_with(t, VMOVUPS_LOAD, XMM2, 0, shape_of(i).dbl ? CONST_SIGN_D : CONST_SIGN_S);
    vex_rr(&t->c, arg, v.d, XMM2, v.a);
    return tr_v_result(t, i, v.d, v.w);
}

/* arg: the predicate, of b and a in this order, and these. */
enum { WITH_ZERO = 0x10, SWAP = 0x20 };

static bool compare(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    struct shape s = shape_of(i);

    struct stub *slow = fp_begin_template(t, k);
    unsigned a = operand(t, i->rn, XMM0, s), b = XMM1;
    if (arg & WITH_ZERO)
        vex_rr(c, VPXOR, b, b, b);
    else
        b = operand(t, i->rm, XMM1, s);
    check_ordered(t, slow, a, b, s);
    vex_rr_imm(c, packed(VCMP, s), XMM0, arg & SWAP ? a : b, arg & SWAP ? b : a, arg & 3);
    return fp_result(t, i, slow, XMM0, s.bytes);
}

static bool square_root(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct shape s = shape_of(i);

    struct stub *slow = fp_begin_template(t, k);
    unsigned a = operand(t, i->rn, XMM0, s);
    vex_rr(&t->c, packed(arg, s), XMM0, 0, a);
    check_lanes(t, slow, XMM0, s, FP_FINITE_RESULT);
    return fp_result(t, i, slow, XMM0, s.bytes);
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
    vex_rr(&t->c, packed(VADD, s), XMM0, XMM3, XMM2);
    check_lanes(t, slow, XMM0, s, FP_FINITE_RESULT);
    return fp_result(t, i, slow, XMM0, 16);
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
    vex_rr(c, vex_scalar(VADD, dbl), XMM0, a, XMM1);
    fp_check_scalar(t, slow, XMM0, dbl, FP_FINITE_RESULT);
    return fp_result(t, i, slow, XMM0, dbl ? 8 : 4);
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
    vex_rr(&t->c, VCVTDQ2PS, XMM0, 0, a);
    return fp_result(t, i, slow, XMM0, s.bytes);
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
    vex_rr(c, VCVTTPS2DQ, XMM0, 0, a);
    tr_v_with(t, VPCMPEQD, XMM2, XMM0, CONST_SIGN_S); /* what it says of all that does not fit */
    mask_to_rax(t, XMM2, s);
    slow->from[0] = x86_jcc(c, CC_NE);
    return fp_result(t, i, slow, XMM0, s.bytes);
}

#define ROW(name, fn, arg)                                                                         \
    {                                                                                              \
        A64_##name, (arg), fn, NULL                                                                \
    }

/* clang-format off */
static const struct jit_template rows[] = {
    ROW(FADD_vec, arithmetic, VADD | SUM),
    ROW(FSUB_vec, arithmetic, VSUB | SUM),
    ROW(FABD_vec, arithmetic, VSUB | SUM | ABSOLUTE),
    ROW(FMUL_vec, arithmetic, VMUL),
    ROW(FMUL_elem_vec, arithmetic, VMUL | ELEMENT),
    ROW(FDIV_vec, arithmetic, VDIV),
    ROW(FSQRT_vec, square_root, VSQRT),
    ROW(FMAX_vec, extreme, VMAX),
    ROW(FMIN_vec, extreme, VMIN),
    ROW(FMAXNM_vec, extreme, VMAX),
    ROW(FMINNM_vec, extreme, VMIN),
    SIMD_ROW(FABS_vec, sign, VPANDN),
    SIMD_ROW(FNEG_vec, sign, VXORPS),
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
    ROW(FMLA_vec, fused, VFMADD231),
    ROW(FMLS_vec, fused, VFNMADD231),
    ROW(FMLA_elem_vec, fused, VFMADD231 | ELEMENT),
    ROW(FMLS_elem_vec, fused, VFNMADD231 | ELEMENT),
};
/* clang-format on */

const struct jit_templates jit_simd_fp = JIT_HOST_TEMPLATES(rows, HOST_AVX);
const struct jit_templates jit_simd_fused = JIT_HOST_TEMPLATES(fused_rows, HOST_AVX | HOST_FMA);
