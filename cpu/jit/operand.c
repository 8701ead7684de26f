/* The second operand, and what is done with it: cpu/exec/dp_imm.c and dp_reg.c as host code. */
#include "cpu/jit/operand.h"

struct jit_operand jit_constant(struct tr *t, uint64_t v, bool w)
{
    if (v == (uint64_t)(int32_t)v || (!w && v == (uint32_t)v))
        return (struct jit_operand){.is_imm = true, .imm = (int32_t)v};
    x86_mov_imm(&t->c, RCX, v);
    return (struct jit_operand){.r = RCX};
}

struct jit_operand jit_register(struct tr *t, const struct insn *i)
{
    if (tr_is_in_cpu(t, i->rm))
        return (struct jit_operand){.is_in_cpu = true, .g = i->rm, .plain = true};
    return (struct jit_operand){.r = tr_use(t, i->rm, RCX), .plain = true};
}

enum x86_reg jit_loaded(struct tr *t, struct jit_operand b)
{
    return b.is_in_cpu ? tr_use(t, b.g, RCX) : b.r;
}

/* ShiftReg() */
struct jit_operand jit_shifted(struct tr *t, const struct insn *i)
{
    static const uint8_t ops[] = {SHIFT_SHL, SHIFT_SHR, SHIFT_SAR, SHIFT_ROR};

    if (i->imm == 0)
        return jit_register(t, i);
    x86_mov(&t->c, i->sz, RCX, tr_use(t, i->rm, RCX));
    x86_shift(&t->c, ops[i->mod], i->sz, RCX, (unsigned)i->imm);
    return (struct jit_operand){.r = RCX};
}

/* ExtendReg() */
struct jit_operand jit_extended(struct tr *t, const struct insn *i)
{
    enum x86_reg r = tr_use(t, i->rm, RCX);
    unsigned size = 1u << (i->mod & 3);

    if (size == 8)
        x86_mov(&t->c, 1, RCX, r);
    else if (i->mod & 4)
        x86_movsx(&t->c, size, 1, RCX, r);
    else
        x86_movzx(&t->c, size, RCX, r);
    if (i->imm)
        x86_shift(&t->c, SHIFT_SHL, 1, RCX, (unsigned)i->imm);
    return (struct jit_operand){.r = RCX};
}

void jit_apply(struct tr *t, enum x86_alu op, bool w, enum x86_reg d, struct jit_operand b)
{
    if (b.is_imm)
        x86_alu_imm(&t->c, op, w, d, b.imm);
    else if (b.is_in_cpu)
        x86_rm(&t->c, op, w, d, tr_x(b.g));
    else
        x86_alu(&t->c, op, w, d, b.r);
}

void jit_alu(struct tr *t, enum x86_alu op, const struct insn *i, struct jit_operand b)
{
    enum x86_reg n = tr_use(t, i->rn, RDX), d = tr_def(t, i->rd, RAX);

    if (!b.is_imm && !b.is_in_cpu && b.r == d && n != d) {
        if (op == ALU_SUB)
            d = RAX;
        else /* in either order */
            b.r = n, n = d;
    }
    x86_mov(&t->c, 1, d, n);
    jit_apply(t, op, i->sz, d, b);
    tr_done(t, i->rd, d);
}

/* The same for flags alone. */
static void compare(struct tr *t, enum x86_alu op, const struct insn *i, struct jit_operand b)
{
    enum x86_reg n = tr_use(t, i->rn, RDX);

    if (op == ALU_SUB) {
        jit_apply(t, ALU_CMP, i->sz, n, b);
    } else if (op == ALU_AND && b.is_imm) {
        x86_test_imm(&t->c, i->sz, n, b.imm);
    } else if (op == ALU_AND) {
        x86_test(&t->c, i->sz, n, jit_loaded(t, b));
    } else {
        x86_mov(&t->c, 1, RAX, n);
        jit_apply(t, op, i->sz, RAX, b);
    }
}

struct jit_again jit_again_of(enum x86_alu op, const struct insn *i, struct jit_operand b)
{
    struct jit_again a = {.op = (uint8_t)op, .w = i->sz, .n = i->rn, .m = i->rm};
    bool in_place = i->rd == i->rn;

    if (op == ALU_AND && i->rd != REG_SINK) { /* by the result alone */
        a.n = a.m = i->rd;
        a.known = true;
        return a;
    }
    a.is_imm = b.is_imm;
    a.imm = b.imm;
    a.undo = in_place;
    a.known = b.is_imm || (b.plain && i->rd != i->rm);
    return a;
}

void jit_alu_flags(struct tr *t, enum x86_alu op, const struct insn *i, struct jit_operand b)
{
    if (i->rd == REG_SINK)
        compare(t, op, i, b);
    else
        jit_alu(t, op, i, b);
    t->s.flags = op == ALU_SUB ? FLAGS_SUB : FLAGS_ADD;
    t->s.again = jit_again_of(op, i, b);
}
