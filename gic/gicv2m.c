/*
 * GICv2m: a frame that makes SPIs of writes, for MSIs of a machine without ITS. Server Base System
 * Architecture (DEN0029), appendix on GICv2m.
 */
#include "base/bits.h"
#include "gic/internal.h"

#define TYPER_FIRST(intid) ((uint64_t)(intid) << 16)

static struct gic *gic_of(struct device *dev)
{
    return (struct gic *)((char *)dev - offsetof(struct gic, v2m));
}

static uint64_t read_typer(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev, (void)offset, (void)size;
    return TYPER_FIRST(GICV2M_FIRST) | GICV2M_COUNT;
}

/* An edge at the SPI that is named, if it is one of the frame's. */
static void write_setspi(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic *gic = gic_of(dev);
    uint32_t intid = (uint32_t)bits(value, 9, 0);

    (void)offset, (void)size;
    if (intid < GICV2M_FIRST || intid >= GICV2M_FIRST + GICV2M_COUNT)
        return;
    gic_set_input(&gic->cpu[0], intid, true);
    gic_set_input(&gic->cpu[0], intid, false);
}

static uint64_t read_iidr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev, (void)offset, (void)size;
    return GIC_IIDR;
}

static const struct reg_row gicv2m_regs[] = {
    {"MSI_TYPER", 0x008, 4, REG_SIZE_32, read_typer, NULL},
    {"MSI_SETSPI_NS", 0x040, 4, REG_SIZE_32, NULL, write_setspi},
    {"MSI_IIDR", 0xfcc, 4, REG_SIZE_32, read_iidr, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

const struct device_ops gicv2m_ops = {.name = "gicv2m", .regs = gicv2m_regs};
