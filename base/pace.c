#include "base/pace.h"

#include "base/state_io.h"

void pace_init(struct pace *p, struct clock *clock, const char *name, clock_event_fn *go_on,
               void *ctx)
{
    *p = (struct pace){.clock = clock, .go_on = {.fn = go_on, .ctx = ctx}};
    clock_event_add(clock, &p->go_on, "%s", name);
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

void pace_state(struct state_io *io, struct pace *p)
{
    STATE(io, p->since_ns);
    STATE(io, p->spent);
    state_require(io, p->spent <= PACE_BYTES, "p->spent");
}
