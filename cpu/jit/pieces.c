#define _GNU_SOURCE /* mremap() */
#include "cpu/jit/pieces.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/host_memory.h"
#include "cpu/interp_plain.h"
#include "cpu/jit/translate.h"
#include "cpu/jit/vector.h"

#define JIT_ROOM  (UINT64_C(16) << 10) /* at least, before a block is made */
#define JIT_AHEAD (UINT64_C(256) << 10)
#define JIT_MUCH  (UINT64_C(256) << 10) /* of a large page: then it is worth one */

void jit_unpack_flags(struct x86_code *c, unsigned tmp)
{
    enum x86_reg r = (enum x86_reg)tmp;

    x86_mov(c, 1, r, JIT_FLAGS);
    x86_shift(c, SHIFT_SHL, 1, r, 48); /* SF to bit 63 */
    x86_store(c, CPU_FIELD(nf), r);
    x86_mov(c, 0, r, JIT_FLAGS);
    x86_not(c, 0, r);
    x86_alu_imm(c, ALU_AND, 0, r, 0x4000);
    x86_store(c, CPU_FIELD(zf), r);
    x86_mov(c, 0, r, JIT_FLAGS);
    x86_shift(c, SHIFT_SHR, 0, r, 8);
    x86_alu_imm(c, ALU_AND, 0, r, 1);
    x86_store(c, CPU_FIELD(cf), r);
    x86_mov(c, 1, r, JIT_FLAGS);
    x86_shift(c, SHIFT_SHL, 1, r, 63);
    x86_store(c, CPU_FIELD(vf), r);
}

void jit_pack_flags(struct x86_code *c)
{
    x86_load(c, JIT_FLAGS, CPU_FIELD(nf));
    x86_shift(c, SHIFT_SHR, 1, JIT_FLAGS, 63);
    x86_shift(c, SHIFT_SHL, 0, JIT_FLAGS, 15);
    x86_mov_imm(c, RCX, 0);
    x86_alu_mem_imm(c, ALU_CMP, 1, CPU_FIELD(zf), 0);
    x86_setcc(c, CC_E, RCX);
    x86_shift(c, SHIFT_SHL, 0, RCX, 14);
    x86_alu(c, ALU_OR, 0, JIT_FLAGS, RCX);
    x86_load(c, RCX, CPU_FIELD(cf));
    x86_shift(c, SHIFT_SHL, 0, RCX, 8);
    x86_alu(c, ALU_OR, 0, JIT_FLAGS, RCX);
    x86_load(c, RCX, CPU_FIELD(vf));
    x86_shift(c, SHIFT_SHR, 1, RCX, 63);
    x86_alu(c, ALU_OR, 0, JIT_FLAGS, RCX);
}

static void load_left(struct x86_code *c)
{
    x86_load(c, JIT_LEFT, CPU_FIELD(left));
    x86_alu_imm(c, ALU_SUB, 1, JIT_LEFT, JIT_INSNS_MAX);
}

static void store_left(struct x86_code *c)
{
    x86_lea(c, 1, RAX, x86_at(JIT_LEFT, JIT_INSNS_MAX));
    x86_store(c, CPU_FIELD(left), RAX);
}

static void jump_rax(struct x86_code *c)
{
    x86_rr(c, 0xff, 0, 4, RAX);
}

