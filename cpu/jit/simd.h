/* What the templates of Advanced SIMD share. XMM2 and XMM3 are scratch. */
#pragma once

#include "cpu/jit/vector.h"

/* log2 of the bytes of an element, by <23:22>. */
static inline unsigned simd_element(const struct insn *i)
{
    return (unsigned)bits((uint64_t)i->imm, 23, 22);
}

static inline bool simd_is_full(const struct insn *i)
{
    return bit((uint64_t)i->imm, 30);
}

/* Bytes of a vector; of a scalar form, whose elements are of 64 bits in all that have templates. */
static inline unsigned simd_bytes(const struct insn *i)
{
    return simd_is_full(i) && !bit((uint64_t)i->imm, 28) ? 16 : 8;
}

/* The beginning of a template, its operands being of simd_bytes(). It ends by tr_v_result(). */
static inline struct v_regs simd_unary(struct tr *t, unsigned k, const struct insn *i)
{
    tr_v_begin(t, k);
    return tr_v_unary(t, i, simd_bytes(i));
}

static inline struct v_regs simd_binary(struct tr *t, unsigned k, const struct insn *i)
{
    tr_v_begin(t, k);
    return tr_v_binary(t, i, simd_bytes(i));
}

/* The row of an instruction of the host by element size; 0: it has none. */
typedef uint16_t simd_ops[4];

enum simd_op {
    SIMD_ADD,
    SIMD_SUB,
    SIMD_EQUAL,
    SIMD_GREATER,
    SIMD_SMAX,
    SIMD_SMIN,
    SIMD_UMAX,
    SIMD_UMIN,
    SIMD_MUL,
    SIMD_UAVG,
    SIMD_ABS,
    SIMD_EXTEND_SIGN, /* to twice the size */
    SIMD_EXTEND_ZERO,
    SIMD_COUNT,
};

extern const simd_ops simd_op[SIMD_COUNT];

/* Shifts of elements by an immediate; of bytes as if they were of 16 bits. */
extern const simd_ops simd_shift;

static inline void simd_ones(struct x86_code *c, unsigned xmm)
{
    vex_rr(c, VPCMPEQB, xmm, xmm, xmm);
}

/* Every bit another. XMM2 goes. */
static inline void simd_invert(struct x86_code *c, unsigned to, unsigned from)
{
    simd_ones(c, XMM2);
    vex_rr(c, VPXOR, to, from, XMM2);
}

/* Every element of @to is @index of @from. XMM2 and XMM3 stay. */
void simd_dup(struct x86_code *c, unsigned to, unsigned from, unsigned size, unsigned index);

/* The upper or lower half of V[@v], its elements widened. */
void simd_widen(struct tr *t, unsigned to, unsigned v, unsigned size, bool upper, bool is_signed);

/* The end of a template: Vd is @r, or with @add its elements are added to those of Vd, by way of
 * XMM1. True. */
bool simd_add_result(struct tr *t, const struct insn *i, struct v_regs v, unsigned r, unsigned size,
                     bool add);

/* Even (0) or odd elements of b:a, of 128 bits each. XMM2 goes; @to may be neither @b nor XMM2. */
void simd_unzip(struct tr *t, unsigned to, unsigned a, unsigned b, unsigned size, unsigned odd);

/* Two halves of 64 bits. RAX goes. */
void simd_constant(struct x86_code *c, unsigned xmm, uint64_t low, uint64_t high);

/* The same value in each element. RAX goes. */
void simd_same(struct tr *t, unsigned xmm, unsigned size, uint64_t value);

#define SIMD_ROW(name, fn, arg)                                                                    \
    {                                                                                              \
        A64_##name, (arg), fn, jit_keeps_flags                                                     \
    }
