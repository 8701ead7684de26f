/* Reset of a CPU. */
#pragma once

#include "cpu/cpu.h"

/**
 * cpu_reset() - cold reset: registers to their reset values, the highest EL with SP_ELx, interrupts
 * masked, caches of translations empty, pc 0. cpu->power is the caller's.
 */
void cpu_reset(struct cpu *cpu);
