/* The registers of a translation regime, as a value. */
#pragma once

#include "cpu/world.h"
#include "mmu/regime.h"
#include "mmu/regime_bits.h"

#define HCR_STAGE2 (HCR_VM | HCR_PTW | HCR_DC | HCR_CD | HCR_FWB)

/* The registers of regime @id as they are now, for translating in another than the current one. */
void cpu_regime(const struct cpu *cpu, enum regime_id id, struct regime *rg);

/* The regime that translates at the current EL. */
static inline enum regime_id cpu_current_regime(const struct cpu *cpu)
{
    if (unlikely(cpu_has_el3(cpu)) && cpu_is_secure(cpu))
        return cpu->ps.el == 3 ? REGIME_EL3 : REGIME_SECURE_EL10;
    if (!cpu_el2_regime(cpu))
        return REGIME_EL10;
    return cpu_e2h(cpu) ? REGIME_EL20 : REGIME_EL2;
}

/* HCR_EL2 as EL1&0 translation sees it: host EL0's TGE turns stage 2 off. */
static inline uint64_t cpu_hcr_of_el10(const struct cpu *cpu)
{
    uint64_t hcr = cpu_hcr(cpu) & (HCR_STAGE2 | HCR_TGE | HCR_E2H);

    if (cpu_host_regime(cpu))
        hcr &= ~HCR_STAGE2;
    return hcr;
}

/* AArch64.BranchAddr(): @pc without its tag where the current regime ignores it; a tag never
 * reaches the PC. */
uint64_t cpu_branch_addr(const struct cpu *cpu, uint64_t pc);
