#include "cpu/regime.h"

#include "arch/pa_size.h"

void cpu_regime(const struct cpu *cpu, enum regime_id id, struct regime *rg)
{
    const uint64_t *sr = cpu->sr;
    const unsigned pa_range = (unsigned)ID_AA64MMFR0_EL1_PARange(sr[SR_ID_AA64MMFR0_EL1]);

    *rg = (struct regime){
        .id = id, .features = &cpu->features, .pa_bits = (uint8_t)pa_size_bits(pa_range)};
    switch (id) {
    case REGIME_EL10:
    case REGIME_SECURE_EL10: /* EL2 is not enabled there */
        rg->sctlr = sr[SR_SCTLR_EL1];
        rg->tcr = sr[SR_TCR_EL1];
        rg->ttbr0 = sr[SR_TTBR0_EL1];
        rg->ttbr1 = sr[SR_TTBR1_EL1];
        rg->mair = sr[SR_MAIR_EL1];
        rg->hcr = cpu_hcr_of_el10(cpu);
        rg->vtcr = cpu->el2_enabled ? sr[SR_VTCR_EL2] : 0;
        rg->vttbr = cpu->el2_enabled ? sr[SR_VTTBR_EL2] : 0;
        rg->s2_ee = cpu->el2_enabled && (sr[SR_SCTLR_EL2] & SCTLR_EE);
        break;
    case REGIME_EL3:
        rg->sctlr = sr[SR_SCTLR_EL3];
        rg->tcr = sr[SR_TCR_EL3];
        rg->ttbr0 = sr[SR_TTBR0_EL3];
        rg->mair = sr[SR_MAIR_EL3];
        break;
    default:
        rg->sctlr = sr[SR_SCTLR_EL2];
        rg->tcr = sr[SR_TCR_EL2];
        rg->ttbr0 = sr[SR_TTBR0_EL2];
        rg->ttbr1 = id == REGIME_EL20 ? sr[SR_TTBR1_EL2] : 0;
        rg->mair = sr[SR_MAIR_EL2];
        rg->hcr = cpu_hcr(cpu);
    }
}

/* AddrTop() says where the tag ends. */
uint64_t cpu_branch_addr(const struct cpu *cpu, uint64_t pc)
{
    bool two_ranges = cpu_two_ranges(cpu);
    uint64_t tcr = cpu_regime_tcr(cpu);
    bool upper = bit(pc, 55);
    bool tbi, tbid;

    if (two_ranges) {
        tbi = bit(tcr, upper ? 38 : 37);
        tbid = bit(tcr, upper ? 52 : 51);
    } else {
        tbi = bit(tcr, 20);
        tbid = bit(tcr, 29);
    }
    if (!tbi || (tbid && cpu_has(cpu, FEAT_PAuth)))
        return pc;
    return two_ranges && upper ? pc | MASK(63, 56) : pc & MASK(55, 0);
}
