/*
 * Who forbids what: the traps of system registers, system instructions, FP, pointer authentication,
 * ERET, WFI and WFE. The rules are arch/traps.def and the columns of arch/sysreg.def; this is the
 * order they are asked in. Here is decided; exec_take_trap() (cpu/exception.h) takes.
 */
#pragma once

#include "arch/esr.h"
#include "cpu/cpu.h"

/* The synchronous exception that an instruction raises instead of executing. */
struct trap {
    unsigned el; /* that takes it; 0: there is none, the instruction executes */
    enum esr_ec ec;
    uint32_t iss;
};

/* As an exception of @i. */
struct exception cpu_trap_exception(const struct cpu *cpu, const struct insn *i, struct trap t);

/* The instruction is UNDEFINED. */
struct trap cpu_undefined(const struct cpu *cpu);

/* Where an access goes instead: 0 nowhere (it is allowed), 1 to 3 the EL it traps to. */
#define TRAP_TO_UNDEFINED 4

/**
 * cpu_sysreg_trap_el() - does an access of the current EL to @sr trap?
 * @access: SR_READ or SR_WRITE; operations are SR_WRITE. @xs: it is the nXS form of a TLBI.
 *
 * Assumes that the register exists and the EL is high enough. EL1's controls come before EL2's, and
 * these before EL3's.
 * Return: 0 to 3, or TRAP_TO_UNDEFINED.
 */
unsigned cpu_sysreg_trap_el(const struct cpu *cpu, enum sysreg sr, unsigned access, bool nxs);

/* The rule that traps an access from @el; NULL: none, or a fine-grained trap. @target_el: where to.
 */
const struct trap_rule *cpu_sysreg_trap_rule(const struct cpu *cpu, unsigned el, enum sysreg sr,
                                             unsigned access, unsigned *target_el);

/* Do the rules of one group trap? As above. */
unsigned cpu_trap_group_el(const struct cpu *cpu, enum trap_group group, unsigned access);

/* Fine-grained traps apply to the current EL and bit @bit of @set (FGT_xxx) is set. */
bool cpu_fgt_set(const struct cpu *cpu, unsigned set, unsigned bit, unsigned access);

/* AArch64.SystemAccessTrap(): EC 0x18 with the syndrome of the instruction word @word. @target_el:
 * as above, not 0. */
struct trap cpu_sysreg_trap(const struct cpu *cpu, unsigned target_el, uint32_t word);

/* CheckFPAdvSIMDEnabled64(): would an FP instruction trap now, and how. */
bool cpu_fp_would_trap(const struct cpu *cpu);
struct trap cpu_fp_trap(const struct cpu *cpu);

/* CheckForWFxTrap(), of a WFI (WFE, or with @timed WFIT, WFET) @i which is about to wait. */
struct trap cpu_wfx_trap(const struct cpu *cpu, const struct insn *i, bool wfe, bool timed);

/* TrapPACUse(), by HCR_EL2.API and SCR_EL3.API. Only for a key that is enabled, and PACGA: what
 * would do nothing does not trap. */
struct trap cpu_pauth_trap(const struct cpu *cpu);

/* HFGITR_EL2.ERET, which traps ERETAA and ERETAB too; @iss tells which it was. */
struct trap cpu_eret_trap(const struct cpu *cpu, uint32_t iss);
