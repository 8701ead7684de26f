/* From the word in memory to the record of an instruction, for this CPU. */
#pragma once

#include "cpu/cpu.h"

/**
 * cpu_decode() - fill the record @out of the instruction at @i, in the current page, all but its
 * function. What this CPU does not have is A64_UNALLOCATED, and a line is logged about it.
 */
void cpu_decode(const struct cpu *cpu, const struct insn *i, struct insn *out);
