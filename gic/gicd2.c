/*
 * The distributor of a GICv2 without the Security Extensions. IHI0048B.b 4.3 (GICD_*). One window
 * for all CPUs: what is banked is the accessing one's.
 */
#include "base/bits.h"
#include "gic/internal.h"

#define SGIR_FILTER_LIST   0
#define SGIR_FILTER_OTHERS 1
#define SGIR_FILTER_SELF   2

static struct gic *gic_of(struct device *dev)
{
    return (struct gic *)dev;
}

static struct gic_cpu *cpu_of(struct device *dev)
{
    return gic_accessing_cpu(gic_of(dev));
}

/* The banked first one, and the others: each answers for its own. */
static struct irq_banks private_bank(struct gic_cpu *c)
{
    return (struct irq_banks){c, &c->bank, 0, 1, gic_prio_mask(c->gic->pribits), false};
}

static struct irq_banks spi_banks(struct gic *gic)
{
    return (struct irq_banks){gic->cpu, gic->spi, 1, SPI_BANKS, gic_prio_mask(gic->pribits), false};
}

static uint64_t read_array(struct device *dev, uint64_t offset, unsigned size)
{
    return gic_array_read(private_bank(cpu_of(dev)), (unsigned)offset, size) |
           gic_array_read(spi_banks(gic_of(dev)), (unsigned)offset, size);
}

/* SGIs are always enabled, and pending only by whom they came from: GICD_ISENABLER0 and
 * GICD_ISPENDR0 leave it to the implementation. */
static void write_array(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);
    uint32_t sgis = c->bank.latch & SGI_MASK;

    gic_array_write(private_bank(c), (unsigned)offset, size, value);
    gic_array_write(spi_banks(c->gic), (unsigned)offset, size, value);
    c->bank.enable |= SGI_MASK;
    c->bank.latch = (c->bank.latch & ~SGI_MASK) | sgis;
    gic_update_all(c->gic);
}

static uint64_t read_ctlr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return gic_of(dev)->ctlr;
}

static void write_ctlr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic *gic = gic_of(dev);

    (void)offset, (void)size;
    gic->ctlr = (uint32_t)(value & (GICD_CTLR_EnableGrp0 | GICD_CTLR_EnableGrp1));
    gic_update_all(gic);
}

static uint64_t read_typer(struct device *dev, uint64_t offset, unsigned size)
{
    const struct gic *gic = gic_of(dev);

    (void)offset, (void)size;
    return (uint64_t)(gic->cpus - 1) << 5 | (gic->spis + 31) / 32;
}

static uint64_t read_iidr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev, (void)offset, (void)size;
    return GIC_IIDR;
}

/* GICD_ITARGETSR: a byte an interrupt, a bit a CPU. Private ones are the reader's; with one CPU
 * there is nothing to choose, and they are RAZ/WI. */
static uint8_t targets(const struct gic_cpu *c, unsigned intid)
{
    const struct gic *gic = c->gic;

    if (gic->cpus == 1)
        return 0;
    if (intid < PRIVATE_COUNT)
        return (uint8_t)(1u << c->index);
    return intid - PRIVATE_COUNT < gic->spis ? gic->itargetsr[intid - PRIVATE_COUNT] : 0;
}

#define ITARGETSR 0x800

static uint64_t read_targets(struct device *dev, uint64_t offset, unsigned size)
{
    uint64_t value = 0;

    for (unsigned k = 0; k < size; k++)
        value |= (uint64_t)targets(cpu_of(dev), (unsigned)offset - ITARGETSR + k) << (8 * k);
    return value;
}

static void write_targets(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic *gic = gic_of(dev);

    for (unsigned k = 0; gic->cpus > 1 && k < size; k++) {
        unsigned intid = (unsigned)offset - ITARGETSR + k;
        if (intid >= PRIVATE_COUNT && intid - PRIVATE_COUNT < gic->spis)
            gic->itargetsr[intid - PRIVATE_COUNT] =
                (uint8_t)(bits(value, 8 * k + 7, 8 * k) & MASK(gic->cpus - 1, 0));
    }
    gic_update_all(gic);
}

