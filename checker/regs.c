#include "checker/regs.h"

#include "arch/ppi.h"
#include "base/bits.h"
#include "checker/checker.h"

#define COUNTERS      (SR_PMEVCNTR5_EL0 - SR_PMEVCNTR0_EL0 + 1) /* with registers of their own */
#define CYCLE_COUNTER 31

/* Registers of followed classes that change on their own, or are a window to
 * others: not compared. */
static bool moves_alone(enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];
    bool timer = row->rd == SYSREG_RD_CNT_CTL || row->rd == SYSREG_RD_CNT_CVAL;

    if (row->rd == SYSREG_RD_CNT_TVAL || (timer && sysreg_min_el(row->enc) == 2))
        return true;
    switch (sr) {
    case SR_PMXEVTYPER_EL0: /* of the counter that PMSELR_EL0 names */
    case SR_PMXEVCNTR_EL0:
    case SR_PMOVSCLR_EL0: /* as their SET registers */
    case SR_PMINTENCLR_EL1:
    case SR_PMCNTENCLR_EL0:
    case SR_DBGDTR_EL0:
    case SR_DBGDTRRX_EL0:
    case SR_OSDTRRX_EL1:
    case SR_OSDTRTX_EL1:
    case SR_DBGCLAIMCLR_EL1:
    case SR_DISR_EL1: /* EL2's own, by an ESB */
        return true;
    default:
        return false;
    }
}

/* Whose a register is in a switch: what EL2 alone can write of the timers is configuration; and
 * VDISR_EL2 is what the world has as its DISR_EL1 (HCR_EL2.AMO). */
static enum sysreg_owner owner_of(enum sysreg sr)
{
    enum sysreg_owner owner = sysreg_owner(sr);

    if (sr == SR_VDISR_EL2)
        return OWNER_EL1;

    return owner == OWNER_TIMER && sysreg_min_el(sysreg_rows[sr].enc) == 2 ? OWNER_EL2CFG : owner;
}

static bool is_counter(enum sysreg sr)
{
    return sr == SR_PMCCNTR_EL0 || (sr >= SR_PMEVCNTR0_EL0 && sr <= SR_PMEVCNTR5_EL0);
}

static bool is_list_register(enum sysreg sr)
{
    return sr >= SR_ICH_LR0_EL2 && sr <= SR_ICH_LR15_EL2;
}

/* Of the virtual CPU interface: what a world has set by its own interface, and only that. List
 * registers and ICH_HCR_EL2 are EL2's messages to it (checker/gic.c). */
static bool is_interface(enum sysreg sr)
{
    return sr == SR_ICH_VMCR_EL2 || (sr >= SR_ICH_AP0R0_EL2 && sr <= SR_ICH_AP0R3_EL2) ||
           (sr >= SR_ICH_AP1R0_EL2 && sr <= SR_ICH_AP1R3_EL2);
}

static bool is_followed(enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    if (sr == SR_OSLSR_EL1) /* written by another name */
        return true;
    if (row->alias || (row->access & (SR_READ | SR_WRITE)) != (SR_READ | SR_WRITE) ||
        moves_alone(sr))
        return false;
    switch (sysreg_owner(sr)) {
    case OWNER_EL0:
    case OWNER_EL1:
    case OWNER_PAUTH:
    case OWNER_FP:
    case OWNER_TIMER:
    case OWNER_DEBUG:
    case OWNER_PMU:
    case OWNER_EL2CFG:
        return true;
    case OWNER_GICV:
        return is_interface(sr) || is_list_register(sr);
    default:
        return false;
    }
}

/* Bits that hardware sets and clears on its own. */
static uint64_t software_bits(enum sysreg sr)
{
    switch (sr) {
    case SR_CNTV_CTL_EL0:
    case SR_CNTP_CTL_EL0:
        return 3;    /* not ISTATUS */
    case SR_HCR_EL2: /* VSE is cleared when the SError is taken; VI, VF and TWx follow the moment */
        return ~(BIT(8) | BIT(7) | BIT(6));
    case SR_OSLSR_EL1: /* OSLK, which OSLAR_EL1 writes */
        return BIT(1);
    case SR_MDSCR_EL1:
        return ~(BIT(30) | BIT(29) | BIT(26)); /* of the communications channel */
    default:
        return ~UINT64_C(0);
    }
}

void regs_init(struct regs *r, struct arm_machine *m)
{
    uint64_t value[2];

    for (unsigned k = 0; k < REG_SYS; k++)
        r->desc[k] = (struct reg_desc){.number = k < 31 ? ARM_X(k) : ARM_V(k - 31),
                                       .sr = SR_NONE,
                                       .owner = k < 31 ? OWNER_EL0 : OWNER_FP,
                                       .mask = ~UINT64_C(0)};
    r->count = REG_SYS;
    for (unsigned sr = 0; sr < SR_COUNT; sr++) {
        uint32_t number = sysreg_number((enum sysreg)sr);
        r->of_sysreg[sr] = REG_NONE;
        if (r->count == REGS_MAX || !is_followed((enum sysreg)sr) ||
            !arm_reg_get(m, 0, number, value))
            continue;
        r->of_sysreg[sr] = (uint16_t)r->count;
        r->desc[r->count++] = (struct reg_desc){.number = number,
                                                .sr = (enum sysreg)sr,
                                                .owner = owner_of((enum sysreg)sr),
                                                .mask = software_bits((enum sysreg)sr),
                                                .message = is_list_register((enum sysreg)sr),
                                                .counter = is_counter((enum sysreg)sr)};
    }
}

