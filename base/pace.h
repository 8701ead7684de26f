/*
 * Long work of a device in pieces, so that no guest can keep the run from its limits and from
 * signals: so many bytes in a microsecond of virtual time, and what is left over goes on by an
 * event of the clock. What fits is done at once.
 */
#pragma once

#include <stdint.h>

#include "base/clock.h"

#define PACE_BYTES (UINT32_C(1) << 20)
#define PACE_NS    1000

struct pace {
    struct clock *clock;
    struct clock_event go_on;
    uint64_t since_ns; /* start of the microsecond */
    uint32_t spent;    /* bytes in it */
};

/* @go_on: called with @ctx when pace_wait() is over. @clock must outlive the device. @name: of the
 * event, see clock_event_add(). */
void pace_init(struct pace *p, struct clock *clock, const char *name, clock_event_fn *go_on,
               void *ctx);

/* How many bytes may be moved now; 0: pace_wait() first. */
uint32_t pace_left(struct pace *p);

/* So many bytes, or work that costs as much as moving them, were moved. More than were left is
 * taken from no later microsecond. */
void pace_spend(struct pace *p, uint32_t bytes);

/* Call go_on() in the next microsecond; pace_stop(): do not. */
void pace_wait(struct pace *p);
void pace_stop(struct pace *p);

/* All but its event, which is the clock's. */
void pace_state(struct state_io *io, struct pace *p);