void jit_search(const struct jit *jit, struct x86_code *c)
{
    uint8_t *miss[2];
    int32_t x = (int32_t)offsetof(struct tlb_bank, x);

    _Static_assert(sizeof(struct tlb_x_entry) == 16 && PAGE_SHIFT == 12, "the shift below");
    _Static_assert(sizeof(struct insn) == 24, "six times the offset in the page");
    x86_mov(c, 0, RCX, RDI);
    x86_shift(c, SHIFT_SHR, 0, RCX, PAGE_SHIFT - 4);
    x86_alu_imm(c, ALU_AND, 0, RCX, (TLB_X_SIZE - 1) << 4);
    x86_rm(c, ALU_ADD, 1, RCX, CPU_FIELD(bank));
    x86_mov(c, 1, RDX, RDI);
    x86_alu_imm(c, ALU_AND, 1, RDX, ~(int32_t)(PAGE_MASK & ~UINT64_C(3)));
    x86_rm(c, ALU_CMP, 1, RDX, x86_at(RCX, x + (int32_t)offsetof(struct tlb_x_entry, tag)));
    miss[0] = x86_jcc(c, CC_NE);
    x86_load(c, RCX, x86_at(RCX, x + (int32_t)offsetof(struct tlb_x_entry, page)));
    x86_mov(c, 0, RAX, RDI);
    x86_alu_imm(c, ALU_AND, 0, RAX, PAGE_MASK);
    x86_lea(c, 1, RAX, (struct x86_mem){.base = RAX, .index = RAX, .scale = 1});
    x86_load(c, RAX, (struct x86_mem){.base = RCX, .index = RAX, .scale = 1});
    x86_mov(c, 1, R8, RAX);
    x86_shift(c, SHIFT_SHR, 1, R8, JIT_MEMORY_LOG2);
    x86_alu_imm(c, ALU_CMP, 1, R8, (int32_t)((uintptr_t)jit->rx >> JIT_MEMORY_LOG2));
    miss[1] = x86_jcc(c, CC_NE);
    x86_store(c, CPU_FIELD(page_va), RDX);
    x86_store(c, CPU_FIELD(page), RCX);
    x86_alu_imm(c, ALU_ADD, 1, RAX, JIT_INNER);
    jump_rax(c);
    x86_bind(c, miss[0]);
    x86_bind(c, miss[1]);
}

/* RDI: where to go on, and by no BR, BLR or RET. */
static uint8_t *make_search(struct jit *jit, struct x86_code *c)
{
    uint8_t *p = c->p;

    x86_test(c, 1, JIT_LEFT, JIT_LEFT);
    uint8_t *short_ = x86_jcc(c, CC_S);
    jit_search(jit, c);
    x86_bind(c, short_);
    x86_mov(c, 1, RDX, RDI);
    x86_mov_imm(c, RSI, 0);
    x86_bind_to(c, x86_jmp(c), jit->arrive);
    return p;
}

/* From C into the function of a record, and back from wherever that ends. */
static void make_enter(struct jit *jit, struct x86_code *c)
{
    static const uint8_t saved[] = {RBX, RBP, R12, R13, R14, R15};

    jit->enter = (exec_fn *)(uintptr_t)(jit->rx + (c->p - jit->rw));
    for (unsigned k = 0; k < sizeof(saved); k++) {
        x86_rex(c, 0, 0, 0, saved[k], false);
        x86_byte(c, 0x50u | (saved[k] & 7u));
    }
    x86_alu_imm(c, ALU_SUB, 1, RSP, 8);
    x86_rm(c, 0xff, 0, 2, x86_at(RSI, 0)); /* call [rsi] */
    x86_alu_imm(c, ALU_ADD, 1, RSP, 8);
    for (unsigned k = sizeof(saved); k-- > 0;) {
        x86_rex(c, 0, 0, 0, saved[k], false);
        x86_byte(c, 0x58u | (saved[k] & 7u));
    }
    x86_byte(c, 0xc3);
}

/* RDI and RSI: a record's function is called with them; RAX: where its block goes on. Within a
 * block the stack is as a call wants it. A block that does not fit is left to the dispatcher. */
static void make_entry(struct jit *jit, struct x86_code *c)
{
    jit->entry = c->p;
    x86_alu_imm(c, ALU_SUB, 1, RSP, 8);
    x86_lea(c, 1, CPU, x86_at(RDI, JIT_BIAS));
    x86_rm(c, ALU_CMP, 1, RSI, CPU_FIELD(counted));
    uint8_t *counted = x86_jcc(c, CC_E);
    x86_mov(c, 1, R12, RAX);
    x86_mov(c, 1, R13, RSI);
    tr_call_c(c, (uintptr_t)interp_count_upto);
    x86_mov(c, 1, RAX, R12);
    x86_mov(c, 1, RSI, R13);
    x86_bind(c, counted);
    load_left(c);
    jit_pack_flags(c);
    x86_test(c, 1, JIT_LEFT, JIT_LEFT);
    uint8_t *short_ = x86_jcc(c, CC_S);
    x86_rr(c, 0xff, 0, 4, RAX);
    x86_bind(c, short_);
    x86_lea(c, 1, RDX, x86_at(JIT_LEFT, JIT_INSNS_MAX));
    x86_rm(c, ALU_CMP, 1, RDX,
           x86_at(RAX, (int32_t)offsetof(struct jit_front, insns) - JIT_INNER -
                           (int32_t)sizeof(struct jit_front)));
    uint8_t *pause = x86_jcc(c, CC_L);
    x86_rr(c, 0xff, 0, 4, RAX);
    x86_bind_to(c, pause, jit->pause);
}

