/* Data and Instruction Aborts as exceptions: AArch64.Abort(). Nothing is taken here. */
#pragma once

#include "cpu/cpu.h"
#include "mmu/fault.h"

/* The Data Abort for access @acc of @i, @size bytes at @va (the address reported), that failed with
 * @f. */
struct exception cpu_data_abort(const struct cpu *cpu, const struct insn *i, uint64_t va,
                                unsigned size, unsigned acc, const struct mmu_fault *f);

/* The Instruction Abort for fetching from @pc. */
struct exception cpu_fetch_abort(const struct cpu *cpu, uint64_t pc, const struct mmu_fault *f);
