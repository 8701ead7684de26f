/* Where a block has the guest's registers and flags. */
#include "cpu/jit/pieces.h"
#include "cpu/jit/translate.h"

/* Those first that calls of C preserve. */
const uint8_t tr_hosts[JIT_HOSTS] = {R12, R13, R14, RSI, RDI, R8, R9, R10, R11};

/* The host registers for guest ones that calls of C preserve. */
#define CALLEE_SAVED (BIT(R12) | BIT(R13) | BIT(R14))

enum x86_reg tr_use(struct tr *t, unsigned g, enum x86_reg scratch)
{
    if (g == REG_ZR) {
        x86_mov_imm(&t->c, scratch, 0);
        return scratch;
    }
    enum x86_reg r = t->host[g] < 0 ? scratch : (enum x86_reg)t->host[g];
    if (t->host[g] < 0 || !(t->s.valid >> g & 1))
        x86_load(&t->c, r, tr_x(g));
    t->s.valid |= BIT(g) & t->cached;
    return r;
}

void tr_touch(struct tr *t, unsigned g)
{
    if (g != REG_ZR && t->host[g] >= 0)
        (void)tr_use(t, g, RAX);
}

enum x86_reg tr_def(const struct tr *t, unsigned g, enum x86_reg scratch)
{
    return t->host[g] < 0 ? scratch : (enum x86_reg)t->host[g];
}

void tr_done(struct tr *t, unsigned g, enum x86_reg r)
{
    if (g == REG_SINK || g == REG_ZR)
        return;
    if (t->host[g] < 0) {
        x86_store(&t->c, tr_x(g), r);
        return;
    }
    x86_mov(&t->c, 1, (enum x86_reg)t->host[g], r);
    t->s.valid |= BIT(g);
    t->s.dirty |= BIT(g);
}

void tr_store(struct tr *t, uint64_t set)
{
    for (; set; set &= set - 1) {
        unsigned g = (unsigned)__builtin_ctzll(set);
        x86_store(&t->c, tr_x(g), (enum x86_reg)t->host[g]);
    }
}

void tr_reload(struct tr *t, uint64_t set)
{
    for (; set; set &= set - 1) {
        unsigned g = (unsigned)__builtin_ctzll(set);
        x86_load(&t->c, (enum x86_reg)t->host[g], g < REG_COUNT ? tr_x(g) : CPU_FIELD(bank));
    }
}

uint64_t tr_lost(const struct tr *t, uint64_t set, uint64_t writes)
{
    uint64_t r = set & writes;

    for (uint64_t rest = set; rest; rest &= rest - 1) {
        unsigned g = (unsigned)__builtin_ctzll(rest);
        if (!(CALLEE_SAVED >> t->host[g] & 1))
            r |= BIT(g);
    }
    return r;
}

/* tr_again(), and then where they are saved, unless they are there. */
static void save_either(struct tr *t)
{
    tr_touch(t, t->s.again.n);
    if (!t->s.again.is_imm)
        tr_touch(t, t->s.again.m);
    x86_alu_imm(&t->c, ALU_CMP, 0, JIT_FLAGS, (int32_t)JIT_NO_FLAGS);
    uint8_t *there = x86_jcc(&t->c, CC_NE);
    t->s.flags = FLAGS_AGAIN;
    tr_save_flags(t);
    x86_bind(&t->c, there);
}

/* JIT_FLAGS is what LAHF leaves in AX, SF ZF - AF - PF 1 CF above, and V below. */
void tr_save_flags(struct tr *t)
{
    struct x86_code *c = &t->c;

    if (t->s.flags == FLAGS_SAVED)
        return;
    if (t->s.flags == FLAGS_EITHER) {
        save_either(t);
        return;
    }
    if (t->s.flags == FLAGS_AGAIN)
        tr_again(t);
    if (t->s.flags == FLAGS_CPU) {
        jit_pack_flags(c);
        t->s.flags = FLAGS_SAVED;
        return;
    }
    if (t->s.flags == FLAGS_SUB)
        x86_byte(c, 0xf5); /* cmc */
    x86_byte(c, 0x9f);     /* lahf */
    x86_setcc(c, CC_O, RAX);
    x86_mov(c, 0, JIT_FLAGS, RAX);
    t->s.flags = FLAGS_SAVED;
}

/* Most comparisons are looked at by the next instruction, and by nobody behind it, unless an
 * exception is taken before the next comparison: in the code for that they are made again. */
void tr_again(struct tr *t)
{
    const struct jit_again *a = &t->s.again;
    struct x86_code *c = &t->c;
    enum x86_reg n = tr_use(t, a->n, RAX), m = a->is_imm ? RCX : tr_use(t, a->m, RCX);

    t->s.flags = a->op == ALU_SUB ? FLAGS_SUB : FLAGS_ADD;
    if (a->undo || a->op == ALU_ADD) {
        x86_mov(c, 1, RAX, n);
        n = RAX;
    }
    if (a->undo && a->is_imm)
        x86_alu_imm(c, a->op == ALU_SUB ? ALU_ADD : ALU_SUB, a->w, n, a->imm);
    else if (a->undo)
        x86_alu(c, a->op == ALU_SUB ? ALU_ADD : ALU_SUB, a->w, n, m);
    if (a->op == ALU_AND && a->is_imm)
        x86_test_imm(c, a->w, n, a->imm);
    else if (a->op == ALU_AND)
        x86_test(c, a->w, n, m);
    else if (a->is_imm)
        x86_alu_imm(c, a->op == ALU_SUB ? ALU_CMP : ALU_ADD, a->w, n, a->imm);
    else
        x86_alu(c, a->op == ALU_SUB ? ALU_CMP : ALU_ADD, a->w, n, m);
}

/* Of a result: a sum has carried if it is less than what was added, and putting back what was taken
 * off carries if taking it off has borrowed. */
void tr_carry_again(struct tr *t)
{
    const struct jit_again *a = &t->s.again;
    enum x86_alu op = a->op == ALU_ADD ? ALU_CMP : ALU_ADD;

    if (!a->undo || a->op == ALU_AND) {
        tr_again(t);
        return;
    }
    enum x86_reg n = tr_use(t, a->n, RAX), m = a->is_imm ? RCX : tr_use(t, a->m, RCX);
    if (op == ALU_ADD) {
        x86_mov(&t->c, 1, RAX, n);
        n = RAX;
    }
    if (a->is_imm)
        x86_alu_imm(&t->c, op, a->w, n, a->imm);
    else
        x86_alu(&t->c, op, a->w, n, m);
    t->s.flags = a->op == ALU_SUB ? FLAGS_SUB : FLAGS_ADD;
}

void tr_free_eflags(struct tr *t)
{
    bool there = t->s.flags == FLAGS_ADD || t->s.flags == FLAGS_SUB;

    if (there && t->s.again.known)
        t->s.flags = FLAGS_AGAIN;
    else if (t->s.flags != FLAGS_AGAIN && t->s.flags != FLAGS_EITHER)
        tr_save_flags(t);
}

void tr_settle_flags(struct tr *t, uint64_t writes)
{
    struct jit_again *a = &t->s.again;

    if (!a->known || !((BIT(a->n) | (a->is_imm ? 0 : BIT(a->m))) & writes))
        return;
    if (t->s.flags == FLAGS_AGAIN || t->s.flags == FLAGS_EITHER)
        tr_save_flags(t);
    a->known = false;
}
