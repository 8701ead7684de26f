/* Mutants of single system registers (hyp/mutant.h): which slot a row is saved to and restored
 * from, or that it is not. */
#pragma once

#include "hyp/context.h"
#include "hyp/mutant.h"

#define MUTANT_ALWAYS_INLINE static inline __attribute__((always_inline))

MUTANT_ALWAYS_INLINE bool mutant_skips_save(const struct context *c, enum slot s)
{
    return (MUTANT(unsaved_tpidr_el0) && s == SLOT_TPIDR_EL0) ||
           (MUTANT(unsaved_csselr) && s == SLOT_CSSELR_EL1) ||
           (MUTANT(lost_contextidr) && s == SLOT_CONTEXTIDR_EL1) ||
           (MUTANT(lost_vbar) && s == SLOT_VBAR_EL1) || (MUTANT(lost_par) && s == SLOT_PAR_EL1) ||
           (MUTANT(lost_pauth_key) && s == SLOT_APIAKeyHi_EL1) ||
           (MUTANT(lost_counter) && s == SLOT_PMEVCNTR0_EL0) ||
           (MUTANT(lost_breakpoint) && s == SLOT_DBGBVR0_EL1) ||
           (MUTANT(stale_restore_tpidr_el1) && s == SLOT_TPIDR_EL1 && c->slot[s]) ||
           (MUTANT(asymmetric_save_mair) && s == SLOT_MAIR_EL1 && mutant_flips());
}

MUTANT_ALWAYS_INLINE bool mutant_skips_restore(enum slot s)
{
    return (MUTANT(unsaved_tpidr_el0) && s == SLOT_TPIDR_EL0) ||
           (MUTANT(unsaved_csselr) && s == SLOT_CSSELR_EL1) ||
           (MUTANT(leak_tpidrro) && s == SLOT_TPIDRRO_EL0) ||
           (MUTANT(leak_sp_el0) && s == SLOT_SP_EL0) ||
           (MUTANT(leak_counter) && s == SLOT_PMCCNTR_EL0) ||
           (MUTANT(leak_pauth_key) && s == SLOT_APDBKeyLo_EL1) ||
           (MUTANT(asymmetric_restore_cpacr) && s == SLOT_CPACR_EL1 && mutant_flips());
}

MUTANT_ALWAYS_INLINE enum slot mutant_slot_saved(enum slot s)
{
    return MUTANT(wrong_slot_far) && s == SLOT_FAR_EL1 ? SLOT_ESR_EL1 : s;
}

MUTANT_ALWAYS_INLINE uint64_t mutant_bits_saved(enum slot s)
{
    return MUTANT(lost_half) && s == SLOT_TPIDR_EL1 ? UINT32_MAX : UINT64_MAX;
}

MUTANT_ALWAYS_INLINE enum slot mutant_slot_restored(enum slot s)
{
    if (MUTANT(wrong_slot_tpidr) && s == SLOT_TPIDR_EL0)
        return SLOT_TPIDRRO_EL0;
    if (MUTANT(wrong_slot_mair) && s == SLOT_MAIR_EL1)
        return SLOT_AMAIR_EL1;
    if (MUTANT(wrong_slot_ttbr1) && s == SLOT_TTBR1_EL1)
        return SLOT_TTBR0_EL1;
    return s;
}

/* Reads or writes EL2's own register, where HCR_EL2.E2H redirects the name. */
MUTANT_ALWAYS_INLINE bool mutant_aliases(enum slot s, bool restores)
{
    return (MUTANT(alias_save_vbar) && s == SLOT_VBAR_EL1 && !restores) ||
           (MUTANT(alias_restore_contextidr) && s == SLOT_CONTEXTIDR_EL1 && restores) ||
           (MUTANT(alias_save_elr) && s == SLOT_ELR_EL1 && !restores);
}
