/*
 * What the AdvSIMD floating-point exec_ functions share: operand shapes, lanes, and the lane loops.
 * An operation is a function of one lane; a family of encodings is a list of operations times the
 * shapes they come in.
 */
#pragma once

#include "cpu/exec.h"

/* How many lanes of which size an instruction works on. */
struct fp_shape {
    enum fp_size n;
    unsigned lanes;
};

/* One lane of a two-operand operation; @d is the lane of the destination before it. */
typedef uint64_t fp_op3(struct fp_env *e, enum fp_size n, uint64_t d, uint64_t a, uint64_t b);

/* One lane of a one-operand operation; @fbits: fraction bits of the fixed-point side, else 0. */
typedef uint64_t fp_op1(struct fp_env *e, enum fp_size n, uint64_t a, unsigned fbits);

#define SIMDFP_INLINE static inline __attribute__((always_inline))

/* Q, bit 30: is the vector 128 bits? */
static inline bool simd_q(const struct insn *i)
{
    return bit((uint64_t)i->imm, 30);
}

static inline struct fp_shape shape_of(enum fp_size n, bool q)
{
    return (struct fp_shape){n, (q ? 128 : 64) / (unsigned)n};
}

/* Shapes by name suffix; sz is bit 22. */
static inline struct fp_shape shape_vec(const struct insn *i)
{
    return shape_of(bit((uint64_t)i->imm, 22) ? FP_64 : FP_32, simd_q(i));
}

static inline struct fp_shape shape_vec_h(const struct insn *i)
{
    return shape_of(FP_16, simd_q(i));
}

static inline struct fp_shape shape_sca(const struct insn *i)
{
    return (struct fp_shape){bit((uint64_t)i->imm, 22) ? FP_64 : FP_32, 1};
}

static inline struct fp_shape shape_sca_h(const struct insn *i)
{
    (void)i;
    return (struct fp_shape){FP_16, 1};
}

/* Elem[v, k, n] */
static inline uint64_t lane(const union vreg *v, enum fp_size n, unsigned k)
{
    return n == FP_16 ? v->h[k] : n == FP_32 ? v->s[k] : v->d[k];
}

static inline void set_lane(union vreg *v, enum fp_size n, unsigned k, uint64_t value)
{
    if (n == FP_16)
        v->h[k] = (uint16_t)value;
    else if (n == FP_32)
        v->s[k] = (uint32_t)value;
    else
        v->d[k] = value;
}

/* Every lane of Vn with the same lane of Vm; lanes above the shape become zero. */
SIMDFP_INLINE enum exec_result fp_three_same(struct cpu *cpu, const struct insn *i,
                                             struct fp_shape s, fp_op3 *op)
{
    const union vreg *vd = &cpu->v[i->rd], *vn = &cpu->v[i->rn], *vm = &cpu->v[i->rm];
    union vreg out = {.d = {0, 0}};
    struct fp_env e = fp_begin(cpu);

    for (unsigned k = 0; k < s.lanes; k++)
        set_lane(&out, s.n, k, op(&e, s.n, lane(vd, s.n, k), lane(vn, s.n, k), lane(vm, s.n, k)));
    cpu->v[i->rd] = out;
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

/* Every lane of Vn with lane @index of Vm. */
SIMDFP_INLINE enum exec_result fp_by_element(struct cpu *cpu, const struct insn *i,
                                             struct fp_shape s, unsigned index, fp_op3 *op)
{
    const union vreg *vd = &cpu->v[i->rd], *vn = &cpu->v[i->rn];
    const uint64_t b = lane(&cpu->v[i->rm], s.n, index);
    union vreg out = {.d = {0, 0}};
    struct fp_env e = fp_begin(cpu);

    for (unsigned k = 0; k < s.lanes; k++)
        set_lane(&out, s.n, k, op(&e, s.n, lane(vd, s.n, k), lane(vn, s.n, k), b));
    cpu->v[i->rd] = out;
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

/* Neighbours of Vm:Vn: the lower half of the result from Vn, the upper half from Vm. */
SIMDFP_INLINE enum exec_result fp_pairwise(struct cpu *cpu, const struct insn *i, struct fp_shape s,
                                           fp_op3 *op)
{
    const union vreg *const half[2] = {&cpu->v[i->rn], &cpu->v[i->rm]};
    union vreg out = {.d = {0, 0}};
    struct fp_env e = fp_begin(cpu);

    for (unsigned k = 0; k < s.lanes; k++) {
        const union vreg *v = half[k >= s.lanes / 2];
        const unsigned from = 2 * (k % (s.lanes / 2));
        set_lane(&out, s.n, k, op(&e, s.n, 0, lane(v, s.n, from), lane(v, s.n, from + 1)));
    }
    cpu->v[i->rd] = out;
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

/* FPReduce(): neighbours, then neighbours of the results, until one lane is left. */
SIMDFP_INLINE enum exec_result fp_reduce(struct cpu *cpu, const struct insn *i, struct fp_shape s,
                                         fp_op3 *op)
{
    union vreg v = cpu->v[i->rn];
    struct fp_env e = fp_begin(cpu);

    for (unsigned left = s.lanes / 2; left >= 1; left /= 2)
        for (unsigned k = 0; k < left; k++)
            set_lane(&v, s.n, k, op(&e, s.n, 0, lane(&v, s.n, 2 * k), lane(&v, s.n, 2 * k + 1)));
    cpu->v[i->rd] = (union vreg){.d = {lane(&v, s.n, 0), 0}};
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

/* Every lane of Vn by itself. */
SIMDFP_INLINE enum exec_result fp_unary(struct cpu *cpu, const struct insn *i, struct fp_shape s,
                                        unsigned fbits, fp_op1 *op)
{
    const union vreg *vn = &cpu->v[i->rn];
    union vreg out = {.d = {0, 0}};
    struct fp_env e = fp_begin(cpu);

    for (unsigned k = 0; k < s.lanes; k++)
        set_lane(&out, s.n, k, op(&e, s.n, lane(vn, s.n, k), fbits));
    cpu->v[i->rd] = out;
    fp_end(cpu, &e);
    return EXEC_NEXT;
}

/* A comparison's result: all ones or all zeros. */
static inline uint64_t fp_mask(enum fp_size n, bool holds)
{
    return holds ? zext(~UINT64_C(0), n) : 0;
}

/* FP_OP3(name, expression of e, n, d, a, b): the operations of more than one encoding class. */
#define FP_OPS_MULTIPLY(FP_OP3)                                                                    \
    FP_OP3(FMUL, fp_mul(e, n, a, b))                                                               \
    FP_OP3(FMULX, fp_mulx(e, n, a, b))                                                             \
    FP_OP3(FMLA, fp_muladd(e, n, d, a, b))                                                         \
    FP_OP3(FMLS, fp_muladd(e, n, d, fp_neg(n, a), b))

#define FP_OP3(name, expression)                                                                   \
    static inline uint64_t fp_op_##name(struct fp_env *e, enum fp_size n, uint64_t d, uint64_t a,  \
                                        uint64_t b)                                                \
    {                                                                                              \
        (void)d;                                                                                   \
        return expression;                                                                         \
    }
FP_OPS_MULTIPLY(FP_OP3)
