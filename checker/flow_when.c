/*
 * When EL2 is followed: behind an exit, and behind what matters, for a while.
 */
#include <string.h>

#include "arch/sysreg.h"
#include "base/bits.h"
#include "checker/called.h"
#include "checker/flow_state.h"
#include "checker/own.h"
#include "checker/unknown.h"
#include "checker/view.h"

void flow_clear(struct flow_cpu *v)
{
    memset(v->x, 0, sizeof(v->x));
    memset(v->v, 0, sizeof(v->v));
    memset(v->x_from, 0, sizeof(v->x_from));
    v->x_tagged = v->v_tagged = 0;
}

/* Change whether @cpu has these events at EL2. */
static void toggle(struct flow *f, struct flow_events *e, unsigned cpu, uint64_t events,
                   arm_event_fn *fn)
{
    e->cpus[cpu / 64] ^= ARM_BIT(cpu % 64);
    if (e->handle)
        arm_unsubscribe(f->c->m, e->handle);
    const struct arm_filter filter = {.size = sizeof(filter),
                                      .events = events,
                                      .cpus = {e->cpus[0], e->cpus[1]},
                                      .els = ARM_BIT(2)};
    e->handle = e->cpus[0] | e->cpus[1] ? arm_subscribe(f->c->m, &filter, fn, f) : 0;
}

static void on_step(void *ctx, const struct arm_event *p);
static void on_vectors(void *ctx, const struct arm_event *p);

/* Vectors of a world are in the CPU, and EL2 is not followed: it is when it uses them. */
static void await_vectors(struct flow *f, unsigned cpu, bool on)
{
    struct flow_cpu *v = &f->cpus[cpu];

    if (v->awaiting != on)
        toggle(f, &f->vectors, cpu, ARM_BIT(ARM_EVENT_FP), on_vectors);
    v->awaiting = on;
}

static void tag_vectors(struct flow *f, unsigned cpu)
{
    struct flow_cpu *v = &f->cpus[cpu];

    for (unsigned k = 0; k < 32; k++)
        set_tag(v->v, &v->v_tagged, k, own_live_tag(f->c, cpu, REG_V(k)));
}

/* Those that are in the CPU still, and that no program of a host has changed unseen. */
static void tag_kept_vectors(struct flow *f, unsigned cpu)
{
    struct flow_cpu *v = &f->cpus[cpu];

    for (unsigned k = 0; k < 32; k++) {
        struct tag tag = own_live_tag(f->c, cpu, REG_V(k));
        if (tag.world >= 0 && own_is_worlds(f->c, REG_V(k), regs_get(f->c, cpu, REG_V(k))))
            set_tag(v->v, &v->v_tagged, k, tag);
    }
}

static void follow(struct flow *f, unsigned cpu, bool on)
{
    struct flow_cpu *v = &f->cpus[cpu];

    if (v->following == on)
        return;
    v->following = on;
    v->turn += on;
    toggle(f, &f->steps, cpu, ARM_BIT(ARM_EVENT_INSN) | ARM_BIT(ARM_EVENT_MEM), on_step);
    if (on && v->awaiting)
        tag_kept_vectors(f, cpu);
    if (!on) {
        await_vectors(f, cpu, own_has_vectors(f->c, cpu));
        flow_clear(v);
        memset(v->x_site, 0, sizeof(v->x_site));
        memset(v->v_site, 0, sizeof(v->v_site));
    }
}

/* General registers that @p, which has been followed, may have written. */
static uint32_t written_by(struct flow *f, const struct arm_event *p)
{
    if (p->kind == ARM_EVENT_INSN && !f->cpus[p->cpu].following)
        return (uint32_t)MASK(30, 0);
    if (p->kind == ARM_EVENT_INSN)
        return flow_written(f, p->pc, p->insn.word);
    return p->mem.reg < 31 && !(p->mem.kind & (ARM_MEM_WRITE | ARM_MEM_FP)) ? 1U << p->mem.reg : 0;
}

/* Nothing has happened for a while. */
static void lapse(struct flow *f, unsigned cpu)
{
    follow(f, cpu, false);
    called_lapse(f->called, cpu);
}

