/*
 * What the templates of floating point and Advanced SIMD are written with. A block has the V
 * registers that it uses most in host registers too; the CPU always has them all, so that whoever
 * leaves the block, or calls C, has nothing to store.
 *
 * All of this needs a host with HOST_AVX. XMM0 to XMM3 are scratch; XMM3 is that of tr_v_done().
 */
#pragma once

#include "cpu/jit/host.h"
#include "cpu/jit/template.h"
#include "cpu/jit/translate.h"
#include "cpu/jit/x86_vex.h"

enum { XMM0, XMM1, XMM2, XMM3, XMM_FIRST_HOST, XMM_COUNT = 16 };

static inline struct x86_mem tr_v(unsigned n)
{
    return tr_cpu(offsetof(struct cpu, v) + sizeof(union vreg) * n);
}

static inline bool tr_has(const struct tr *t, unsigned host)
{
    return (t->jit->host & host) == host;
}

/* The host register that holds the low @width bytes (4, 8, 16) of V[@n]; @scratch, loaded, if it
 * has none. */
unsigned tr_v_use(struct tr *t, unsigned n, unsigned scratch, unsigned width);

/* The host register to write V[@n] to before tr_v_done(t, n). */
unsigned tr_v_def(const struct tr *t, unsigned n, unsigned scratch);

/* V[@n] is the low @width bytes of @r, and zero above. */
void tr_v_done(struct tr *t, unsigned n, unsigned r, unsigned width);

/* The registers of a template: */
struct v_regs {
    unsigned a, b; /* Vn and Vm, as operands */
    unsigned d;    /* where the result is written, when all operands have been read */
    unsigned w;    /* bytes of each operand */
};

/* Vn; Vn and Vm: in XMM0 and XMM1, or their host registers. */
struct v_regs tr_v_unary(struct tr *t, const struct insn *i, unsigned w);
struct v_regs tr_v_binary(struct tr *t, const struct insn *i, unsigned w);

/* The beginning of a template that does not compute by FPCR. EFLAGS stay, or have been saved. */
void tr_v_begin(struct tr *t, unsigned k);

/* Its end: tr_v_done() of Vd. True. */
bool tr_v_result(struct tr *t, const struct insn *i, unsigned r, unsigned w);

/* Load the registers of @set from the CPU. */
void tr_v_reload(struct tr *t, uint32_t set);

/* What has to be before the code comes back to the head of the loop. */
void tr_v_loop(struct tr *t);

/* Instruction @k, an operation whose result depends on FPCR: behind this, rounding is to nearest,
 * denormals count, and MXCSR.PE will become FPSR.IXC. EFLAGS go. */
void tr_fp_enter(struct tr *t, unsigned k);

/* MXCSR.PE to FPSR, for who looks there or runs C. RCX and EFLAGS go. */
void tr_fp_leave(struct tr *t);

/* The same constant in each 32 or 64 bits of @xmm. RAX goes. */
void tr_v_const(struct tr *t, unsigned xmm, unsigned esize, uint64_t value);

/* Constants that code refers to, see jit_constant_at(). */
enum jit_constant {
    CONST_MXCSR,
    CONST_SIGN_S,
    CONST_SIGN_D,
    CONST_SCALAR_SIGN_S,
    CONST_SCALAR_SIGN_D,
    CONST_BIAS_FINITE, /* these: see bad_lanes() of simd_fp.c */
    CONST_ABOVE_FINITE_S,
    CONST_ABOVE_FINITE_D,
    CONST_BIAS_NORMAL_S,
    CONST_ABOVE_NORMAL_S,
    CONST_BIAS_NORMAL_D,
    CONST_ABOVE_NORMAL_D,
    CONST_CRC32, /* see crc32() of crypto.c */
    CONST_COUNT,
};

extern const uint32_t jit_constants[CONST_COUNT][4];

static inline const uint8_t *jit_constant_at(const struct jit *jit, enum jit_constant k)
{
    return jit->constants + 16 * (unsigned)k;
}

static inline void tr_v_with(struct tr *t, unsigned op, unsigned to, unsigned from,
                             enum jit_constant k)
{
    vex_rip(&t->c, op, to, from, jit_constant_at(t->jit, k));
}
