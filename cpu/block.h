/*
 * Block state: what an engine that makes code of instructions may make it for, because it is the
 * same each time the code runs. One value, cpu->block, computed by cpu_context_changed() and
 * nowhere else; the interpreter asks it too. What changes too often to be made for is not in it:
 * flags, DAIF, PAN, ASID and VMID; nor is what leads to the observed loop: software step, PSTATE.IL
 * and BTYPE, breakpoints.
 */
#pragma once

#include "cpu/cpu.h"

#define BLOCK_EL         3      /* mask: the current EL */
#define BLOCK_SP         BIT(2) /* PSTATE.SP */
#define BLOCK_E2H        BIT(3) /* HCR_EL2.E2H: what names of registers mean */
#define BLOCK_TGE        BIT(4) /* HCR_EL2.TGE */
#define BLOCK_FP_HELD    BIT(5) /* CheckFPAdvSIMDEnabled64() would trap, or somebody wants FP */
#define BLOCK_ALIGN      BIT(6) /* SCTLR_ELx.A: every access is to be aligned to its size */
#define BLOCK_NAA        BIT(7) /* SCTLR_ELx.nAA: ordered ones need not be, to 16 bytes */
#define BLOCK_SP_ALIGN   BIT(8) /* SCTLR_ELx.SA or SA0: a base that is SP is to be */
#define BLOCK_BIG_ENDIAN BIT(9) /* BigEndian(): SCTLR_ELx.EE or E0E */
#define BLOCK_PAC(key)   (BIT(10) << (key)) /* pauth_enabled(), by enum pauth_key */
#define BLOCK_OBSERVED   BIT(14)            /* cpu_accesses_observed() */

/* The part that follows from the registers of the current regime, and the current EL. */
uint32_t block_of_regime(const struct regime *rg, unsigned el);

static inline bool cpu_block_has(const struct cpu *cpu, uint32_t bits)
{
    return cpu->block & bits;
}
