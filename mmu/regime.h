/*
 * The inputs of address translation, as values: a snapshot of the registers that steer it, so that
 * the walker knows no CPU; and what follows from them, computed once per change.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "arch/features.h"
#include "base/addr.h"

enum regime_id {
    REGIME_EL10, /* EL1&0, stage 2 possible */
    REGIME_EL2,  /* EL2 with HCR_EL2.E2H == 0 */
    REGIME_EL20, /* EL2&0 */
    REGIME_EL3,
    REGIME_SECURE_EL10, /* Secure EL1&0: without stage 2, there being no Secure EL2 */
};
#define REGIME_COUNT 5

/* Has the regime EL0, and so two ranges of addresses and ASIDs (HasUnprivileged())? */
static inline bool regime_has_el0(enum regime_id id)
{
    return id != REGIME_EL2 && id != REGIME_EL3;
}

struct regime {
    enum regime_id id;
    uint64_t sctlr, tcr, ttbr0, ttbr1, mair; /* of the regime's own EL, e.g. SCTLR_EL2 for EL2&0 */
    uint64_t hcr, vtcr, vttbr;               /* HCR_EL2 is 0 without EL2; stage 2 is on when the
                                                regime is EL1&0 and HCR_EL2.{VM,DC} say so */
    bool s2_ee;                              /* SCTLR_EL2.EE: endianness of stage-2 tables */
    const struct features *features;
    uint8_t pa_bits; /* implemented physical address size: 32..52 */
};

/* Are its accesses Secure, unless a descriptor says otherwise? */
static inline bool regime_is_secure(enum regime_id id)
{
    return id == REGIME_EL3 || id == REGIME_SECURE_EL10;
}

/* One set of tables: the lower or upper half of stage 1, or stage 2 (S1TTWParams, S2TTWParams). */
struct table_cfg {
    uint64_t base;        /* root table */
    uint8_t granule_bits; /* 12, 14, 16 */
    uint8_t ia_bits;      /* input address size: 64 - TxSZ */
    uint8_t oa_bits;      /* output address size, never above the implemented one */
    int8_t start_level;   /* -1..3 */
    uint8_t sh;           /* TCR.SHx: shareability of leaves when ds */
    bool invalid;         /* TxSZ or SL0 out of range: every walk is a level 0 Translation fault */
    bool epd, e0pd;
    bool tbi, tbid;
    bool hpd;    /* hierarchical permissions off */
    bool ha, hd; /* hardware access flag, dirty state */
    bool ds;     /* FEAT_LPA2 descriptors */
    bool lpa64;  /* 64K granule with bits 51:48 of addresses in 15:12 */
    bool ee;     /* big-endian descriptors */
};

/* A regime ready for use. */
struct xlat {
    struct regime rg;
    struct table_cfg s1[2], s2; /* s1[va<55>] */
    bool s1_on, s2_on;
    bool two_ranges; /* HasUnprivileged(): EL1&0, EL2&0 */
    bool wxn, epan;
    uint16_t asid, vmid;
    uint16_t config; /* interned by the TLB, see tlb_config() */
};

/* Fill all of @x but config. GetS1TTWParams(), GetS2TTWParams() and their range checks. */
void xlat_init(struct xlat *x, const struct regime *rg);

/* The VMID in VTTBR_EL2, as wide as VTCR_EL2.VS makes it. */
uint16_t regime_vmid_of(const struct features *f, uint64_t vtcr, uint64_t vttbr);

/* The current one. */
static inline uint16_t regime_vmid(const struct regime *rg)
{
    return regime_vmid_of(rg->features, rg->vtcr, rg->vttbr);
}

/* @va without its tag where the regime ignores the top byte: what the TLBs are tagged with. */
static inline uint64_t xlat_canonical(const struct xlat *x, uint64_t va, bool ifetch)
{
    const struct table_cfg *t = &x->s1[(va >> 55) & x->two_ranges];

    if (!t->tbi || (ifetch && t->tbid))
        return va;
    return x->two_ranges ? (uint64_t)((int64_t)(va << 8) >> 8) : va << 8 >> 8;
}
