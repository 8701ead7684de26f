#include "cpu/block.h"

#include "mmu/regime_bits.h"

/* @bit if @value has one of @mask. */
static uint32_t when(uint64_t value, uint64_t mask, uint64_t bit)
{
    return value & mask ? (uint32_t)bit : 0;
}

uint32_t block_of_regime(const struct regime *rg, unsigned el)
{
    uint64_t sctlr = rg->sctlr;

    return el | when(rg->hcr, HCR_E2H, BLOCK_E2H) | when(rg->hcr, HCR_TGE, BLOCK_TGE) |
           when(sctlr, SCTLR_A, BLOCK_ALIGN) | when(sctlr, SCTLR_NAA, BLOCK_NAA) |
           when(sctlr, el ? SCTLR_SA : SCTLR_SA0, BLOCK_SP_ALIGN) |
           when(sctlr, el ? SCTLR_EE : SCTLR_E0E, BLOCK_BIG_ENDIAN) |
           when(sctlr, FIELD_MASK(SCTLR_EL1_EnIA), BLOCK_PAC(0)) |
           when(sctlr, FIELD_MASK(SCTLR_EL1_EnIB), BLOCK_PAC(1)) |
           when(sctlr, FIELD_MASK(SCTLR_EL1_EnDA), BLOCK_PAC(2)) |
           when(sctlr, FIELD_MASK(SCTLR_EL1_EnDB), BLOCK_PAC(3));
}
