/*
 * The performance monitors (DDI0487 D12): registers in pmu.c, counting in pmu_count.c, which events
 * an instruction causes in pmu_insn.c; the events themselves in arch/pmu_events.def.
 */
#pragma once

#include "arch/pmu_events.h"
#include "cpu/cpu.h"

#define PMU_COUNTERS 6 /* event counters, besides the cycle counter */

/* PMEVTYPER<n>_EL0.evtCount, and as it was before PMUv3p1. */
#define PMU_EVT_COUNT    MASK(15, 0)
#define PMU_EVT_COUNT_V3 MASK(9, 0)

/* How @event is counted; PMU_NEVER if there is no such event. */
enum pmu_how pmu_how(uint64_t event);

/* PMCEID<@n>_EL0: the events there are. */
uint64_t pmu_ceid(unsigned n);

/* False: an access to counter @sr from EL0 or EL1 reaches one that MDCR_EL2.HPMN keeps for EL2. */
bool pmu_counter_accessible(const struct cpu *cpu, enum sysreg sr);

/* The first counter of the range that MDCR_EL2.HPMN keeps for EL2; PMU_COUNTERS: none. */
unsigned pmu_first_of_el2(const struct cpu *cpu);

_Static_assert(SR_PMEVCNTR5_EL0 - SR_PMEVCNTR0_EL0 == PMU_COUNTERS - 1 &&
                   SR_PMEVTYPER5_EL0 - SR_PMEVTYPER0_EL0 == PMU_COUNTERS - 1,
               "rows of an array of registers follow each other");

/* PMEVCNTR<n>_EL0, PMEVTYPER<n>_EL0; n < PMU_COUNTERS. */
static inline enum sysreg pmu_counter_register(unsigned n)
{
    return (enum sysreg)(SR_PMEVCNTR0_EL0 + n);
}

static inline enum sysreg pmu_type_register(unsigned n)
{
    return (enum sysreg)(SR_PMEVTYPER0_EL0 + n);
}

/* Once per CPU; reset values: PMCR_EL0, MDCR_EL2.HPMN. */
void cpu_pmu_create(struct cpu *cpu);
void cpu_pmu_reset(struct cpu *cpu);

/* Count what has retired since the last call, for the current EL: before a counter or control is
 * read or written. */
void pmu_sync(struct cpu *cpu);

/* What pmu_sync() would leave, with no effect: register @sr, if it is a counter; PMOVSSET_EL0. */
uint64_t pmu_value(const struct cpu *cpu, enum sysreg sr);
uint64_t pmu_overflows(const struct cpu *cpu);

/* One occurrence of @event at the current EL, for those of @counters (bits) that count it. */
void pmu_count(struct cpu *cpu, enum pmu_event event, uint64_t counters);

/* Around a change of the EL, while cpu->pmu_on. Before: what has retired, the current instruction
 * too if it has @completed, otherwise the cycle it took, and @event are counted where they
 * happened. */
void pmu_leave_el(struct cpu *cpu, enum pmu_event event, bool completed);
void pmu_enter_el(struct cpu *cpu);

/* While cpu->pmu_insns: @i, begun at @el, has retired with @r. Before it,
 * cpu->accessed was clear. */
void pmu_retire(struct cpu *cpu, const struct insn *i, enum exec_result r, unsigned el);

/* The events (bits by number) of an instruction of row @op that did or did not change the PC and
 * made accesses of the given kinds (ACCESSED_xxx). */
uint64_t pmu_insn_events(enum a64_op op, bool branched, unsigned accessed);

/* What follows from the registers: who counts, the interrupt's level. */
void pmu_follow(struct cpu *cpu);
/* A control changed: likewise, and when to look for the next overflow. */
void pmu_changed(struct cpu *cpu);
void pmu_update_line(struct cpu *cpu);

/* The time that it has asked the clock for has come. */
void pmu_deadline(struct cpu *cpu);
