/* Control registers and tables for the tests of the walker. */
#pragma once

#include "tests/mmu/fixture.h"

#define TCR_T0SZ(n) ((uint64_t)(n))
#define TCR_T1SZ(n) ((uint64_t)(n) << 16)
#define TCR_TG0(n)  ((uint64_t)(n) << 14)
#define TCR_TG1(n)  ((uint64_t)(n) << 30)
#define TCR_EPD0    BIT(7)
#define TCR_EPD1    BIT(23)
#define TCR_IPS(n)  ((uint64_t)(n) << 32)
#define TCR_TBI0    BIT(37)
#define TCR_HA      BIT(39)
#define TCR_HD      BIT(40)
#define TCR_HPD0    BIT(41)
#define TCR_TBID0   BIT(51)
#define TCR_E0PD0   BIT(55)
#define TCR_DS      BIT(59)

#define VTCR_SL0(n) ((uint64_t)(n) << 6)
#define VTCR_TG0(n) ((uint64_t)(n) << 14)
#define VTCR_PS(n)  ((uint64_t)(n) << 16)
#define VTCR_HA     BIT(21)
#define VTCR_HD     BIT(22)
#define VTCR_DS     BIT(32)
#define VTCR_SL2    BIT(33)

#define NORMAL (D_ATTR(2) | D_AF | 3 << 8)
#define TARGET (RAM_BASE + (32 << 20)) /* what leaves point to, aligned for every block used */

/* EL1&0 with one lower-half 4K table of 48 bits; the upper half is off. */
static inline uint64_t el1_4k(struct fixture *s)
{
    uint64_t root = alloc(s, 4096);

    s->rg.tcr = TCR_T0SZ(16) | TCR_T1SZ(16) | TCR_EPD1 | TCR_IPS(5);
    s->rg.ttbr0 = root;
    return root;
}
