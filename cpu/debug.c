#include "cpu/debug.h"

#include "cpu/context.h"
#include "cpu/sysreg.h"

#define CLAIM_TAGS 0xff /* implemented claim tag bits */

bool debug_register_exists(const struct cpu *cpu, enum sysreg sr)
{
    uint64_t dfr0 = cpu->sr[SR_ID_AA64DFR0_EL1];
    unsigned n = sysreg_rows[sr].n;

    /* Rows of the four arrays alternate: DBGBVR0, DBGBCR0, DBGWVR0, DBGWCR0, DBGBVR1 ... */
    if (sr < SR_DBGBVR0_EL1 || sr > SR_DBGWCR15_EL1)
        return true;
    switch (sysreg_rows[sr].enc & 7) {
    case 4:
    case 5:
        return n <= ID_AA64DFR0_EL1_BRPs(dfr0);
    case 6:
    case 7:
        return n <= ID_AA64DFR0_EL1_WRPs(dfr0);
    default:
        return true; /* MDCCINT_EL1, MDSCR_EL1 and others lie between them */
    }
}

/* Is one of registers 0..@last of the array at op2 = @op2 (CRm is the number) enabled? */
static bool any_enabled(const struct cpu *cpu, unsigned op2, uint64_t last)
{
    for (unsigned n = 0; n <= last; n++)
        if (cpu->sr[sysreg_lookup((uint16_t)SYSREG_ENC(2, 0, 0, n, op2))] & 1)
            return true;
    return false;
}

void cpu_debug_changed(struct cpu *cpu)
{
    uint64_t dfr0 = cpu->sr[SR_ID_AA64DFR0_EL1];
    bool enabled = MDSCR_EL1_MDE(cpu->sr[SR_MDSCR_EL1]);
    bool watch = enabled && any_enabled(cpu, 7, ID_AA64DFR0_EL1_WRPs(dfr0));

    cpu->breakpoints_on = enabled && any_enabled(cpu, 5, ID_AA64DFR0_EL1_BRPs(dfr0));
    if (watch != cpu->watchpoints_on) {
        cpu->watchpoints_on = watch;
        cpu_context_changed(cpu);
    }
}

void cpu_debug_reset(struct cpu *cpu)
{
    /* OSLM = 0b10: the OS lock is there; it is locked after a cold reset. */
    cpu->sr[SR_OSLSR_EL1] = BIT(OSLSR_EL1_OSLM1_LO) | BIT(OSLSR_EL1_OSLK_LO);
    cpu_debug_changed(cpu);
}

/* No external debugger is connected: its side of the communications channel stays empty, and what
 * is written to it is lost. */
uint64_t sr_read_DEBUG(struct cpu *cpu, enum sysreg sr)
{
    switch (sr) {
    case SR_DBGCLAIMSET_EL1:
        return CLAIM_TAGS;
    case SR_DBGAUTHSTATUS_EL1:
        return 0xf; /* Non-secure debug implemented and enabled; no Secure state */
    case SR_MDCCSR_EL0:
    case SR_DBGDTR_EL0:
    case SR_DBGDTRRX_EL0:
        return 0;
    default:
        return cpu->sr[sr];
    }
}

/* Fields that show external debug state: writable only while the OS lock is locked, to restore it.
 */
#define MDSCR_LOCKED_FIELDS                                                                        \
    (FIELD_MASK(MDSCR_EL1_ERR) | FIELD_MASK(MDSCR_EL1_HDE) | FIELD_MASK(MDSCR_EL1_TDA) |           \
     FIELD_MASK(MDSCR_EL1_INTdis) | FIELD_MASK(MDSCR_EL1_TXU) | FIELD_MASK(MDSCR_EL1_RXO) |        \
     FIELD_MASK(MDSCR_EL1_TXfull) | FIELD_MASK(MDSCR_EL1_RXfull))

static void write_mdscr(struct cpu *cpu, uint64_t value)
{
    uint64_t keep = OSLSR_EL1_OSLK(cpu->sr[SR_OSLSR_EL1]) ? 0 : MDSCR_LOCKED_FIELDS;

    cpu->sr[SR_MDSCR_EL1] = (cpu->sr[SR_MDSCR_EL1] & keep) | (value & ~keep);
}

void sr_write_DEBUG(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    switch (sr) {
    case SR_DBGCLAIMSET_EL1:
        cpu->sr[SR_DBGCLAIMCLR_EL1] |= value & CLAIM_TAGS;
        break;
    case SR_DBGCLAIMCLR_EL1:
        cpu->sr[SR_DBGCLAIMCLR_EL1] &= ~value;
        break;
    case SR_OSLAR_EL1:
        cpu->sr[SR_OSLSR_EL1] =
            set_bits(cpu->sr[SR_OSLSR_EL1], OSLSR_EL1_OSLK_HI, OSLSR_EL1_OSLK_LO, value & 1);
        break;
    case SR_MDSCR_EL1:
        write_mdscr(cpu, value);
        break;
    case SR_DBGDTR_EL0:
    case SR_DBGDTRRX_EL0:
        break;
    default:
        cpu->sr[sr] = value;
        break;
    }
}
