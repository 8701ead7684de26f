/* Is the CPU busy waiting on the counter? What is then done about it is cpu/spin.h. */
#pragma once

#include "cpu/parallel.h"

#define SPIN_STEPS 128 /* instructions of the longest iteration */
#define SPIN_TIMES 3   /* iterations of one length before a loop is looked at */

/* Has the counter been read here, at cpu->pc, every so many instructions for some time? */
static inline bool spin_seen(struct cpu *cpu)
{
    struct spin *s = &cpu->spin;

    if (s->rest) {
        s->rest--;
        return false;
    }
    uint64_t now = cpu_retired(cpu), period = now - s->at;
    bool here = s->pc == cpu->pc;

    s->at = now;
    s->pc = cpu->pc;
    s->rest_next = here ? s->rest_next : SPIN_TIMES;
    s->times = here && s->period == period ? s->times + 1 : 0;
    s->period = period;
    return unlikely(s->times >= SPIN_TIMES && period <= SPIN_STEPS);
}

/* To be called at each read of counter @sr, with everything before counted: if it is in such a
 * loop, the run loop looks at that before the next instruction. Real time passes by itself. */
static inline void spin_note_read(struct cpu *cpu, enum sysreg sr)
{
    if (cpu_is_parallel(cpu) || !spin_seen(cpu))
        return;
    cpu->spin.due = true;
    cpu->spin.counter = sr;
    cpu_recheck(cpu);
}
