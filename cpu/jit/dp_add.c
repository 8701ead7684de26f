/* Add and subtract. */
#include "cpu/jit/operand.h"

/* Rd = Rn + @b, and EFLAGS stay. */
static void add(struct tr *t, const struct insn *i, struct jit_operand b)
{
    enum x86_reg n = tr_use(t, i->rn, RDX), d = tr_def(t, i->rd, RAX);

    if (b.is_imm && b.imm == 0 && i->sz)
        x86_mov(&t->c, 1, d, n);
    else
        x86_lea(&t->c, i->sz, d, b.is_imm ? x86_at(n, b.imm) : x86_sum(n, jit_loaded(t, b)));
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

/* Is the second operand one that LEA adds? */
static bool is_scaled(const struct insn *i)
{
    return i->imm >= 1 && i->imm <= 3 && i->mod == 0;
}

static bool is_extended_scaled(const struct insn *i)
{
    return i->imm <= 3;
}

/* Rd = Rn + (the second operand << imm), and EFLAGS stay. */
static void add_scaled(struct tr *t, const struct insn *i, unsigned arg)
{
    struct insn plain = *i;

    plain.imm = 0;
    enum x86_reg m = jit_loaded(t, second(t, &plain, arg)), n = tr_use(t, i->rn, RDX);
    enum x86_reg d = tr_def(t, i->rd, RAX);
    x86_lea(&t->c, i->sz, d, (struct x86_mem){.base = n, .index = m, .scale = (unsigned)i->imm});
    tr_done(t, i->rd, d);
}

static bool add_sub(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct jit_operand b;
    bool sub = arg & SUBTRACT;

    (void)k;
    if (i->rd == REG_SINK)
        return true;
    if ((arg == SHIFTED && is_scaled(i)) || (arg == EXTENDED && is_extended_scaled(i))) {
        add_scaled(t, i, arg);
        return true;
    }
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

/* CF = C, or not C with @inverted; NZCV are not in the CPU. */
static void carry(struct tr *t, bool inverted)
{
    if (t->s.flags == FLAGS_AGAIN)
        tr_carry_again(t);
    bool is_inverted = t->s.flags == FLAGS_SUB;
    if (t->s.flags == FLAGS_SAVED) {
        x86_rr(&t->c, 0x0fba, 0, 4, JIT_FLAGS); /* bt ebx, 8 */
        x86_byte(&t->c, 8);
    }
    if (is_inverted != inverted)
        x86_byte(&t->c, 0xf5); /* cmc */
}

/* ADC, SBC; arg: SUBTRACT, and whether they set flags. x86 borrows where Arm does not carry. */
enum { SETS = 8 };

static bool add_with_carry(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    bool sub = arg & SUBTRACT, sets = arg & SETS && jit_wants_flags(t, k);
    enum x86_reg n, m, d = tr_def(t, i->rd, RAX);

    if ((!sets && t->live[k + 1]) || t->s.flags == FLAGS_CPU || t->s.flags == FLAGS_EITHER)
        tr_save_flags(t);
    carry(t, sub);
    n = tr_use(t, i->rn, RDX);
    m = tr_use(t, i->rm, RCX);
    if (d == m)
        d = RAX;
    x86_mov(&t->c, 1, d, n);
    x86_alu(&t->c, sub ? ALU_SBB : ALU_ADC, i->sz, d, m);
    tr_done(t, i->rd, d);
    tr_flags_are(t, !sets ? FLAGS_SAVED : sub ? FLAGS_SUB : FLAGS_ADD);
    return true;
}

static bool is_plain(const struct insn *i)
{
    return i->imm == 0 || is_scaled(i);
}

static const struct jit_template rows[] = {
    {A64_ADD_imm, IMM, add_sub, jit_keeps_flags},
    {A64_SUB_imm, IMM | SUBTRACT, add_sub, jit_keeps_flags},
    {A64_ADD_reg, SHIFTED, add_sub, is_plain},
    {A64_SUB_reg, SHIFTED | SUBTRACT, add_sub, NULL},
    {A64_ADD_ext, EXTENDED, add_sub, is_extended_scaled},
    {A64_SUB_ext, EXTENDED | SUBTRACT, add_sub, NULL},
    {A64_ADDS_imm, IMM, add_sub_flags, NULL},
    {A64_SUBS_imm, IMM | SUBTRACT, add_sub_flags, NULL},
    {A64_ADDS_reg, SHIFTED, add_sub_flags, NULL},
    {A64_SUBS_reg, SHIFTED | SUBTRACT, add_sub_flags, NULL},
    {A64_ADDS_ext, EXTENDED, add_sub_flags, NULL},
    {A64_SUBS_ext, EXTENDED | SUBTRACT, add_sub_flags, NULL},
    {A64_ADC, 0, add_with_carry, jit_keeps_flags},
    {A64_SBC, SUBTRACT, add_with_carry, jit_keeps_flags},
    {A64_ADCS, SETS, add_with_carry, jit_keeps_flags},
    {A64_SBCS, SETS | SUBTRACT, add_with_carry, jit_keeps_flags},
};

const struct jit_templates jit_dp_add = JIT_TEMPLATES(rows);
