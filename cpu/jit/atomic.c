/* FEAT_LSE, cpu/exec/atomics.c: aligned, and in L1 as a store is. Where CPUs take turns nothing
 * is locked. */
#include "cpu/jit/template.h"
#include "cpu/jit/translate.h"

/* arg: log2 of the size, and the operation. */
enum { SIZE = 3, OPERATION = 4 /* shift */ };
enum { OP_ADD, OP_CLR, OP_EOR, OP_SET, OP_SWP, OP_CAS };

/* RAX: the host's address. */
static struct stub *begin(struct tr *t, unsigned k, const struct insn *i, unsigned size)
{
    struct x86_code *c = &t->c;
    unsigned jumps = 0;
    enum x86_reg base = tr_use(t, i->rn, RAX);

    tr_touch(t, i->rm);
    tr_touch(t, i->rd);
    struct stub *slow = tr_stub(t, STUB_EXEC, k);
    if (i->rn == REG_SP) {
        x86_test_imm(c, 0, base, 15);
        slow->from[jumps++] = x86_jcc(c, CC_NE);
    }
    x86_mov(c, 1, RAX, base);
    tr_look_up(t, slow, jumps, size, TR_STORE | TR_ALIGNED);
    return slow;
}

/* CPUs run at the same time: what the host has as one access. The others are loops, of C. */
static bool locked(struct tr *t, unsigned k, const struct insn *i, unsigned size, unsigned op)
{
    if (op != OP_ADD && op != OP_SWP)
        return false;
    struct stub *slow = begin(t, k, i, size);
    x86_mov(&t->c, 1, RDX, tr_use(t, i->rm, RCX));
    tr_lock(t);
    x86_to_memory(&t->c, op == OP_ADD ? 0x0fc0 : 0x86, size, RDX, x86_at(RAX, 0)); /* xadd, xchg */
    if (size < 8)
        x86_movzx(&t->c, size, RDX, RDX);
    tr_done(t, i->rd, RDX);
    tr_come_back(t, slow);
    return true;
}

/* RDX is what is loaded. It is not loaded twice: the next access to it waits for each store. */
static bool atomic(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    static const uint8_t alu[] = {ALU_ADD, ALU_AND, ALU_XOR, ALU_OR};
    unsigned size = 1u << (arg & SIZE), op = arg >> OPERATION;
    if (t->jit->parallel)
        return locked(t, k, i, size, op);
    struct stub *slow = begin(t, k, i, size);
    enum x86_reg m = tr_use(t, i->rm, RCX);

    x86_load_sized(&t->c, size, false, 0, RDX, x86_at(RAX, 0));
    if (op != OP_SWP) {
        x86_mov(&t->c, 1, RCX, m);
        if (op == OP_CLR)
            x86_not(&t->c, 1, RCX);
        x86_alu(&t->c, alu[op], 1, RCX, RDX);
        m = RCX;
    }
    x86_to_memory(&t->c, 0x88, size, m, x86_at(RAX, 0)); /* mov */
    tr_done(t, i->rd, RDX);
    tr_come_back(t, slow);
    return true;
}

/* CPUs run at the same time: RAX is what is loaded. */
static void locked_compare_and_swap(struct tr *t, const struct insn *i, unsigned size)
{
    struct x86_code *c = &t->c;
    enum x86_reg r;

    x86_mov(c, 1, RCX, RAX);
    r = tr_use(t, i->rm, RAX);
    x86_mov(c, 1, RAX, r);
    r = tr_use(t, i->rd, RDX);
    tr_lock(t);
    x86_to_memory(c, 0x0fb0, size, r, x86_at(RCX, 0)); /* cmpxchg */
    if (size < 8)
        x86_movzx(c, size, RAX, RAX);
    tr_done(t, i->rm, RAX);
}

/* What is stored does not wait for what is loaded: the host expects that they compare as the last
 * time. */
static bool compare_and_swap(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned size = 1u << (arg & SIZE);
    struct stub *slow = begin(t, k, i, size);
    struct x86_code *c = &t->c;

    if (t->jit->parallel) {
        locked_compare_and_swap(t, i, size);
        tr_come_back(t, slow);
        return true;
    }
    enum x86_reg expected = tr_use(t, i->rm, RCX);
    x86_load_sized(c, size, false, 0, RDX, x86_at(RAX, 0));
    if (size < 4) {
        x86_movzx(c, size, RCX, expected);
        expected = RCX;
    }
    x86_alu(c, ALU_CMP, size == 8, expected, RDX);
    uint8_t *other = x86_jcc(c, CC_NE);
    x86_to_memory(c, 0x88, size, tr_use(t, i->rd, RCX), x86_at(RAX, 0)); /* mov */
    x86_bind(c, other);
    tr_done(t, i->rm, RDX);
    tr_come_back(t, slow);
    return true;
}

/* Of 64-bit registers. */
static bool compare_and_swap_pair(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    uint8_t *other[2];

    (void)arg;
    if (t->jit->parallel || i->rm == 30 || i->rd == 30) /* one access; or a half is XZR */
        return false;
    tr_touch(t, i->rm + 1u);
    tr_touch(t, i->rd + 1u);
    struct stub *slow = begin(t, k, i, 16);
    for (unsigned h = 0; h < 2; h++) {
        x86_rm(c, ALU_CMP, 1, tr_use(t, i->rm + h, RCX), x86_at(RAX, 8 * (int32_t)h));
        other[h] = x86_jcc(c, CC_NE);
    }
    for (unsigned h = 0; h < 2; h++)
        x86_store(c, x86_at(RAX, 8 * (int32_t)h), tr_use(t, i->rd + h, RCX));
    uint8_t *same = x86_jmp(c);
    x86_bind(c, other[0]);
    x86_bind(c, other[1]);
    for (unsigned h = 0; h < 2; h++) {
        enum x86_reg d = tr_def(t, i->rm + h, RCX);
        x86_load(c, d, x86_at(RAX, 8 * (int32_t)h));
        tr_done(t, i->rm + h, d);
    }
    x86_bind(c, same);
    tr_come_back(t, slow);
    return true;
}

unsigned tr_atomic_bytes(const struct tr *t, unsigned k)
{
    const struct jit_template *row = t->jit->template[t->rec[k].op];
    bool is_one = row && (row->emit == atomic || row->emit == compare_and_swap);

    return is_one ? 1u << (row->arg & SIZE) : 0;
}

#define ROWS(name, op, emit)                                                                       \
    {A64_##name##B, 0 | (op) << OPERATION, emit, NULL},                                            \
        {A64_##name##H, 1 | (op) << OPERATION, emit, NULL},                                        \
        {A64_##name##_w, 2 | (op) << OPERATION, emit, NULL},                                       \
    {                                                                                              \
        A64_##name##_x, 3 | (op) << OPERATION, emit, NULL                                          \
    }

static const struct jit_template rows[] = {
    ROWS(LDADD, OP_ADD, atomic),
    ROWS(LDCLR, OP_CLR, atomic),
    ROWS(LDEOR, OP_EOR, atomic),
    ROWS(LDSET, OP_SET, atomic),
    ROWS(SWP, OP_SWP, atomic),
    ROWS(CAS, OP_CAS, compare_and_swap),
    {A64_CASP_x, 0, compare_and_swap_pair, NULL},
};

const struct jit_templates jit_atomic = JIT_TEMPLATES(rows);
