/* The checks of an access to a system register: between an instruction and cpu/sysreg_value.c. */
#pragma once

#include "cpu/exception.h"
#include "cpu/sysreg.h"

/* SYSREG_ENC() of MRS, MSR, SYS. */
static inline uint16_t cpu_sysreg_enc(const struct insn *i)
{
    return (uint16_t)bits((uint64_t)i->imm, 20, 5);
}

/**
 * cpu_sysreg_check() - all checks of one access, in the order of the manual's accessibility
 * pseudocode: existence and EL, then EL1's controls, then EL2's and EL3's.
 * @access: SR_READ or SR_WRITE; operations are SR_WRITE.
 *
 * Return: true and *out, the register to access; or false and *r, with any exception taken.
 */
bool cpu_sysreg_check(struct cpu *cpu, const struct insn *i, unsigned access, enum sysreg *out,
                      enum exec_result *r);

/* Is this the first line about @enc? */
bool cpu_sysreg_log_first(struct cpu *cpu, uint16_t enc);
