/*
 * AdvSIMD floating point with one operand: two-register miscellaneous, its scalar form, and the
 * fixed-point conversions among the shifts by immediate.
 */
#include "cpu/exec/simdfp.h"

/* FP_OP1(name, expression of e, n, a, fbits), grouped by the forms an operation has. */
#define FP_OPS_VECTOR_ONLY(FP_OP1)                                                                 \
    FP_OP1(FABS, fp_abs(n, a))                                                                     \
    FP_OP1(FNEG, fp_neg(n, a))                                                                     \
    FP_OP1(FSQRT, fp_sqrt(e, n, a))                                                                \
    FP_OP1(FRINTN, fp_round_int(e, n, a, FP_TIEEVEN, false))                                       \
    FP_OP1(FRINTM, fp_round_int(e, n, a, FP_NEGINF, false))                                        \
    FP_OP1(FRINTP, fp_round_int(e, n, a, FP_POSINF, false))                                        \
    FP_OP1(FRINTZ, fp_round_int(e, n, a, FP_ZERO, false))                                          \
    FP_OP1(FRINTA, fp_round_int(e, n, a, FP_TIEAWAY, false))                                       \
    FP_OP1(FRINTI, fp_round_int(e, n, a, FPCR_RMODE(e->fpcr), false))                              \
    FP_OP1(FRINTX, fp_round_int(e, n, a, FPCR_RMODE(e->fpcr), true))

#define FP_OPS_VECTOR_NO_HALF(FP_OP1)                                                              \
    FP_OP1(FRINT32Z, fp_round_int_n(e, n, a, FP_ZERO, 32))                                         \
    FP_OP1(FRINT64Z, fp_round_int_n(e, n, a, FP_ZERO, 64))                                         \
    FP_OP1(FRINT32X, fp_round_int_n(e, n, a, FPCR_RMODE(e->fpcr), 32))                             \
    FP_OP1(FRINT64X, fp_round_int_n(e, n, a, FPCR_RMODE(e->fpcr), 64))

#define FP_OPS_SCALAR_ONLY(FP_OP1) FP_OP1(FRECPX, fp_recpx(e, n, a))

#define FP_OPS_BOTH(FP_OP1)                                                                        \
    FP_OP1(FRECPE, fp_recpe(e, n, a))                                                              \
    FP_OP1(FRSQRTE, fp_rsqrte(e, n, a))                                                            \
    FP_OP1(FCMEQ_zero, fp_mask(n, fp_eq(e, n, a, 0)))                                              \
    FP_OP1(FCMGE_zero, fp_mask(n, fp_ge(e, n, a, 0)))                                              \
    FP_OP1(FCMGT_zero, fp_mask(n, fp_gt(e, n, a, 0)))                                              \
    FP_OP1(FCMLE_zero, fp_mask(n, fp_ge(e, n, 0, a)))                                              \
    FP_OP1(FCMLT_zero, fp_mask(n, fp_gt(e, n, 0, a)))                                              \
    FP_OP1(FCVTNS, fp_to_fixed(e, n, a, 0, false, FP_TIEEVEN, n))                                  \
    FP_OP1(FCVTNU, fp_to_fixed(e, n, a, 0, true, FP_TIEEVEN, n))                                   \
    FP_OP1(FCVTMS, fp_to_fixed(e, n, a, 0, false, FP_NEGINF, n))                                   \
    FP_OP1(FCVTMU, fp_to_fixed(e, n, a, 0, true, FP_NEGINF, n))                                    \
    FP_OP1(FCVTPS, fp_to_fixed(e, n, a, 0, false, FP_POSINF, n))                                   \
    FP_OP1(FCVTPU, fp_to_fixed(e, n, a, 0, true, FP_POSINF, n))                                    \
    FP_OP1(FCVTAS, fp_to_fixed(e, n, a, 0, false, FP_TIEAWAY, n))                                  \
    FP_OP1(FCVTAU, fp_to_fixed(e, n, a, 0, true, FP_TIEAWAY, n))                                   \
    FP_OP1(FCVTZS, fp_to_fixed(e, n, a, fbits, false, FP_ZERO, n))                                 \
    FP_OP1(FCVTZU, fp_to_fixed(e, n, a, fbits, true, FP_ZERO, n))                                  \
    FP_OP1(SCVTF, fp_from_fixed(e, n, a, n, fbits, false, FPCR_RMODE(e->fpcr)))                    \
    FP_OP1(UCVTF, fp_from_fixed(e, n, a, n, fbits, true, FPCR_RMODE(e->fpcr)))

#define FP_OP1(name, expression)                                                                   \
    static inline uint64_t fp_op_##name(struct fp_env *e, enum fp_size n, uint64_t a,              \
                                        unsigned fbits)                                            \
    {                                                                                              \
        (void)e;                                                                                   \
        (void)fbits;                                                                               \
        return expression;                                                                         \
    }
FP_OPS_VECTOR_ONLY(FP_OP1)
FP_OPS_VECTOR_NO_HALF(FP_OP1)
FP_OPS_SCALAR_ONLY(FP_OP1)
FP_OPS_BOTH(FP_OP1)

