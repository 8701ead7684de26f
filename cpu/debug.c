#include "cpu/debug.h"

#include "cpu/accessors.h"
#include "cpu/context.h"
#include "cpu/events.h"

#define CLAIM_TAGS 0xff /* implemented claim tag bits */

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

/*
 * The debug communications channel (DDI0487 H4 "The Debug Communication Channel and Instruction
 * Transfer Register"). No debugger is connected: what software writes to it stays there, and what
 * it reads is what it has put there itself. DTRTX and DTRRX are the storage of OSDTRTX_EL1 and
 * OSDTRRX_EL1, which access them without side effects; EDSCR.{TXfull,RXfull} that of the fields of
 * these names in MDSCR_EL1 and MDCCSR_EL0.
 */
#define TXFULL FIELD_MASK(MDSCR_EL1_TXfull)
#define RXFULL FIELD_MASK(MDSCR_EL1_RXfull)

/* COMMIRQ, as MDCCINT_EL1 enables it. */
static void update_comm_line(struct cpu *cpu)
{
    uint64_t enabled = cpu->sr[SR_MDCCINT_EL1], flags = cpu->sr[SR_MDSCR_EL1];
    bool level = (MDCCINT_EL1_RX(enabled) && (flags & RXFULL)) ||
                 (MDCCINT_EL1_TX(enabled) && !(flags & TXFULL));

    if (level != cpu->comm_level) {
        cpu->comm_level = level;
        irq_set(&cpu->comm_line, level);
    }
}

static void set_flags(struct cpu *cpu, uint64_t mdscr)
{
    uint64_t before = cpu->sr[SR_MDSCR_EL1];

    cpu->sr[SR_MDSCR_EL1] = mdscr;
    cpu_tell_hwreg(cpu, NULL, SR_MDSCR_EL1, before, ARM_HW_DTR);
}

/* DBGDTR_EL0[] and DBGDTRTX_EL0, assignment form. CU-choice: with TXfull set the value becomes
 * UNKNOWN; here the last one stays. */
static void write_dtr(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    if (sr == SR_DBGDTR_EL0)
        cpu->sr[SR_OSDTRRX_EL1] = value >> 32;
    cpu->sr[SR_OSDTRTX_EL1] = (uint32_t)value;
    set_flags(cpu, cpu->sr[SR_MDSCR_EL1] | TXFULL);
    update_comm_line(cpu);
}

/* DBGDTR_EL0[] and DBGDTRRX_EL0, non-assignment form: the words are the other way round than in the
 * assignment. CU-choice: without RXfull the value is UNKNOWN; here what the registers hold. */
uint64_t sr_take_DTR(struct cpu *cpu, enum sysreg sr)
{
    uint64_t high = sr == SR_DBGDTR_EL0 ? cpu->sr[SR_OSDTRTX_EL1] << 32 : 0;

    set_flags(cpu, cpu->sr[SR_MDSCR_EL1] & ~RXFULL);
    update_comm_line(cpu);
    return high | cpu->sr[SR_OSDTRRX_EL1];
}

void cpu_debug_follow(struct cpu *cpu)
{
    cpu_debug_changed(cpu);
    update_comm_line(cpu);
}

static bool os_locked(const struct cpu *cpu)
{
    return OSLSR_EL1_OSLK(cpu->sr[SR_OSLSR_EL1]);
}

void cpu_debug_reset(struct cpu *cpu)
{
    /* OSLM = 0b10: the OS lock is there; it is locked after a cold reset. */
    cpu->sr[SR_OSLSR_EL1] = BIT(OSLSR_EL1_OSLM1_LO) | BIT(OSLSR_EL1_OSLK_LO);
    cpu_debug_follow(cpu);
}

uint64_t sr_read_DEBUG(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    (void)el;
    switch (sr) {
    case SR_DBGCLAIMSET_EL1:
        return CLAIM_TAGS;
    case SR_DBGAUTHSTATUS_EL1:
        return 0xf; /* Non-secure debug implemented and enabled; no Secure state */
    case SR_MDCCSR_EL0:
        return cpu->sr[SR_MDSCR_EL1] & (TXFULL | RXFULL);
    case SR_OSECCR_EL1: /* EDECCR, for who saves it: else RES0 */
        return os_locked(cpu) ? cpu->sr[sr] : 0;
    default:
        return cpu->sr[sr];
    }
}

/* Fields that show external debug state: writable only while the OS lock is locked,
 * to restore it. */
#define MDSCR_LOCKED_FIELDS                                                                        \
    (FIELD_MASK(MDSCR_EL1_ERR) | FIELD_MASK(MDSCR_EL1_HDE) | FIELD_MASK(MDSCR_EL1_TDA) |           \
     FIELD_MASK(MDSCR_EL1_INTdis) | FIELD_MASK(MDSCR_EL1_TXU) | FIELD_MASK(MDSCR_EL1_RXO) |        \
     FIELD_MASK(MDSCR_EL1_TXfull) | FIELD_MASK(MDSCR_EL1_RXfull))

static void write_mdscr(struct cpu *cpu, uint64_t value)
{
    uint64_t keep = os_locked(cpu) ? 0 : MDSCR_LOCKED_FIELDS;

    cpu->sr[SR_MDSCR_EL1] = (cpu->sr[SR_MDSCR_EL1] & keep) | (value & ~keep);
    update_comm_line(cpu);
}

static void write_os_lock(struct cpu *cpu, bool locked)
{
    uint64_t before = cpu->sr[SR_OSLSR_EL1];

    cpu->sr[SR_OSLSR_EL1] = set_bits(before, OSLSR_EL1_OSLK_HI, OSLSR_EL1_OSLK_LO, locked);
    cpu_tell_hwreg(cpu, NULL, SR_OSLSR_EL1, before, ARM_HW_OS_LOCK);
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
        write_os_lock(cpu, value & 1);
        break;
    case SR_MDSCR_EL1:
        write_mdscr(cpu, value);
        break;
    case SR_MDCCINT_EL1:
        cpu->sr[sr] = value;
        update_comm_line(cpu);
        break;
    case SR_DBGDTR_EL0:
    case SR_DBGDTRRX_EL0: /* DBGDTRTX_EL0, when written */
        write_dtr(cpu, sr, value);
        break;
    case SR_OSECCR_EL1:
        if (os_locked(cpu))
            cpu->sr[sr] = value;
        break;
    default:
        cpu->sr[sr] = value;
        break;
    }
}

bool sr_poke_DEBUG(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    switch (sr) {
    case SR_DBGCLAIMSET_EL1: /* reads as the tags that there are, whatever is set */
        return true;
    case SR_DBGCLAIMCLR_EL1:
        cpu->sr[sr] = value & CLAIM_TAGS;
        return true;
    case SR_OSECCR_EL1:
        if (os_locked(cpu))
            cpu->sr[sr] = value;
        return true;
    default:
        cpu->sr[sr] = value;
        return true;
    }
}
