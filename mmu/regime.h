/*
 * The inputs of address translation, as values: a snapshot of the registers that steer it, so that
 * the walker knows no CPU.
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
};

struct regime {
    enum regime_id id;
    uint64_t sctlr, tcr, ttbr0, ttbr1, mair; /* of the regime's own EL, e.g. SCTLR_EL2 for EL2&0 */
    uint64_t hcr, vtcr, vttbr;               /* HCR_EL2 is 0 without EL2; stage 2 is on when the
                                                regime is EL1&0 and HCR_EL2.{VM,DC} say so */
    const struct features *features;
    uint8_t pa_bits;                         /* implemented physical address size: 32..52 */
};
