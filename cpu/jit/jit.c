#define _GNU_SOURCE /* memfd_create() */
#include "cpu/jit/jit.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cpu/execute.h"
#include "cpu/interp_plain.h"
#include "cpu/jit/translate.h"

#define JIT_MEMORY   (64u << 20)
#define JIT_HOT      8  /* arrivals after which a record is translated */
#define JIT_SAMPLING 16 /* runs of the plain loop between two samples */

/* jit_exec()'s answer beside enum exec_result: retired, but what stands behind has been killed. */
#define JIT_DEAD 0x100

static unsigned jit_exec(struct cpu *cpu, const struct insn *i, const struct jit_block *b)
{
    enum exec_result r = exec_fns[i->op](cpu, i);

    if (unlikely(cpu->counted != b->head)) {
        cpu->left += cpu->counted - b->head;
        cpu->counted = b->head;
    }
    if (likely(r == EXEC_NEXT && !b->dead))
        return 0;
    cpu->resume = i;
    return r == EXEC_NEXT ? JIT_DEAD : r;
}

static enum exec_result jit_leave(struct cpu *cpu, unsigned r)
{
    const struct insn *i = cpu->resume;

    return r == JIT_DEAD ? interp_go_on(cpu, i + 1) : interp_leave(cpu, i, (enum exec_result)r);
}

static enum exec_result jit_pause(struct cpu *cpu, const struct insn *i)
{
    cpu->pc = insn_pc(cpu, i);
    return interp_pause(cpu);
}

void jit_seen(struct cpu *cpu, const struct insn *i)
{
    struct jit *jit = cpu->jit;

    if (likely(jit_is_block(jit, i)))
        return;
    uint8_t *heat = &jit->heat[(uintptr_t)i / sizeof(*i) % sizeof(jit->heat)];
    if (++*heat >= JIT_HOT) {
        *heat = 0;
        jit_translate(cpu, i);
    }
}

/* Go on at cpu->pc. */
static enum exec_result arrive(struct cpu *cpu)
{
    const struct insn *next = interp_arrive(cpu);

    if (!next)
        return interp_pause(cpu);
    jit_seen(cpu, next);
    return interp_go_on(cpu, next);
}

enum exec_result jit_far(struct cpu *cpu, const struct insn *i)
{
    cpu->left -= i + 1 - cpu->counted;
    cpu->pc = insn_target(cpu, i);
    return arrive(cpu);
}

enum exec_result jit_indirect(struct cpu *cpu, const struct insn *i)
{
    (void)exec_fns[i->op](cpu, i);
    cpu->left -= i + 1 - cpu->counted;
    cpu->pc = cpu_branch_addr(cpu, cpu->pc);
    return arrive(cpu);
}

/* jmp [rsi], which is where a block is to go that has found one. */
static const uint8_t jmp_rsi[] = {0xff, 0x26};

static enum exec_result jit_follow(struct cpu *cpu, const struct insn *i, struct jit_edge *e)
{
    jit_seen(cpu, i);
    if (jit_is_block(cpu->jit, i))
        memcpy(e->jump, jmp_rsi, sizeof(jmp_rsi));
    return interp_go_on(cpu, i);
}

/* ---- memory ---- */

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

/* Called by a block: the stack is then aligned as a call wants it. */
static void make_exec(struct jit *jit, struct x86_code *c)
{
    jit->exec = c->p;
    x86_mov(c, 1, RDI, CPU);
    x86_mov_imm(c, RAX, (uintptr_t)jit_exec);
    x86_rr(c, 0xff, 0, 2, RAX);
    x86_test(c, 0, RAX, RAX);
    uint8_t *leave = x86_jcc(c, CC_NE);
    x86_byte(c, 0xc3);
    x86_bind(c, leave);
    x86_alu_imm(c, ALU_ADD, 1, RSP, 8);
    x86_mov(c, 1, RDI, CPU);
    x86_mov(c, 0, RSI, RAX);
    x86_mov_imm(c, RAX, (uintptr_t)jit_leave);
    x86_rr(c, 0xff, 0, 4, RAX);
}

static uint8_t *make_jump(struct x86_code *c, uintptr_t fn)
{
    uint8_t *p = c->p;

    x86_mov(c, 1, RDI, CPU);
    x86_mov_imm(c, RAX, fn);
    x86_rr(c, 0xff, 0, 4, RAX);
    return p;
}

static bool map(struct jit *jit)
{
    int fd = memfd_create("armillary-jit", MFD_CLOEXEC);

    jit->size = JIT_MEMORY;
    jit->rw = jit->rx = MAP_FAILED;
    if (fd < 0)
        return false;
    if (ftruncate(fd, (off_t)jit->size) == 0) {
        jit->rw = mmap(NULL, jit->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        jit->rx = mmap(NULL, jit->size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    }
    close(fd);
    return jit->rw != MAP_FAILED && jit->rx != MAP_FAILED;
}

#ifdef __x86_64__
/* LZCNT is BSR where it is not, without a fault. */
static bool has_lzcnt(void)
{
    unsigned a, b, c, d;

    return __get_cpuid(0x80000001, &a, &b, &c, &d) && c & bit_LZCNT;
}
#endif

struct jit *jit_create(void)
{
#ifdef __x86_64__
    struct jit *jit = calloc(1, sizeof(*jit));

    if (!jit)
        return NULL;
    if (!has_lzcnt() || !map(jit)) {
        jit_destroy(jit);
        return NULL;
    }
    struct x86_code c = {.p = jit->rw, .end = jit->rw + jit->size};
    make_enter(jit, &c);
    make_exec(jit, &c);
    jit->pause = make_jump(&c, (uintptr_t)jit_pause);
    jit->follow = make_jump(&c, (uintptr_t)jit_follow);
    jit_templates(jit->template);
    jit->start = jit->used = (size_t)(c.p - jit->rw);
    jit->limit = jit->size;
    return jit;
#else
    return NULL;
#endif
}

void jit_destroy(struct jit *jit)
{
    if (!jit)
        return;
    if (jit->rw != MAP_FAILED)
        munmap(jit->rw, jit->size);
    if (jit->rx != MAP_FAILED)
        munmap(jit->rx, jit->size);
    free(jit);
}

/* ---- the life of blocks ---- */

const struct code_engine jit_engine = {
    .fresh = exec_decode, .page_end = exec_page_end, .kill = jit_kill};

static void kill_block(struct jit_block *b)
{
    b->dead = 1;
    b->head->fn = interp_plain_fn(b->head->op);
}

void jit_kill(struct code_page *page, unsigned first, unsigned last)
{
    struct jit_block **link = &page->blocks;

    while (*link) {
        struct jit_block *b = *link;
        if (b->first > last || b->first + b->insns <= first) {
            link = &b->next;
            continue;
        }
        kill_block(b);
        *link = b->next;
    }
}

void jit_sample(struct cpu *cpu, const struct insn *i)
{
    struct jit *jit = cpu->jit;

    if (unlikely(jit->full)) {
        code_cache_each(cpu->code, jit_kill);
        jit->used = jit->start;
        jit->limit = jit->size;
        jit->full = false;
    }
    if (++jit->sampled % JIT_SAMPLING == 0)
        jit_translate(cpu, i);
}
