/* Logic, and moves. */
#include "cpu/jit/operand.h"

/* ORR of XZR with a register that is not shifted. */
static bool is_move(const struct insn *i)
{
    return i->op == A64_ORR_reg && i->rn == REG_ZR && i->imm == 0;
}

static void move(struct tr *t, const struct insn *i)
{
    enum x86_reg m = tr_use(t, i->rm, RAX), d = tr_def(t, i->rd, RAX);

    x86_mov(&t->c, i->sz, d, m);
    tr_done(t, i->rd, d);
}

/* The lower half, and zeros above. */
static void move_low(struct tr *t, const struct insn *i)
{
    enum x86_reg n = tr_use(t, i->rn, RAX), d = tr_def(t, i->rd, RAX);

    x86_mov(&t->c, 0, d, n);
    tr_done(t, i->rd, d);
}

static bool move_keep(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    enum x86_reg r = tr_use(t, i->rd, RAX), d = tr_def(t, i->rd, RAX);

    (void)k, (void)arg;
    x86_mov_imm(&t->c, RCX, ~(UINT64_C(0xffff) << i->mod));
    x86_mov(&t->c, 1, d, r);
    x86_alu(&t->c, ALU_AND, i->sz, d, RCX);
    if (i->imm) {
        x86_mov_imm(&t->c, RCX, (uint64_t)i->imm);
        x86_alu(&t->c, ALU_OR, i->sz, d, RCX);
    }
    tr_done(t, i->rd, d);
    return true;
}

static bool address(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    enum x86_reg d = tr_def(t, i->rd, RAX);

    (void)k, (void)arg;
    x86_load(&t->c, RAX, CPU_FIELD(page_va));
    if (i->imm == (int32_t)i->imm) {
        x86_lea(&t->c, 1, d, x86_at(RAX, (int32_t)i->imm));
    } else {
        x86_mov_imm(&t->c, RCX, (uint64_t)i->imm);
        x86_lea(&t->c, 1, d, x86_sum(RAX, RCX));
    }
    tr_done(t, i->rd, d);
    return true;
}

static bool constant(struct tr *t, unsigned k, const struct insn *i, unsigned invert)
{
    uint64_t v = invert ? ~(uint64_t)i->imm : (uint64_t)i->imm;
    enum x86_reg d = tr_def(t, i->rd, RAX);

    (void)k;
    x86_mov_imm(&t->c, d, i->sz ? v : (uint32_t)v);
    tr_done(t, i->rd, d);
    return true;
}

static struct jit_operand inverted(struct tr *t, const struct insn *i)
{
    enum x86_reg m = jit_loaded(t, jit_shifted(t, i));

    x86_mov(&t->c, 1, RCX, m);
    x86_not(&t->c, i->sz, RCX);
    return (struct jit_operand){.r = RCX};
}

/* arg: the operation, and how the second operand is made. */
enum { IMM = 0x100, SHIFTED = 0x200, INVERTED = 0x400, OPERATION = 0xff };

static struct jit_operand second(struct tr *t, const struct insn *i, unsigned arg)
{
    if (arg & IMM)
        return jit_constant(t, (uint64_t)i->imm, i->sz);
    return arg & INVERTED ? inverted(t, i) : jit_shifted(t, i);
}

static bool logic(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)k;
    if (is_move(i))
        move(t, i);
    else if (arg == (ALU_OR | IMM) && i->rn == REG_ZR)
        constant(t, k, i, false);
    else if (arg == (ALU_AND | IMM) && i->imm == UINT32_MAX)
        move_low(t, i);
    else
        jit_alu(t, (enum x86_alu)(arg & OPERATION), i, second(t, i, arg));
    return true;
}

static bool logic_flags(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (jit_wants_flags(t, k) ? jit_alu_flags : jit_alu)(t, (enum x86_alu)(arg & OPERATION), i,
                                                      second(t, i, arg));
    return true;
}

static const struct jit_template rows[] = {
    {A64_AND_imm, ALU_AND | IMM, logic, NULL},
    {A64_ORR_imm, ALU_OR | IMM, logic, NULL},
    {A64_EOR_imm, ALU_XOR | IMM, logic, NULL},
    {A64_ANDS_imm, ALU_AND | IMM, logic_flags, NULL},
    {A64_AND_reg, ALU_AND | SHIFTED, logic, NULL},
    {A64_ORR_reg, ALU_OR | SHIFTED, logic, is_move},
    {A64_EOR_reg, ALU_XOR | SHIFTED, logic, NULL},
    {A64_ANDS_reg, ALU_AND | SHIFTED, logic_flags, NULL},
    {A64_BIC_reg, ALU_AND | INVERTED, logic, NULL},
    {A64_BICS_reg, ALU_AND | INVERTED, logic_flags, NULL},
    {A64_ORN_reg, ALU_OR | INVERTED, logic, NULL},
    {A64_EON_reg, ALU_XOR | INVERTED, logic, NULL},
    {A64_MOVZ, false, constant, jit_keeps_flags},
    {A64_MOVN, true, constant, jit_keeps_flags},
    {A64_MOVK, 0, move_keep, NULL},
    {A64_ADR, 0, address, jit_keeps_flags},
    {A64_ADRP, 0, address, jit_keeps_flags},
};

const struct jit_templates jit_dp_logic = JIT_TEMPLATES(rows);
