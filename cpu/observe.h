/* What must be looked at between instructions, one at a time. */
#pragma once

#include "cpu/breakpoint.h"
#include "cpu/debug_state.h"

/* Does something have to be looked at between every two instructions now? */
static inline bool cpu_needs_observed(const struct cpu *cpu)
{
    return cpu->ps.btype || cpu->ps.il || cpu->pmu_insns ||
           (MDSCR_EL1_SS(cpu->sr[SR_MDSCR_EL1]) && cpu_step_active(cpu)) ||
           breakpoints_active(cpu) || cpu_wants(cpu, ARM_EVENT_INSN);
}
