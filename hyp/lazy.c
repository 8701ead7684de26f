#include "hyp/lazy.h"

#include "hyp/cpu.h"
#include "hyp/mutant.h"
#include "hyp/vcpu.h"

/* The control bits that make a group trap, and the value that means "trap": HCR_EL2's key bits are
 * the other way. */
static void set_traps(struct vcpu *v, unsigned groups)
{
    uint64_t keys = FIELD_MASK(HCR_EL2_APK) | FIELD_MASK(HCR_EL2_API);
    uint64_t pmu = FIELD_MASK(MDCR_EL2_TPM) | FIELD_MASK(MDCR_EL2_TPMCR);
    uint64_t hcr = groups & BIT(GROUP_PAUTH) ? v->hcr | keys : v->hcr & ~keys;
    uint64_t mdcr = v->mdcr | pmu | FIELD_MASK(MDCR_EL2_TDA);

    if (groups & BIT(GROUP_PMU))
        mdcr &= ~pmu;
    if (groups & BIT(GROUP_DEBUG))
        mdcr &= ~FIELD_MASK(MDCR_EL2_TDA);
    if (hcr != v->hcr)
        msr(HCR_EL2, v->hcr = hcr);
    if (mdcr != v->mdcr)
        msr(MDCR_EL2, v->mdcr = mdcr);
}

void lazy_load(struct vcpu *v, enum group group)
{
    uint64_t daif = irq_save();

    if (this_cpu()->loaded == v && !(v->lazy & BIT(group))) {
        STAT(LAZY);
        context_restore(&v->ctx, (unsigned)BIT(group) | (MUTANT(lost_lazy) ? v->lazy : 0));
        v->lazy |= (unsigned)BIT(group);
        set_traps(v, v->lazy);
    }
    irq_restore(daif);
}

/* What has an effect without being accessed: debug exceptions that are on, counters that count. */
static unsigned in_use(struct vcpu *v)
{
    uint64_t on = FIELD_MASK(MDSCR_EL1_SS) | FIELD_MASK(MDSCR_EL1_KDE) | FIELD_MASK(MDSCR_EL1_MDE);
    bool counts = vcpu_read(v, PMCR_EL0) & FIELD_MASK(PMCR_EL0_E) && vcpu_read(v, PMCNTENSET_EL0);

    return (unsigned)((vcpu_read(v, MDSCR_EL1) & on ? BIT(GROUP_DEBUG) : 0) |
                      (counts ? BIT(GROUP_PMU) : 0));
}

void lazy_begin(struct vcpu *v)
{
    unsigned groups = in_use(v);

    if (groups & BIT(GROUP_DEBUG) && !MUTANT(leak_mdscr_late))
        lazy_load(v, GROUP_DEBUG);
    if (groups & BIT(GROUP_PMU) && !MUTANT(leak_pmcr_late))
        lazy_load(v, GROUP_PMU);
}

void lazy_put(struct vcpu *v)
{
    if (!v->lazy)
        return;
    if (!MUTANT(lost_lazy_put))
        context_save(&v->ctx, v->lazy);
    if (v->lazy & BIT(GROUP_DEBUG) && !MUTANT(leak_mdscr))
        msr(MDSCR_EL1, 0);
    if (v->lazy & BIT(GROUP_PMU) && !MUTANT(leak_pmcr))
        msr(PMCR_EL0, 0);
    if (!MUTANT(pc_lazy_again))
        v->lazy = 0;
    if (!MUTANT(trapcfg_lazy))
        set_traps(v, 0);
}

enum group lazy_group(uint16_t enc)
{
    unsigned op0 = (unsigned)bits(enc, 15, 14), crn = (unsigned)bits(enc, 10, 7),
             crm = (unsigned)bits(enc, 6, 3);

    if (op0 == 2 && crn == 0 && cpu_limits.breakpoints)
        return GROUP_DEBUG;
    if (op0 == 3 && (crn == 9 || (crn == 14 && crm >= 8)) && cpu_has(FEAT_PMUv3))
        return GROUP_PMU;
    if (op0 == 3 && crn == 2 && crm >= 1 && cpu_has(FEAT_PAuth))
        return GROUP_PAUTH;
    return GROUP_NEVER;
}
