#include "hyp/traps.h"

#include "hyp/cpu.h"
#include "hyp/mutant.h"
#include "hyp/opts.h"
#include "hyp/stage2.h"
#include "hyp/vgic.h"

#define HCR(field)  FIELD_MASK(HCR_EL2_##field)
#define MDCR(field) FIELD_MASK(MDCR_EL2_##field)

#define MDCR_TPMS BIT(14) /* statistical profiling */

uint64_t host_hcr(void)
{
    return HCR(RW) | HCR(IMO) | HCR(FMO) | HCR(AMO) | (hyp_vhe ? HCR(E2H) : 0);
}

uint64_t guest_hcr(void)
{
    uint64_t hcr = host_hcr() | HCR(VM) | HCR(SWIO) | HCR(PTW);

    hcr |= HCR(FB) |
           UINT64_C(1)
               << HCR_EL2_BSU_LO; /* it migrates: its maintenance and barriers reach all CPUs */
    hcr |= HCR(TSC) | HCR(TSW);   /* firmware is ours; caches by set and way are several CPUs' */
    hcr |= HCR(TID3) | HCR(TIDCP) | HCR(TACR); /* what it sees of the CPU; IMPLEMENTATION DEFINED */
    hcr |= HCR(TLOR) | HCR(TERR);              /* always_traps() counts on these */
    if (MUTANT(tlb_scope_fb))
        hcr &= ~HCR(FB);
    if (opts.wfx == OPT_wfx_trap)
        hcr |= HCR(TWI) | HCR(TWE);
    return hcr; /* and APK, API, EnSCXT clear: keys lazily, software context numbers never */
}

uint64_t guest_mdcr(void)
{
    return cpu_limits.counters | MDCR(TPM) | MDCR(TPMCR) | MDCR(TDA) | MDCR(TDOSA) | MDCR(TDRA) |
           MDCR(TTRF) | MDCR_TPMS;
}

/* The physical counter is the guest's to read, the physical timer is emulated. */
static uint64_t cnthctl(void)
{
    return hyp_vhe ? FIELD_MASK(CNTHCTL_EL2_EL1PCTEN_E2H) : FIELD_MASK(CNTHCTL_EL2_EL1PCTEN);
}

static void init_later_features(void)
{
    if (cpu_has(FEAT_FGT)) {
        msr(HFGRTR_EL2, 0);
        msr(HFGWTR_EL2, 0);
        msr(HFGITR_EL2, 0);
        msr(HDFGRTR_EL2, 0);
        msr(HDFGWTR_EL2, 0);
    }
    if (cpu_has(FEAT_HCX))
        msr(HCRX_EL2, 0);
}

void traps_init_cpu(void)
{
    msr(HCR_EL2, host_hcr());
    msr(CPTR_EL2, hyp_vhe ? FIELD_MASK(CPTR_EL2_FPEN) : UINT64_C(0x33ff));
    msr(MDCR_EL2, guest_mdcr());
    msr(CNTHCTL_EL2, cnthctl() | (MUTANT(trapcfg_cnthctl) ? hyp_vhe ? BIT(11) : BIT(1) : 0));
    msr(HSTR_EL2, 0);
    msr(OSLAR_EL1, 0); /* the lock of the last reset would hold back the guests' debug exceptions */
    msr(VPIDR_EL2, mrs(MIDR_EL1));
    msr(CNTHP_CTL_EL2, 0);
    if (hyp_vhe)
        msr_el12(CNTV_CTL_EL0, 0);
    else
        msr(CNTV_CTL_EL0, 0);
    msr(ICH_HCR_EL2, 0);
    for (unsigned k = 0; k < cpu_limits.lrs; k++)
        lr_write(k, 0);
    if (!MUTANT(trapcfg_second) || this_cpu()->index == 0)
        msr(VTCR_EL2, stage2_vtcr());
    init_later_features();
    isb();
}
