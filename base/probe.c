#include "base/probe.h"

#include <stddef.h>
#include <string.h>

#include "base/bits.h"

/* Events that lead from one EL and world to another: who wants either side gets them. */
#define CROSSING (BIT(ARM_EVENT_EXCEPTION) | BIT(ARM_EVENT_ERET) | BIT(ARM_EVENT_WORLD))

static void update_masks(struct probes *ps)
{
    _Static_assert(ARM_SUBSCRIBERS_MAX <= 8 * sizeof(ps->of[0]), "a bit for each");
    ps->changes++;
    ps->mask = ps->placed = 0;
    memset(ps->of, 0, sizeof(ps->of));
    for (unsigned k = 0; k < ps->count; k++) {
        const struct arm_filter *f = &ps->sub[k].filter;
        bool placed = f->els || f->worlds || f->one_vmid;
        ps->sub[k].everywhere = !placed && !(f->cpus[0] | f->cpus[1]);
        ps->mask |= f->events;
        if (placed)
            ps->placed |= f->events;
        for (uint64_t m = f->events; m; m &= m - 1)
            ps->of[__builtin_ctzll(m)] |= (uint16_t)BIT(k);
    }
    unsigned readers = ps->of[ARM_EVENT_SYSREG_READ];
    ps->lists =
        readers && !(readers & (readers - 1)) && ps->sub[__builtin_ctz(readers)].filter.lists;
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

bool probe_filter_wants(const struct arm_filter *f, const struct arm_event *at)
{
    return wants_cpu(f, at->cpu) && wants_place(f, at);
}

/* The world that is entered: its stage 2 is on by HCR_EL2.VM or DC. */
static bool wants_entered(const struct arm_filter *f, const struct arm_event *p)
{
    const struct arm_event at = {.el = p->world.el,
                                 .guest = bit(p->world.hcr, 0) || bit(p->world.hcr, 12),
                                 .vmid = p->world.vmid};

    return wants_place(f, &at);
}

/* The other side of a crossing: its EL is known, its world only in so far as EL2 is the host's. */
static bool wants_target(const struct arm_filter *f, const struct arm_event *p)
{
    unsigned el = p->kind == ARM_EVENT_ERET        ? p->eret.target_el
                  : p->kind == ARM_EVENT_EXCEPTION ? p->exception.target_el
                                                   : 2;

    if (p->kind == ARM_EVENT_WORLD && p->world.enter)
        return wants_entered(f, p);
    if (f->els && !bit(f->els, el))
        return false;
    return el == 2 ? !f->worlds || (f->worlds & ARM_WORLD_HOST)
                   : p->el == 2 || wants_world(f, p); /* EL2 may enter any world */
}

/* Does @p happen where @f, which wants events of its kind, wants them? */
static bool wants(const struct arm_filter *f, const struct arm_event *p)
{
    if (p->cpu == ARM_NO_CPU)
        return true;
    return wants_cpu(f, p->cpu) &&
           (wants_place(f, p) || (bit(CROSSING, p->kind) && wants_target(f, p)));
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

/* Who wants @kind, of the subscribers with handles above @after and up to @last: they are in this
 * order. */
static unsigned others(const struct probes *ps, enum arm_event_kind kind, int after, int last)
{
    unsigned some = ps->of[kind];

    for (unsigned m = some; m; m &= m - 1) {
        int handle = ps->sub[__builtin_ctz(m)].handle;
        if (handle <= after || handle > last)
            some &= ~(m & -m);
    }
    return some;
}

/* A callback may end subscriptions, its own too. One that it adds has come too late for @p. */
void probe_fire(const struct probes *ps, const struct arm_event *p)
{
    const int last = ps->last_handle;
    unsigned left = ps->of[p->kind];

    while (left) {
        unsigned k = (unsigned)__builtin_ctz(left), changes = ps->changes;
        int handle = ps->sub[k].handle;
        left &= left - 1;
        if (ps->sub[k].everywhere || wants(&ps->sub[k].filter, p))
            ps->sub[k].fn(ps->sub[k].ctx, p);
        if (unlikely(ps->changes != changes))
            left = others(ps, p->kind, handle, last);
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
    update_masks(ps);
    return ps->last_handle;
}

bool probe_unsubscribe(struct probes *ps, int handle)
{
    for (unsigned k = 0; k < ps->count; k++) {
        if (ps->sub[k].handle != handle)
            continue;
        for (ps->count--; k < ps->count; k++)
            ps->sub[k] = ps->sub[k + 1];
        update_masks(ps);
        return true;
    }
    return false;
}

const char *arm_event_name(enum arm_event_kind kind)
{
    static const char *const names[] = {
#define PROBE(number, NAME, member, word, text, fields) [number] = #NAME,
#include "base/probe.def"
#undef PROBE
    };
    return (unsigned)kind < ARRAY_SIZE(names) ? names[kind] : NULL;
}

const char *arm_event_word(const char *set, unsigned number)
{
    static const struct {
        const char *set, *name;
        unsigned number;
    } words[] = {
#define PROBE_WORD(set, number, NAME, text) {#set, #NAME, number},
#include "base/probe_words.def"
#undef PROBE_WORD
    };

    for (size_t k = 0; k < ARRAY_SIZE(words); k++)
        if (words[k].number == number && !strcmp(words[k].set, set))
            return words[k].name;
    return NULL;
}
