/*
 * A unit: one file that gets events and decides rules. All functions may be NULL but create.
 *
 * exit() and enter() come behind the unit's event() for the exception or the return itself: at
 * exit() the registers are as the exception has left them, and c->cpus[].last is @w; at enter()
 * EL2's ERET has not yet changed anything, and c->cpus[].running is @w.
 */
#pragma once

#include "checker/checker.h"
#include "checker/finding.h"

struct check_unit {
    uint64_t at_el2;     /* events wanted at EL2 and at its crossings, ARM_BIT(ARM_EVENT_xxx) */
    uint64_t everywhere; /* events wanted at every EL */
    void *(*create)(struct arm_checker *c);
    void (*event)(struct arm_checker *c, void *state, const struct arm_event *p);
    void (*exit)(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p);
    void (*enter)(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p);
    void (*end)(struct arm_checker *c, void *state); /* the run is over: what is still open */
    void (*destroy)(void *state);
};

#define UNIT(name, ...) extern const struct check_unit unit_##name;
#include "checker/units.def"
#undef UNIT
