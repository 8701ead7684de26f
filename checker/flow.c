#include "checker/flow.h"

#include <glib.h>
#include <string.h>

#include "arch/sysreg.h"
#include "base/bits.h"
#include "checker/checker.h"
#include "checker/flow_op.h"
#include "checker/granules.h"
#include "checker/own.h"
#include "checker/sync.h"
#include "checker/unknown.h"
#include "checker/view.h"

/* Instructions that are followed behind a world's exit, and behind anything else that matters. */
#define AFTER_EXIT     250
#define AFTER_INTEREST 48

#define STACK_SIZE 0x4000 /* what lies above SP within this is the stack, */
#define PUSH_MAX   512    /* or below it, by an instruction that is about to move it */

#define OPS 8192 /* decoded instructions, by their words */

struct flow_cpu {
    bool following;
    uint64_t until; /* count of the CPU at which following ends */
    uint32_t turn;  /* how often it has begun */
    struct tag x[31], v[32];
    uint32_t x_tagged, v_tagged;
    struct site x_site[31], v_site[32]; /* of the last write that was followed */
};

struct flow {
    struct arm_checker *c;
    struct flow_cpu *cpus;
    uint64_t wanted[2]; /* CPUs that are followed */
    int handle;
    uint64_t followed;
    struct flow_op ops[OPS];
    struct flow_access accesses[FLOW_ACCESSES]; /* by where the instruction is */
    struct granules memory;
    GArray *pages; /* uint64_t: numbers of those with slots, which are watched */
};

/* ---- memory ---- */

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

/* The memory of @g has been written with something that is no register's value. */
static void modify(struct flow *f, struct granule *g, const struct site *at)
{
    uint64_t now = 0;

    g->tag.kind = TAG_MODIFIED;
    g->modified = *at;
    if (g->slot && arm_mem_read(f->c->m, g->pa, &now, sizeof(now)))
        own_modified(f->c, g, now, at);
    view_note(f->c, g->tag.world, g->tag.reg);
}

