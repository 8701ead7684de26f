/* Whether debug exceptions are enabled, where they go, and whether software step is active. */
#pragma once

#include "cpu/cpu.h"

/* AArch64.GenerateDebugExceptionsFrom(): from @el with PSTATE.D as given. */
bool debug_exceptions_enabled(const struct cpu *cpu, unsigned el, bool masked);

/* The EL debug exceptions are routed to. */
unsigned debug_target_el(const struct cpu *cpu);

/* DebugExceptionReturnSS(): the PSTATE.SS of an exception return with @spsr. */
uint8_t cpu_step_return_ss(const struct cpu *cpu, uint64_t spsr, bool illegal);

/* Is software step active at the current EL (MDSCR_EL1.SS and debug exceptions enabled)? */
bool cpu_step_active(const struct cpu *cpu);
