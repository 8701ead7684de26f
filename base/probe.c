#include "base/probe.h"

#include <stddef.h>

#include "base/bits.h"

static void update_mask(struct probes *ps)
{
    ps->mask = 0;
    for (unsigned k = 0; k < ps->count; k++)
        ps->mask |= ps->sub[k].mask;
}

void probe_fire(const struct probes *ps, const struct probe *p)
{
    for (unsigned k = 0; k < ps->count; k++)
        if (ps->sub[k].mask & BIT(p->event))
            ps->sub[k].fn(ps->sub[k].ctx, p);
}

bool probe_subscribe(struct probes *ps, uint64_t mask, probe_fn *fn, void *ctx)
{
    if (ps->count == PROBE_SUBSCRIBERS_MAX)
        return false;
    ps->sub[ps->count].mask = mask;
    ps->sub[ps->count].fn = fn;
    ps->sub[ps->count].ctx = ctx;
    ps->count++;
    update_mask(ps);
    return true;
}

void probe_unsubscribe(struct probes *ps, probe_fn *fn, void *ctx)
{
    unsigned kept = 0;

    for (unsigned k = 0; k < ps->count; k++)
        if (ps->sub[k].fn != fn || ps->sub[k].ctx != ctx)
            ps->sub[kept++] = ps->sub[k];
    ps->count = kept;
    update_mask(ps);
}

const char *probe_name(enum probe_event ev)
{
    static const char *const names[] = {
#define PROBE(name, text) #name,
#include "base/probe.def"
#undef PROBE
    };
    return names[ev];
}
