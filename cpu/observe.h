/* What must be looked at between instructions, one at a time. */
#pragma once

#include "cpu/breakpoint.h"
#include "cpu/debug_state.h"

/* Does something have to be looked at between every two instructions now? In this order compilers
 * do not make one load of bytes that lie side by side, which would wait for those of PSTATE that an
 * exception has just stored. */
static inline bool cpu_needs_observed(const struct cpu *cpu)
{
    return cpu->ps.btype || cpu->ps.il ||
           (MDSCR_EL1_SS(cpu->sr[SR_MDSCR_EL1]) && cpu_step_active(cpu)) || cpu->pmu_insns ||
           cpu_wants(cpu, ARM_EVENT_INSN) || breakpoints_active(cpu);
}
