#include "base/pace.h"

void pace_init(struct pace *p, struct clock *clock, clock_event_fn *go_on, void *ctx)
{
    *p = (struct pace){.clock = clock, .go_on = {.fn = go_on, .ctx = ctx}};
    clock_event_add(clock, &p->go_on);
}

uint32_t pace_left(struct pace *p)
{
    uint64_t now = clock_now_ns(p->clock);

    if (now - p->since_ns >= PACE_NS) {
        p->since_ns = now;
        p->spent = 0;
    }
    return PACE_BYTES - p->spent;
}

void pace_spend(struct pace *p, uint32_t bytes)
{
    p->spent = bytes < PACE_BYTES - p->spent ? p->spent + bytes : PACE_BYTES;
}

void pace_wait(struct pace *p)
{
    clock_event_set(p->clock, &p->go_on, p->since_ns + PACE_NS);
}

void pace_stop(struct pace *p)
{
    clock_event_set(p->clock, &p->go_on, CLOCK_NEVER);
}
