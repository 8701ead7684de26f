/*
 * AdvSIMD floating point with two operands of the same shape: three same, scalar three same,
 * pairwise, scalar pairwise, across lanes.
 */
#include "cpu/exec/simdfp.h"

/* Element by element, without the multiplications (cpu/exec/simdfp.h). Comparisons of magnitude and
 * order signal any NaN, FCMEQ signalling ones only: fp_ge(), fp_gt() and fp_eq() know. */
#define FP_OPS_SAME(FP_OP3)                                                                        \
    FP_OP3(FADD, fp_add(e, n, a, b))                                                               \
    FP_OP3(FSUB, fp_sub(e, n, a, b))                                                               \
    FP_OP3(FDIV, fp_div(e, n, a, b))                                                               \
    FP_OP3(FABD, fp_abs(n, fp_sub(e, n, a, b)))                                                    \
    FP_OP3(FMAX, fp_max(e, n, a, b))                                                               \
    FP_OP3(FMIN, fp_min(e, n, a, b))                                                               \
    FP_OP3(FMAXNM, fp_maxnm(e, n, a, b))                                                           \
    FP_OP3(FMINNM, fp_minnm(e, n, a, b))                                                           \
    FP_OP3(FRECPS, fp_recps(e, n, a, b))                                                           \
    FP_OP3(FRSQRTS, fp_rsqrts(e, n, a, b))                                                         \
    FP_OP3(FCMEQ, fp_mask(n, fp_eq(e, n, a, b)))                                                   \
    FP_OP3(FCMGE, fp_mask(n, fp_ge(e, n, a, b)))                                                   \
    FP_OP3(FCMGT, fp_mask(n, fp_gt(e, n, a, b)))                                                   \
    FP_OP3(FACGE, fp_mask(n, fp_ge(e, n, fp_abs(n, a), fp_abs(n, b))))                             \
    FP_OP3(FACGT, fp_mask(n, fp_gt(e, n, fp_abs(n, a), fp_abs(n, b))))

FP_OPS_SAME(FP_OP3)

#define EXEC_SHAPE(loop, row, suffix, op)                                                          \
    EXEC_FUNCTION(row##_##suffix, loop(cpu, i, shape_##suffix(i), fp_op_##op))
#define EXEC_VEC(row, ...)                                                                         \
    EXEC_SHAPE(fp_three_same, row, vec, row) EXEC_SHAPE(fp_three_same, row, vec_h, row)
#define EXEC_SCA(row)                                                                              \
    EXEC_SHAPE(fp_three_same, row, sca, row) EXEC_SHAPE(fp_three_same, row, sca_h, row)
#define EXEC_PAIR(row, op)                                                                         \
    EXEC_SHAPE(fp_pairwise, row, vec, op) EXEC_SHAPE(fp_pairwise, row, vec_h, op)

FP_OPS_SAME(EXEC_VEC)
FP_OPS_MULTIPLY(EXEC_VEC)

EXEC_SCA(FMULX)
EXEC_SCA(FABD)
EXEC_SCA(FRECPS)
EXEC_SCA(FRSQRTS)
EXEC_SCA(FCMEQ)
EXEC_SCA(FCMGE)
EXEC_SCA(FCMGT)
EXEC_SCA(FACGE)
EXEC_SCA(FACGT)

EXEC_PAIR(FADDP, FADD)
EXEC_PAIR(FMAXP, FMAX)
EXEC_PAIR(FMINP, FMIN)
EXEC_PAIR(FMAXNMP, FMAXNM)
EXEC_PAIR(FMINNMP, FMINNM)

/* A scalar pairwise operation reduces two lanes, an across-lanes one the whole vector. */
static inline struct fp_shape shape_pair(const struct insn *i)
{
    return (struct fp_shape){shape_sca(i).n, 2};
}

static inline struct fp_shape shape_pair_h(const struct insn *i)
{
    (void)i;
    return (struct fp_shape){FP_16, 2};
}

#define EXEC_REDUCE(row, shape, op) EXEC_FUNCTION(row, fp_reduce(cpu, i, shape(i), fp_op_##op))

EXEC_REDUCE(FADDP_sca, shape_pair, FADD)
EXEC_REDUCE(FADDP_sca_h, shape_pair_h, FADD)
EXEC_REDUCE(FMAXP_sca, shape_pair, FMAX)
EXEC_REDUCE(FMAXP_sca_h, shape_pair_h, FMAX)
EXEC_REDUCE(FMINP_sca, shape_pair, FMIN)
EXEC_REDUCE(FMINP_sca_h, shape_pair_h, FMIN)
EXEC_REDUCE(FMAXNMP_sca, shape_pair, FMAXNM)
EXEC_REDUCE(FMAXNMP_sca_h, shape_pair_h, FMAXNM)
EXEC_REDUCE(FMINNMP_sca, shape_pair, FMINNM)
EXEC_REDUCE(FMINNMP_sca_h, shape_pair_h, FMINNM)
EXEC_REDUCE(FMAXV, shape_vec, FMAX)
EXEC_REDUCE(FMAXV_h, shape_vec_h, FMAX)
EXEC_REDUCE(FMINV, shape_vec, FMIN)
EXEC_REDUCE(FMINV_h, shape_vec_h, FMIN)
EXEC_REDUCE(FMAXNMV, shape_vec, FMAXNM)
EXEC_REDUCE(FMAXNMV_h, shape_vec_h, FMAXNM)
EXEC_REDUCE(FMINNMV, shape_vec, FMINNM)
EXEC_REDUCE(FMINNMV_h, shape_vec_h, FMINNM)
