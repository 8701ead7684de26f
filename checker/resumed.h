/* What a program of EL2 uses behind an interrupt, of registers that were changed meanwhile and that
 * are a world's as well as its own: V0 to V31, SP_EL0, TPIDR_EL0. */
#pragma once

#include <stdbool.h>

#include "checker/finding.h"
#include "checker/regs.h"

struct resumed;

#define RESUMED_VECTORS 32
#define RESUMED_SYSREGS 2

/* Such a program as it is interrupted. */
struct resumed_before {
    unsigned cpu;
    struct value128 v[RESUMED_VECTORS];
    uint64_t s[RESUMED_SYSREGS];
    bool own[RESUMED_SYSREGS]; /* EL2 has written it, with no world's value */
    uint32_t vectors;          /* changed by an interrupt before, and not used since: BIT(n) */
};

struct resumed *resumed_new(struct arm_checker *c);
void resumed_free(struct resumed *u);

/* @p: the exception. */
void resumed_begin(struct resumed *u, struct resumed_before *b, const struct arm_event *p);

/* The program goes on, by the ERET @p: what has changed is followed until it is used or written. */
void resumed_end(struct resumed *u, const struct resumed_before *b, const struct arm_event *p);

/* Something else runs on @cpu. */
void resumed_stop(struct resumed *u, unsigned cpu);

/* EL2 reads a system register: reports. */
void resumed_read(struct resumed *u, const struct arm_event *p);

/* Is one of @cpu still to be told: one that a program goes on with changed? */
bool resumed_needs_reads(const struct resumed *u, unsigned cpu);
