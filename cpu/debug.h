/* The self-hosted debug registers (DDI0487 D2, D23.3). */
#pragma once

#include "cpu/cpu.h"

/* Could PSTATE.D matter now: stepping, or breakpoint and watchpoint exceptions, are switched on? */
static inline bool debug_in_use(const struct cpu *cpu)
{
    uint64_t mdscr = cpu->sr[SR_MDSCR_EL1];

    return MDSCR_EL1_SS(mdscr) || MDSCR_EL1_MDE(mdscr);
}

/* A debug control was written: cpu->breakpoints_on and watchpoints_on follow. Both say "perhaps":
 * what depends on the EL and PSTATE.D is asked at each match. */
void cpu_debug_changed(struct cpu *cpu);

/* All that follows from the registers: that, and the level of COMMIRQ. */
void cpu_debug_follow(struct cpu *cpu);

/* Reset values of the debug registers. */
void cpu_debug_reset(struct cpu *cpu);
