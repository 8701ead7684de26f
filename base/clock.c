#include "base/clock.h"

#include "base/log.h"

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
    clk->next_ns = next;
}

void clock_event_add(struct clock *clk, struct clock_event *ev)
{
    CHECK(clk->event_count < CLOCK_EVENTS_MAX);
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
    while (clk->next_ns <= clk->now_ns) {
        struct clock_event *due = clk->events[0];

        for (unsigned i = 1; i < clk->event_count; i++)
            if (clk->events[i]->deadline_ns < due->deadline_ns)
                due = clk->events[i];
        due->deadline_ns = CLOCK_NEVER;
        find_next(clk);
        due->fn(due->ctx, clk->now_ns);
    }
}
