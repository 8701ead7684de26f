/* GICv3 as on the virt board. All interrupts group 1 after gic_init() unless a program says
 * otherwise. */
#pragma once

#include "guest.h"

#define GICD            UINT64_C(0x08000000)
#define GICR            UINT64_C(0x080a0000)
#define GICR_STRIDE     UINT64_C(0x20000)
#define GICD_CTLR       (GICD + 0x0000)
#define GICD_TYPER      (GICD + 0x0004)
#define GICD_IGROUPR    (GICD + 0x0080)
#define GICD_ISENABLER  (GICD + 0x0100)
#define GICD_ICENABLER  (GICD + 0x0180)
#define GICD_ISPENDR    (GICD + 0x0200)
#define GICD_ICPENDR    (GICD + 0x0280)
#define GICD_ISACTIVER  (GICD + 0x0300)
#define GICD_ICACTIVER  (GICD + 0x0380)
#define GICD_IPRIORITYR (GICD + 0x0400)
#define GICD_ICFGR      (GICD + 0x0c00)
#define GICD_IROUTER    (GICD + 0x6000)
#define GICR_WAKER      0x0014
#define GICR_SGI        0x10000 /* SGIs and PPIs: as GICD's first words, in the second frame */

#define SPURIOUS          1023
#define INTID_CNTP        30
#define INTID_CNTV        27
#define INTID_CNTHP       26
#define INTID_CNTHV       28
#define INTID_MAINTENANCE 25
#define INTID_UART        33

static inline uint32_t rd32(uint64_t addr)
{
    return *(volatile uint32_t *)addr;
}

static inline void wr32(uint64_t addr, uint32_t value)
{
    *(volatile uint32_t *)addr = value;
    dsb();
}

static inline void wr8(uint64_t addr, uint8_t value)
{
    *(volatile uint8_t *)addr = value;
    dsb();
}

/* The frame that holds @reg (GICD_x) for @intid: the distributor, or this CPU's redistributor. */
static inline uint64_t gic_reg(uint64_t reg, unsigned intid)
{
    return intid < 32 ? reg - GICD + GICR + GICR_STRIDE * cpu_index() + GICR_SGI : reg;
}

static inline void gic_bit(uint64_t reg, unsigned intid)
{
    wr32(gic_reg(reg, intid) + intid / 32 * 4, (uint32_t)BIT(intid % 32));
}

static inline bool gic_test(uint64_t reg, unsigned intid)
{
    return rd32(gic_reg(reg, intid) + intid / 32 * 4) & BIT(intid % 32);
}

static inline void gic_group(unsigned intid, bool group1)
{
    uint64_t at = gic_reg(GICD_IGROUPR, intid) + intid / 32 * 4;
    uint32_t mask = (uint32_t)BIT(intid % 32);

    wr32(at, group1 ? rd32(at) | mask : rd32(at) & ~mask);
}

static inline void gic_priority(unsigned intid, uint8_t priority)
{
    wr8(gic_reg(GICD_IPRIORITYR, intid) + intid, priority);
}

/* This CPU's redistributor and CPU interface; and on CPU 0 the distributor. */
static inline void gic_init(void)
{
    uint64_t rd = GICR + GICR_STRIDE * cpu_index();

    if (cpu_index() == 0)
        wr32(GICD_CTLR, 0x10 | 3); /* ARE; both groups */
    wr32(rd + GICR_WAKER, rd32(rd + GICR_WAKER) & ~2u);
    while (rd32(rd + GICR_WAKER) & 4)
        ;
    wr32(rd + GICR_SGI + 0x80, 0xffffffff);
    for (unsigned k = 0; k < 32; k++)
        gic_priority(k, 0xa0);
    msr(icc_pmr_el1, 0xff);
    msr(icc_bpr1_el1, 0);
    msr(icc_ctlr_el1, 0);
    msr(icc_igrpen0_el1, 1);
    msr(icc_igrpen1_el1, 1);
}

/* Acknowledge a group-1 interrupt that should be pending, and end it; its INTID. */
static inline unsigned gic_take(void)
{
    unsigned intid;

    dsb();
    intid = (unsigned)mrs(icc_iar1_el1);
    if (intid < 1020)
        msr(icc_eoir1_el1, intid);
    return intid;
}
