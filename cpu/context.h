/*
 * The translation context: which regime, tables and L1 bank the current EL and system registers
 * select. It is looked up by the registers' values among the recent ones, so that exceptions and
 * world switches cost a comparison.
 */
#pragma once

#include "cpu/cpu.h"

/* To be called after anything that steers translation changed: EL, PSTATE.{SP,PAN,UAO}, the
 * registers of sysreg.def with SR_FX_REGIME or SR_FX_FP, cpu_accesses_observed(). */
void cpu_context_changed(struct cpu *cpu);

/* The same where nothing has but EL and PSTATE.{SP,PAN,UAO}: there and back again, mostly. */
void cpu_el_changed(struct cpu *cpu);

/* Such a register of another EL's regime changed: nothing now, but
 * something for cpu_el_changed(). */
static inline void cpu_other_context_changed(struct cpu *cpu)
{
    cpu->contexts.epoch++;
}

/* SCR_EL3 changed, or EL3 was entered or left: is EL2 enabled, and who is told of the Security
 * state? */
void cpu_follow_scr(struct cpu *cpu);

/* The banks of the TLB are others now, or in other places: look for the current one. */
void cpu_contexts_forget(struct cpu *cpu);

/* Accesses may not hit in L1, because somebody watches them all. */
static inline bool cpu_accesses_observed(const struct cpu *cpu)
{
    return cpu->watchpoints_on || cpu->pmu_accesses || cpu_wants(cpu, ARM_EVENT_MEM);
}