/* The counter that PMSELR_EL0 names, or CYCLE_COUNTER. */
static unsigned selected(const struct arm_checker *c, unsigned cpu)
{
    return (unsigned)bits(checker_sysreg(c, cpu, SR_PMSELR_EL0), 4, 0);
}

/* A register by whose name another one is accessed: that. */
static enum sysreg accessed(const struct arm_checker *c, unsigned cpu, enum sysreg sr)
{
    unsigned n;

    switch (sr) {
    case SR_OSLAR_EL1:
        return SR_OSLSR_EL1;
    case SR_PMOVSCLR_EL0:
        return SR_PMOVSSET_EL0;
    case SR_PMINTENCLR_EL1:
        return SR_PMINTENSET_EL1;
    case SR_PMCNTENCLR_EL0:
        return SR_PMCNTENSET_EL0;
    case SR_PMXEVCNTR_EL0:
        n = selected(c, cpu);
        return n < COUNTERS ? (enum sysreg)(SR_PMEVCNTR0_EL0 + n) : SR_NONE;
    case SR_PMXEVTYPER_EL0:
        n = selected(c, cpu);
        return n < COUNTERS         ? (enum sysreg)(SR_PMEVTYPER0_EL0 + n)
               : n == CYCLE_COUNTER ? SR_PMCCFILTR_EL0
                                    : SR_NONE;
    default:
        return sr;
    }
}

unsigned regs_accessed(const struct arm_checker *c, unsigned cpu, uint32_t number)
{
    enum sysreg sr = accessed(c, cpu, sysreg_lookup((uint16_t)number));

    return sr == SR_NONE ? REG_NONE : c->regs.of_sysreg[sr];
}

struct value128 regs_get(const struct arm_checker *c, unsigned cpu, unsigned reg)
{
    uint64_t value[2] = {0, 0};

    arm_reg_get(c->m, cpu, c->regs.desc[reg].number, value);
    return (struct value128){value[0] & c->regs.desc[reg].mask, value[1]};
}

const struct regs_timer regs_timers[REGS_TIMERS] = {
    {PPI_TIMER_VIRT, SR_CNTV_CTL_EL0, SR_CNTV_CVAL_EL0, SR_CNTV_TVAL_EL0, SR_CNTVOFF_EL2},
    {PPI_TIMER_PHYS, SR_CNTP_CTL_EL0, SR_CNTP_CVAL_EL0, SR_CNTP_TVAL_EL0, SR_CNTPOFF_EL2},
};

unsigned regs_timer_of(uint64_t intid)
{
    unsigned k = 0;

    while (k < REGS_TIMERS && regs_timers[k].intid != intid)
        k++;
    return k;
}

bool regs_timer_asserts(uint64_t ctl)
{
    return CNTV_CTL_EL0_ENABLE(ctl) && !CNTV_CTL_EL0_IMASK(ctl) && CNTV_CTL_EL0_ISTATUS(ctl);
}

enum regs_use regs_use(const struct arm_checker *c, unsigned reg)
{
    switch (c->regs.desc[reg].sr) {
    case SR_ELR_EL1:
    case SR_SPSR_EL1:
    case SR_ESR_EL1:
    case SR_FAR_EL1:
    case SR_AFSR0_EL1:
    case SR_AFSR1_EL1:
        return REGS_NEVER;
    case SR_PAR_EL1:
    case SR_SP_EL0:
    case SR_SP_EL1:
    case SR_VBAR_EL1:
    case SR_SCTLR_EL1:
    case SR_TCR_EL1:
    case SR_TTBR0_EL1:
    case SR_TTBR1_EL1:
    case SR_MAIR_EL1:
    case SR_AMAIR_EL1:
    case SR_CONTEXTIDR_EL1:
    case SR_CPACR_EL1:
    case SR_CSSELR_EL1:
    case SR_CNTKCTL_EL1:
    case SR_CNTV_CVAL_EL0:
    case SR_TPIDR_EL0:
    case SR_TPIDRRO_EL0:
    case SR_TPIDR_EL1:
        return REGS_BY_CALL;
    default:
        return c->regs.desc[reg].owner == OWNER_PAUTH ? REGS_BY_CALL : REGS_ANY;
    }
}

bool regs_fp_enabled(const struct arm_checker *c, unsigned cpu)
{
    uint64_t cptr = checker_sysreg(c, cpu, SR_CPTR_EL2);

    if (HCR_EL2_E2H(checker_sysreg(c, cpu, SR_HCR_EL2)))
        return CPTR_EL2_FPEN(cptr) & 1;
    return !CPTR_EL2_TFP(cptr);
}

