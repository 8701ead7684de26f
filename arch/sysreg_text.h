/* What a row of arch/sysreg.def means, in words; for `armillary sysreg` and docs/sysregs.md. */
#pragma once

#include <stdio.h>

#include "arch/sysreg.h"

/* "S3_0_C1_C0_0" for MRS and MSR, "op1 0, C8, C7, 0" form likewise for operations. */
void sysreg_text_encoding(FILE *to, const struct sysreg_row *row);

/* "read, write", "read", "executed", "none". */
const char *sysreg_text_access(const struct sysreg_row *row);

/* "UNDEFINED at EL0", "UNDEFINED at EL0 and EL1", ...: where an access of kind @access (SR_READ,
 * SR_WRITE or SR_OP) is, of itself; NULL: nowhere. */
const char *sysreg_text_undefined(const struct sysreg_row *row, unsigned access);

/* "timers, interrupts": what else a write changes. Prints nothing if nothing. */
void sysreg_text_effects(FILE *to, const struct sysreg_row *row);

/* One rule of a trap group as a sentence: "EL1 writes trap to EL2 while HCR_EL2.TVM is 1". */
void sysreg_text_rule(FILE *to, const struct trap_rule *rule);

/* "HCR_EL2.TVM is 1": of a rule that has a control, what makes it trap. */
void sysreg_text_control(FILE *to, const struct trap_rule *rule);

/* "HFGRTR_EL2.SCTLR_EL1 (reads), HFGWTR_EL2.SCTLR_EL1 (writes)"; nothing if there is none. */
void sysreg_text_fgt(FILE *to, const struct sysreg_row *row);

/* "EL1: EL1 context": whose value it is in a world switch. */
void sysreg_text_owner(FILE *to, enum sysreg sr);
