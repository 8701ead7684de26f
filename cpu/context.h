/*
 * The translation context: which regime, tables and L1 bank the current EL and system registers
 * select. It is looked up by the registers' values among the recent ones, so that exceptions and
 * world switches cost a comparison.
 */
#pragma once

#include "cpu/block.h"
#include "cpu/cpu.h"

/* To be called after anything that steers translation changed: EL, PSTATE.{SP,PAN,UAO}, the
 * registers of sysreg.def with SR_FX_REGIME or SR_FX_FP, cpu_accesses_observed(). */
void cpu_context_changed(struct cpu *cpu);

/* The same, by comparing all registers that a slot depends on. */
void cpu_context_choose(struct cpu *cpu);

/* To be called after a subscription to events has been made or ended. */
void cpu_wishes_changed(struct cpu *cpu);

/* @s is that of now. */
static inline void cpu_context_use(struct cpu *cpu, const struct context_slot *s)
{
    cpu->contexts.x = &s->x;
    cpu->bank = s->bank;
    cpu->bank_unpriv = s->bank_unpriv;
    if (s->bank_unpriv != s->bank)
        tlb_bank_use(cpu->tlb, s->bank_unpriv, &s->x);
    tlb_bank_use(cpu->tlb, s->bank, &s->x);
    cpu->block = s->held | (uint32_t)cpu->ps.sp * (uint32_t)BLOCK_SP;
}

/* The slots of the current EL and PSTATE.PAN. */
static inline unsigned cpu_context_kind(const struct cpu *cpu)
{
    return cpu->ps.el * 2u + (cpu->ps.el ? cpu->ps.pan : 0);
}

/*
 * As cpu_context_changed(), where nothing has but EL and PSTATE.{SP,PAN,UAO}: there and back again,
 * mostly. A slot that was right in this epoch is so again, unless a bank has been given away. Not
 * with UAO, of which the kind knows nothing, nor where other events are wanted than there.
 */
static inline void cpu_el_changed(struct cpu *cpu)
{
    struct contexts *c = &cpu->contexts;
    unsigned kind = cpu_context_kind(cpu);
    struct context_slot *s = &c->slot[kind][c->recent[kind]];

    if (likely(s->epoch == c->epoch && s->serial == s->bank->serial &&
               s->serial_unpriv == s->bank_unpriv->serial && !(cpu->ps.uao | cpu->probes->placed)))
        cpu_context_use(cpu, s);
    else
        cpu_context_choose(cpu);
}

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

/* Accesses may not take the fast path, because somebody watches them all. */
static inline bool cpu_accesses_observed(const struct cpu *cpu)
{
    return cpu->watchpoints_on || cpu->pmu_accesses || cpu_wants(cpu, ARM_EVENT_MEM);
}
