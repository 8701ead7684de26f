/*
 * Who forbids what: the traps of system registers, system instructions, FP, WFI and WFE. The rules
 * are arch/traps.def and the columns of arch/sysreg.def; this is the order they are asked in.
 */
#pragma once

#include "cpu/cpu.h"

/* Where an access goes instead: 0 nowhere (it is allowed), 1 or 2 the EL it traps to. */
#define TRAP_TO_UNDEFINED 3

/**
 * cpu_sysreg_trap_el() - does an access of the current EL to @sr trap?
 * @access: SR_READ or SR_WRITE; operations are SR_WRITE. @xs: it is the nXS form of a TLBI.
 *
 * Assumes that the register exists and the EL is high enough. EL1's controls come before EL2's.
 * Return: 0, 1, 2 or TRAP_TO_UNDEFINED.
 */
unsigned cpu_sysreg_trap_el(const struct cpu *cpu, enum sysreg sr, unsigned access, bool nxs);

/* Do the rules of one group trap? As above. */
unsigned cpu_trap_group_el(const struct cpu *cpu, enum trap_group group, unsigned access);

/* Fine-grained traps apply to the current EL and bit @bit of @set (FGT_xxx) is set. */
bool cpu_fgt_set(const struct cpu *cpu, unsigned set, unsigned bit, unsigned access);

/* AArch64.SystemAccessTrap(): EC 0x18 with the syndrome of the instruction word @word. */
enum exec_result cpu_sysreg_trap(struct cpu *cpu, const struct insn *i, unsigned target_el,
                                 uint32_t word);

/* CheckFPAdvSIMDEnabled64(): would an FP instruction trap now, and take that trap. */
bool cpu_fp_would_trap(const struct cpu *cpu);
enum exec_result cpu_fp_trap(struct cpu *cpu, const struct insn *i);

/* CheckForWFxTrap(): 0, or the EL that a WFI (WFE) which is about to wait traps to. */
unsigned cpu_wfx_trap_el(const struct cpu *cpu, bool wfe);
