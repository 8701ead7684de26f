/*
 * What of a guest traps. The bits that decide it stand here and nowhere else: hyp/context.h relies
 * on them for what need not be switched.
 */
#pragma once

#include "hyp/arch.h"

struct vcpu;

/* HCR_EL2 while no guest is loaded: interrupts come to EL2. */
uint64_t host_hcr(void);

/* HCR_EL2 and MDCR_EL2 of a virtual CPU, fresh: lazy groups trap. */
uint64_t guest_hcr(void);
uint64_t guest_mdcr(void);

/* The registers of EL2 that are the same for all guests. */
void traps_init_cpu(void);
