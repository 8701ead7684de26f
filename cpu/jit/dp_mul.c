/* Products and quotients. */
#include "cpu/jit/operand.h"

/* arg: the product is subtracted; the operands are 32 bits, signed or not. */
enum { SUBTRACT = 1, SIGNED = 2, UNSIGNED = 4 };

/* @d = Rn * Rm; it may be the host register of either. */
static void product(struct tr *t, const struct insn *i, enum x86_reg d)
{
    bool swap = tr_is_in_cpu(t, i->rn) || t->host[i->rm] == (int)d;
    unsigned n = swap ? i->rm : i->rn, m = swap ? i->rn : i->rm;

    x86_mov(&t->c, 1, d, tr_use(t, n, d));
    if (tr_is_in_cpu(t, m))
        x86_rm(&t->c, 0x0faf, i->sz, d, tr_x(m)); /* imul */
    else
        x86_rr(&t->c, 0x0faf, i->sz, d, tr_use(t, m, RCX));
}

/* The same of their lower halves, in RAX. */
static void long_product(struct tr *t, const struct insn *i, bool is_signed)
{
    enum x86_reg n = tr_use(t, i->rn, RAX), m = tr_use(t, i->rm, RDX);

    if (is_signed) {
        x86_movsx(&t->c, 4, 1, RAX, n);
        x86_movsx(&t->c, 4, 1, RDX, m);
    } else {
        x86_movzx(&t->c, 4, RAX, n);
        x86_movzx(&t->c, 4, RDX, m);
    }
    x86_rr(&t->c, 0x0faf, 1, RAX, RDX); /* imul */
}

/* Ra + Rn * Rm, or minus. */
static bool multiply(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    enum x86_reg d = tr_def(t, i->rd, RAX), r = d;

    (void)k;
    if (arg || i->ra == i->rd) /* what is added is still wanted, or more is */
        r = RAX;
    if (arg & (SIGNED | UNSIGNED))
        long_product(t, i, arg & SIGNED);
    else
        product(t, i, r);
    if (arg & SUBTRACT) {
        enum x86_reg a = tr_use(t, i->ra, RCX);
        if (d == RAX)
            d = RCX;
        x86_mov(&t->c, 1, d, a);
        x86_alu(&t->c, ALU_SUB, i->sz, d, RAX);
        tr_done(t, i->rd, d);
        return true;
    }
    if (tr_is_in_cpu(t, i->ra))
        x86_rm(&t->c, ALU_ADD, i->sz, r, tr_x(i->ra));
    else if (i->ra != REG_ZR)
        x86_alu(&t->c, ALU_ADD, i->sz, r, tr_use(t, i->ra, RCX));
    tr_done(t, i->rd, r);
    return true;
}

/* The upper half of a product, by F7 /@digit, which leaves it in RDX. */
static bool multiply_high(struct tr *t, unsigned k, const struct insn *i, unsigned digit)
{
    (void)k;
    x86_mov(&t->c, 1, RAX, tr_use(t, i->rn, RAX));
    if (tr_is_in_cpu(t, i->rm))
        x86_rm(&t->c, 0xf7, 1, digit, tr_x(i->rm));
    else
        x86_rr(&t->c, 0xf7, 1, digit, tr_use(t, i->rm, RCX));
    tr_done(t, i->rd, RDX);
    return true;
}

/* RAX: the dividend, and the quotient. What x86 has no answer for: by zero it is zero; by minus one
 * it is the negative, also of the least number. */
static bool divide(struct tr *t, unsigned k, const struct insn *i, unsigned is_signed)
{
    struct x86_code *c = &t->c;
    enum x86_reg m = tr_use(t, i->rm, RCX), n = tr_use(t, i->rn, RAX);
    uint8_t *minus = NULL, *negated = NULL;

    (void)k;
    x86_mov(c, i->sz, RAX, n);
    x86_test(c, i->sz, m, m);
    uint8_t *zero = x86_jcc(c, CC_E);
    if (is_signed) {
        x86_alu_imm(c, ALU_CMP, i->sz, m, -1);
        minus = x86_jcc(c, CC_E);
        x86_rex(c, i->sz, 0, 0, 0, false);
        x86_byte(c, 0x99); /* cdq, cqo */
    } else {
        x86_mov_imm(c, RDX, 0);
    }
    x86_rr(c, 0xf7, i->sz, is_signed ? 7 : 6, m);
    uint8_t *divided = x86_jmp(c);
    if (minus) {
        x86_bind(c, minus);
        x86_neg(c, i->sz, RAX);
        negated = x86_jmp(c);
    }
    x86_bind(c, zero);
    x86_mov_imm(c, RAX, 0);
    x86_bind(c, divided);
    if (negated)
        x86_bind(c, negated);
    tr_done(t, i->rd, RAX);
    return true;
}

static const struct jit_template rows[] = {
    {A64_MADD, 0, multiply, NULL},          {A64_MSUB, SUBTRACT, multiply, NULL},
    {A64_SMADDL, SIGNED, multiply, NULL},   {A64_SMSUBL, SIGNED | SUBTRACT, multiply, NULL},
    {A64_UMADDL, UNSIGNED, multiply, NULL}, {A64_UMSUBL, UNSIGNED | SUBTRACT, multiply, NULL},
    {A64_UMULH, 4, multiply_high, NULL},    {A64_SMULH, 5, multiply_high, NULL},
    {A64_UDIV, false, divide, NULL},        {A64_SDIV, true, divide, NULL},
};

const struct jit_templates jit_dp_mul = JIT_TEMPLATES(rows);
