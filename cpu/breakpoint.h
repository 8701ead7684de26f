/* Hardware breakpoints (DDI0487 D2.8). */
#pragma once

#include "cpu/cpu.h"

/* Could any breakpoint match at the current EL? */
static inline bool breakpoints_active(const struct cpu *cpu)
{
    return cpu->breakpoints_on;
}

/* If a breakpoint matches the instruction at cpu->pc, take its exception: true. */
bool breakpoint_take(struct cpu *cpu);
