/* Accesses to system registers that need no check. */
#pragma once

#include "cpu/cpu.h"

/*
 * Most accesses need no check at all, whatever the control registers hold. Which ones is decided
 * once for each of these modes: the EL, EL2 with HCR_EL2.E2H apart, and EL1 or EL2 on SP_EL0, where
 * SP_EL0 is not accessible, which is too rare to be quick. So is EL3.
 */
enum sr_mode { SR_MODE_EL0, SR_MODE_EL1, SR_MODE_EL2, SR_MODE_EL2_E2H, SR_MODE_SP0, SR_MODES };

/* Bits of cpu->sr_quick[]: plain, a load or store of sr_quick_target() does it; free, no check. */
#define SR_PLAIN_READ(mode)  (UINT32_C(1) << (mode))
#define SR_PLAIN_WRITE(mode) (UINT32_C(1) << (SR_MODES + (mode)))
#define SR_FREE_READ(mode)   (UINT32_C(1) << (2 * SR_MODES + (mode)))
#define SR_FREE_WRITE(mode)  (UINT32_C(1) << (3 * SR_MODES + (mode)))
#define SR_STORED            (UINT32_C(1) << 29) /* there is one, and its value is storage alone */
#define SR_LATE              (UINT32_C(1) << 30) /* its writes may be late: cpu/late.h */
#define SR_TRAP_CONTROL      (UINT32_C(1) << 31) /* writes change what traps from EL1 */

static inline enum sr_mode sr_mode(const struct cpu *cpu)
{
    static const uint8_t modes[4][2] = {{SR_MODE_EL0, SR_MODE_EL0},
                                        {SR_MODE_SP0, SR_MODE_EL1},
                                        {SR_MODE_SP0, SR_MODE_EL2},
                                        {SR_MODE_SP0, SR_MODE_SP0}};
    unsigned mode = modes[cpu->ps.el][cpu->ps.sp];

    /* HCR_EL2 is zero without EL2. */
    return mode == SR_MODE_EL2 && HCR_EL2_E2H(cpu->sr[SR_HCR_EL2]) ? SR_MODE_EL2_E2H
                                                                   : (enum sr_mode)mode;
}

/* The register that a name means in @mode, for accesses that are plain or free. */
static inline enum sysreg sr_quick_target(enum sysreg sr, enum sr_mode mode)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    if (likely(mode != SR_MODE_EL2_E2H))
        return sr;
    return row->alias ? (enum sysreg)row->alias : row->e2h ? (enum sysreg)row->e2h : sr;
}

/* Fill cpu->sr_quick[]; after the write masks are set. */
void cpu_sysreg_find_quick(struct cpu *cpu);
