#include "gic.h"

#include "platform.h"
#include "report.h"

#define GICD_CTLR_RWP BIT(31)
#define GICR_CTLR_RWP BIT(3)
#define GICR_VLPIS    BIT(1)
#define GICR_LAST     BIT(4)
#define WAKER_SLEEP   2u
#define WAKER_ASLEEP  4u

#define GICC_CTLR 0x00
#define GICC_PMR  0x04
#define GICC_BPR  0x08
#define GICC_IAR  0x0c
#define GICC_EOIR 0x10

static uint64_t redistributors[MAX_CPUS];

/* What GICC_IAR said of an SGI that is active. */
static uint32_t sgis[MAX_CPUS][SGI_COUNT];

/* Affinity of a redistributor, GICR_TYPER[63:32], as in MPIDR_EL1. */
static uint64_t affinity(uint64_t typer)
{
    return FIELD(typer, 63, 56)
    << 32 | FIELD(typer, 55, 32);
}

uint64_t gic_redistributor(unsigned cpu)
{
    if (redistributors[cpu])
        return redistributors[cpu];
    for (unsigned r = 0; r < MAX_REGIONS && platform.gicr[r].size; r++) {
        uint64_t at = platform.gicr[r].base, end = at + platform.gicr[r].size;

        while (at < end) {
            uint64_t typer = rd64(at + GICR_TYPER);

            if (affinity(typer) == platform.mpidr[cpu])
                return redistributors[cpu] = at;
            if (typer & GICR_LAST)
                break;
            at += typer & GICR_VLPIS ? 0x40000 : 0x20000;
        }
    }
    report_fail("no redistributor of MPIDR %lx", platform.mpidr[cpu]);
}

void gic_wait(void)
{
    if (platform.gicc)
        return;
    while (rd32(platform.gicd + GICD_CTLR) & GICD_CTLR_RWP)
        ;
    while (rd32(gic_redistributor(cpu_index()) + GICR_CTLR) & GICR_CTLR_RWP)
        ;
}

static uint64_t frame(unsigned intid)
{
    return intid < 32 && !platform.gicc ? gic_redistributor(cpu_index()) + GICR_SGI : platform.gicd;
}

void gic_bit(unsigned reg, unsigned intid)
{
    wr32(frame(intid) + reg + intid / 32 * 4, (uint32_t)BIT(intid % 32));
    if (reg == GICD_ICENABLER)
        gic_wait();
}

bool gic_test(unsigned reg, unsigned intid)
{
    return rd32(frame(intid) + reg + intid / 32 * 4) & BIT(intid % 32);
}

void gic_priority(unsigned intid, uint8_t priority)
{
    wr8(frame(intid) + GICD_IPRIORITYR + intid, priority);
    dsb();
}

uint8_t gic_priority_of(unsigned intid)
{
    return rd8(frame(intid) + GICD_IPRIORITYR + intid);
}

static void field(uint64_t at, uint32_t mask, uint32_t value)
{
    wr32(at, (rd32(at) & ~mask) | value);
}

void gic_group(unsigned intid, unsigned group)
{
    uint32_t mask = (uint32_t)BIT(intid % 32);

    field(frame(intid) + GICD_IGROUPR + intid / 32 * 4, mask, group ? mask : 0);
}

void gic_edge(unsigned intid, bool edge)
{
    uint32_t mask = 2u << 2 * (intid % 16);

    field(frame(intid) + GICD_ICFGR + intid / 16 * 4, mask, edge ? mask : 0);
}

void gic_route(unsigned intid, uint64_t irouter)
{
    if (platform.gicc) {
        uint64_t all = BIT(platform.cpus) - 1;

        wr8(platform.gicd + GICD_ITARGETSR + intid,
            (uint8_t)(irouter & IROUTER_ANY ? all : BIT(FIELD(irouter, 7, 0))));
        return;
    }
    wr64(platform.gicd + GICD_IROUTER + 8 * (uint64_t)intid, irouter);
}

unsigned gic_spi_end(void)
{
    unsigned end = 32 * (unsigned)(FIELD(rd32(platform.gicd + GICD_TYPER), 4, 0) + 1);

    return end > 1020 ? 1020 : end;
}

uint8_t gic_priority_mask(void)
{
    uint8_t mask;

    gic_priority(SGI_GUEST, 0xff);
    mask = gic_priority_of(SGI_GUEST);
    gic_priority(SGI_GUEST, DEFAULT_PRIORITY);
    return mask;
}

