/* One CPU's exceptions, one by one: is it the same again and again? */
#pragma once

#include "death_state.h"

/* Zero: none so far. */
struct death_close {
    struct death_fault last;
    uint64_t registers; /* a hash of them at the last */
    uint64_t nested;    /* the same without a return in between */
    uint64_t returned;  /* with a return to the same instruction */
    uint64_t starved;   /* interrupts at once behind a return */
    uint64_t stacked;   /* interrupts without a return in between */
    uint64_t eret;      /* instructions of the CPU before its last return */
    uint64_t seen;      /* exceptions and returns */
    bool back, irq;
};

/* @p: ARM_EVENT_EXCEPTION or ARM_EVENT_ERET of the CPU, the next one. */
void death_close_event(struct death_close *l, struct arm_machine *m, const struct arm_event *p);

/* What has no end: DEATH_RECURSION, DEATH_RETURNS, DEATH_STORM, or DEATH_NONE. */
enum death_kind death_close_verdict(const struct death_close *l);

/* Of DEATH_STORM: each interrupt was taken within the handler of the one before. */
bool death_close_stacked(const struct death_close *l);

/* It was the same so often that it is worth knowing whether that has an end. */
bool death_close_alike(const struct death_close *l);

/* So many were seen that one without an end would be known. */
bool death_close_enough(const struct death_close *l);
