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

/* RAX: the host's address. Into @slow if the address is misaligned, or L1 has not got it: by the
 * last of its jumps, as a site has none; one more may follow. */
static void locate(struct tr *t, struct stub *slow, unsigned *jumps, const struct insn *i,
                   unsigned size, unsigned a)
{
    struct x86_code *c = &t->c;
    enum x86_reg base = tr_use(t, i->rn, RAX);

    if (i->rn == REG_SP) {
        x86_test_imm(c, 0, base, 15);
        slow->from[(*jumps)++] = x86_jcc(c, CC_NE);
    }
    x86_mov(c, 1, RAX, base);
    tr_look_up(t, slow, *jumps + 1, size, a | TR_ALIGNED);
}

/* RDX: the physical address of the byte at RAX. Into @slow if it is not in that bank. */
static void find_physical(struct tr *t, struct stub *slow, unsigned *jumps)
{
    struct x86_code *c = &t->c;

    x86_mov_imm(c, RCX, (uintptr_t)largest_bank(t->cpu->mem));
    x86_mov(c, 1, RDX, RAX);
    x86_rm(c, ALU_SUB, 1, RDX, x86_at(RCX, (int32_t)offsetof(struct ram_bank, host)));
    x86_rm(c, ALU_CMP, 1, RDX, x86_at(RCX, (int32_t)offsetof(struct ram_bank, size)));
    slow->from[(*jumps)++] = x86_jcc(c, CC_AE);
    x86_rm(c, ALU_ADD, 1, RDX, x86_at(RCX, (int32_t)offsetof(struct ram_bank, base)));
}

/* excl_valid and excl_size: a monitor of @size bytes that is set. */
#define MONITOR(size) (1u | (size) << 8)

_Static_assert(offsetof(struct cpu, excl_size) == offsetof(struct cpu, excl_valid) + 1,
               "both at once");

/* arg: log2 of the size. */
static bool load(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = 1u << arg, jumps = 0;

    tr_touch(t, i->rn);
    struct stub *slow = tr_stub(t, STUB_EXEC, k);
    locate(t, slow, &jumps, i, size, TR_LOAD);
    find_physical(t, slow, &jumps);
    x86_store(c, CPU_FIELD(excl_pa), RDX);
    x86_store(c, CPU_FIELD(excl_host), RAX);
    x86_mov_imm(c, RDX, MONITOR(size));
    x86_to_memory(c, 0x88, 2, RDX, CPU_FIELD(excl_valid)); /* mov */
    enum x86_reg d = tr_def(t, i->rd, RDX);
    x86_load_sized(c, size, false, 0, d, x86_at(RAX, 0));
    if (t->jit->parallel)
        x86_store(c, CPU_FIELD(excl_value), d);
    tr_done(t, i->rd, d);
    tr_come_back(t, slow);
    return true;
}

/* The store at RAX, which the monitor passes, and RAX = the status. Of CPUs that run at the same
 * time it is made if there is what the load has read. */
static void store_exclusive(struct tr *t, const struct insn *i, unsigned size)
{
    struct x86_code *c = &t->c;

    if (!t->jit->parallel) {
        x86_to_memory(c, 0x88, size, tr_use(t, i->rd, RCX), x86_at(RAX, 0));
        x86_mov_imm(c, RAX, 0);
        return;
    }
    x86_mov(c, 1, RCX, RAX);
    x86_load(c, RAX, CPU_FIELD(excl_value));
    enum x86_reg d = tr_use(t, i->rd, RDX);
    tr_lock(t);
    x86_to_memory(c, 0x0fb0, size, d, x86_at(RCX, 0)); /* cmpxchg */
    x86_setcc(c, CC_NE, RAX);
    x86_movzx(c, 1, RAX, RAX);
}

/* One that the monitor does not pass is the exec_ function's. */
static bool store(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    unsigned size = 1u << arg, jumps = 0;

    tr_touch(t, i->rn);
    tr_touch(t, i->rd);
    struct stub *slow = tr_stub(t, STUB_EXEC, k);
    tr_leave_if_wanted(t, slow, &jumps, ARM_EVENT_EXCLUSIVE);
    x86_mov_imm(c, RDX, MONITOR(size));
    x86_rm_prefixed(c, 0x66, ALU_CMP, 0, RDX, CPU_FIELD(excl_valid), false);
    slow->from[jumps++] = x86_jcc(c, CC_NE);
    locate(t, slow, &jumps, i, size, TR_STORE);
    x86_rm(c, ALU_CMP, 1, RAX, CPU_FIELD(excl_host));
    slow->from[jumps++] = x86_jcc(c, CC_NE);
    x86_rm(c, 0xc6, 0, 0, CPU_FIELD(excl_valid)); /* mov byte, 0 */
    x86_byte(c, 0);
    store_exclusive(t, i, size);
    tr_done(t, i->rm, RAX);
    tr_come_back(t, slow);
    return true;
}

unsigned tr_exclusive_bytes(const struct tr *t, unsigned k)
{
    const struct jit_template *row = t->jit->template[t->rec[k].op];

    return row && (row->emit == load || row->emit == store) ? 1u << row->arg : 0;
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
