/*
 * The translation context: which regime, tables and L1 bank the current EL and system registers
 * select. It is looked up by the registers' values among the recent ones, so that exceptions and
 * world switches cost a comparison.
 */
#pragma once

#include "cpu/code_cache.h"
#include "cpu/cpu.h"

/* To be called after anything that steers translation changed: EL, PSTATE.{PAN,UAO}, the registers
 * of sysreg.def with SR_FX_REGIME or SR_FX_FP, cpu_accesses_observed(). */
void cpu_context_changed(struct cpu *cpu);

/* Accesses may not hit in L1, because somebody watches them all. */
static inline bool cpu_accesses_observed(const struct cpu *cpu)
{
    return cpu->watchpoints_on || cpu->pmu_accesses || cpu_wants(cpu, ARM_EVENT_MEM);
}

/* The registers of regime @id as they are now, for translating in another than the current one. */
void cpu_regime(const struct cpu *cpu, enum regime_id id, struct regime *rg);

/* The regime that translates at the current EL. */
enum regime_id cpu_current_regime(const struct cpu *cpu);

/* Is the current code page guarded (GP, FEAT_BTI)? */
bool cpu_in_guarded_page(const struct cpu *cpu);

/**
 * cpu_fetch_page() - make the page of @pc (aligned to 4) the current code page, as
 * context_fetch_fast() could not.
 * Return: false if an Instruction Abort was taken instead.
 */
bool cpu_fetch_page(struct cpu *cpu, uint64_t pc);

/* The record at @pc, in what is then the current page; NULL if cpu_fetch_page() has to find it, or
 * @pc is misaligned. */
static inline const struct insn *context_fetch_fast(struct cpu *cpu, uint64_t pc)
{
    const struct tlb_x_entry *e = &cpu->bank->x[(pc >> PAGE_SHIFT) & (TLB_X_SIZE - 1)];

    if (unlikely((e->tag & ~(uint64_t)TLB_X_GUARDED) != (pc & ~(PAGE_MASK & ~UINT64_C(3)))))
        return NULL;
    cpu->page_va = pc & ~PAGE_MASK;
    cpu->page = ((const struct code_page *)e->page)->insn;
    return cpu->page + ((pc & PAGE_MASK) >> 2);
}