void gic_init(void)
{
    unsigned end = gic_spi_end();

    require(platform.gicd, "no GIC in the device tree");
    wr32(platform.gicd + GICD_CTLR, 0);
    gic_wait();
    for (unsigned n = 32; n < end; n += 32) {
        wr32(platform.gicd + GICD_ICENABLER + n / 8, UINT32_MAX);
        wr32(platform.gicd + GICD_IGROUPR + n / 8, platform.gicc ? 0 : UINT32_MAX);
        wr32(platform.gicd + GICD_ICPENDR + n / 8, UINT32_MAX);
    }
    for (unsigned n = 32; n < end; n += 4)
        wr32(platform.gicd + GICD_IPRIORITYR + n, DEFAULT_PRIORITY * 0x01010101u);
    gic_wait();
    wr32(platform.gicd + GICD_CTLR, platform.gicc ? 1 : 0x10 | 3); /* ARE; both groups */
    gic_wait();
}

static void wake_redistributor(void)
{
    uint64_t rd = gic_redistributor(cpu_index());

    wr32(rd + GICR_WAKER, rd32(rd + GICR_WAKER) & ~WAKER_SLEEP);
    while (rd32(rd + GICR_WAKER) & WAKER_ASLEEP)
        ;
}

static void init_interface(void)
{
    msr(icc_pmr_el1, 0xff);
    msr(icc_bpr1_el1, 0);
    msr(icc_ctlr_el1, mrs(icc_ctlr_el1) & ~UINT64_C(3)); /* EOImode 0, BPR0 for group 0 only */
    msr(icc_igrpen1_el1, 1);
}

/* Without FIQEn group 0 is signaled as IRQ. */
static void init_interface_v2(void)
{
    wr32(platform.gicc + GICC_PMR, 0xff);
    wr32(platform.gicc + GICC_BPR, 0);
    wr32(platform.gicc + GICC_CTLR, 1);
}

void gic_init_cpu(void)
{
    uint64_t private = frame(0);

    if (!platform.gicc)
        wake_redistributor();
    wr32(private + GICD_ICENABLER, UINT32_MAX);
    wr32(private + GICD_IGROUPR, platform.gicc ? 0 : UINT32_MAX);
    wr32(private + GICD_ICPENDR, UINT32_MAX);
    for (unsigned n = 0; n < 32; n += 4)
        wr32(private + GICD_IPRIORITYR + n, DEFAULT_PRIORITY * 0x01010101u);
    gic_wait();
    wr32(private + GICD_ISENABLER, 0xffff);
    if (platform.gicc)
        init_interface_v2();
    else
        init_interface();
}

unsigned gic_acknowledge(void)
{
    uint32_t iar = platform.gicc ? rd32(platform.gicc + GICC_IAR) : (uint32_t)mrs(icc_iar1_el1);

    dsb();
    if (!platform.gicc)
        return iar;
    if (FIELD(iar, 9, 0) < SGI_COUNT)
        sgis[cpu_index()][FIELD(iar, 9, 0)] = iar;
    return FIELD(iar, 9, 0);
}

void gic_end(unsigned intid)
{
    if (!platform.gicc)
        msr(icc_eoir1_el1, intid);
    else
        wr32(platform.gicc + GICC_EOIR, intid < SGI_COUNT ? sgis[cpu_index()][intid] : intid);
}

void gic_mask(uint8_t priority)
{
    if (platform.gicc)
        wr32(platform.gicc + GICC_PMR, priority);
    else
        msr(icc_pmr_el1, priority);
}

uint64_t gic_sgi_to(unsigned intid, unsigned cpu)
{
    uint64_t m = platform.mpidr[cpu], aff0 = FIELD(m, 7, 0);

    return FIELD(m, 39, 32)
    << 48 | aff0 / 16 << 44 | FIELD(m, 23, 16)
    << 32 | (uint64_t)intid << 24 | FIELD(m, 15, 8)
    << 16 | BIT(aff0 % 16);
}

void gic_send_raw(uint64_t v)
{
    dsb();
    if (!platform.gicc)
        msr(icc_sgi1r_el1, v);
    else /* filter, CPUs, number */
        wr32(platform.gicd + GICD_SGIR,
             (uint32_t)(FIELD(v, 40, 40) << 24 | FIELD(v, 7, 0) << 16 | FIELD(v, 27, 24)));
}

void gic_send(unsigned intid, unsigned cpu)
{
    gic_send_raw(gic_sgi_to(intid, cpu));
}

void gic_send_others(unsigned intid)
{
    gic_send_raw(BIT(40) | (uint64_t)intid << 24);
}
