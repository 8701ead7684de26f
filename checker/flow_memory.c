#include <string.h>

#include "arch/esr.h"
#include "arch/vector.h"
#include "base/bits.h"
#include "checker/flow_state.h"
#include "checker/own.h"
#include "checker/view.h"

#define STACK_SIZE 0x4000 /* what lies above SP within this is the stack, */
#define PUSH_MAX   512    /* or below it, by an instruction that is about to move it */

const struct granule *flow_granule(const struct flow *f, uint64_t pa)
{
    const struct granule *g = granules_find(&f->memory, pa & ~UINT64_C(7));

    return g->pa ? g : NULL;
}

/* What procedures keep for themselves, in an array of their own or between SP and the caller. */
static bool is_stack(const struct flow *f, const struct arm_event *p)
{
    return p->mem.va - checker_reg(f->c, p->cpu, ARM_SP) + PUSH_MAX < STACK_SIZE;
}

/* A call may ask for anything. */
static bool is_call(const struct cpu_view *view)
{
    uint64_t ec = bits(view->esr, 31, 26);

    return vector_kind(view->vector) == VECTOR_SYNC && (ec == ESR_EC_HVC64 || ec == ESR_EC_SMC64);
}

/* Has nobody asked for it: the world itself, another one, or a program of the host? @edited: it was
 * computed from what was there, which is right of a control, and of nothing that an exception has
 * left. */
static bool is_own_doing(const struct flow *f, const struct granule *g, bool edited,
                         const struct site *at)
{
    const struct cpu_view *view = &f->c->cpus[at->cpu];

    if (at->el != 2 || view->running || view->user_ran || !view->last || g->tag.world < 0)
        return false;
    if (edited && regs_use(f->c, g->tag.reg) != REGS_BY_CALL)
        return regs_use(f->c, g->tag.reg) == REGS_NEVER;
    return (edited || (int)view->last->index == g->tag.world) && !is_call(view);
}

/* The memory of @g has been written with something that is no register's value; @tag: what it was
 * computed from. */
static void modify(struct flow *f, struct granule *g, const struct tag *tag,
                   const struct arm_event *p)
{
    uint64_t now = 0;
    bool edited = tag->kind && tag->world == g->tag.world && tag->reg == g->tag.reg;

    /* What procedures keep is overwritten all the time: who called them is not worth it. */
    g->modified = g->stack && !g->slot ? site_bare(f->c, p) : site_of(f->c, p);
    g->blamed = is_own_doing(f, g, edited, &g->modified);
    g->tag.kind = TAG_MODIFIED;
    if (g->slot && arm_mem_read(f->c->m, g->pa, &now, sizeof(now)))
        own_modified(f->c, g, now, &g->modified);
    view_note(f->c, g->tag.world, g->tag.reg);
}

void flow_watched(struct flow *f, const struct arm_event *p)
{
    uint64_t end = p->store.pa + p->store.size, now = 0;

    if (p->el == 2 && f->cpus[p->cpu].following)
        return;
    for (uint64_t pa = p->store.pa & ~UINT64_C(7); pa < end; pa += 8) {
        struct granule *g = granules_find(&f->memory, pa);
        if (!g->pa || !g->slot || !arm_mem_read(f->c->m, pa, &now, sizeof(now)))
            continue;
        if (now != g->value)
            modify(f, g, &(struct tag){0}, p);
        else
            g->again = true;
    }
}

static void watch(struct flow *f, uint64_t pa)
{
    uint64_t page = pa >> 12;

    for (unsigned k = 0; k < f->pages->len; k++)
        if (g_array_index(f->pages, uint64_t, k) == page)
            return;
    g_array_append_val(f->pages, page);
    arm_watch_page(f->c->m, pa, true);
}

void flow_mark_slot(struct flow *f, uint64_t pa)
{
    struct granule *g = granules_find(&f->memory, pa);

    if (!g->pa || g->slot || g->stack)
        return;
    g->slot = true;
    watch(f, pa);
}

void flow_assume_slot(struct flow *f, uint64_t pa, const struct tag *tag, uint64_t value)
{
    struct site nowhere = {0};

    if (granules_find(&f->memory, pa)->pa)
        return;
    granules_bind(&f->memory, pa, tag, value, false, &nowhere);
    granules_find(&f->memory, pa)->assumed = true;
    flow_mark_slot(f, pa);
}

/* The value of a register is stored. */
static void bind(struct flow *f, const struct flow_cpu *v, const struct tag *tag,
                 const struct arm_event *p)
{
    bool stack = is_stack(f, p);
    struct site at = stack ? site_bare(f->c, p) : site_of(f->c, p);

    for (unsigned k = 0; k < p->mem.size / 8u; k++) {
        granules_bind(&f->memory, p->mem.pa + 8 * k, tag, p->mem.value[k], stack, &at);
        granules_find(&f->memory, p->mem.pa + 8 * k)->turn = v->turn;
    }
    own_saved(f->c, p->cpu, tag, p->mem.pa, p->mem.value[0], &at);
}

