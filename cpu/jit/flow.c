/* Branches, and what tests NZCV. */
#include "cpu/jit/template.h"
#include "cpu/jit/translate.h"

/* ConditionHolds() after an x86 addition (C is CF) and after a subtraction (C is not CF). */
static const uint8_t after_add[16] = {CC_E, CC_NE, CC_B,  CC_AE, CC_S, CC_NS, CC_O, CC_NO,
                                      0,    0,     CC_GE, CC_L,  CC_G, CC_LE, 0,    0};
static const uint8_t after_sub[16] = {CC_E, CC_NE, CC_AE, CC_B, CC_S, CC_NS, CC_O, CC_NO,
                                      CC_A, CC_BE, CC_GE, CC_L, CC_G, CC_LE, 0,    0};

/* EFLAGS from JIT_FLAGS. */
static void restore_flags(struct tr *t, enum jit_flags kind)
{
    struct x86_code *c = &t->c;

    x86_mov(c, 0, RAX, JIT_FLAGS);
    x86_byte(c, 0x04); /* add al, 0x7f: OF */
    x86_byte(c, 0x7f);
    x86_byte(c, 0x9e); /* sahf */
    if (kind == FLAGS_SUB)
        x86_byte(c, 0xf5); /* cmc */
    t->s.flags = kind;
}

enum x86_cc tr_cond(struct tr *t, unsigned cond)
{
    bool hi = cond >> 1 == 4; /* x86 has it for subtractions only */

    if (t->s.flags == FLAGS_AGAIN)
        tr_again(t);
    if (t->s.flags == FLAGS_CPU || t->s.flags == FLAGS_EITHER)
        tr_save_flags(t);
    if (t->s.flags == FLAGS_ADD && hi) {
        x86_byte(&t->c, 0xf5); /* cmc */
        t->s.flags = FLAGS_SUB;
    }
    if (t->s.flags == FLAGS_SAVED)
        restore_flags(t, hi ? FLAGS_SUB : FLAGS_ADD);
    return (t->s.flags == FLAGS_SUB ? after_sub : after_add)[cond & 15];
}

bool tr_is_branch(enum a64_op op)
{
    return a64_is(op, FACT_DIRECT) || op == A64_BR || op == A64_BLR || op == A64_RET;
}

/* The condition of a conditional branch; @k's own test of a register needs EFLAGS. */
static enum x86_cc branch_cc(struct tr *t, const struct insn *i)
{
    struct x86_code *c = &t->c;
    enum x86_reg r;

    switch (i->op) {
    case A64_CBZ:
    case A64_CBNZ:
        if (tr_is_in_cpu(t, i->rd)) {
            x86_alu_mem_imm(c, ALU_CMP, i->sz, tr_x(i->rd), 0);
        } else {
            r = tr_use(t, i->rd, RAX);
            x86_test(c, i->sz, r, r);
        }
        return i->op == A64_CBZ ? CC_E : CC_NE;
    case A64_TBZ:
    case A64_TBNZ:
        if (tr_is_in_cpu(t, i->rd)) {
            size_t at = offsetof(struct cpu, x) + 8 * (size_t)i->rd + i->mod / 8;
            x86_rm(c, 0xf6, 0, 0, tr_cpu(at)); /* test byte */
            x86_byte(c, 1u << i->mod % 8);
            return i->op == A64_TBZ ? CC_E : CC_NE;
        }
        r = tr_use(t, i->rd, RAX);
        if (i->mod < 31) {
            x86_test_imm(c, 0, r, (int32_t)(1u << i->mod));
            return i->op == A64_TBZ ? CC_E : CC_NE;
        }
        x86_rr(c, 0x0fba, 1, 4, r); /* bt r, imm8 */
        x86_byte(c, i->mod);
        return i->op == A64_TBZ ? CC_AE : CC_B;
    default:
        return tr_cond(t, i->op - A64_B_eq);
    }
}

static void link_register(struct tr *t, unsigned k)
{
    enum x86_reg r = tr_def(t, 30, RAX);

    x86_load(&t->c, RAX, CPU_FIELD(page_va));
    x86_lea(&t->c, 1, r, x86_at(RAX, (t->at[k] + 1) * 4));
    tr_done(t, 30, r);
}