#define EXEC_SHAPE(row, suffix)                                                                    \
    EXEC_FUNCTION(row##_##suffix, fp_unary(cpu, i, shape_##suffix(i), 0, fp_op_##row))
#define EXEC_VEC(row, ...)    EXEC_SHAPE(row, vec) EXEC_SHAPE(row, vec_h)
#define EXEC_VEC_SD(row, ...) EXEC_SHAPE(row, vec)
#define EXEC_SCA(row, ...)    EXEC_SHAPE(row, sca) EXEC_SHAPE(row, sca_h)

FP_OPS_VECTOR_ONLY(EXEC_VEC)
FP_OPS_VECTOR_NO_HALF(EXEC_VEC_SD)
FP_OPS_BOTH(EXEC_VEC)
FP_OPS_BOTH(EXEC_SCA)
FP_OPS_SCALAR_ONLY(EXEC_SCA)

/* Shift by immediate: the highest set bit of immh is the lane size, twice the lane size less
 * immh:immb the number of fraction bits. */
static inline enum fp_size fix_size(const struct insn *i)
{
    return (enum fp_size)(8u << highest_set_bit(bits((uint64_t)i->imm, 22, 19)));
}

static inline unsigned fix_fbits(const struct insn *i)
{
    return 2 * (unsigned)fix_size(i) - (unsigned)bits((uint64_t)i->imm, 22, 16);
}

static inline struct fp_shape shape_fix_vec(const struct insn *i)
{
    return shape_of(fix_size(i), simd_q(i));
}

static inline struct fp_shape shape_fix_sca(const struct insn *i)
{
    return (struct fp_shape){fix_size(i), 1};
}

#define EXEC_FIX_SHAPE(op, suffix, shape)                                                          \
    EXEC_FUNCTION(op##_fix_##suffix, fp_unary(cpu, i, shape(i), fix_fbits(i), fp_op_##op))
#define EXEC_FIX(op)                                                                               \
    EXEC_FIX_SHAPE(op, vec, shape_fix_vec)                                                         \
    EXEC_FIX_SHAPE(op, vec_h, shape_fix_vec)                                                       \
    EXEC_FIX_SHAPE(op, sca, shape_fix_sca)                                                         \
    EXEC_FIX_SHAPE(op, sca_h, shape_fix_sca)

EXEC_FIX(SCVTF)
EXEC_FIX(UCVTF)
EXEC_FIX(FCVTZS)
EXEC_FIX(FCVTZU)

/* Write 64 bits of narrowed lanes: the whole register, or its upper half for the "2" form. */
static void write_narrow(struct cpu *cpu, const struct insn *i, uint64_t half)
{
    union vreg *vd = &cpu->v[i->rd];

    if (!simd_q(i))
        vd->d[0] = half;
    vd->d[1] = simd_q(i) ? half : 0;
}

static enum exec_result narrow(struct cpu *cpu, const struct insn *i, enum fp_size from,
                               enum fp_rounding r)
{
    const enum fp_size to = (enum fp_size)(from / 2);
    union vreg out = {.d = {0, 0}};
    struct fp_env e = fp_begin(cpu);

    for (unsigned k = 0; k < 128 / (unsigned)from; k++)
        set_lane(&out, to, k, fp_convert(&e, to, from, lane(&cpu->v[i->rn], from, k), r));
    write_narrow(cpu, i, out.d[0]);
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

EXEC_FUNCTION(FCVTN,
              narrow(cpu, i, bit((uint64_t)i->imm, 22) ? FP_64 : FP_32, FPCR_RMODE(cpu->fpcr)))
EXEC_FUNCTION(FCVTXN_vec, narrow(cpu, i, FP_64, FP_ODD))

EXEC enum exec_result exec_FCVTXN_sca(struct cpu *cpu, const struct insn *i)
{
    struct fp_env e = fp_begin(cpu);
    const uint64_t r = fp_convert(&e, FP_32, FP_64, cpu->v[i->rn].d[0], FP_ODD);

    cpu->v[i->rd] = (union vreg){.d = {r, 0}};
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

EXEC enum exec_result exec_FCVTL(struct cpu *cpu, const struct insn *i)
{
    const enum fp_size to = bit((uint64_t)i->imm, 22) ? FP_64 : FP_32;
    const enum fp_size from = (enum fp_size)(to / 2);
    const unsigned lanes = 128 / (unsigned)to, first = simd_q(i) ? lanes : 0;
    union vreg out;
    struct fp_env e = fp_begin(cpu);

    for (unsigned k = 0; k < lanes; k++) {
        const uint64_t a = lane(&cpu->v[i->rn], from, first + k);
        set_lane(&out, to, k, fp_convert(&e, to, from, a, FPCR_RMODE(e.fpcr)));
    }
    cpu->v[i->rd] = out;
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

EXEC enum exec_result exec_BFCVTN(struct cpu *cpu, const struct insn *i)
{
    union vreg out = {.d = {0, 0}};
    struct fp_env e = fp_begin(cpu);

    for (unsigned k = 0; k < 4; k++)
        out.h[k] = fp_convert_bf(&e, cpu->v[i->rn].s[k]);
    write_narrow(cpu, i, out.d[0]);
    fp_end(cpu, &e);
    return EXEC_NEXT;
}
