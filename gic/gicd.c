/* The distributor's registers. IHI0069 12.9 (GICD_*), as they are with ARE == 1. EnableGrp1 of
 * Non-secure accesses is at the place of EnableGrp1NS. */
#include "base/bits.h"
#include "gic/internal.h"

static struct gic *gic_of(struct device *dev)
{
    return (struct gic *)dev;
}

static bool is_nonsecure(struct gic *gic)
{
    return gic->two_states && !gic_sees_all(gic_accessing_cpu(gic));
}

/* Bank 0 is the redistributors'. */
static struct irq_banks spi_banks(struct gic *gic)
{
    return (struct irq_banks){gic->cpu,         gic->spi, 1, SPI_BANKS, gic_prio_mask(gic->pribits),
                              is_nonsecure(gic)};
}

static uint64_t read_array(struct device *dev, uint64_t offset, unsigned size)
{
    return gic_array_read(spi_banks(gic_of(dev)), (unsigned)offset, size);
}

static void write_array(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic *gic = gic_of(dev);

    gic_array_write(spi_banks(gic), (unsigned)offset, size, value);
    gic_update_all(gic);
}

/* RWP is never set: effects are immediate. */
static uint64_t read_ctlr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset;
    (void)size;
    struct gic *gic = gic_of(dev);

    if (is_nonsecure(gic))
        return (gic->ctlr & GICD_CTLR_EnableGrp1) | GICD_CTLR_ARE;
    return gic->ctlr | GICD_CTLR_ARE | (gic->two_states ? GICD_CTLR_ARE_NS : GICD_CTLR_DS);
}

static void write_ctlr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic *gic = gic_of(dev);

    (void)offset;
    (void)size;
    uint64_t mask = GICD_CTLR_EnableGrp1;

    if (!is_nonsecure(gic))
        mask |= GICD_CTLR_EnableGrp0 | (gic->two_states ? GICD_CTLR_EnableGrp1S : 0);
    gic->ctlr = (uint32_t)((gic->ctlr & ~mask) | (value & mask));
    gic_update_all(gic);
}

/* A3V, 16 bits of INTID, MBIS; LPIS; SecurityExtn, no range selector; 1 of N is supported. */
static uint64_t read_typer(struct device *dev, uint64_t offset, unsigned size)
{
    const struct gic *gic = gic_of(dev);

    (void)offset;
    (void)size;
    return BIT(24) | (LPI_ID_BITS - 1) << 19 | (uint64_t)(gic->mem != NULL) << 17 | BIT(16) |
           (uint64_t)gic->two_states << 10 | (gic->spis + 31) / 32;
}

static uint64_t read_iidr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev;
    (void)offset;
    (void)size;
    return GIC_IIDR;
}

/* A message sets or clears what it made of the SPI it names, if there is one. */
static void message(struct gic *gic, uint64_t value, bool set)
{
    uint32_t intid = (uint32_t)bits(value, 12, 0), one = 0;
    struct irq_bank *b = intid < PRIVATE_COUNT ? NULL : gic_bank(&gic->cpu[0], intid, &one);

    if (!b)
        return;
    const struct irq_states before = gic_states(b);
    if (!set)
        b->message &= ~one;
    else if (!(b->edge & one))
        b->message |= one;
    if (b->edge & one)
        b->latch = set ? b->latch | one : b->latch & ~one;
    gic_tell_states(&gic->cpu[0], b, intid & ~31u, &before);
    gic_update_all(gic);
}

static void write_setspi(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    message(gic_of(dev), value, true);
}

static void write_clrspi(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    message(gic_of(dev), value, false);
}

static unsigned irouter_spi(uint64_t offset)
{
    return (unsigned)(offset - 0x6000) / 8 - PRIVATE_COUNT;
}

static uint64_t read_irouter(struct device *dev, uint64_t offset, unsigned size)
{
    return reg64_get(gic_of(dev)->irouter[irouter_spi(offset)], offset, size);
}

static void write_irouter(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic *gic = gic_of(dev);
    unsigned n = irouter_spi(offset);

    if (n >= gic->spis)
        return;
    gic->irouter[n] = reg64_put(gic->irouter[n], offset, size, value) &
                      (MASK(39, 32) | IROUTER_IRM | MASK(23, 0));
    gic_route_spi(gic, n);
    gic_update_all(gic);
}

static uint64_t read_id(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev;
    (void)size;
    return gic_id_register(offset, 0x92, 3);
}

static const struct reg_row gicd_regs[] = {
    {"GICD_CTLR", 0x0000, 4, REG_SIZE_32, read_ctlr, write_ctlr},
    {"GICD_TYPER", 0x0004, 4, REG_SIZE_32, read_typer, NULL},
    {"GICD_IIDR", 0x0008, 4, REG_SIZE_32, read_iidr, NULL},
    {"GICD_TYPER2", 0x000c, 4, REG_SIZE_32, NULL, NULL},
    {"GICD_STATUSR", 0x0010, 4, REG_SIZE_32, NULL, NULL},
    {"GICD_SETSPI_NSR", 0x0040, 4, REG_SIZE_16 | REG_SIZE_32, NULL, write_setspi},
    {"GICD_CLRSPI_NSR", 0x0048, 4, REG_SIZE_16 | REG_SIZE_32, NULL, write_clrspi},
    {"GICD_SETSPI_SR", 0x0050, 4, REG_SIZE_16 | REG_SIZE_32, NULL, NULL},
    {"GICD_CLRSPI_SR", 0x0058, 4, REG_SIZE_16 | REG_SIZE_32, NULL, NULL},
#define ARRAY(name, offset, bits, sizes, read, write)                                              \
    {"GICD_" #name, offset, 128 * (bits), sizes, read_array, write_array},
#define GICV2_ARRAY(name, offset, bits, sizes)
#include "gic/arrays.def"
#undef GICV2_ARRAY
#undef ARRAY
    {"GICD_NSACR", 0x0e00, 0x100, REG_SIZE_32, NULL, NULL},
    {"GICD_SGIR", 0x0f00, 4, REG_SIZE_32, NULL, NULL},
    {"GICD_CPENDSGIR", 0x0f10, 0x10, REG_SIZE_8 | REG_SIZE_32, NULL, NULL},
    {"GICD_SPENDSGIR", 0x0f20, 0x10, REG_SIZE_8 | REG_SIZE_32, NULL, NULL},
    {"GICD_IROUTER", 0x6100, 8 * GIC_SPIS_MAX, REG_SIZE_32 | REG_SIZE_64, read_irouter,
     write_irouter},
    {"GICD_PIDR, GICD_CIDR", GIC_ID_OFFSET, 0x30, REG_SIZE_32, read_id, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

const struct device_ops gicd_ops = {.name = "gicd", .regs = gicd_regs};
