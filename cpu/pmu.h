/*
 * The performance monitors (DDI0487 D12): registers in pmu.c, counting in pmu_count.c.
 * Differs: an instruction that takes an exception on completing (SVC, HVC, SMC) is counted at the
 * EL it goes to.
 */
#pragma once

#include "cpu/cpu.h"

#define PMU_COUNTERS 6 /* event counters, besides the cycle counter */

/* The events there are; all but SW_INCR and CHAIN count by themselves. Numbers as in D12.11.3. */
enum pmu_event {
    PMU_EVENT_SW_INCR = 0x00,
    PMU_EVENT_INST_RETIRED = 0x08,
    PMU_EVENT_EXC_TAKEN = 0x09,
    PMU_EVENT_EXC_RETURN = 0x0a,
    PMU_EVENT_CPU_CYCLES = 0x11,
    PMU_EVENT_CHAIN = 0x1e,
};

/* False: an access to counter @sr from EL0 or EL1 reaches one that MDCR_EL2.HPMN keeps for EL2. */
bool pmu_counter_accessible(const struct cpu *cpu, enum sysreg sr);

/* PMEVCNTR<n>_EL0, PMEVTYPER<n>_EL0; n < PMU_COUNTERS. */
enum sysreg pmu_counter_register(unsigned n);
enum sysreg pmu_type_register(unsigned n);

/* Once per CPU; reset values: PMCR_EL0, MDCR_EL2.HPMN. */
void cpu_pmu_create(struct cpu *cpu);
void cpu_pmu_reset(struct cpu *cpu);

/* Count what has retired since the last call, for the current EL: before the EL changes, and before
 * a counter or control is read or written. */
void pmu_sync(struct cpu *cpu);

/* One occurrence of @event at the current EL, for those of @counters (bits) that count it. */
void pmu_count(struct cpu *cpu, enum pmu_event event, uint64_t counters);

/* A control changed: who counts, the interrupt's level, the next overflow. */
void pmu_changed(struct cpu *cpu);
void pmu_update_line(struct cpu *cpu);
