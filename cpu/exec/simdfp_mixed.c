/*
 * AdvSIMD floating point across lanes of different kinds: half-precision multiply-add long
 * (FEAT_FHM), complex numbers (FEAT_FCMA), BFloat16 (FEAT_BF16).
 */
#include "cpu/exec/simdfp.h"

/* H:L:M, the lane index of the by-element encodings with a four-bit Vm; H:L alone is index >> 1. */
static unsigned index_hlm(const struct insn *i)
{
    return (unsigned)(bit((uint64_t)i->imm, 11) << 2 | bits((uint64_t)i->imm, 21, 20));
}

static void write_vector(struct cpu *cpu, const struct insn *i, const union vreg *v)
{
    cpu->v[i->rd] = (union vreg){.d = {v->d[0], simd_q(i) ? v->d[1] : 0}};
}

/*
 * FMLAL and its kin: single += half * half. @upper: the "2" forms take the upper half of the
 * operands.
 * @index: lane of Vm, or -1 for the lane beside that of Vn.
 */
static enum exec_result multiply_long(struct cpu *cpu, const struct insn *i, bool subtract,
                                      bool upper, int index)
{
    const union vreg *vn = &cpu->v[i->rn], *vm = &cpu->v[i->rm];
    const unsigned lanes = simd_q(i) ? 4 : 2;
    union vreg out = cpu->v[i->rd];
    struct fp_env e = fp_begin(cpu);

    for (unsigned k = 0; k < lanes; k++) {
        const unsigned from = upper ? lanes + k : k;
        const uint64_t a = subtract ? fp_neg(FP_16, vn->h[from]) : vn->h[from];
        const uint64_t b = vm->h[index < 0 ? from : (unsigned)index];
        out.s[k] = (uint32_t)fp_muladdh(&e, out.s[k], a, b);
    }
    write_vector(cpu, i, &out);
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

#define EXEC_LONG(op, subtract, upper)                                                             \
    EXEC_FUNCTION(op##_vec, multiply_long(cpu, i, subtract, upper, -1))                            \
    EXEC_FUNCTION(op##_elem, multiply_long(cpu, i, subtract, upper, (int)index_hlm(i)))

EXEC_LONG(FMLAL, false, false)
EXEC_LONG(FMLSL, true, false)
EXEC_LONG(FMLAL2, false, true)
EXEC_LONG(FMLSL2, true, true)

/*
 * Complex multiply-add, rotated by @rot quarter turns: of Vn the real part (0, 180 degrees) or the
 * imaginary one; of Vm both, swapped when it is the imaginary one; the signs by the quadrant.
 * @index: the complex element of Vm, or -1 for the one beside that of Vn.
 */
static enum exec_result complex_muladd(struct cpu *cpu, const struct insn *i, struct fp_shape s,
                                       unsigned rot, int index)
{
    const union vreg *vn = &cpu->v[i->rn], *vm = &cpu->v[i->rm], *vd = &cpu->v[i->rd];
    const bool imaginary = rot & 1, negate_re = rot == 1 || rot == 2, negate_im = rot >= 2;
    union vreg out = {.d = {0, 0}};
    struct fp_env e = fp_begin(cpu);

    for (unsigned k = 0; k < s.lanes; k += 2) {
        const unsigned from = index < 0 ? k : 2 * (unsigned)index;
        const uint64_t a = lane(vn, s.n, k + imaginary);
        uint64_t re = lane(vm, s.n, from + imaginary), im = lane(vm, s.n, from + !imaginary);

        re = negate_re ? fp_neg(s.n, re) : re;
        im = negate_im ? fp_neg(s.n, im) : im;
        set_lane(&out, s.n, k, fp_muladd(&e, s.n, lane(vd, s.n, k), a, re));
        set_lane(&out, s.n, k + 1, fp_muladd(&e, s.n, lane(vd, s.n, k + 1), a, im));
    }
    cpu->v[i->rd] = out;
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

/* Complex addition of Vm rotated by 90 or (@rot) 270 degrees. */
static enum exec_result complex_add(struct cpu *cpu, const struct insn *i, struct fp_shape s,
                                    bool rot)
{
    const union vreg *vn = &cpu->v[i->rn], *vm = &cpu->v[i->rm];
    union vreg out = {.d = {0, 0}};
    struct fp_env e = fp_begin(cpu);

    for (unsigned k = 0; k < s.lanes; k += 2) {
        uint64_t re = lane(vm, s.n, k + 1), im = lane(vm, s.n, k);

        if (rot)
            im = fp_neg(s.n, im);
        else
            re = fp_neg(s.n, re);
        set_lane(&out, s.n, k, fp_add(&e, s.n, lane(vn, s.n, k), re));
        set_lane(&out, s.n, k + 1, fp_add(&e, s.n, lane(vn, s.n, k + 1), im));
    }
    cpu->v[i->rd] = out;
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

EXEC_FUNCTION(FCMLA_vec,
              complex_muladd(cpu, i, shape_vec(i), (unsigned)bits((uint64_t)i->imm, 12, 11), -1))
EXEC_FUNCTION(FCADD_vec, complex_add(cpu, i, shape_vec(i), bit((uint64_t)i->imm, 12)))
EXEC_FUNCTION(FCMLA_elem,
              complex_muladd(cpu, i, shape_of(FP_32, true),
                             (unsigned)bits((uint64_t)i->imm, 14, 13), bit((uint64_t)i->imm, 11)))
EXEC_FUNCTION(FCMLA_vec_h,
              complex_muladd(cpu, i, shape_vec_h(i), (unsigned)bits((uint64_t)i->imm, 12, 11), -1))
EXEC_FUNCTION(FCADD_vec_h, complex_add(cpu, i, shape_vec_h(i), bit((uint64_t)i->imm, 12)))
EXEC_FUNCTION(FCMLA_elem_h,
              complex_muladd(cpu, i, shape_vec_h(i), (unsigned)bits((uint64_t)i->imm, 14, 13),
                             (int)(index_hlm(i) >> 1)))

/* BFDotAdd() of the pairs in lane @n of Vn and lane @m of Vm. */
static uint32_t dot_add(struct fp_env *e, uint32_t addend, const union vreg *vn, unsigned n,
                        const union vreg *vm, unsigned m)
{
    return fp_bf_dotadd(e, addend, vn->h[2 * n], vn->h[2 * n + 1], vm->h[2 * m], vm->h[2 * m + 1]);
}

static enum exec_result bf_dot(struct cpu *cpu, const struct insn *i, int index)
{
    union vreg out = cpu->v[i->rd];
    struct fp_env e = fp_begin(cpu);

    for (unsigned k = 0; k < 4; k++)
        out.s[k] = dot_add(&e, out.s[k], &cpu->v[i->rn], k, &cpu->v[i->rm],
                           index < 0 ? k : (unsigned)index);
    write_vector(cpu, i, &out);
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

EXEC_FUNCTION(BFDOT_vec, bf_dot(cpu, i, -1))
EXEC_FUNCTION(BFDOT_elem, bf_dot(cpu, i, (int)(index_hlm(i) >> 1)))

/* BFMatMulAdd(): 2x4 by 4x2, both operands row by row. */
EXEC enum exec_result exec_BFMMLA(struct cpu *cpu, const struct insn *i)
{
    const union vreg *vn = &cpu->v[i->rn], *vm = &cpu->v[i->rm];
    union vreg out = cpu->v[i->rd];
    struct fp_env e = fp_begin(cpu);

    for (unsigned k = 0; k < 4; k++) {
        const unsigned row = 2 * (k >> 1), col = 2 * (k & 1);
        out.s[k] = dot_add(&e, out.s[k], vn, row, vm, col);
        out.s[k] = dot_add(&e, out.s[k], vn, row + 1, vm, col + 1);
    }
    cpu->v[i->rd] = out;
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

/* BFMLALB, BFMLALT (Q): the even or the odd lanes. */
static enum exec_result bf_multiply_long(struct cpu *cpu, const struct insn *i, int index)
{
    const union vreg *vn = &cpu->v[i->rn], *vm = &cpu->v[i->rm];
    union vreg out = cpu->v[i->rd];
    struct fp_env e = fp_begin(cpu);

    for (unsigned k = 0; k < 4; k++) {
        const unsigned from = 2 * k + simd_q(i);
        out.s[k] =
            fp_bf_muladdh(&e, out.s[k], vn->h[from], vm->h[index < 0 ? from : (unsigned)index]);
    }
    cpu->v[i->rd] = out;
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

EXEC_FUNCTION(BFMLAL_vec, bf_multiply_long(cpu, i, -1))
EXEC_FUNCTION(BFMLAL_elem, bf_multiply_long(cpu, i, (int)index_hlm(i)))