/* ---- SGIs: pending by the CPU that they come from ---- */

static void set_sgi(struct gic_cpu *to, unsigned sgi, uint8_t from)
{
    const struct irq_states before = gic_states(&to->bank);
    uint32_t one = UINT32_C(1) << sgi;

    to->sgi_from[sgi] = from;
    to->bank.latch = from ? to->bank.latch | one : to->bank.latch & ~one;
    gic_tell_states(to, &to->bank, 0, &before);
    gic_update_cpu(to);
}

static bool is_target(const struct gic_cpu *from, const struct gic_cpu *to, uint64_t value)
{
    switch (bits(value, 25, 24)) {
    case SGIR_FILTER_LIST:
        return bit(value, 16 + to->index);
    case SGIR_FILTER_OTHERS:
        return to != from;
    case SGIR_FILTER_SELF:
        return to == from;
    default:
        return false; /* reserved */
    }
}

static void write_sgir(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic *gic = gic_of(dev);
    const struct gic_cpu *from = cpu_of(dev);
    unsigned sgi = (unsigned)bits(value, 3, 0);

    (void)offset, (void)size;
    for (unsigned k = 0; k < gic->cpus; k++)
        if (is_target(from, &gic->cpu[k], value))
            set_sgi(&gic->cpu[k], sgi, gic->cpu[k].sgi_from[sgi] | (uint8_t)(1u << from->index));
}

#define CPENDSGIR 0xf10
#define SPENDSGIR 0xf20

static uint64_t read_pending_sgis(struct device *dev, uint64_t offset, unsigned size)
{
    const struct gic_cpu *c = cpu_of(dev);
    uint64_t value = 0;

    for (unsigned k = 0; k < size; k++)
        value |= (uint64_t)c->sgi_from[(offset + k) & 15] << (8 * k);
    return value;
}

static void write_pending_sgis(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);

    for (unsigned k = 0; k < size; k++) {
        unsigned sgi = (unsigned)(offset + k) & 15;
        uint8_t of = (uint8_t)(bits(value, 8 * k + 7, 8 * k) & MASK(c->gic->cpus - 1, 0));
        set_sgi(c, sgi,
                offset >= SPENDSGIR ? c->sgi_from[sgi] | of : c->sgi_from[sgi] & (uint8_t)~of);
    }
}

static uint64_t read_id(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev, (void)size;
    return gic_id_register(offset + 0xf000, GIC_400_PART, 2);
}

static const struct reg_row gicd2_regs[] = {
    {"GICD_CTLR", 0x000, 4, REG_SIZE_32, read_ctlr, write_ctlr},
    {"GICD_TYPER", 0x004, 4, REG_SIZE_32, read_typer, NULL},
    {"GICD_IIDR", 0x008, 4, REG_SIZE_32, read_iidr, NULL},
#define ARRAY(name, offset, bits, sizes, read, write)                                              \
    {"GICD_" #name, offset, 128 * (bits), sizes, read_array, write_array},
#define GICV2_ARRAY(name, offset, bits, sizes)                                                     \
    {"GICD_" #name, offset, 128 * (bits), sizes, read_targets, write_targets},
#include "gic/arrays.def"
#undef GICV2_ARRAY
#undef ARRAY
    {"GICD_NSACR", 0xe00, 0x100, REG_SIZE_32, NULL, NULL},
    {"GICD_SGIR", 0xf00, 4, REG_SIZE_32, NULL, write_sgir},
    {"GICD_CPENDSGIR", CPENDSGIR, 0x10, REG_SIZE_8 | REG_SIZE_32, read_pending_sgis,
     write_pending_sgis},
    {"GICD_SPENDSGIR", SPENDSGIR, 0x10, REG_SIZE_8 | REG_SIZE_32, read_pending_sgis,
     write_pending_sgis},
    {"GICD_PIDR, GICD_CIDR", GIC_ID_OFFSET - 0xf000, 0x30, REG_SIZE_32, read_id, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

const struct device_ops gicd2_ops = {.name = "gicd", .regs = gicd2_regs};
