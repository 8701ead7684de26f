/* Data and Instruction Aborts: AArch64.Abort(). */
#pragma once

#include "cpu/cpu.h"
#include "mmu/fault.h"

/**
 * cpu_take_abort() - take the Data Abort for access @acc of @i, @size bytes at @va (the address
 * reported), that failed with @f. cpu->pc is the vector afterwards.
 */
void cpu_take_abort(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size, unsigned acc,
                    const struct mmu_fault *f);

/* Take the Instruction Abort for fetching from @pc. */
void cpu_take_fetch_abort(struct cpu *cpu, uint64_t pc, const struct mmu_fault *f);
