/* Software step (DDI0487 D2.12). */
#pragma once

#include "cpu/cpu.h"

/* CheckSoftwareStep(): in the active-pending state, take the exception, at cpu->pc: true. Nothing
 * about the next instruction has a higher priority, not even its address. */
bool cpu_step_take(struct cpu *cpu);