void jit_emit_entry(const struct jit *jit, struct x86_code *c)
{
    static const uint8_t lea[] = {0x48, 0x8d, 0x05, JIT_INNER - 7, 0, 0, 0}; /* lea rax, [rip+] */
    const uint8_t *end = c->p + JIT_INNER;

    x86_bytes(c, lea, sizeof(lea));
    x86_bind_to(c, x86_jmp(c), jit->entry);
    while (c->p < end && !c->full)
        x86_byte(c, 0xcc);
}

/* RSI, RDX, RCX: the last arguments of @fn. Registers of the guest are in the CPU; the flags are
 * also, when it comes back. */
static uint8_t *make_exec(struct x86_code *c, jit_exec_fn *fn)
{
    uint8_t *p = c->p;

    x86_alu_imm(c, ALU_SUB, 1, RSP, 8);
    jit_unpack_flags(c, RDI);
    store_left(c);
    tr_pass_cpu(c);
    tr_call_c(c, (uintptr_t)fn);
    x86_alu_imm(c, ALU_ADD, 1, RSP, 8);
    load_left(c);
    x86_test(c, 0, RAX, RAX);
    uint8_t *leave = x86_jcc(c, CC_NE);
    x86_byte(c, 0xc3);
    x86_bind(c, leave);
    x86_alu_imm(c, ALU_ADD, 1, RSP, 16);
    tr_pass_cpu(c);
    x86_mov(c, 0, RSI, RAX);
    x86_mov_imm(c, RAX, (uintptr_t)jit_leave);
    jump_rax(c);
    return p;
}

/* Out of a block to @fn, for good. RSI, RDX: its arguments. */
static uint8_t *make_out(struct x86_code *c, uintptr_t fn)
{
    uint8_t *p = c->p;

    jit_unpack_flags(c, RAX);
    store_left(c);
    x86_alu_imm(c, ALU_ADD, 1, RSP, 8);
    tr_pass_cpu(c);
    x86_mov_imm(c, RAX, fn);
    jump_rax(c);
    return p;
}

/* RSI: an argument of @fn, which says where to go. */
static uint8_t *make_cross(struct x86_code *c, jit_cross_fn *fn)
{
    uint8_t *p = c->p;

    store_left(c);
    tr_pass_cpu(c);
    x86_mov(c, 0, RDX, JIT_FLAGS);
    tr_call_c(c, (uintptr_t)fn);
    x86_mov(c, 0, JIT_FLAGS, RDX);
    load_left(c);
    jump_rax(c);
    return p;
}

const uint8_t *jit_crossing(const struct jit *jit, enum a64_op op)
{
    switch (op) {
    case A64_SVC:
        return jit->cross_svc;
    case A64_HVC:
        return jit->cross_hvc;
    case A64_ERET:
        return jit->cross_eret;
    default:
        return jit->cross;
    }
}