/* Something else is: to what is a slot, perhaps. */
static void overwrite(struct flow *f, const struct tag *tag, const struct arm_event *p)
{
    uint64_t last = p->mem.pa + p->mem.size - 1;
    bool whole = !(p->mem.pa & 7) && !p->mem.pa2 && p->mem.size >= 8;

    for (uint64_t pa = p->mem.pa & ~UINT64_C(7); pa <= last; pa += 8) {
        uint64_t value = p->mem.value[pa > p->mem.pa && (p->mem.kind & ARM_MEM_FP)];
        struct granule *g = granules_find(&f->memory, pa);
        if (g->pa && (g->tag.world == WORLD_STATUS || !(whole && g->value == value)))
            modify(f, g, tag, p);
    }
}

static void note_slots(struct flow *f, const struct tag *tag, const struct arm_event *p)
{
    if (tag->kind == TAG_EXACT && tag->world == WORLD_EL2)
        own_stored(f->c, p->cpu, tag);
    for (uint64_t pa = p->mem.pa & ~UINT64_C(7); pa < p->mem.pa + p->mem.size; pa += 8) {
        const struct granule *g = granules_find(&f->memory, pa);
        if (g->pa && g->slot)
            own_stored(f->c, p->cpu, &g->tag);
    }
}

#define LR_STATE MASK(63, 62) /* of ICH_LR<n>_EL2 */

/* A copy of a list register is written back with its state cleared. */
static void check_emptied(struct flow *f, const struct flow_cpu *v, const struct arm_event *p)
{
    struct site at;

    if (p->mem.size != 8 || p->mem.pa != v->loaded_pa || !(v->loaded & LR_STATE) ||
        p->mem.value[0] != (v->loaded & ~LR_STATE))
        return;
    at = site_of(f->c, p);
    own_emptied(f->c, p->cpu, p->mem.pa, v->loaded, &at);
}

void flow_store(struct flow *f, struct flow_cpu *v, const struct arm_event *p)
{
    bool fp = p->mem.kind & ARM_MEM_FP;
    struct tag tag = {0};
    unsigned reg = p->mem.reg;

    if (fp && p->mem.size == 16 && reg < 32)
        tag = v->v[reg];
    else if (!fp && p->mem.size == 8 && reg < 31)
        tag = v->x[reg];
    check_emptied(f, v, p);
    bool kept = tag.kind == TAG_EXACT || (tag.kind == TAG_DERIVED && tag.world == WORLD_STATUS);
    note_slots(f, &tag, p);
    if (kept && !(p->mem.pa & 7) && !p->mem.pa2)
        bind(f, v, &tag, p);
    else
        overwrite(f, &tag, p);
    if (tag.kind == TAG_EXACT)
        v->until = MAX(v->until, p->count + AFTER_INTEREST);
}

static void load_vector(struct flow *f, struct flow_cpu *v, unsigned cpu, unsigned n,
                        const struct tag *tag)
{
    set_tag(v->v, &v->v_tagged, n, *tag);
    own_vector_loaded(f->c, cpu, n, tag);
}

void flow_load(struct flow *f, struct flow_cpu *v, const struct arm_event *p)
{
    bool fp = p->mem.kind & ARM_MEM_FP;
    struct granule *g = granules_find(&f->memory, p->mem.pa);
    unsigned reg = p->mem.reg;
    struct tag tag = {0};

    if (p->mem.size == 8) {
        v->loaded_pa = p->mem.pa;
        v->loaded = p->mem.value[0];
    }
    if (g->pa && p->mem.size == (fp ? 16 : 8)) {
        bool unseen = g->stack && g->tag.world == WORLD_STATUS && g->turn != v->turn;
        if (g->tag.kind != TAG_MODIFIED && (g->value != p->mem.value[0] || unseen)) {
            g->tag.kind = TAG_MODIFIED; /* while nobody followed */
            g->modified.known = false;
        }
        if (g->tag.kind != TAG_MODIFIED || g->tag.world != WORLD_STATUS)
            tag = g->tag;
        if (tag.kind == TAG_EXACT || tag.world == WORLD_STATUS)
            v->until = MAX(v->until, p->count + AFTER_INTEREST);
    }
    if (!g->pa && !fp && p->mem.size == 8 && !(p->mem.pa & 7) && !is_stack(f, p) && !v->literal)
        tag = (struct tag){.kind = TAG_MEMORY, .world = WORLD_NOBODY, .from = p->mem.pa};
    if (fp && reg < 32)
        load_vector(f, v, p->cpu, reg, &tag);
    else if (!fp && reg < 31) {
        set_tag(v->x, &v->x_tagged, reg, tag);
        v->x_from[reg] = p->mem.size == 8 ? p->mem.pa : 0;
    }
}
