#include "cpu/jit/jit.h"

#ifdef __x86_64__
#include <cpuid.h>
#endif
#include <stdlib.h>

#include "base/log.h"
#include "cpu/accessors.h"
#include "cpu/exec/branch.h"
#include "cpu/execute.h"
#include "cpu/interp_plain.h"
#include "cpu/jit/host.h"
#include "cpu/jit/pieces.h"
#include "cpu/jit/translate.h"
#include "cpu/regime.h"
#include "cpu/spin_seen.h"
#include "cpu/sysreg.h"
#include "cpu/timer.h"

#define JIT_HOT 24 /* arrivals after which a record is translated */

/* jit_exec()'s answers beside enum exec_result: retired, but what stands behind has been killed. */
#define JIT_DEAD 0x100
/* Retired, and what is between two instructions has been looked at. */
#define JIT_LOOKED 0x101

/* ---- what blocks call ---- */

/* Behind @i the dispatcher would look, which is done here: mostly there is nothing, and @b goes on.
 * An interrupt may lead to just behind @i, too: what @b has there is right for it if @block,
 * cpu->block before, is the same.
 * Return: 0, or for jit_leave(), and then cpu->resume is where to go on, or NULL. */
static unsigned look(struct cpu *cpu, const struct insn *i, const struct jit_block *b,
                     const struct insn *first, uint32_t block)
{
    const struct insn *next = interp_behind(cpu, i, EXEC_SYNC, JIT_INSNS_MAX);

    if (next == i + 1 && cpu->block == block && !b->dead) {
        cpu->left += next - first;
        return 0;
    }
    cpu->resume = next;
    return JIT_LOOKED;
}

/* Blocks take what has retired off the count when they are left. For what looks at the count before
 * it is as if there were a plain run of records from @first up to @i. */
static unsigned end(struct cpu *cpu, const struct insn *i, const struct jit_block *b,
                    const struct insn *first, uint32_t block, enum exec_result r)
{
    if (likely(r == EXEC_NEXT && !b->dead)) {
        if (unlikely(cpu->counted != first))
            cpu->left += cpu->counted - first;
        return 0;
    }
    if (r == EXEC_SYNC)
        return look(cpu, i, b, first, block);
    cpu->resume = i;
    return r == EXEC_NEXT ? JIT_DEAD : r;
}

unsigned jit_exec(struct cpu *cpu, const struct insn *i, const struct jit_block *b,
                  const struct insn *first)
{
    uint32_t block = cpu->block;

    cpu->counted = first;
    return end(cpu, i, b, first, block, exec_fns[i->op](cpu, i));
}

unsigned jit_exec_exact(struct cpu *cpu, const struct insn *i, const struct jit_block *b,
                        const struct insn *first)
{
    uint32_t block = cpu->block;

    cpu->counted = first;
    cpu_count_upto(cpu, i);
    return end(cpu, i, b, first, block, exec_fns[i->op](cpu, i));
}

uint64_t jit_read(struct cpu *cpu, const struct insn *i, enum sysreg sr)
{
    cpu->counted = i;
    cpu->pc = insn_pc(cpu, i);
    if (sysreg_rows[sr].rd != SYSREG_RD_CNT_COUNT)
        return cpu_sysreg_get(cpu, sr);
    if (cpu_is_parallel(cpu))
        return sr_read_CNT_COUNT(cpu, sr, cpu->ps.el);
    spin_note_read(cpu, sr);
    return cpu_counter_running(cpu, sr);
}

/* The plain loop wants more than a page of instructions left; blocks look for themselves. */
static enum exec_result go_on(struct cpu *cpu, const struct insn *i)
{
    cpu_count_upto(cpu, i);
    if (cpu->left <= CODE_PAGE_INSNS && !jit_is_block(cpu->jit, i))
        return jit_pause(cpu, i);
    return interp_go_on(cpu, i);
}

enum exec_result jit_leave(struct cpu *cpu, unsigned r)
{
    const struct insn *i = cpu->resume;

    if (r == JIT_DEAD)
        return go_on(cpu, i + 1);
    const struct insn *next =
        r == JIT_LOOKED ? i : interp_behind(cpu, i, (enum exec_result)r, JIT_INSNS_MAX);
    if (!next)
        return interp_pause(cpu);
    jit_seen(cpu, next);
    return go_on(cpu, next);
}

enum exec_result jit_pause(struct cpu *cpu, const struct insn *i)
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
    if (++*heat >= JIT_HOT || jit->eager) {
        *heat = 0;
        jit_translate(cpu, i);
    }
}

enum exec_result jit_come(struct cpu *cpu, const struct insn *i)
{
    jit_seen(cpu, i);
    return interp_go_on(cpu, i);
}

enum exec_result jit_arrive(struct cpu *cpu, const struct insn *i, uint64_t va)
{
    if (i) {
        if (cpu_has(cpu, FEAT_BTI))
            cpu->ps.btype = i->op == A64_BR    ? branch_btype_br(cpu, i)
                            : i->op == A64_BLR ? BTYPE_CALL
                                               : BTYPE_NONE;
        va = cpu_branch_addr(cpu, va);
    }
    cpu->pc = va;
    const struct insn *next = interp_arrive(cpu);
    if (!next)
        return interp_pause(cpu);
    jit_seen(cpu, next);
    return interp_go_on(cpu, next);
}

