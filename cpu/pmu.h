/* The performance monitors (DDI0487 D12). */
#pragma once

#include "cpu/cpu.h"

#define PMU_COUNTERS 6 /* event counters, besides the cycle counter */

/* False: an access to counter @sr from EL0 or EL1 reaches one that MDCR_EL2.HPMN keeps for EL2. */
bool pmu_counter_accessible(const struct cpu *cpu, enum sysreg sr);

/* Reset values: PMCR_EL0, MDCR_EL2.HPMN. */
void cpu_pmu_reset(struct cpu *cpu);
