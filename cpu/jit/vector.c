/* Where a block has the V registers, and the state of the floating-point unit. */
#include "cpu/jit/vector.h"

#include "cpu/fp/fp.h"

#define SAME4(v)                                                                                   \
    {                                                                                              \
        (v), (v), (v), (v)                                                                         \
    }

const uint32_t jit_constants[CONST_COUNT][4] = {
    [CONST_MXCSR] = {0x1f80}, /* all exceptions masked, no flag set */
    [CONST_SIGN_S] = SAME4(0x80000000),
    [CONST_SIGN_D] = {0, 0x80000000, 0, 0x80000000},
    [CONST_SCALAR_SIGN_S] = {0x80000000},
    [CONST_SCALAR_SIGN_D] = {0, 0x80000000},
    [CONST_BIAS_FINITE] = SAME4(0x80000000),
    [CONST_ABOVE_FINITE_S] = SAME4(0x7effffff),
    [CONST_ABOVE_FINITE_D] = SAME4(0x7fdfffff),
    [CONST_BIAS_NORMAL_S] = SAME4(0x7e000000),
    [CONST_ABOVE_NORMAL_S] = SAME4(0x7cffffff),
    [CONST_BIAS_NORMAL_D] = SAME4(0x7fc00000),
    [CONST_ABOVE_NORMAL_D] = SAME4(0x7f9fffff),
    [CONST_CRC32] = {0xf7011641, 0xb4e5b025, 0xdb710641, 0x1},
};

static uint32_t bit_of(unsigned n)
{
    return UINT32_C(1) << n;
}

/* V[n] and the rest of its host register is zero. */
static void clear_above(struct x86_code *c, unsigned to, unsigned from, unsigned width)
{
    if (width == 8)
        vex_rr(c, VMOVQ_LOAD, to, 0, from);
    else if (width == 4)
        vex_rr_imm(c, VINSERTPS, to, from, from, 0x0e);
    else
        vex_move(c, to, from);
}

unsigned tr_v_use(struct tr *t, unsigned n, unsigned scratch, unsigned width)
{
    struct x86_code *c = &t->c;

    if (t->v_host[n] < 0) {
        vex_rm(c,
               width == 16  ? VMOVUPS_LOAD
               : width == 8 ? VMOVQ_LOAD
                            : VMOVD_LOAD,
               scratch, 0, tr_v(n));
        return scratch;
    }
    unsigned r = (unsigned)t->v_host[n];
    if (!(t->s.v_valid & bit_of(n))) {
        vex_rm(c, VMOVUPS_LOAD, r, 0, tr_v(n));
        t->s.v_valid |= bit_of(n);
        t->s.v_low4 &= ~bit_of(n);
        t->s.v_low8 &= ~bit_of(n);
    } else if (t->s.v_low4 & bit_of(n) && width > 4) {
        clear_above(c, r, r, 4);
        t->s.v_low4 &= ~bit_of(n);
    } else if (t->s.v_low8 & bit_of(n) && width > 8) {
        clear_above(c, r, r, 8);
        t->s.v_low8 &= ~bit_of(n);
    }
    return r;
}

unsigned tr_v_def(const struct tr *t, unsigned n, unsigned scratch)
{
    return t->v_host[n] < 0 ? scratch : (unsigned)t->v_host[n];
}

void tr_v_done(struct tr *t, unsigned n, unsigned r, unsigned width)
{
    struct x86_code *c = &t->c;
    unsigned whole = r;

    if (width < 16) {
        whole = XMM3;
        clear_above(c, whole, r, width);
    }
    vex_rm(c, VMOVUPS_STORE, whole, 0, tr_v(n));
    if (t->v_host[n] < 0)
        return;
    unsigned host = (unsigned)t->v_host[n];
    vex_move(c, host, r);
    t->s.v_valid |= bit_of(n);
    t->s.v_low4 &= ~bit_of(n);
    t->s.v_low8 &= ~bit_of(n);
    t->s.v_low4 |= width == 4 ? bit_of(n) : 0;
    t->s.v_low8 |= width == 8 ? bit_of(n) : 0;
}

struct v_regs tr_v_unary(struct tr *t, const struct insn *i, unsigned w)
{
    unsigned a = tr_v_use(t, i->rn, XMM0, w);

    return (struct v_regs){.a = a, .d = tr_v_def(t, i->rd, XMM0), .w = w};
}

