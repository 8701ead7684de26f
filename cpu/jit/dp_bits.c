/* Bit fields, shifts, and what counts or turns bits. */
#include "cpu/exec/dp.h"
#include "cpu/jit/host.h"
#include "cpu/jit/operand.h"
#include "cpu/jit/vector.h"

/* @d = that of @n, if it is LSL, LSR or ASR, or the lowest bits alone. */
static bool one_shift(struct tr *t, const struct insn *i, unsigned right, enum x86_reg d,
                      enum x86_reg n)
{
    unsigned last = i->sz ? 63 : 31, by = (unsigned)i->imm;
    enum x86_shift op = (enum x86_shift)right;

    if (right == SHIFT_SHR && by == i->mod + 1u) {
        op = SHIFT_SHL;
        by = last - i->mod;
    } else if (right == SHIFT_SHR && by == 0 && i->mod < 31) {
        x86_mov(&t->c, 0, d, n);
        x86_alu_imm(&t->c, ALU_AND, 0, d, (int32_t)MASK(i->mod, 0));
        return true;
    } else if (i->mod != last) {
        return false;
    }
    x86_mov(&t->c, i->sz || by, d, n);
    if (by)
        x86_shift(&t->c, op, i->sz, d, by);
    return true;
}

static bool bitfield(struct tr *t, unsigned k, const struct insn *i, unsigned right)
{
    enum x86_reg n = tr_use(t, i->rn, RCX), d = tr_def(t, i->rd, RAX);
    unsigned left = 63 - i->mod, back = dp_bitfield_right(i);

    (void)k;
    if (i->imm == 0 && (i->mod == 7 || i->mod == 15 || i->mod == 31)) {
        unsigned size = (i->mod + 1u) / 8;
        if (right == SHIFT_SAR)
            x86_movsx(&t->c, size, i->sz, d, n);
        else
            x86_movzx(&t->c, size, d, n);
        tr_done(t, i->rd, d);
        return true;
    }
    if (one_shift(t, i, right, d, n)) {
        tr_done(t, i->rd, d);
        return true;
    }
    x86_mov(&t->c, 1, d, n);
    if (left)
        x86_shift(&t->c, SHIFT_SHL, 1, d, left);
    if (back)
        x86_shift(&t->c, (enum x86_shift)right, 1, d, back);
    if (!i->sz && right == SHIFT_SAR)
        x86_mov(&t->c, 0, d, d);
    tr_done(t, i->rd, d);
    return true;
}

static bool bitfield_insert(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned left = 63 - i->mod, right = dp_bitfield_right(i);
    enum x86_reg n = tr_use(t, i->rn, RCX), old;

    (void)k, (void)arg;
    x86_mov(&t->c, 1, RCX, n);
    if (left)
        x86_shift(&t->c, SHIFT_SHL, 1, RCX, left);
    if (right)
        x86_shift(&t->c, SHIFT_SHR, 1, RCX, right);
    x86_mov_imm(&t->c, RAX, ~(~UINT64_C(0) << left >> right));
    old = tr_use(t, i->rd, RDX);
    x86_alu(&t->c, ALU_AND, 1, RAX, old);
    x86_alu(&t->c, ALU_OR, i->sz, RAX, RCX);
    tr_done(t, i->rd, RAX);
    return true;
}

static bool extract(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    enum x86_reg hi = tr_use(t, i->rn, RCX), lo = tr_use(t, i->rm, RDX);

    (void)k, (void)arg;
    x86_mov(&t->c, i->sz, RAX, lo);
    if (i->imm) { /* shrd rax, hi, lsb */
        x86_rr(&t->c, 0x0fac, i->sz, hi, RAX);
        x86_byte(&t->c, (unsigned)i->imm);
    }
    tr_done(t, i->rd, RAX);
    return true;
}

/* LSLV and its like: the host takes the count modulo the width too. */
static bool shift_by(struct tr *t, unsigned k, const struct insn *i, unsigned op)
{
    enum x86_reg m = tr_use(t, i->rm, RCX), n = tr_use(t, i->rn, RDX);

    (void)k;
    if (tr_has(t, HOST_BMI2) && op != SHIFT_ROR) {
        enum x86_reg d = tr_def(t, i->rd, RAX);
        x86_shift_by(&t->c, (enum x86_shift)op, i->sz, d, n, m);
        tr_done(t, i->rd, d);
        return true;
    }
    x86_mov(&t->c, 1, RCX, m);
    x86_mov(&t->c, i->sz, RAX, n);
    x86_shift_cl(&t->c, (enum x86_shift)op, i->sz, RAX);
    tr_done(t, i->rd, RAX);
    return true;
}

static bool reverse(struct tr *t, unsigned k, const struct insn *i, unsigned w)
{
    enum x86_reg n = tr_use(t, i->rn, RAX);

    (void)k;
    x86_mov(&t->c, 1, RAX, n);
    x86_rex(&t->c, w, 0, 0, RAX, false);
    x86_byte(&t->c, 0x0f);
    x86_byte(&t->c, 0xc8); /* bswap */
    tr_done(t, i->rd, RAX);
    return true;
}

static bool count_zeros(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    enum x86_reg n = tr_use(t, i->rn, RCX);

    (void)k, (void)arg;
    x86_byte(&t->c, 0xf3);
    x86_rr(&t->c, 0x0fbd, i->sz, RAX, n); /* lzcnt */
    tr_done(t, i->rd, RAX);
    return true;
}

/* REV32 of 64 bits: each half. */
static bool reverse_halves(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)k, (void)arg;
    reverse(t, k, i, 1);
    enum x86_reg r = tr_use(t, i->rd, RAX);
    x86_mov(&t->c, 1, RAX, r);
    x86_shift(&t->c, SHIFT_ROR, 1, RAX, 32);
    tr_done(t, i->rd, RAX);
    return true;
}

static const struct jit_template rows[] = {
    {A64_UBFM, SHIFT_SHR, bitfield, NULL}, {A64_SBFM, SHIFT_SAR, bitfield, NULL},
    {A64_BFM, 0, bitfield_insert, NULL},   {A64_EXTR, 0, extract, NULL},
    {A64_LSLV, SHIFT_SHL, shift_by, NULL}, {A64_LSRV, SHIFT_SHR, shift_by, NULL},
    {A64_ASRV, SHIFT_SAR, shift_by, NULL}, {A64_RORV, SHIFT_ROR, shift_by, NULL},
    {A64_REV_w, 0, reverse, NULL},         {A64_REV_x, 1, reverse, NULL},
    {A64_CLZ, 0, count_zeros, NULL},       {A64_REV32, 0, reverse_halves, NULL},
};

const struct jit_templates jit_dp_bits = JIT_TEMPLATES(rows);
