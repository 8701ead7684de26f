/*
 * Busy waiting on the counter. A loop that does nothing but read CNTPCT_EL0 or CNTVCT_EL0 and look
 * whether it is late enough is carried forward many iterations at once.
 *
 * Nothing of it can be seen, not even in the number of retired instructions. Within a slice only
 * this CPU acts: the others wait for their turn, the clock's events and the host's input for the
 * slice's end. So as long as a loop changes nothing that it reads itself, its next iteration
 * differs from the last one in the counter alone, whose value follows from the number of
 * instructions. What is left to do for an iteration is what depends on the counter, and of the
 * iterations that read the same value, only for one. See docs/decisions/006.
 */
#pragma once

#include "cpu/cpu.h"

#define SPIN_STEPS    128 /* instructions of the longest iteration */
#define SPIN_PATIENCE 3   /* iterations of one length before a loop is looked at */

/* Has the counter been read here, at cpu->pc, every so many instructions for some time? To be asked
 * at each read of it, with everything before counted. */
static inline bool spin_seen(struct cpu *cpu)
{
    struct spin *s = &cpu->spin;
    uint64_t now = cpu_retired(cpu), period = now - s->at;
    bool here = s->pc == cpu->pc;

    s->at = now;
    s->pc = cpu->pc;
    s->patience = here ? s->patience : SPIN_PATIENCE;
    s->times = here && s->period == period ? s->times + 1 : 0;
    s->period = period;
    return unlikely(s->times >= s->patience && period <= SPIN_STEPS);
}

/**
 * spin_run() - the read of counter @sr by @i has been done, and spin_seen() was true: go on behind
 * it, and carry the loop forward if it waits for the counter only.
 * Return: EXEC_NEXT if nothing was done; EXEC_EXIT if instructions behind @i have been executed.
 */
enum exec_result spin_run(struct cpu *cpu, const struct insn *i, enum sysreg sr);