struct v_regs tr_v_binary(struct tr *t, const struct insn *i, unsigned w)
{
    struct v_regs v = tr_v_unary(t, i, w);

    v.b = tr_v_use(t, i->rm, XMM1, w);
    return v;
}

void tr_v_begin(struct tr *t, unsigned k)
{
    if (!t->fp_checked)
        tr_free_eflags(t);
    tr_check_fp(t, k);
}

bool tr_v_result(struct tr *t, const struct insn *i, unsigned r, unsigned w)
{
    tr_v_done(t, i->rd, r, w);
    return true;
}

void tr_v_reload(struct tr *t, uint32_t set)
{
    for (; set; set &= set - 1) {
        unsigned n = (unsigned)__builtin_ctz(set);
        vex_rm(&t->c, VMOVUPS_LOAD, (unsigned)t->v_host[n], 0, tr_v(n));
    }
}

void tr_v_loop(struct tr *t)
{
    for (uint32_t set = t->v_cached; set; set &= set - 1)
        (void)tr_v_use(t, (unsigned)__builtin_ctz(set), XMM0, 16);
}

void tr_v_const(struct tr *t, unsigned xmm, unsigned esize, uint64_t value)
{
    struct x86_code *c = &t->c;

    if (value == 0) {
        vex_rr(c, VPXOR, xmm, xmm, xmm);
    } else if (esize == 64) {
        x86_mov_imm(c, RAX, value);
        vex_rr(c, VMOVD_LOAD | VEX_W1, xmm, 0, RAX);
        vex_rr(c, VPUNPCKLQDQ, xmm, xmm, xmm);
    } else {
        x86_mov_imm(c, RAX, (uint32_t)value);
        vex_rr(c, VMOVD_LOAD, xmm, 0, RAX);
        vex_rr_imm(c, VPSHUFD, xmm, 0, xmm, 0);
    }
}

/* ---- FPCR and FPSR ---- */

/* FPCR that the host computes by as it is: DN is about NaNs alone, and those are left to the
 * exec_ functions. */
#define FPCR_ODD (FPCR_FZ | (UINT32_C(3) << 22) | 0x9f07u)

/* Jumps that are taken if FPSR.IXC is set: then nobody needs MXCSR. */
static uint8_t *if_inexact(struct tr *t)
{
    x86_rm(&t->c, 0xf6, 0, 0, CPU_FIELD(fpsr)); /* test byte */
    x86_byte(&t->c, FPSR_IXC);
    return x86_jcc(&t->c, CC_NE);
}

void tr_fp_restart(struct tr *t)
{
    uint8_t *over = if_inexact(t);

    x86_byte(&t->c, 0x0f); /* ldmxcsr */
    x86_byte(&t->c, 0xae);
    x86_byte(&t->c, 2 << 3 | 5);
    x86_imm32(&t->c, (int32_t)(jit_constant_at(t->jit, CONST_MXCSR) - (t->c.p + 4)));
    x86_bind(&t->c, over);
    t->s.fp_ready = true;
}

void tr_fp_enter(struct tr *t, unsigned k)
{
    if (t->s.fp_ready)
        return;
    if (!t->fpcr_checked) {
        x86_rm(&t->c, 0xf7, 0, 0, CPU_FIELD(fpcr)); /* test */
        x86_imm32(&t->c, (int32_t)FPCR_ODD);
        tr_stub(t, STUB_ONE, k)->from[0] = x86_jcc(&t->c, CC_NE);
        t->fpcr_checked = true;
    }
    tr_fp_restart(t);
}

/* The red zone of the code is free: MXCSR is stored there. */
void tr_fp_leave(struct tr *t)
{
    struct x86_code *c = &t->c;

    if (!t->s.fp_ready)
        return;
    uint8_t *over = if_inexact(t);
    x86_rm(c, 0x0fae, 0, 3, x86_at(RSP, -8)); /* stmxcsr */
    x86_rm(c, 0x8b, 0, RCX, x86_at(RSP, -8));
    x86_alu_imm(c, ALU_AND, 0, RCX, 0x20); /* PE */
    x86_shift(c, SHIFT_SHR, 0, RCX, 1);
    x86_rm(c, 0x09, 0, RCX, CPU_FIELD(fpsr)); /* or */
    x86_bind(c, over);
    t->s.fp_ready = false;
}
