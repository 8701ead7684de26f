/* Running until something is seen. */
#include <glib.h>
#include <stdlib.h>

#include "cpu/context.h"
#include "cpu/events.h"
#include "machine/machine.h"
#include "machine/sized.h"
#include "mmu/tlb.h"

struct hunt {
    struct arm_machine *m;
    struct arm_until until;
    struct code_marks marks; /* of the addresses */
    struct arm_filter where;
    int handles[2];
    unsigned count;
};

static void seen(void *ctx, const struct arm_event *event)
{
    struct hunt *h = ctx;

    (void)event;
    machine_stop(h->m, ARM_STOP_UNTIL);
}

/* It is the machine that stops before the instruction, see cpu_env.hold. */
static void about_to_execute(void *ctx, struct cpu *cpu)
{
    struct hunt *h = ctx;
    struct arm_event here = {0};

    cpu_locate(cpu, &here);
    if (!probe_filter_wants(&h->where, &here))
        return;
    h->m->hold = true;
    machine_stop(h->m, ARM_STOP_UNTIL);
}

static int ascending(const void *a, const void *b)
{
    const uint64_t *p = a, *q = b;

    return *p < *q ? -1 : *p > *q;
}

/* In every CPU's fetches, as far as the addresses are there already. */
static void mark_pages(const struct hunt *h, bool on)
{
    for (unsigned k = 0; k < h->marks.count; k++)
        for (unsigned n = 0; n < h->m->cpu_count; n++)
            tlb_x_mark(h->m->cpus[n]->tlb, h->marks.pcs[k] & ~PAGE_MASK, on);
}

static int mark(struct hunt *h, struct arm_error *err)
{
    if (h->until.where &&
        sized_copy(&h->where, sizeof(h->where), h->until.where, "struct arm_filter", err) < 0)
        return -ARM_EINVAL;
    uint64_t *pcs = g_memdup2(h->until.pcs, h->until.pc_count * sizeof(*pcs));
    qsort(pcs, h->until.pc_count, sizeof(*pcs), ascending);
    h->marks = (struct code_marks){pcs, h->until.pc_count, about_to_execute, h};
    mark_pages(h, true);
    h->m->marks = &h->marks;
    return 0;
}

static void unmark(struct hunt *h)
{
    mark_pages(h, false);
    h->m->marks = NULL;
    g_free((void *)(uintptr_t)h->marks.pcs);
}

static void crossed(void *ctx, const struct arm_event *event)
{
    struct hunt *h = ctx;

    if (h->until.world == (event->world.enter ? ARM_WORLD_GUEST : ARM_WORLD_HOST))
        machine_stop(h->m, ARM_STOP_UNTIL);
}

static int watch(struct hunt *h, const struct arm_filter *filter, uint64_t events, arm_event_fn *fn,
                 struct arm_error *err)
{
    struct arm_filter known = {.events = events};

    if (filter && sized_copy(&known, sizeof(known), filter, "struct arm_filter", err) < 0)
        return -ARM_EINVAL;
    if (events)
        known.events = events;
    known.size = sizeof(known);
    int handle = arm_subscribe(h->m, &known, fn, h);
    if (!handle)
        return error_set(err, ARM_EINVAL, "more than %d subscribers", ARM_SUBSCRIBERS_MAX);
    h->handles[h->count++] = handle;
    return 0;
}

static int watch_all(struct hunt *h, struct arm_error *err)
{
    int r = 0;

    if (h->until.pc_count)
        r = mark(h, err);
    if (r == 0 && h->until.world)
        r = watch(h, h->until.where, BIT(ARM_EVENT_WORLD), crossed, err);
    if (r == 0 && h->until.event)
        r = watch(h, h->until.event, 0, seen, err);
    return r;
}

int arm_run_until(struct arm_machine *m, const struct arm_until *until, struct arm_error *err)
{
    struct hunt h = {.m = m};
    int r = sized_copy(&h.until, sizeof(h.until), until, "struct arm_until", err);

    if (r < 0)
        return r;
    if (m->parallel)
        return error_set(err, ARM_ENOTSUP, "parallel CPUs cannot be stopped at an instruction");
    if (h.until.cpu_insns && h.until.cpu >= m->cpu_count)
        return error_set(err, ARM_EINVAL, "no CPU %u", h.until.cpu);
    r = watch_all(&h, err);
    if (h.until.cpu_insns) {
        m->counted = m->cpus[h.until.cpu];
        m->counted_goal = cpu_retired(m->counted) + h.until.cpu_insns;
    }
    if (r == 0)
        r = (int)arm_run(m, h.until.max_insns);
    m->counted = NULL;
    while (h.count)
        arm_unsubscribe(m, h.handles[--h.count]);
    unmark(&h);
    m->hold = false;
    return r;
}
