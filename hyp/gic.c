#include "hyp/gic.h"

#include "hyp/console.h"
#include "hyp/mutant.h"
#include "hyp/opts.h"
#include "hyp/panic.h"
#include "hyp/rendezvous.h"
#include "hyp/sched.h"
#include "hyp/smp.h"
#include "hyp/trace.h"
#include "hyp/vcpu.h"
#include "hyp/vgic.h"
#include "hyp/vtimer.h"

struct gic_frames gic_frames;

enum {
    GICD_CTLR = 0x0,
    GICD_IGROUPR = 0x80,
    GICD_ISENABLER = 0x100,
    GICD_IPRIORITYR = 0x400,
    GICD_IROUTER = 0x6000,
    GICD_TYPER = 0x4,
    GICR_TYPER = 0x8,
    GICR_WAKER = 0x14,
    GICR_SGI = 0x10000, /* the second frame */
    GICR_ISACTIVER0 = GICR_SGI + 0x300,
    GICR_ICACTIVER0 = GICR_SGI + 0x380,
};

#define CTLR_RWP         BIT(31)
#define CTLR_ARE         BIT(4)
#define CTLR_GROUP1      BIT(1)
#define WAKER_SLEEP      BIT(1)
#define WAKER_ASLEEP     BIT(2)
#define TYPER_VLPIS      BIT(1)
#define PRIORITY_OURS    0x80
#define SPURIOUS         1020 /* and above: nothing to take */
#define ICC_CTLR_EOIMODE BIT(1)

static void wait_rwp(void)
{
    while (mmio_read32(gic_frames.dist + GICD_CTLR) & CTLR_RWP)
        ;
}

void gic_init(void)
{
    uint64_t d = gic_frames.dist;
    unsigned count = 32 * (unsigned)(bits(mmio_read32(d + GICD_TYPER), 4, 0) + 1);

    mmio_write32(d + GICD_CTLR, 0);
    wait_rwp();
    for (unsigned k = 32; k < count; k += 32) {
        mmio_write32(d + GICD_IGROUPR + k / 8, ~0u);
        mmio_write32(d + 0x180 + k / 8, ~0u); /* ICENABLER: what the loader left on */
    }
    for (unsigned k = 32; k < count; k += 4)
        mmio_write32(d + GICD_IPRIORITYR + k, PRIORITY_OURS * 0x01010101u);
    mmio_write32(d + GICD_CTLR, CTLR_ARE | CTLR_GROUP1);
    wait_rwp();
}

/* By affinity; each redistributor has two frames, or four with GICv4. */
static uint64_t find_redistributor(uint64_t mpidr)
{
    uint32_t affinity = (uint32_t)(bits(mpidr, 39, 32) << 24 | bits(mpidr, 23, 0));

    for (uint64_t r = gic_frames.redist; r < gic_frames.redist + gic_frames.redist_size;) {
        uint64_t typer = mmio_read64(r + GICR_TYPER);

        if (typer >> 32 == affinity)
            return r;
        r += typer & TYPER_VLPIS ? 0x40000 : 0x20000;
    }
    panic("no redistributor for MPIDR 0x%lx", (unsigned long)mpidr);
}

void gic_init_cpu(void)
{
    struct pcpu *cpu = this_cpu();
    uint64_t r = find_redistributor(cpu->mpidr);

    cpu->gicr = r;
    mmio_write32(r + GICR_WAKER, mmio_read32(r + GICR_WAKER) & ~(uint32_t)WAKER_SLEEP);
    while (mmio_read32(r + GICR_WAKER) & WAKER_ASLEEP)
        ;
    mmio_write32(r + GICR_SGI + GICD_IGROUPR, ~0u);
    mmio_write32(r + GICR_SGI + 0x180, ~0u);
    mmio_write32(r + GICR_ICACTIVER0, ~0u);
    for (unsigned k = 0; k < 32; k += 4)
        mmio_write32(r + GICR_SGI + GICD_IPRIORITYR + k, PRIORITY_OURS * 0x01010101u);
    mmio_write32(r + GICR_SGI + GICD_ISENABLER,
                 (uint32_t)(BIT(SGI_KICK) | BIT(SGI_CALL) | BIT(SGI_RENDEZVOUS) |
                            BIT(PPI_MAINTENANCE) | BIT(PPI_TIMER_HYP) | BIT(PPI_TIMER_VIRT)));
    msr(ICC_SRE_EL2, 0xf); /* SRE, no bypass, and EL1 may use its own */
    isb();
    msr(ICC_PMR_EL1, 0xf0);
    msr(ICC_CTLR_EL1, ICC_CTLR_EOIMODE);
    msr(ICC_IGRPEN1_EL1, 1);
    isb();
}

void gic_send(const struct pcpu *cpu, unsigned sgi)
{
    uint64_t a = cpu->mpidr;

    dsb(ishst); /* what the receiver is to see is there before it is told */
    msr(ICC_SGI1R_EL1, bits(a, 39, 32) << 48 | bits(a, 23, 16) << 32 | bits(a, 15, 8) << 16 |
                           bits(a, 7, 4) << 44 | (uint64_t)sgi << 24 | BIT(a & 15));
    isb();
    STAT(IPI);
}

void gic_kick(const struct pcpu *cpu)
{
    gic_send(cpu, SGI_KICK);
}

void gic_enable_spi(unsigned intid)
{
    uint64_t d = gic_frames.dist;
    uint64_t a = this_cpu()->mpidr;

    mmio_write64(d + GICD_IROUTER + 8 * (uint64_t)intid, bits(a, 39, 32) << 32 | bits(a, 23, 0));
    mmio_write32(d + GICD_ISENABLER + intid / 32 * 4, (uint32_t)BIT(intid % 32));
}

void gic_set_active(unsigned ppi, bool active)
{
    mmio_write32(this_cpu()->gicr + (active ? GICR_ISACTIVER0 : GICR_ICACTIVER0),
                 (uint32_t)BIT(ppi));
    /* The write is done before anything that relies on it: a read of the same frame
     * cannot pass it. */
    (void)mmio_read32(this_cpu()->gicr + GICR_ISACTIVER0);
}

void gic_deactivate(unsigned intid)
{
    msr(ICC_DIR_EL1, intid);
    isb();
}

/* False: the deactivation is somebody else's. */
static bool dispatch(uint32_t intid)
{
    switch (intid) {
    case SGI_KICK:
        sched_kicked();
        return true;
    case SGI_CALL:
        smp_called();
        return true;
    case SGI_RENDEZVOUS:
        rendezvous_arrive();
        return true;
    case PPI_MAINTENANCE:
        vgic_maintenance();
        return true;
    case PPI_TIMER_HYP:
        sched_timer_irq();
        return true;
    case PPI_TIMER_VIRT:
        return vtimer_irq();
    default:
        console_irq(intid);
        return true;
    }
}

void gic_handle(void)
{
    for (;;) {
        uint32_t intid = (uint32_t)mrs(ICC_IAR1_EL1);

        if (intid >= SPURIOUS)
            return;
        dsb(sy); /* the acknowledge has reached the distributor before the source is quietened */
        trace(TRACE_IRQ, intid, 0);
        if (MUTANT(handover_mask))
            msr(ICC_PMR_EL1, PRIORITY_OURS);
        bool ours = dispatch(intid);
        msr(ICC_EOIR1_EL1, intid);
        if (ours && !(MUTANT(handover_sgi) && intid == SGI_KICK && this_cpu()->index == 1))
            msr(ICC_DIR_EL1, intid);
        isb();
    }
}
