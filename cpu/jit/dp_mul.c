/* Products and quotients. */
#include "cpu/jit/operand.h"

/* arg: the product is subtracted; the operands are 32 bits, signed or not. */
enum { SUBTRACT = 1, SIGNED = 2, UNSIGNED = 4 };

/* Rn * Rm. */
static void product(struct tr *t, const struct insn *i, enum x86_reg n, enum x86_reg m)
{
    enum x86_reg d = tr_def(t, i->rd, RAX);

    if (d == m)
        m = n;
    else
        x86_mov(&t->c, 1, d, n);
    x86_rr(&t->c, 0x0faf, i->sz, d, m); /* imul */
    tr_done(t, i->rd, d);
}

/* Ra + Rn * Rm, or minus. */
static bool multiply(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    enum x86_reg n = tr_use(t, i->rn, RCX), m = tr_use(t, i->rm, RDX), a;

    (void)k;
    if (arg == 0 && i->ra == REG_ZR) {
        product(t, i, n, m);
        return true;
    }
    if (arg & (SIGNED | UNSIGNED)) {
        (arg & SIGNED ? x86_movsx(&t->c, 4, 1, RAX, n) : x86_movzx(&t->c, 4, RAX, n));
        (arg & SIGNED ? x86_movsx(&t->c, 4, 1, RDX, m) : x86_movzx(&t->c, 4, RDX, m));
        m = RDX;
    } else {
        x86_mov(&t->c, 1, RAX, n);
    }
    x86_rr(&t->c, 0x0faf, i->sz, RAX, m); /* imul */
    if (i->ra != REG_ZR) {
        a = tr_use(t, i->ra, RCX);
        if (arg & SUBTRACT) {
            x86_mov(&t->c, 1, RCX, a);
            x86_alu(&t->c, ALU_SUB, i->sz, RCX, RAX);
            tr_done(t, i->rd, RCX);
            return true;
        }
        x86_alu(&t->c, ALU_ADD, i->sz, RAX, a);
    } else if (arg & SUBTRACT) {
        x86_neg(&t->c, i->sz, RAX);
    }
    tr_done(t, i->rd, RAX);
    return true;
}

/* The upper half of a product, by F7 /@digit, which leaves it in RDX. */
static bool multiply_high(struct tr *t, unsigned k, const struct insn *i, unsigned digit)
{
    enum x86_reg n = tr_use(t, i->rn, RAX), m = tr_use(t, i->rm, RCX);

    (void)k;
    x86_mov(&t->c, 1, RAX, n);
    x86_rr(&t->c, 0xf7, 1, digit, m);
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