/* A store to a page with slots; by who is followed it is a MEM event too. */
static void watched(struct flow *f, const struct arm_event *p)
{
    uint64_t end = p->store.pa + p->store.size, now = 0;
    struct site at = site_of(f->c, p);

    if (p->el == 2 && f->cpus[p->cpu].following)
        return;
    for (uint64_t pa = p->store.pa & ~UINT64_C(7); pa < end; pa += 8) {
        struct granule *g = granules_find(&f->memory, pa);
        if (g->pa && g->slot && arm_mem_read(f->c->m, pa, &now, sizeof(now)) && now != g->value)
            modify(f, g, &at);
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

static void store(struct flow *f, struct flow_cpu *v, const struct arm_event *p)
{
    bool fp = p->mem.kind & ARM_MEM_FP;
    struct tag tag = {0};
    unsigned reg = p->mem.reg;

    if (fp && p->mem.size == 16 && reg < 32)
        tag = v->v[reg];
    else if (!fp && p->mem.size == 8 && reg < 31)
        tag = v->x[reg];
    struct site at = site_of(f->c, p);
    uint64_t first = p->mem.pa & ~UINT64_C(7), last = (p->mem.pa + p->mem.size - 1) & ~UINT64_C(7);
    bool aligned = first == p->mem.pa && !p->mem.pa2;
    bool kept = tag.kind == TAG_EXACT || (tag.kind == TAG_DERIVED && tag.world == WORLD_STATUS);
    bool stack = kept && is_stack(f, p);
    for (uint64_t pa = first; pa <= last; pa += 8) {
        uint64_t value = p->mem.value[pa != first && fp];
        if (kept && aligned) {
            granules_bind(&f->memory, pa, &tag, value, stack, &at);
            granules_find(&f->memory, pa)->turn = v->turn;
            if (pa == first)
                own_saved(f->c, p->cpu, &tag, pa, value, &at);
            continue;
        }
        struct granule *g = granules_find(&f->memory, pa);
        if (g->pa &&
            (g->tag.world == WORLD_STATUS || !(aligned && p->mem.size >= 8 && g->value == value)))
            modify(f, g, &at);
    }
    if (tag.kind == TAG_EXACT)
        v->until = MAX(v->until, p->count + AFTER_INTEREST);
}

static void set_tag(struct tag *tags, uint32_t *tagged, unsigned n, struct tag tag)
{
    tags[n] = tag;
    if (tag.kind)
        *tagged |= 1U << n;
    else
        *tagged &= ~(1U << n);
}

static void load_vector(struct flow *f, struct flow_cpu *v, unsigned cpu, unsigned n,
                        const struct tag *tag)
{
    set_tag(v->v, &v->v_tagged, n, *tag);
    own_vector_loaded(f->c, cpu, n, tag);
}

static void load(struct flow *f, struct flow_cpu *v, const struct arm_event *p)
{
    bool fp = p->mem.kind & ARM_MEM_FP;
    struct granule *g = granules_find(&f->memory, p->mem.pa);
    unsigned reg = p->mem.reg;
    struct tag tag = {0};

    if (g->pa && p->mem.size == (fp ? 16 : 8)) {
        bool unseen = g->stack && g->tag.world == WORLD_STATUS && g->turn != v->turn;
        if (g->tag.kind != TAG_MODIFIED && (g->value != p->mem.value[0] || unseen)) {
            g->tag.kind = TAG_MODIFIED; /* while nobody followed */
            g->modified.known = false;
        }
        if (g->tag.kind != TAG_MODIFIED || g->tag.world != WORLD_STATUS)
            tag = g->tag;
        if (tag.kind == TAG_EXACT)
            v->until = MAX(v->until, p->count + AFTER_INTEREST);
    }
    if (!g->pa && !fp && p->mem.size == 8 && !(p->mem.pa & 7) && !is_stack(f, p))
        tag = (struct tag){.kind = TAG_MEMORY, .world = WORLD_NOBODY, .from = p->mem.pa};
    if (fp && reg < 32)
        load_vector(f, v, p->cpu, reg, &tag);
    else if (!fp && reg < 31)
        set_tag(v->x, &v->x_tagged, reg, tag);
}

/* ---- registers ---- */

static const struct flow_op *op_of(struct flow *f, uint32_t word)
{
    struct flow_op *o = &f->ops[(word ^ word >> 13) & (OPS - 1)];

    if (o->word != word || !o->valid)
        *o = flow_op_of(word);
    return o;
}

static void note_writes(struct flow_cpu *v, const struct flow_op *o, const struct site *at)
{
    for (uint32_t m = o->x_writes; m; m &= m - 1)
        v->x_site[__builtin_ctz(m)] = *at;
    for (uint32_t m = o->v_writes; m; m &= m - 1)
        v->v_site[__builtin_ctz(m)] = *at;
}

/* The value that is made of tagged ones: of the first of them, for want of more. */
static struct tag derived(const struct flow_cpu *v, const struct flow_op *o)
{
    struct tag tag = {0};

    if (o->x_reads & v->x_tagged)
        tag = v->x[__builtin_ctz(o->x_reads & v->x_tagged)];
    else if (o->v_reads & v->v_tagged)
        tag = v->v[__builtin_ctz(o->v_reads & v->v_tagged)];
    if (tag.kind == TAG_MEMORY)
        return (struct tag){0};
    if (tag.world == WORLD_STATUS)
        return unknown_derived(tag, o->word);
    if (tag.kind)
        tag.kind = TAG_DERIVED;
    return tag;
}

static void write_all(struct flow_cpu *v, const struct flow_op *o, struct tag tag)
{
    for (uint32_t m = o->x_writes; m; m &= m - 1)
        set_tag(v->x, &v->x_tagged, (unsigned)__builtin_ctz(m), tag);
    for (uint32_t m = o->v_writes; m; m &= m - 1)
        set_tag(v->v, &v->v_tagged, (unsigned)__builtin_ctz(m), tag);
}

static void select_one(struct flow *f, struct flow_cpu *v, const struct flow_op *o,
                       const struct arm_event *p)
{
    bool first = flow_condition(o->condition, checker_reg(f->c, p->cpu, ARM_PSTATE));
    unsigned from = first ? o->from : o->other;

    set_tag(v->x, &v->x_tagged, o->to, from < 31 ? v->x[from] : (struct tag){0});
}

/* What the instruction decides by, or takes for an address. */
static void used(struct flow *f, const struct flow_cpu *v, const struct flow_op *o,
                 const struct arm_event *p)
{
    if (o->conditional && !flow_condition(o->condition, checker_reg(f->c, p->cpu, ARM_PSTATE)))
        return;
    for (uint32_t m = o->decides & v->x_tagged; m; m &= m - 1)
        if (v->x[__builtin_ctz(m)].world == WORLD_STATUS)
            unknown_used(f->c, p, &v->x[__builtin_ctz(m)]);
}

static void insn(struct flow *f, struct flow_cpu *v, const struct arm_event *p)
{
    const struct flow_op *o = op_of(f, p->insn.word);

    f->followed++;
    if (o->v_reads | o->v_writes)
        sync_fp_used(f->c, p);
    if (o->x_writes | o->v_writes) {
        struct site at = site_bare(f->c, p);
        note_writes(v, o, &at);
        own_vectors_written(f->c, p->cpu, o->v_writes, &at);
    }
    if (!((o->x_reads | o->x_writes) & v->x_tagged) && !((o->v_reads | o->v_writes) & v->v_tagged))
        return;
    if (o->decides & v->x_tagged)
        used(f, v, o, p);
    switch (o->kind) {
    case FLOW_MOVE:
        if (o->vector)
            set_tag(v->v, &v->v_tagged, o->to, v->v[o->from]);
        else
            set_tag(v->x, &v->x_tagged, o->to, v->x[o->from]);
        break;
    case FLOW_SELECT:
        select_one(f, v, o, p);
        break;
    case FLOW_LOAD: /* the base may be written back; the rest is told by MEM */
    case FLOW_STORE:
        write_all(v, o, (struct tag){0});
        break;
    default:
        own_consumed(f->c, p, v->x, o->x_reads & v->x_tagged);
        write_all(v, o, derived(v, o));
        break;
    }
}

/* ---- when ---- */

static void clear(struct flow_cpu *v)
{
    memset(v->x, 0, sizeof(v->x));
    memset(v->v, 0, sizeof(v->v));
    v->x_tagged = v->v_tagged = 0;
}

static void on_step(void *ctx, const struct arm_event *p);

static void follow(struct flow *f, unsigned cpu, bool on)
{
    struct flow_cpu *v = &f->cpus[cpu];

    if (v->following == on)
        return;
    v->following = on;
    v->turn += on;
    f->wanted[cpu / 64] ^= ARM_BIT(cpu % 64);
    if (f->handle)
        arm_unsubscribe(f->c->m, f->handle);
    const struct arm_filter filter = {.size = sizeof(filter),
                                      .events = ARM_BIT(ARM_EVENT_INSN) | ARM_BIT(ARM_EVENT_MEM),
                                      .cpus = {f->wanted[0], f->wanted[1]},
                                      .els = ARM_BIT(2)};
    f->handle = f->wanted[0] | f->wanted[1] ? arm_subscribe(f->c->m, &filter, on_step, f) : 0;
    if (!on) {
        clear(v);
        memset(v->x_site, 0, sizeof(v->x_site));
        memset(v->v_site, 0, sizeof(v->v_site));
    }
}

/* General registers that @p, which has been followed, may have written. */
static uint32_t written_by(struct flow *f, const struct arm_event *p)
{
    if (p->kind == ARM_EVENT_INSN)
        return f->cpus[p->cpu].following ? op_of(f, p->insn.word)->x_writes : (uint32_t)MASK(30, 0);
    return p->mem.reg < 31 && !(p->mem.kind & (ARM_MEM_WRITE | ARM_MEM_FP)) ? 1U << p->mem.reg : 0;
}

static void on_step(void *ctx, const struct arm_event *p)
{
    struct flow *f = ctx;
    struct flow_cpu *v = &f->cpus[p->cpu];

    if (p->kind == ARM_EVENT_MEM)
        f->accesses[(p->pc >> 2) % FLOW_ACCESSES] =
            (struct flow_access){p->mem.pa, site_bare(f->c, p)};
    if (f->c->view)
        view_begin(f->c, p);
    if (p->kind == ARM_EVENT_MEM && (p->mem.kind & ARM_MEM_WRITE))
        store(f, v, p);
    else if (p->kind == ARM_EVENT_MEM)
        load(f, v, p);
    else if (p->count > v->until)
        follow(f, p->cpu, false);
    else
        insn(f, v, p);
    if (f->c->view)
        view_note_general(f->c, p->cpu, written_by(f, p));
}

void flow_interest(struct flow *f, unsigned cpu, uint64_t count)
{
    struct flow_cpu *v = &f->cpus[cpu];

    v->until = MAX(v->until, count + AFTER_INTEREST);
    follow(f, cpu, true);
}

void flow_follow(struct flow *f, unsigned cpu, uint64_t count, uint64_t insns)
{
    if (f->cpus[cpu].following)
        f->cpus[cpu].until = MAX(f->cpus[cpu].until, count + insns);
}

void flow_exit(struct flow *f, const struct world *w, const struct arm_event *p)
{
    struct flow_cpu *v = &f->cpus[p->cpu];

    clear(v);
    for (unsigned k = 0; k < 31; k++)
        set_tag(v->x, &v->x_tagged, k, own_tag(f->c, w, REG_X(k)));
    for (unsigned k = 0; k < 32; k++)
        set_tag(v->v, &v->v_tagged, k, own_live_tag(f->c, p->cpu, REG_V(k)));
    v->until = p->count + AFTER_EXIT;
    follow(f, p->cpu, true);
}

void flow_enter(struct flow *f, const struct arm_event *p)
{
    follow(f, p->cpu, false);
    f->cpus[p->cpu].until = 0;
}

/* EL2 sets up the return to a world: general registers come next. A host at EL2 that returns to its
 * own EL0 has HCR_EL2.TGE set. Or it opens FP and SIMD: vectors do. */
static bool prepares_entry(const struct flow *f, const struct arm_event *p)
{
    switch (sysreg_lookup(p->sysreg_write.sr)) {
    case SR_HCR_EL2:
        return !HCR_EL2_TGE(p->sysreg_write.after);
    case SR_CPTR_EL2:
        return p->sysreg_write.before != p->sysreg_write.after;
    case SR_ELR_EL2:
    case SR_SPSR_EL2:
        return !HCR_EL2_TGE(checker_reg(f->c, p->cpu, sysreg_number(SR_HCR_EL2)));
    default:
        return false;
    }
}

void flow_event(struct flow *f, const struct arm_event *p)
{
    struct flow_cpu *v = &f->cpus[p->cpu];
    unsigned reg;

    if (p->kind == ARM_EVENT_STORE)
        watched(f, p);
    /* EL0 below a host at EL2 has had the registers in between. */
    if (p->kind == ARM_EVENT_EXCEPTION && p->el < 2)
        clear(v);
    if (p->kind == ARM_EVENT_SYSREG_WRITE && p->el == 2 && prepares_entry(f, p))
        flow_interest(f, p->cpu, p->count);
    if (p->kind != ARM_EVENT_SYSREG_READ || p->el != 2 || (reg = p->sysreg_read.reg) >= 31)
        return;
    struct tag tag = unknown_read_tag(f->c, p);
    if (!tag.kind)
        tag = own_read_tag(f->c, p);
    if (tag.kind && (v->following || tag.world >= 0 || tag.world == WORLD_STATUS))
        flow_interest(f, p->cpu, p->count);
    set_tag(v->x, &v->x_tagged, reg, v->following ? tag : (struct tag){0});
}

struct tag flow_x(const struct flow *f, unsigned cpu, unsigned n)
{
    return n < 31 ? f->cpus[cpu].x[n] : (struct tag){0};
}

struct tag flow_v(const struct flow *f, unsigned cpu, unsigned n)
{
    return f->cpus[cpu].v[n];
}

const struct flow_access *flow_accesses(const struct flow *f)
{
    return f->accesses;
}

struct site flow_x_site(const struct flow *f, unsigned cpu, unsigned n)
{
    return f->cpus[cpu].x_site[n];
}

struct site flow_v_site(const struct flow *f, unsigned cpu, unsigned n)
{
    return f->cpus[cpu].v_site[n];
}

uint64_t flow_followed(const struct flow *f)
{
    return f->followed;
}

struct flow *flow_new(struct arm_checker *c)
{
    struct flow *f = g_new0(struct flow, 1);

    f->c = c;
    f->cpus = g_new0(struct flow_cpu, c->cpu_count);
    granules_init(&f->memory);
    f->pages = g_array_new(false, false, sizeof(uint64_t));
    return f;
}

void flow_free(struct flow *f)
{
    if (!f)
        return;
    if (f->handle)
        arm_unsubscribe(f->c->m, f->handle);
    for (unsigned k = 0; k < f->pages->len; k++)
        arm_watch_page(f->c->m, g_array_index(f->pages, uint64_t, k) << 12, false);
    g_array_free(f->pages, true);
    granules_free(&f->memory);
    g_free(f->cpus);
    g_free(f);
}
