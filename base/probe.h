/*
 * Observable events, a row each (base/probe.def). A subscriber is a function with a context; it
 * names the events, CPUs, exception levels and worlds that it wants. What nobody wants costs one
 * predicted branch on a path that is slow anyway, and what somebody wants in one world costs
 * nothing in the others: events of single instructions and accesses exist only in the observed loop
 * and the slow path, which a CPU takes only where they are wanted.
 */
#pragma once

#include "armillary_types.h"

struct probes {
    uint64_t mask;   /* BIT(event): at least one subscriber, wherever it is wanted */
    uint64_t placed; /* of these, the ones that somebody wants at some EL or in some world only */
    bool lists;      /* one wants SYSREG_READ, and takes lists of them */
    uint16_t of[64]; /* BIT(index in sub): who wants the event, wherever it is wanted */
    unsigned count, changes; /* changes: subscriptions made and ended */
    int last_handle;
    struct {
        int handle;
        bool everywhere; /* on any CPU, at any EL and in any world */
        struct arm_filter filter;
        arm_event_fn *fn;
        void *ctx;
    } sub[ARM_SUBSCRIBERS_MAX];
    /* Fill the common fields of an event that does not come from the CPU itself; p->cpu is set, to
     * ARM_NO_CPU if it is whoever's that runs. */
    void (*locate)(void *ctx, struct arm_event *p);
    void *locate_ctx;
};

/* Is @ev wanted by anybody? */
static inline bool probe_wanted(const struct probes *ps, enum arm_event_kind ev)
{
    return __builtin_expect((ps->mask >> ev) & 1, 0);
}

/* The events somebody wants of a CPU while it is where @at says (cpu, el, guest, vmid). An
 * exception or its return is wanted if either side is. */
uint64_t probe_mask_at(const struct probes *ps, const struct arm_event *at);

/* Does @f want events of where @at says (cpu, el, guest, vmid)? */
bool probe_filter_wants(const struct arm_filter *f, const struct arm_event *at);

/* Hand @p, complete, to every subscriber that wants it. Call only if probe_wanted(). */
void probe_fire(const struct probes *ps, const struct arm_event *p);

/* The same of an event that is wanted where @p happens, and leads nowhere else: mostly there is one
 * who can have meant it. */
static inline void probe_fire_wanted(const struct probes *ps, const struct arm_event *p)
{
    unsigned some = ps->of[p->kind];

    if (__builtin_expect(some && !(some & (some - 1)), 1)) {
        unsigned k = (unsigned)__builtin_ctz(some);
        ps->sub[k].fn(ps->sub[k].ctx, p);
    } else {
        probe_fire(ps, p);
    }
}

/* Complete @p by ps->locate() first. */
void probe_fire_located(const struct probes *ps, struct arm_event *p);

/* Return: a handle above 0; 0 if the table is full. */
int probe_subscribe(struct probes *ps, const struct arm_filter *filter, arm_event_fn *fn,
                    void *ctx);

/* False: there is no such subscription. */
bool probe_unsubscribe(struct probes *ps, int handle);
