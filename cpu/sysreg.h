/*
 * System registers. The way of an access: cpu_mrs(), cpu_msr(), cpu_sys() (sysreg.c) ask whether it
 * is allowed, at a glance (sysreg_quick.h) or by all checks (sysreg_check.c, traps.c), and then get
 * or set the value (sysreg_value.c), in cpu->sr[] or by the accessor that the row names
 * (cpu/accessors.h).
 */
#pragma once

#include "cpu/accessors.h"
#include "cpu/cpu.h"

/* Masks and quick bits from cpu->features; ID registers from cpu->model. Call when
 * those are set. */
void cpu_sysreg_init(struct cpu *cpu);

/* Storage to its reset values; ID registers too. */
void cpu_sysreg_reset(struct cpu *cpu);

/* MRS, MSR (register), SYS with all checks. @i->imm is the instruction word. */
enum exec_result cpu_mrs(struct cpu *cpu, const struct insn *i);
enum exec_result cpu_msr(struct cpu *cpu, const struct insn *i);
enum exec_result cpu_sys(struct cpu *cpu, const struct insn *i);

/* One access of the current EL to register @sr itself, with all that it does and without any check:
 * the register exists. cpu_sysreg_set(): EXEC_NEXT or EXEC_SYNC. */
uint64_t cpu_sysreg_get(struct cpu *cpu, enum sysreg sr);
enum exec_result cpu_sysreg_set(struct cpu *cpu, enum sysreg sr, uint64_t value);

/* What @sr, MIDR_EL1 or MPIDR_EL1, is read from at @el: EL1 of a guest identifies itself as EL2
 * says. */
enum sysreg cpu_identity(const struct cpu *cpu, enum sysreg sr, unsigned el);

/* A write that was late takes effect (late_write_fn). */
void cpu_sysreg_late_write(struct cpu *cpu, enum sysreg sr, bool virt, uint64_t value);

/**
 * cpu_sysreg_peek() - the value of register @sr, or of the one that it is another name of, with no
 * effect and whatever the current EL: what the highest EL would read (with HCR_EL2.E2H clear).
 * Return: false if there is none: an operation, a register that is not implemented, cannot be read,
 * or gives something away when it is.
 *
 * cpu_sysreg_seen() - likewise, as the current EL would read it: a guest's ICC_ is ICV_.
 */
bool cpu_sysreg_peek(const struct cpu *cpu, enum sysreg sr, uint64_t *value);
bool cpu_sysreg_seen(const struct cpu *cpu, enum sysreg sr, uint64_t *value);

/**
 * cpu_sysreg_poke() - set what cpu_sysreg_peek() gives, as a debugger does: bits that software
 * cannot write stay, nothing is checked or acknowledged or cleared besides, and what follows from
 * the value follows. Between two instructions.
 * Return: false if it cannot be set: there is no value, or software cannot write any.
 */
bool cpu_sysreg_poke(struct cpu *cpu, enum sysreg sr, uint64_t value);

/* Does the name @sr mean the virtual interface's ICV_ register at the current EL? */
bool cpu_sysreg_is_virtual(const struct cpu *cpu, enum sysreg sr);

/* Is register @sr there on this CPU, at some EL? */
bool cpu_sysreg_implemented(const struct cpu *cpu, enum sysreg sr);

/* What a write to a register with effects @fx (SR_FX_xxx) entails. Return:
 * EXEC_NEXT or EXEC_SYNC. */
enum exec_result cpu_sysreg_effects(struct cpu *cpu, unsigned fx);