static void on_step(void *ctx, const struct arm_event *p)
{
    struct flow *f = ctx;
    struct flow_cpu *v = &f->cpus[p->cpu];

    if (p->kind == ARM_EVENT_MEM) {
        struct flow_access *a = &f->accesses[(p->pc >> 2) % FLOW_ACCESSES];
        a->pa = p->mem.pa;
        site_put(f->c, p, &a->at);
    }
    if (f->c->view)
        view_begin(f->c, p);
    if (p->kind == ARM_EVENT_MEM && (p->mem.kind & ARM_MEM_WRITE))
        flow_store(f, v, p);
    else if (p->kind == ARM_EVENT_MEM)
        flow_load(f, v, p);
    else if (p->count > v->until)
        lapse(f, p->cpu);
    else
        flow_step(f, v, p);
    if (f->c->view)
        view_note_general(f->c, p->cpu, written_by(f, p));
}

static void on_vectors(void *ctx, const struct arm_event *p)
{
    struct flow *f = ctx;
    struct flow_cpu *v = &f->cpus[p->cpu];
    struct arm_event as = *p;

    if (v->following)
        return;
    flow_interest(f, p->cpu, p->count);
    tag_vectors(f, p->cpu);
    as.kind = ARM_EVENT_INSN;
    as.insn.word = p->fp.word;
    flow_step(f, v, &as);
}

void flow_interest(struct flow *f, unsigned cpu, uint64_t count)
{
    struct flow_cpu *v = &f->cpus[cpu];

    v->until = MAX(v->until, count + AFTER_INTEREST);
    follow(f, cpu, true);
}

bool flow_is_on(const struct flow *f, unsigned cpu)
{
    return f->cpus[cpu].following;
}

void flow_follow(struct flow *f, unsigned cpu, uint64_t count, uint64_t insns)
{
    if (f->cpus[cpu].following)
        f->cpus[cpu].until = MAX(f->cpus[cpu].until, count + insns);
}

void flow_exit(struct flow *f, const struct world *w, const struct arm_event *p)
{
    struct flow_cpu *v = &f->cpus[p->cpu];

    called_exit(f->called, p->cpu);
    flow_clear(v);
    for (unsigned k = 0; k < 31; k++)
        set_tag(v->x, &v->x_tagged, k, own_tag(f->c, w, REG_X(k)));
    tag_vectors(f, p->cpu);
    v->until = p->count + AFTER_EXIT;
    follow(f, p->cpu, true);
}

void flow_enter(struct flow *f, const struct arm_event *p)
{
    called_enter(f->called, p);
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
        return !HCR_EL2_TGE(checker_sysreg(f->c, p->cpu, SR_HCR_EL2));
    default:
        return false;
    }
}

void flow_event(struct flow *f, const struct arm_event *p)
{
    struct flow_cpu *v = &f->cpus[p->cpu];
    unsigned reg;

    if (p->kind == ARM_EVENT_STORE)
        flow_watched(f, p);
    /* EL0 below a host at EL2 has had the registers in between. */
    if (p->kind == ARM_EVENT_EXCEPTION && p->el < 2) {
        flow_clear(v);
        if (v->following && v->awaiting)
            tag_kept_vectors(f, p->cpu);
    }
    if (p->kind == ARM_EVENT_SYSREG_WRITE && p->el == 2 && prepares_entry(f, p)) {
        flow_interest(f, p->cpu, p->count);
        called_prepare(f->called, p->cpu);
    }
    if (p->kind != ARM_EVENT_SYSREG_READ || p->el != 2 || (reg = p->sysreg_read.reg) >= 31)
        return;
    struct tag tag = unknown_read_tag(f->c, p);
    if (!tag.kind)
        tag = own_read_tag(f->c, p);
    if (tag.kind &&
        (tag.world >= 0 || tag.world == WORLD_STATUS || own_is_misread(f->c, p->cpu, &tag)))
        flow_interest(f, p->cpu, p->count);
    set_tag(v->x, &v->x_tagged, reg, v->following ? tag : (struct tag){0});
}

struct flow *flow_new(struct arm_checker *c)
{
    struct flow *f = g_new0(struct flow, 1);

    f->c = c;
    f->called = called_new(c);
    f->cpus = g_new0(struct flow_cpu, c->cpu_count);
    granules_init(&f->memory);
    f->pages = g_array_new(false, false, sizeof(uint64_t));
    return f;
}

void flow_free(struct flow *f)
{
    if (!f)
        return;
    if (f->steps.handle)
        arm_unsubscribe(f->c->m, f->steps.handle);
    if (f->vectors.handle)
        arm_unsubscribe(f->c->m, f->vectors.handle);
    for (unsigned k = 0; k < f->pages->len; k++)
        arm_watch_page(f->c->m, g_array_index(f->pages, uint64_t, k) << 12, false);
    g_array_free(f->pages, true);
    granules_free(&f->memory);
    called_free(f->called);
    g_free(f->cpus);
    g_free(f);
}
