/* Hardware breakpoints and watchpoints (DDI0487 D2.8, D2.9). */
#pragma once

#include "cpu/cpu.h"

/* Could any breakpoint match at the current EL? */
static inline bool breakpoints_active(const struct cpu *cpu)
{
    return cpu->breakpoints_on;
}

/* If a breakpoint matches the instruction at cpu->pc, take its exception: true. */
bool breakpoint_take(struct cpu *cpu);

/**
 * cpu_watchpoint_hit() - does a watchpoint match the access of @size bytes at @va by @i?
 * Called only while cpu->watchpoints_on, after translation has succeeded and before any byte moved.
 * @acc: ACC_xxx of cpu/access.h.
 *
 * Return: true if one did and its exception is raised (cpu_raise()).
 */
bool cpu_watchpoint_hit(struct cpu *cpu, const struct insn *i, uint64_t va, unsigned size,
                        unsigned acc, bool write);
