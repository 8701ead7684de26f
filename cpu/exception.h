/* Taking exceptions and returning from them: AArch64.TakeException(), AArch64.ExceptionReturn(). */
#pragma once

#include "arch/esr.h"
#include "cpu/cpu.h"
#include "cpu/exception_info.h"
#include "cpu/traps.h"

/* Enter the handler: cpu->pc becomes the vector, PSTATE and banked registers follow, the
 * translation context is switched. */
void cpu_take_exception(struct cpu *cpu, const struct exception *e);

/* AArch64.ExceptionReturn() from the current EL's ELR and SPSR (already
 * authenticated: @pc, @spsr). */
void cpu_exception_return(struct cpu *cpu, uint64_t pc, uint64_t spsr);

/* Take the highest-priority unmasked pending interrupt (physical or virtual), if any: true if
 * taken. cpu->pc must be current. */
bool cpu_take_interrupt(struct cpu *cpu);

/* Take a synchronous exception with @ec and @iss to @target_el; ELR is @i's own address. */
enum exec_result exec_trap(struct cpu *cpu, const struct insn *i, unsigned target_el, unsigned ec,
                           uint32_t iss);
enum exec_result exec_take_trap(struct cpu *cpu, const struct insn *i, struct trap t);

/* After EXEC_ABORT of @i: take what it has raised (cpu_raise()), if anything. */
void exec_take_raised(struct cpu *cpu, const struct insn *i);

/* Take an Undefined Instruction exception for @i. */
enum exec_result exec_undefined(struct cpu *cpu, const struct insn *i);