/* Bits of @sr that trap something while they are set, or while they are clear. */
static uint64_t trap_bits(enum sysreg sr, bool on)
{
    uint64_t bits = 0;

    for (unsigned g = 0; g < TRAP_GROUP_COUNT; g++)
        for (const struct trap_rule *r = trap_groups[g].rules; r->mask; r++)
            if (r->control == sr && r->on == on)
                bits |= r->mask;
    return bits;
}

bool regs_only_traps_more(const struct arm_checker *c, unsigned cpu, unsigned reg, uint64_t before,
                          uint64_t now)
{
    enum sysreg sr = c->regs.desc[reg].sr;
    uint64_t on = trap_bits(sr, true), off = trap_bits(sr, false);

    if (sr == SR_CPTR_EL2) { /* FP and SIMD are no group of registers */
        if (HCR_EL2_E2H(checker_sysreg(c, cpu, SR_HCR_EL2)))
            off |= FIELD_MASK(CPTR_EL2_FPEN);
        else
            on |= FIELD_MASK(CPTR_EL2_TFP);
    }
    return !((now & ~before) & ~on) && !((before & ~now) & ~off);
}

static bool rule_applies(const struct trap_rule *r, bool e2h)
{
    if (r->when == WHEN_NEVER_ALLOWED || r->when == WHEN_HOST || !bit(r->els, 1) ||
        !(r->access & SR_READ))
        return false;
    return r->when == WHEN_E2H0 ? !e2h : r->when == WHEN_E2H1 ? e2h : true;
}

/* AArch64.CheckTrap...: a read from EL1, by the groups of the row that EL2 controls, and
 * fine-grained. */
static bool read_traps(const struct arm_checker *c, unsigned cpu, enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];
    bool e2h = HCR_EL2_E2H(checker_sysreg(c, cpu, SR_HCR_EL2));

    for (unsigned k = 0; k < SYSREG_TRAPS && row->trap[k]; k++)
        for (const struct trap_rule *r = trap_groups[row->trap[k]].rules; r->mask; r++)
            if (rule_applies(r, e2h) && sysreg_min_el(sysreg_rows[r->control].enc) == 2 &&
                ((checker_sysreg(c, cpu, (enum sysreg)r->control) & r->mask) != 0) == r->on)
                return true;
    if (row->fgt.set != FGT_HFG && row->fgt.set != FGT_HDFG)
        return false;
    return bit(checker_sysreg(c, cpu, row->fgt.set == FGT_HFG ? SR_HFGRTR_EL2 : SR_HDFGRTR_EL2),
               row->fgt.bit);
}

/* The number of an event counter that @sr is, or is the type of; CYCLE_COUNTER: it is neither. */
static unsigned event_counter(enum sysreg sr)
{
    bool type = sr >= SR_PMEVTYPER0_EL0 && sr <= SR_PMEVTYPER5_EL0;

    return type || (is_counter(sr) && sr != SR_PMCCNTR_EL0) ? sysreg_rows[sr].n : CYCLE_COUNTER;
}

/* Counters of the world below EL2, as PMCNTENSET_EL0 has them: MDCR_EL2.HPMN parts them. */
static uint64_t worlds_counters(const struct arm_checker *c, unsigned cpu)
{
    return BIT(CYCLE_COUNTER) | (BIT(MDCR_EL2_HPMN(checker_sysreg(c, cpu, SR_MDCR_EL2))) - 1);
}

bool regs_moves(const struct arm_checker *c, unsigned cpu, unsigned reg)
{
    const struct reg_desc *d = &c->regs.desc[reg];
    uint64_t on;

    if (!d->counter && d->sr != SR_PMOVSSET_EL0)
        return false;
    on = PMCR_EL0_E(checker_sysreg(c, cpu, SR_PMCR_EL0)) ? checker_sysreg(c, cpu, SR_PMCNTENSET_EL0)
                                                         : 0;
    return d->counter ? bit(on, event_counter(d->sr)) : on != 0;
}

bool regs_observable(const struct arm_checker *c, unsigned cpu, unsigned reg)
{
    const struct reg_desc *d = &c->regs.desc[reg];

    if (d->owner == OWNER_FP)
        return regs_fp_enabled(c, cpu);
    if (d->owner == OWNER_GICV)
        return checker_sysreg(c, cpu, SR_HCR_EL2) &
               (FIELD_MASK(HCR_EL2_IMO) | FIELD_MASK(HCR_EL2_FMO));
    if (d->sr == SR_NONE || d->owner == OWNER_EL2CFG)
        return true;
    if (d->sr == SR_VDISR_EL2)
        return HCR_EL2_AMO(checker_sysreg(c, cpu, SR_HCR_EL2));
    if (d->owner == OWNER_PMU && !bit(worlds_counters(c, cpu), event_counter(d->sr)))
        return false;
    /* What the EL1 context does needs no access, but for CSSELR_EL1: it says what CCSIDR_EL1 reads
     * as, and that traps with it. */
    if ((d->owner == OWNER_EL1 || d->owner == OWNER_EL0) && !sysreg_rows[d->sr].feature &&
        d->sr != SR_CSSELR_EL1)
        return true;
    return !read_traps(c, cpu, d->sr);
}