static bool is_near(const struct insn *i)
{
    return (uint64_t)i->imm < PAGE_SIZE;
}

/* Where instruction @k goes if it branches; the code does not come back. */
static void taken(struct tr *t, unsigned k)
{
    const struct insn *i = &t->rec[k];

    if (is_near(i) && (uint64_t)i->imm == t->first * 4ull) {
        tr_loop(t, k + 1);
    } else if (is_near(i)) {
        tr_exit_here(t, k + 1, (unsigned)i->imm >> 2);
    } else {
        tr_settle(t);
        tr_arrive_at(t, k + 1, i->imm);
    }
}

static bool branch(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)arg;
    if (i->op == A64_BL)
        link_register(t, k);
    if (t->next[k] == TR_OUT)
        taken(t, k);
    return true;
}

static bool branch_if(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    enum x86_cc cc = branch_cc(t, i);

    (void)arg;
    if (is_near(i) && (uint64_t)i->imm != t->first * 4ull) {
        tr_exit(t, x86_jcc(&t->c, cc), k + 1, (unsigned)i->imm >> 2);
        return true;
    }
    uint8_t *over = x86_jcc(&t->c, cc ^ 1);
    struct jit_state s = t->s;
    taken(t, k);
    t->s = s;
    x86_bind(&t->c, over);
    return true;
}

/* To where the block goes on, as it nearly always does: behind the BL that the block
 * has come by. */
static bool returns(struct tr *t, unsigned k, const struct insn *i)
{
    enum x86_reg r = tr_use(t, i->rn, RDX);

    x86_load(&t->c, RAX, CPU_FIELD(page_va));
    x86_alu_imm(&t->c, ALU_ADD, 1, RAX, t->next[k] * 4);
    x86_alu(&t->c, ALU_CMP, 1, RAX, r);
    tr_stub(t, STUB_JUMP, k)->from[0] = x86_jcc(&t->c, CC_NE);
    return true;
}

static bool indirect(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    enum x86_reg r;

    (void)arg;
    if (t->next[k] != TR_OUT)
        return returns(t, k, i);
    r = tr_use(t, i->rn, RDX);
    x86_mov(&t->c, 1, RDX, r);
    if (i->op == A64_BLR)
        link_register(t, k);
    tr_settle(t);
    x86_mov(&t->c, 1, RDI, RDX);
    tr_arrive(t, k + 1, t->page + t->at[k]);
    return true;
}

static const struct jit_template rows[] = {
    {A64_B, 0, branch, jit_keeps_flags},
    {A64_BL, 0, branch, jit_keeps_flags},
    {A64_B_eq, 0, branch_if, jit_keeps_flags},
    {A64_B_ne, 0, branch_if, jit_keeps_flags},
    {A64_B_cs, 0, branch_if, jit_keeps_flags},
    {A64_B_cc, 0, branch_if, jit_keeps_flags},
    {A64_B_mi, 0, branch_if, jit_keeps_flags},
    {A64_B_pl, 0, branch_if, jit_keeps_flags},
    {A64_B_vs, 0, branch_if, jit_keeps_flags},
    {A64_B_vc, 0, branch_if, jit_keeps_flags},
    {A64_B_hi, 0, branch_if, jit_keeps_flags},
    {A64_B_ls, 0, branch_if, jit_keeps_flags},
    {A64_B_ge, 0, branch_if, jit_keeps_flags},
    {A64_B_lt, 0, branch_if, jit_keeps_flags},
    {A64_B_gt, 0, branch_if, jit_keeps_flags},
    {A64_B_le, 0, branch_if, jit_keeps_flags},
    {A64_B_al, 0, branch, jit_keeps_flags},
    {A64_B_nv, 0, branch, jit_keeps_flags},
    {A64_CBZ, 0, branch_if, NULL},
    {A64_CBNZ, 0, branch_if, NULL},
    {A64_TBZ, 0, branch_if, NULL},
    {A64_TBNZ, 0, branch_if, NULL},
    {A64_BR, 0, indirect, NULL},
    {A64_BLR, 0, indirect, NULL},
    {A64_RET, 0, indirect, NULL},
};

const struct jit_templates jit_branch = JIT_TEMPLATES(rows);
