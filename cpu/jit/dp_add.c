/* Add and subtract. */
#include "cpu/jit/operand.h"

/* Rd = Rn + @b, and EFLAGS stay. */
static void add(struct tr *t, const struct insn *i, struct jit_operand b)
{
    enum x86_reg n = tr_use(t, i->rn, RDX), d = tr_def(t, i->rd, RAX);

    if (b.is_imm && b.imm == 0 && i->sz)
        x86_mov(&t->c, 1, d, n);
    else
        x86_lea(&t->c, i->sz, d, b.is_imm ? x86_at(n, b.imm) : x86_sum(n, b.r));
    tr_done(t, i->rd, d);
}

/* arg: how the second operand is made, and whether it is subtracted. */
enum { IMM, SHIFTED, EXTENDED, SECOND = 3, SUBTRACT };

static struct jit_operand second(struct tr *t, const struct insn *i, unsigned arg)
{
    if ((arg & SECOND) == IMM)
        return jit_constant(t, (uint64_t)i->imm, i->sz);
    return (arg & SECOND) == SHIFTED ? jit_shifted(t, i) : jit_extended(t, i);
}

static bool add_sub(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct jit_operand b;
    bool sub = arg & SUBTRACT;

    (void)k;
    if (i->rd == REG_SINK)
        return true;
    b = second(t, i, arg);
    if (sub && b.is_imm)
        add(t, i, (struct jit_operand){.is_imm = true, .imm = -b.imm});
    else if (sub)
        jit_alu(t, ALU_SUB, i, b);
    else
        add(t, i, b);
    return true;
}

/* Those that set flags which nobody reads are those that set none. */
static bool add_sub_flags(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    if (!jit_wants_flags(t, k))
        return add_sub(t, k, i, arg);
    jit_alu_flags(t, arg & SUBTRACT ? ALU_SUB : ALU_ADD, i, second(t, i, arg));
    return true;
}

static bool is_plain(const struct insn *i)
{
    return i->imm == 0;
}

static const struct jit_template rows[] = {
    {A64_ADD_imm, IMM, add_sub, jit_keeps_flags},
    {A64_SUB_imm, IMM | SUBTRACT, add_sub, jit_keeps_flags},
    {A64_ADD_reg, SHIFTED, add_sub, is_plain},
    {A64_SUB_reg, SHIFTED | SUBTRACT, add_sub, NULL},
    {A64_ADD_ext, EXTENDED, add_sub, NULL},
    {A64_SUB_ext, EXTENDED | SUBTRACT, add_sub, NULL},
    {A64_ADDS_imm, IMM, add_sub_flags, NULL},
    {A64_SUBS_imm, IMM | SUBTRACT, add_sub_flags, NULL},
    {A64_ADDS_reg, SHIFTED, add_sub_flags, NULL},
    {A64_SUBS_reg, SHIFTED | SUBTRACT, add_sub_flags, NULL},
    {A64_ADDS_ext, EXTENDED, add_sub_flags, NULL},
    {A64_SUBS_ext, EXTENDED | SUBTRACT, add_sub_flags, NULL},
};

const struct jit_templates jit_dp_add = JIT_TEMPLATES(rows);
