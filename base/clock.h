/*
 * Virtual time and the events that wait for it. Time is nanoseconds since reset, advances with
 * retired instructions, and jumps when every CPU idles. An event fires at an exact time; two events
 * at the same time fire in the order of their creation.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define CLOCK_NEVER      UINT64_MAX
#define CLOCK_EVENTS_MAX 1024
#define CLOCK_NAME_MAX   32

struct state_io;

typedef void clock_event_fn(void *ctx, uint64_t now_ns);

struct clock_event {
    clock_event_fn *fn;
    void *ctx;
    uint64_t deadline_ns; /* CLOCK_NEVER: not armed */
    char name[CLOCK_NAME_MAX];
};

struct clock {
    uint64_t now_ns;  /* time at the last synchronisation point */
    uint64_t next_ns; /* earliest deadline, CLOCK_NEVER if none */
    /* The running CPU's progress since now_ns, so that reads inside a slice are exact; NULL if
     * none. */
    uint64_t (*progress_ns)(void *ctx);
    void *progress_ctx;
    /* Called when next_ns moved earlier, so that the runner can shorten its slice; may be NULL. */
    void (*rescheduled)(void *ctx);
    void *rescheduled_ctx;
    unsigned event_count;
    struct clock_event *events[CLOCK_EVENTS_MAX];
};

/* Exact current virtual time, also in the middle of a CPU's slice. */
uint64_t clock_now_ns(const struct clock *clk);

/* Register @ev (owned by the caller, must outlive the clock's use; fn and ctx set). Disarmed.
 * @name: by which a snapshot knows it, as "cpu3.timer.v"; no other event of a machine has it. */
void clock_event_add(struct clock *clk, struct clock_event *ev, const char *name, ...)
    __attribute__((format(printf, 3, 4)));

/* Arm or re-arm; CLOCK_NEVER disarms. A deadline in the past fires at the next clock_run(). */
void clock_event_set(struct clock *clk, struct clock_event *ev, uint64_t deadline_ns);

/* Move time to @now_ns (never backwards) and fire what is due, in order of deadline. */
void clock_run(struct clock *clk, uint64_t now_ns);

/* The same of a clock whose progress is real time: it moves by itself. */
void clock_fire(struct clock *clk, uint64_t now_ns);

/* next_ns, for a thread that does not hold what guards the clock: it may have just changed. */
static inline uint64_t clock_glance(const struct clock *clk)
{
    return __atomic_load_n(&clk->next_ns, __ATOMIC_RELAXED);
}

/* For snapshots: what time it is; which events are armed until when. */
void clock_time_state(struct state_io *io, struct clock *clk);
void clock_events_state(struct state_io *io, struct clock *clk);
