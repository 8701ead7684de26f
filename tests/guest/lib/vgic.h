/* The hypervisor's side of the virtual CPU interface, and a guest's by single instructions. */
#pragma once

#include "gic.h"

/* ICH_LR<n>_EL2. */
#define LR_STATE(lr) FIELD(lr, 63, 62)
#define LR_PENDING   BIT(62)
#define LR_ACTIVE    BIT(63)
#define LR_HW        BIT(61)
#define LR_GROUP1    BIT(60)
#define LR_PRIO(p)   ((uint64_t)(p) << 48)
#define LR_PINTID(n) ((uint64_t)(n) << 32)
#define LR_EOI       BIT(41)

/* ICH_HCR_EL2. */
#define ICH_EN       BIT(0)
#define ICH_UIE      BIT(1)
#define ICH_LRENPIE  BIT(2)
#define ICH_NPIE     BIT(3)
#define ICH_VGRP0EIE BIT(4)
#define ICH_VGRP0DIE BIT(5)
#define ICH_VGRP1EIE BIT(6)
#define ICH_VGRP1DIE BIT(7)
#define ICH_TC       BIT(10)
#define ICH_TALL0    BIT(11)
#define ICH_TALL1    BIT(12)
#define ICH_TDIR     BIT(14)
#define EOICOUNT(h)  FIELD(h, 31, 27)

/* ICH_VMCR_EL2. */
#define VMCR_VENG0   BIT(0)
#define VMCR_VENG1   BIT(1)
#define VMCR_VCBPR   BIT(4)
#define VMCR_VEOIM   BIT(9)
#define VMCR_BPR1(n) ((uint64_t)(n) << 18)
#define VMCR_BPR0(n) ((uint64_t)(n) << 21)
#define VMCR_PMR(p)  ((uint64_t)(p) << 24)
#define VMCR_INIT    (VMCR_PMR(0xff) | VMCR_VENG0 | VMCR_VENG1)

#define ICC_PMR     SYS(3, 0, 4, 6, 0)
#define ICC_IAR0    SYS(3, 0, 12, 8, 0)
#define ICC_EOIR0   SYS(3, 0, 12, 8, 1)
#define ICC_HPPIR0  SYS(3, 0, 12, 8, 2)
#define ICC_BPR0    SYS(3, 0, 12, 8, 3)
#define ICC_AP0R0   SYS(3, 0, 12, 8, 4)
#define ICC_AP1R0   SYS(3, 0, 12, 9, 0)
#define ICC_DIR     SYS(3, 0, 12, 11, 1)
#define ICC_RPR     SYS(3, 0, 12, 11, 3)
#define ICC_SGI1R   SYS(3, 0, 12, 11, 5)
#define ICC_ASGI1R  SYS(3, 0, 12, 11, 6)
#define ICC_SGI0R   SYS(3, 0, 12, 11, 7)
#define ICC_IAR1    SYS(3, 0, 12, 12, 0)
#define ICC_EOIR1   SYS(3, 0, 12, 12, 1)
#define ICC_HPPIR1  SYS(3, 0, 12, 12, 2)
#define ICC_BPR1    SYS(3, 0, 12, 12, 3)
#define ICC_CTLR    SYS(3, 0, 12, 12, 4)
#define ICC_SRE     SYS(3, 0, 12, 12, 5)
#define ICC_IGRPEN0 SYS(3, 0, 12, 12, 6)
#define ICC_IGRPEN1 SYS(3, 0, 12, 12, 7)
#define ISR         SYS(3, 0, 12, 1, 0)
#define ISR_IRQ     BIT(7)
#define ISR_FIQ     BIT(6)

/* Accesses of a guest at EL1, all interrupts masked. */
static inline uint64_t guest_read(uint64_t sys)
{
    return run_word_at(1, MRS_WORD(sys), 0);
}

static inline void guest_write(uint64_t sys, uint64_t value)
{
    run_word_at(1, sys, value);
}

/* List registers 0 to 3. */
static inline uint64_t lr_get(unsigned n)
{
    switch (n) {
    case 0:
        return mrs(ich_lr0_el2);
    case 1:
        return mrs(ich_lr1_el2);
    case 2:
        return mrs(ich_lr2_el2);
    default:
        return mrs(ich_lr3_el2);
    }
}

static inline void lr_set(unsigned n, uint64_t value)
{
    switch (n) {
    case 0:
        msr(ich_lr0_el2, value);
        break;
    case 1:
        msr(ich_lr1_el2, value);
        break;
    case 2:
        msr(ich_lr2_el2, value);
        break;
    default:
        msr(ich_lr3_el2, value);
        break;
    }
}

/* Nothing listed, nothing active, both groups enabled, no maintenance interrupt enabled. */
static inline void vgic_clear(void)
{
    for (unsigned n = 0; n < 4; n++)
        lr_set(n, 0);
    msr(ich_ap0r0_el2, 0);
    msr(ich_ap1r0_el2, 0);
    msr(ich_vmcr_el2, VMCR_INIT);
    msr(ich_hcr_el2, ICH_EN);
}
