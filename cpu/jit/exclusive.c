/* LDXR, STXR and their kin of one register, cpu/exec/ldst_excl.c: aligned, in L1, and in the bank
 * of RAM that is the largest. */
#include "cpu/jit/template.h"
#include "cpu/jit/translate.h"

static const struct ram_bank *largest_bank(const struct physmem *mem)
{
    const struct ram_bank *best = &mem->banks[0];

    for (unsigned k = 1; k < mem->bank_count; k++)
        if (mem->banks[k].size > best->size)
            best = &mem->banks[k];
    return best;
}

/* RAX: the host's address, RDX: the physical one. Into @slow, whose from[*@jumps] is free, if L1
 * has not got it. */
static void locate(struct tr *t, struct stub *slow, unsigned *jumps, enum x86_reg base,
                   unsigned size, enum tr_access a)
{
    struct x86_code *c = &t->c;

    x86_mov(c, 1, RAX, base);
    tr_look_up(t, slow, (*jumps)++, size, a);
    x86_mov_imm(c, RCX, (uintptr_t)largest_bank(t->cpu->mem));
    x86_mov(c, 1, RDX, RAX);
    x86_rm(c, ALU_SUB, 1, RDX, x86_at(RCX, (int32_t)offsetof(struct ram_bank, host)));
    x86_rm(c, ALU_CMP, 1, RDX, x86_at(RCX, (int32_t)offsetof(struct ram_bank, size)));
    slow->from[(*jumps)++] = x86_jcc(c, CC_AE);
    x86_rm(c, ALU_ADD, 1, RDX, x86_at(RCX, (int32_t)offsetof(struct ram_bank, base)));
}

static void leave_if_misaligned(struct tr *t, struct stub *slow, unsigned *jumps,
                                const struct insn *i, enum x86_reg base, unsigned size)
{
    if (i->rn != REG_SP && size == 1)
        return;
    x86_test_imm(&t->c, 0, base, i->rn == REG_SP ? 15 : (int32_t)size - 1);
    slow->from[(*jumps)++] = x86_jcc(&t->c, CC_NE);
}

/* mov byte [m], v; cmp byte [m], v */
static void store_byte(struct tr *t, struct x86_mem m, unsigned v)
{
    x86_rm(&t->c, 0xc6, 0, 0, m);
    x86_byte(&t->c, v);
}

static void compare_byte(struct tr *t, struct x86_mem m, unsigned v)
{
    x86_rm(&t->c, 0x80, 0, 7, m);
    x86_byte(&t->c, v);
}

/* arg: log2 of the size. */
static bool load(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    unsigned size = 1u << arg, jumps = 0;
    enum x86_reg base = tr_use(t, i->rn, RAX);
    struct stub *slow = tr_stub(t, STUB_EXEC, k);

    leave_if_misaligned(t, slow, &jumps, i, base, size);
    locate(t, slow, &jumps, base, size, TR_LOAD);
    x86_store(&t->c, CPU_FIELD(excl_pa), RDX);
    store_byte(t, CPU_FIELD(excl_valid), 1);
    store_byte(t, CPU_FIELD(excl_size), size);
    enum x86_reg d = tr_def(t, i->rd, RDX);
    x86_load_sized(&t->c, size, false, 0, d, x86_at(RAX, 0));
    if (t->jit->parallel)
        x86_store(&t->c, CPU_FIELD(excl_value), d);
    tr_done(t, i->rd, d);
    tr_come_back(t, slow);
    return true;
}

/* The store at RAX, which the monitor passes: of CPUs that run at the same time if there is what
 * the load has read. *@fail: the jump if not, else NULL. */
static void store_exclusive(struct tr *t, const struct insn *i, unsigned size, uint8_t **fail)
{
    struct x86_code *c = &t->c;

    *fail = NULL;
    if (!t->jit->parallel) {
        x86_to_memory(c, 0x88, size, tr_use(t, i->rd, RCX), x86_at(RAX, 0));
        return;
    }
    x86_mov(c, 1, RCX, RAX);
    x86_load(c, RAX, CPU_FIELD(excl_value));
    enum x86_reg d = tr_use(t, i->rd, RDX);
    tr_lock(t);
    x86_to_memory(c, 0x0fb0, size, d, x86_at(RCX, 0)); /* cmpxchg */
    *fail = x86_jcc(c, CC_NE);
}

static bool store(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = 1u << arg, jumps = 0;
    enum x86_reg base = tr_use(t, i->rn, RAX);
    uint8_t *fails[4];

    tr_touch(t, i->rd);
    struct stub *slow = tr_stub(t, STUB_EXEC, k);
    leave_if_misaligned(t, slow, &jumps, i, base, size);
    tr_leave_if_wanted(t, slow, &jumps, ARM_EVENT_EXCLUSIVE);
    compare_byte(t, CPU_FIELD(excl_valid), 0);
    fails[0] = x86_jcc(c, CC_E);
    locate(t, slow, &jumps, base, size, TR_STORE);
    store_byte(t, CPU_FIELD(excl_valid), 0);
    x86_rm(c, ALU_CMP, 1, RDX, CPU_FIELD(excl_pa));
    fails[1] = x86_jcc(c, CC_NE);
    compare_byte(t, CPU_FIELD(excl_size), size);
    fails[2] = x86_jcc(c, CC_NE);
    store_exclusive(t, i, size, &fails[3]);
    x86_mov_imm(c, RAX, 0);
    uint8_t *done = x86_jmp(c);
    for (unsigned n = 0; n < ARRAY_SIZE(fails) && fails[n]; n++)
        x86_bind(c, fails[n]);
    x86_mov_imm(c, RAX, 1);
    x86_bind(c, done);
    tr_done(t, i->rm, RAX);
    tr_come_back(t, slow);
    return true;
}

#define SIZES(name, emit)                                                                          \
    {A64_##name##B, 0, emit, NULL}, {A64_##name##H, 1, emit, NULL},                                \
        {A64_##name##_w, 2, emit, NULL},                                                           \
    {                                                                                              \
        A64_##name##_x, 3, emit, NULL                                                              \
    }

static const struct jit_template rows[] = {
    SIZES(LDXR, load),
    SIZES(LDAXR, load),
    SIZES(STXR, store),
    SIZES(STLXR, store),
};

const struct jit_templates jit_exclusive = JIT_TEMPLATES(rows);
