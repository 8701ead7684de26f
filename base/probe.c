#include "base/probe.h"

#include <stddef.h>

#include "base/bits.h"

/* Events that lead from one EL and world to another: who wants either side gets them. */
#define CROSSING (BIT(ARM_EVENT_EXCEPTION) | BIT(ARM_EVENT_ERET))

static void update_mask(struct probes *ps)
{
    ps->mask = 0;
    for (unsigned k = 0; k < ps->count; k++)
        ps->mask |= ps->sub[k].filter.events;
}

static bool wants_cpu(const struct arm_filter *f, unsigned cpu)
{
    return !(f->cpus[0] | f->cpus[1]) || (cpu < 128 && bit(f->cpus[cpu / 64], cpu % 64));
}

static bool wants_world(const struct arm_filter *f, const struct arm_event *at)
{
    if (f->worlds && !(f->worlds & (at->guest ? ARM_WORLD_GUEST : ARM_WORLD_HOST)))
        return false;
    return !f->one_vmid || !at->guest || f->vmid == at->vmid;
}

static bool wants_place(const struct arm_filter *f, const struct arm_event *at)
{
    return (!f->els || bit(f->els, at->el)) && wants_world(f, at);
}

/* The other side of a crossing: its EL is known, its world only in so far as EL2 is the host's. */
static bool wants_target(const struct arm_filter *f, const struct arm_event *p)
{
    unsigned el = p->kind == ARM_EVENT_ERET ? p->eret.target_el : p->exception.target_el;

    if (f->els && !bit(f->els, el))
        return false;
    return el == 2 ? !f->worlds || (f->worlds & ARM_WORLD_HOST)
                   : p->el == 2 || wants_world(f, p); /* EL2 may enter any world */
}

uint64_t probe_mask_at(const struct probes *ps, const struct arm_event *at)
{
    uint64_t mask = 0;

    for (unsigned k = 0; k < ps->count; k++) {
        const struct arm_filter *f = &ps->sub[k].filter;
        if (wants_cpu(f, at->cpu))
            mask |= wants_place(f, at) ? f->events : f->events & CROSSING;
    }
    return mask;
}

void probe_fire(const struct probes *ps, const struct arm_event *p)
{
    bool crossing = bit(CROSSING, p->kind);

    for (unsigned k = 0; k < ps->count; k++) {
        const struct arm_filter *f = &ps->sub[k].filter;
        if (bit(f->events, p->kind) && wants_cpu(f, p->cpu) &&
            (wants_place(f, p) || (crossing && wants_target(f, p))))
            ps->sub[k].fn(ps->sub[k].ctx, p);
    }
}

void probe_fire_located(const struct probes *ps, struct arm_event *p)
{
    if (ps->locate)
        ps->locate(ps->locate_ctx, p);
    probe_fire(ps, p);
}

int probe_subscribe(struct probes *ps, const struct arm_filter *filter, arm_event_fn *fn, void *ctx)
{
    if (ps->count == ARM_SUBSCRIBERS_MAX)
        return 0;
    ps->sub[ps->count].handle = ++ps->last_handle;
    ps->sub[ps->count].filter = *filter;
    ps->sub[ps->count].fn = fn;
    ps->sub[ps->count].ctx = ctx;
    ps->count++;
    update_mask(ps);
    return ps->last_handle;
}

bool probe_unsubscribe(struct probes *ps, int handle)
{
    for (unsigned k = 0; k < ps->count; k++) {
        if (ps->sub[k].handle != handle)
            continue;
        for (ps->count--; k < ps->count; k++)
            ps->sub[k] = ps->sub[k + 1];
        update_mask(ps);
        return true;
    }
    return false;
}

const char *arm_event_name(enum arm_event_kind kind)
{
    static const char *const names[] = {
#define PROBE(number, NAME, member, text, fields) [number] = #NAME,
#include "base/probe.def"
#undef PROBE
    };
    return (unsigned)kind < ARRAY_SIZE(names) ? names[kind] : NULL;
}