enum exec_result jit_follow(struct cpu *cpu, struct jit_edge *e)
{
    const struct insn *i = e->target;

    jit_seen(cpu, i);
    if (jit_is_block(cpu->jit, i))
        jit_link(cpu->jit, e);
    cpu->counted = i;
    return go_on(cpu, i);
}

enum exec_result jit_stop(struct cpu *cpu)
{
    return interp_pause(cpu);
}

enum exec_result jit_resume(struct cpu *cpu)
{
    return go_on(cpu, cpu->resume);
}

enum exec_result jit_record(struct cpu *cpu, const struct insn *i)
{
    cpu->counted = i;
    if (cpu->left <= CODE_PAGE_INSNS)
        return jit_pause(cpu, i);
    return interp_plain_fn(i->op)(cpu, i);
}

enum exec_result jit_trap(struct cpu *cpu, const struct insn *i)
{
    cpu->counted = i;
    return interp_plain_fn(i->op)(cpu, i);
}

enum exec_result jit_one(struct cpu *cpu, const struct insn *i)
{
    cpu->counted = i;
    if (cpu->left > CODE_PAGE_INSNS)
        return interp_plain_fn(i->op)(cpu, i);
    cpu->pc = insn_pc(cpu, i);
    (void)cpu_execute(cpu, i);
    return interp_pause(cpu);
}

/* ---- creation ---- */

#ifdef __x86_64__
/* LZCNT is BSR where it is not, without a fault. */
static bool has_lzcnt(void)
{
    unsigned a, b, c, d;

    return __get_cpuid(0x80000001, &a, &b, &c, &d) && c & bit_LZCNT;
}
#endif

void jit_use_host(struct jit *jit, unsigned host)
{
    jit->host = host;
    jit_templates(jit->template, host);
}

struct jit *jit_create(bool eager, bool parallel)
{
#ifdef __x86_64__
    struct jit *jit = calloc(1, sizeof(*jit));

    if (!jit)
        return NULL;
    jit->rw = jit->rx = jit->ours = (void *)-1; /* MAP_FAILED */
    if (!has_lzcnt() || !jit_make_pieces(jit)) {
        jit_destroy(jit);
        return NULL;
    }
    jit->eager = eager;
    jit->parallel = parallel;
    jit_use_host(jit, jit_host());
    return jit;
#else
    (void)eager, (void)parallel;
    return NULL;
#endif
}

void jit_destroy(struct jit *jit)
{
    if (!jit)
        return;
    jit_unmap(jit);
    free(jit);
}

/* ---- the life of blocks ---- */

const struct code_engine jit_engine = {
    .fresh = exec_decode, .page_end = exec_page_end, .kill = jit_kill};

static void jump(struct jit_edge *e, const uint8_t *to)
{
    int32_t distance = (int32_t)(to - (e->jump + 4));

    memcpy(e->jump, &distance, sizeof(distance));
}

void jit_link(struct jit *jit, struct jit_edge *e)
{
    uintptr_t fn = (uintptr_t)e->target->fn;
    struct jit_block *b = jit_front(e->target)->block;

    jump(e, jit->rw + (fn - (uintptr_t)jit->rx) + JIT_INNER);
    e->next = b->edges;
    b->edges = e;
}

static void kill_block(struct jit_block *b)
{
    b->dead = 1;
    b->head->fn = interp_plain_fn(b->head->op);
    for (struct jit_edge *e = b->edges; e; e = e->next)
        jump(e, e->unlinked);
    b->edges = NULL;
}

/* Records without blocks, whose memory is not to be touched. */
static void forget(struct code_page *page, unsigned first, unsigned last)
{
    if (!page->blocks)
        return;
    page->blocks = NULL;
    for (unsigned k = first; k <= last; k++)
        if (interp_is_decoded(&page->insn[k]))
            page->insn[k].fn = interp_plain_fn(page->insn[k].op);
}

void jit_kill(struct code_page *page, unsigned first, unsigned last)
{
    struct jit_block **link = &page->blocks;

    if (page->blocks && !*page->ours) {
        forget(page, 0, CODE_PAGE_INSNS - 1);
        return;
    }
    while (*link) {
        struct jit_block *b = *link;
        if (b->first > last || b->last < first) {
            link = &b->next;
            continue;
        }
        kill_block(b);
        *link = b->next;
    }
}

void jit_after_fork(struct cpu *cpu)
{
    code_cache_each(cpu->code, forget);
    CHECK(jit_make_pieces_again(cpu->jit));
}

void jit_begin(struct cpu *cpu, const struct insn *i)
{
    struct jit *jit = cpu->jit;

    if (unlikely(jit->full)) {
        code_cache_each(cpu->code, jit_kill);
        jit_empty(jit);
        jit->full = false;
    }
    jit_seen(cpu, i);
}
