/* Where a block has the guest's registers and flags. */
#include "cpu/jit/pieces.h"
#include "cpu/jit/translate.h"

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
        x86_load(&t->c, (enum x86_reg)t->host[g], tr_x(g));
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

/* JIT_FLAGS is what LAHF leaves in AX, SF ZF - AF - PF 1 CF above, and V below. */
void tr_save_flags(struct tr *t)
{
    struct x86_code *c = &t->c;

    if (t->s.flags == FLAGS_SAVED)
        return;
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
