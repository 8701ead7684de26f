/*
 * The interpreter: the definition of the machine. It runs records of the current code page, in one
 * of two loops made from the same exec_ functions:
 *
 *   plain     records jump from one to the next by their function pointers (cpu/interp_plain.c);
 *             nothing is tested between instructions. It is entered only with more
 *             instructions left in the slice than a page can hold, so that it never overruns.
 *
 *   observed  one instruction at a time, with everything that can happen between two of them
 *             (cpu/interp.c): software step, breakpoints, BTI, PSTATE.IL, instruction
 *             probes, counters of single instructions, and the exact end of a slice.
 */
#pragma once

#include "cpu/cpu.h"

/**
 * cpu_run() - run @cpu until @insns more instructions have retired, it waits or is switched off,
 * the machine pauses it (cpu_env.pause), or it takes the same exception again and again without an
 * instruction retired, as when a vector cannot be fetched (cpu->fault_loop).
 *
 * On return cpu->pc is current and cpu->left is what remains of @insns (0 if it ran to the end).
 */
void cpu_run(struct cpu *cpu, uint64_t insns);

/* As cpu_run(), for about so many: it stops where that is cheap. cpu->left says nothing then. */
void cpu_run_about(struct cpu *cpu, uint64_t insns);

/* One instruction, or one exception: what a debugger calls a step. */
void cpu_run_step(struct cpu *cpu);

/* Shorten (never lengthen) the current slice to @insns more instructions, the one executing
 * included. */
void cpu_limit_slice(struct cpu *cpu, uint64_t insns);
