/* Conditional select and compare. */
#include "cpu/jit/operand.h"

/* AL and NV: Rn always. */
static bool always(const struct insn *i)
{
    return i->mod >> 1 == 7;
}

/* @r = Rm, or what the instruction makes of it. */
static void other(struct tr *t, const struct insn *i, enum x86_reg r)
{
    enum x86_reg m = tr_use(t, i->rm, r);

    if (i->op == A64_CSINC) {
        x86_lea(&t->c, i->sz, r, x86_at(m, 1));
        return;
    }
    x86_mov(&t->c, 1, r, m);
    if (i->op == A64_CSINV || i->op == A64_CSNEG)
        x86_not(&t->c, i->sz, r);
    if (i->op == A64_CSNEG)
        x86_lea(&t->c, i->sz, r, x86_at(r, 1));
}

/* @d = @g if @cc. */
static void move_if(struct tr *t, enum x86_cc cc, bool w, enum x86_reg d, unsigned g)
{
    if (tr_is_in_cpu(t, g))
        x86_rm(&t->c, 0x0f40u | cc, w, d, tr_x(g));
    else
        x86_cmov(&t->c, cc, w, d, tr_use(t, g, RCX));
}

/* Rd = Rn if @cc, else Rm or what is made of it. */
static void choose(struct tr *t, const struct insn *i, enum x86_cc cc)
{
    enum x86_reg d = tr_def(t, i->rd, RAX);

    if (i->rd == i->rn && i->op == A64_CSEL) { /* which the other is moved over */
        x86_mov(&t->c, 1, d, tr_use(t, i->rn, d));
        move_if(t, cc ^ 1, i->sz, d, i->rm);
        tr_done(t, i->rd, d);
        return;
    }
    if (i->rd == i->rn)
        d = RAX;
    other(t, i, d);
    move_if(t, cc, i->sz, d, i->rn);
    tr_done(t, i->rd, d);
}

static bool select_(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)arg;
    if (always(i)) {
        x86_mov(&t->c, i->sz, RAX, tr_use(t, i->rn, RAX));
        tr_done(t, i->rd, RAX);
        return true;
    }
    if (t->s.flags == FLAGS_AGAIN && i->mod >> 1 == 1 && !t->live[k + 1])
        tr_carry_again(t);
    enum x86_cc cc = tr_cond(t, i->mod & 14); /* of the pair; EFLAGS hold from here */
    if (i->mod & 1)
        cc ^= 1;
    if (i->op == A64_CSINC && i->rn == REG_ZR && i->rm == REG_ZR) { /* CSET */
        enum x86_reg d = tr_def(t, i->rd, RAX);
        x86_setcc(&t->c, cc ^ 1, RAX);
        x86_movzx(&t->c, 1, d, RAX);
        tr_done(t, i->rd, d);
    } else {
        choose(t, i, cc);
    }
    return true;
}

/* arg: the operation, and whether the second operand is a constant. */
enum { IMM = 0x100, OPERATION = 0xff };

static enum jit_flags kind_of(unsigned arg)
{
    return (arg & OPERATION) == ALU_SUB ? FLAGS_SUB : FLAGS_ADD;
}

/* The condition does not hold: the instruction's NZCV as EFLAGS. */
static void set_eflags(struct tr *t, struct stub *s)
{
    const struct insn *i = &t->rec[s->k];
    const struct jit_template *row = t->jit->template[i->op];
    enum jit_flags kind = kind_of(row->arg);
    unsigned nzcv = i->mod >> 4, carry = (nzcv >> 1 & 1) ^ (kind == FLAGS_SUB);

    x86_mov_imm(&t->c, RAX,
                ((nzcv >> 3 & 1) << 7 | (nzcv >> 2 & 1) << 6 | carry) << 8 | (nzcv & 1));
    x86_byte(&t->c, 0x04); /* add al, 0x7f: OF */
    x86_byte(&t->c, 0x7f);
    x86_byte(&t->c, 0x9e); /* sahf */
}

/* That the condition holds is taken for usual: then no branch is taken. */
static bool conditional_compare(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    enum x86_alu op = (enum x86_alu)(arg & OPERATION);
    bool imm = arg & IMM;
    unsigned cond = i->mod & 15;
    struct jit_operand b;
    struct stub *no = NULL;

    /* What host registers are to hold, they must hold on both ways. */
    tr_touch(t, i->rn);
    if (!imm)
        tr_touch(t, i->rm);
    if (cond >> 1 != 7) {
        enum x86_cc cc = tr_cond(t, cond) ^ 1;
        no = tr_stub(t, STUB_APART, k);
        no->warm = set_eflags;
        no->from[0] = x86_jcc(&t->c, cc);
    }
    enum x86_reg n = tr_use(t, i->rn, RDX);
    if (imm)
        b = (struct jit_operand){.is_imm = true, .imm = (int32_t)i->imm};
    else
        b = jit_register(t, i);
    if (op == ALU_SUB) {
        jit_apply(t, ALU_CMP, i->sz, n, b);
    } else {
        x86_mov(&t->c, 1, RAX, n);
        jit_apply(t, ALU_ADD, i->sz, RAX, b);
    }
    if (no)
        no->back = t->c.p;
    tr_flags_are(t, kind_of(arg));
    return true;
}

static const struct jit_template rows[] = {
    {A64_CSEL, 0, select_, jit_keeps_flags},
    {A64_CSINC, 0, select_, jit_keeps_flags},
    {A64_CSINV, 0, select_, jit_keeps_flags},
    {A64_CSNEG, 0, select_, jit_keeps_flags},
    {A64_CCMP_imm, ALU_SUB | IMM, conditional_compare, jit_keeps_flags},
    {A64_CCMP_reg, ALU_SUB, conditional_compare, jit_keeps_flags},
    {A64_CCMN_imm, ALU_ADD | IMM, conditional_compare, jit_keeps_flags},
    {A64_CCMN_reg, ALU_ADD, conditional_compare, jit_keeps_flags},
};

const struct jit_templates jit_dp_cond = JIT_TEMPLATES(rows);
