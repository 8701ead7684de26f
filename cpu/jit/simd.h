/* What the templates of Advanced SIMD share. Operands are in XMM0 and XMM1, or their host
 * registers; XMM2 and XMM3 are scratch, and no result is written before all operands have been
 * read. */
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

/* The beginning of each template. EFLAGS stay, or have been saved. */
static inline void simd_begin(struct tr *t, unsigned k)
{
    if (!t->fp_checked)
        tr_save_flags(t);
    tr_check_fp(t, k);
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
    SIMD_COUNT,
};

extern const simd_ops simd_op[SIMD_COUNT];

/* xmm = all ones; every element of @to is @index of @from (XMM2 and XMM3 are not used). */
static inline void simd_ones(struct x86_code *c, unsigned xmm)
{
    vex_rr(c, VPCMPEQB, xmm, xmm, xmm);
}

void simd_dup(struct x86_code *c, unsigned to, unsigned from, unsigned size, unsigned index);

/* Even (0) or odd elements of b:a, of 128 bits each. XMM2 goes; @to may be neither @b nor XMM2. */
void simd_unzip(struct tr *t, unsigned to, unsigned a, unsigned b, unsigned size, unsigned odd);

/* The same value in each element. RAX goes. */
void simd_same(struct tr *t, unsigned xmm, unsigned size, uint64_t value);

#define SIMD_ROW(name, fn, arg)                                                                    \
    {                                                                                              \
        A64_##name, (arg), fn, jit_keeps_flags                                                     \
    }