/* At a multiple of its size, so that one comparison tells its addresses from others. */
static uint8_t *reserve(void)
{
    uint8_t *p = mmap(NULL, 2 * JIT_MEMORY, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (p == MAP_FAILED)
        return p;
    uint8_t *at = (uint8_t *)(((uintptr_t)p + JIT_MEMORY - 1) & ~(JIT_MEMORY - 1));
    if (at > p)
        munmap(p, (size_t)(at - p));
    munmap(at + JIT_MEMORY, (size_t)(p + JIT_MEMORY - at));
    return at;
}

/* Fresh memory at both views: of an old size of 0 mremap() makes another one. It has no file, as
 * perf looks for names only of code that has none (--perf-map), and nothing gets executable that
 * was not: a host may forbid that. */
static bool map(struct jit *jit)
{
    const int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;

    return mmap(jit->rx, jit->size, PROT_READ | PROT_EXEC, flags, -1, 0) != MAP_FAILED &&
           mremap(jit->rx, 0, jit->size, MREMAP_MAYMOVE | MREMAP_FIXED, jit->rw) != MAP_FAILED &&
           mprotect(jit->rw, jit->size, PROT_READ | PROT_WRITE) == 0;
}

static bool prepare(struct jit *jit)
{
    jit->size = JIT_MEMORY;
    jit->rw = reserve();
    jit->rx = reserve();
    jit->ours = mmap(NULL, PAGE_SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return jit->rw != MAP_FAILED && jit->rx != MAP_FAILED && jit->ours != MAP_FAILED &&
           madvise(jit->ours, PAGE_SIZE, MADV_WIPEONFORK) == 0;
}

/* Much code is in large pages of the host, in both views (docs/decisions/116). */
static void enlarge(const struct jit *jit, size_t used, struct jit_pages *p, size_t end)
{
    if (p->large == end || used < p->large + JIT_MUCH)
        return;
    size_t from = p->large;
    p->large += HOST_LARGE_PAGE;
    if (host_memory_collapse(jit->rw + from, HOST_LARGE_PAGE) &&
        host_memory_collapse(jit->rx + from, HOST_LARGE_PAGE) && p->there < p->large)
        p->there = p->large;
}

/* Many pages at once cost much less than as many faults in either view. A host that cannot do it
 * (before Linux 5.14) has the faults. */
static void look_ahead(const struct jit *jit, size_t used, struct jit_pages *p, size_t end)
{
    enlarge(jit, used, p, end);
    if (p->there >= used + JIT_ROOM || p->there == end)
        return;
    size_t size = end - p->there < JIT_AHEAD ? end - p->there : JIT_AHEAD;
    madvise(jit->rw + p->there, size, MADV_POPULATE_WRITE);
    madvise(jit->rx + p->there, size, MADV_POPULATE_READ);
    p->there += size;
}

void jit_look_ahead(struct jit *jit)
{
    look_ahead(jit, jit->used, &jit->usual, JIT_COLD);
    look_ahead(jit, jit->cold, &jit->rare, jit->size);
}

void jit_empty(struct jit *jit)
{
    jit->used = jit->start;
    jit->cold = JIT_COLD;
    jit->limit = jit->size;
}

static void make(struct jit *jit)
{
    jit->constants = jit->rw; /* aligned */
    memcpy(jit->constants, jit_constants, sizeof(jit_constants));
    struct x86_code c = {.p = jit->rw + sizeof(jit_constants), .end = jit->rw + jit->size};
    make_enter(jit, &c);
    jit->exec = make_exec(&c, jit_exec);
    jit->exec_exact = make_exec(&c, jit_exec_exact);
    jit->pause = make_out(&c, (uintptr_t)jit_pause);
    jit->follow = make_out(&c, (uintptr_t)jit_follow);
    jit->arrive = make_out(&c, (uintptr_t)jit_arrive);
    jit->search = make_search(jit, &c);
    jit->record = make_out(&c, (uintptr_t)jit_record);
    jit->trap = make_out(&c, (uintptr_t)jit_trap);
    jit->one = make_out(&c, (uintptr_t)jit_one);
    jit->cross = make_cross(&c, jit_cross);
    jit->cross_svc = make_cross(&c, jit_cross_svc);
    jit->cross_hvc = make_cross(&c, jit_cross_hvc);
    jit->cross_eret = make_cross(&c, jit_cross_eret);
    jit->stop = make_out(&c, (uintptr_t)jit_stop);
    jit->resume = make_out(&c, (uintptr_t)jit_resume);
    make_entry(jit, &c);
    jit->start = (size_t)(c.p - jit->rw);
    jit->usual = (struct jit_pages){.there = align_up(jit->start, PAGE_SIZE)};
    jit->rare = (struct jit_pages){.there = JIT_COLD, .large = JIT_COLD};
    jit_empty(jit);
    *jit->ours = 1;
}

bool jit_make_pieces(struct jit *jit)
{
    return prepare(jit) && jit_make_pieces_again(jit);
}

bool jit_make_pieces_again(struct jit *jit)
{
    if (!map(jit))
        return false;
    make(jit);
    return true;
}

void jit_unmap(struct jit *jit)
{
    if (jit->rw != MAP_FAILED)
        munmap(jit->rw, jit->size);
    if (jit->rx != MAP_FAILED)
        munmap(jit->rx, jit->size);
    if (jit->ours != MAP_FAILED)
        munmap(jit->ours, PAGE_SIZE);
}
