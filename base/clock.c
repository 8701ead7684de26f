#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "base/state_io.h"

uint64_t clock_now_ns(const struct clock *clk)
{
    return clk->now_ns + (clk->progress_ns ? clk->progress_ns(clk->progress_ctx) : 0);
}

static void find_next(struct clock *clk)
{
    uint64_t next = CLOCK_NEVER;

    for (unsigned i = 0; i < clk->event_count; i++)
        if (clk->events[i]->deadline_ns < next)
            next = clk->events[i]->deadline_ns;
    __atomic_store_n(&clk->next_ns, next, __ATOMIC_RELAXED);
}

void clock_event_add(struct clock *clk, struct clock_event *ev, const char *name, ...)
{
    va_list ap;

    CHECK(clk->event_count < CLOCK_EVENTS_MAX);
    va_start(ap, name);
    int len = vsnprintf(ev->name, sizeof(ev->name), name, ap);
    va_end(ap);
    CHECK(len > 0 && len < CLOCK_NAME_MAX);
    ev->deadline_ns = CLOCK_NEVER;
    clk->events[clk->event_count++] = ev;
    find_next(clk);
}

void clock_event_set(struct clock *clk, struct clock_event *ev, uint64_t deadline_ns)
{
    uint64_t before = clk->next_ns;

    if (ev->deadline_ns == deadline_ns)
        return;
    ev->deadline_ns = deadline_ns;
    find_next(clk);
    if (clk->next_ns < before && clk->rescheduled)
        clk->rescheduled(clk->rescheduled_ctx);
}

void clock_run(struct clock *clk, uint64_t now_ns)
{
    if (now_ns > clk->now_ns)
        clk->now_ns = now_ns;
    clock_fire(clk, clk->now_ns);
}

void clock_fire(struct clock *clk, uint64_t now_ns)
{
    while (clk->next_ns <= now_ns) {
        struct clock_event *due = clk->events[0];

        for (unsigned i = 1; i < clk->event_count; i++)
            if (clk->events[i]->deadline_ns < due->deadline_ns)
                due = clk->events[i];
        due->deadline_ns = CLOCK_NEVER;
        find_next(clk);
        due->fn(due->ctx, now_ns);
    }
}

/* Of restored times: so far from the end that no sum of them with a device's delay wraps. */
#define TIME_MAX BIT(62)

static unsigned count_armed(const struct clock *clk)
{
    unsigned n = 0;

    for (unsigned i = 0; i < clk->event_count; i++)
        n += clk->events[i]->deadline_ns != CLOCK_NEVER;
    return n;
}

/* The first armed event from *@at on, which moves behind it. */
static const struct clock_event *next_armed(const struct clock *clk, unsigned *at)
{
    while (clk->events[*at]->deadline_ns == CLOCK_NEVER)
        ++*at;
    return clk->events[(*at)++];
}

static struct clock_event *find_event(struct clock *clk, const char *name)
{
    for (unsigned i = 0; i < clk->event_count; i++)
        if (!strcmp(clk->events[i]->name, name))
            return clk->events[i];
    return NULL;
}

static void disarm_all(struct clock *clk)
{
    for (unsigned i = 0; i < clk->event_count; i++)
        clk->events[i]->deadline_ns = CLOCK_NEVER;
}

static void armed_event_state(struct state_io *io, struct clock *clk, unsigned *at)
{
    struct clock_event event = {.deadline_ns = CLOCK_NEVER};

    if (!state_restoring(io))
        event = *next_armed(clk, at);
    state_bytes(io, "event.name", event.name, sizeof(event.name));
    STATE(io, event.deadline_ns);
    if (!state_require(io, event.deadline_ns < TIME_MAX, event.name) || !state_restoring(io))
        return;
    event.name[CLOCK_NAME_MAX - 1] = 0;
    struct clock_event *to = find_event(clk, event.name);
    if (to)
        to->deadline_ns = event.deadline_ns;
    else
        state_fail(io, ARM_EINVAL, "an event \"%s\", which this machine does not have", event.name);
}

void clock_time_state(struct state_io *io, struct clock *clk)
{
    STATE(io, clk->now_ns);
    state_require(io, clk->now_ns < TIME_MAX, "clk->now_ns");
}

void clock_events_state(struct state_io *io, struct clock *clk)
{
    unsigned at = 0;
    uint64_t armed = state_count(io, "armed events", count_armed(clk), clk->event_count);
    if (state_restoring(io))
        disarm_all(clk);
    for (uint64_t n = 0; n < armed && !state_failed(io); n++)
        armed_event_state(io, clk, &at);
    find_next(clk);
}
