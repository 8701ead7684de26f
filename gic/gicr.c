/* A redistributor's registers. IHI0069 12.10, 12.11 (GICR_*). */
#include "base/bits.h"
#include "gic/internal.h"

#define SGI_BASE 0x10000

#define GICR_WAKER_ProcessorSleep BIT(1)
#define GICR_WAKER_ChildrenAsleep BIT(2)

#define PROPBASER_WRITABLE (MASK(58, 56) | MASK(51, 7) | MASK(4, 0))
#define PENDBASER_WRITABLE (MASK(58, 56) | MASK(51, 16) | MASK(11, 7))
#define PENDBASER_PTZ      BIT(62)

static struct gic_cpu *cpu_of(struct device *dev)
{
    return (struct gic_cpu *)dev;
}

static struct irq_banks private_bank(struct gic_cpu *c)
{
    return (struct irq_banks){c,
                              &c->bank,
                              0,
                              1,
                              gic_prio_mask(c->gic->pribits),
                              c->gic->two_states && !gic_sees_all(gic_accessing_cpu(c->gic))};
}

static uint64_t read_array(struct device *dev, uint64_t offset, unsigned size)
{
    return gic_array_read(private_bank(cpu_of(dev)), (unsigned)offset - SGI_BASE, size);
}

static void write_array(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);

    gic_array_write(private_bank(c), (unsigned)offset - SGI_BASE, size, value);
    gic_update_cpu(c);
}

/* RWP and UWP are never set: effects are immediate. */
static uint64_t read_ctlr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset;
    (void)size;
    return cpu_of(dev)->gicr_ctlr | (cpu_of(dev)->gic->mem ? GICR_CTLR_CES : 0);
}

static void write_ctlr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);

    (void)offset;
    (void)size;
    c->gicr_ctlr = (uint32_t)(value & (GICR_CTLR_DPG0 | GICR_CTLR_DPG1NS |
                                       (c->gic->two_states ? GICR_CTLR_DPG1S : 0)));
    if (c->gic->mem) {
        c->gicr_ctlr |= value & GICR_CTLR_EnableLPIs;
        gic_lpi_enable(c, value & GICR_CTLR_EnableLPIs);
    }
    gic_update_all(c->gic);
}

static uint64_t read_iidr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev;
    (void)offset;
    (void)size;
    return GIC_IIDR;
}

/*
 * Affinity, processor number, DPGS, Last in the series, PLPIS. CommonLPIAff as QEMU's: shares Aff3.
 */
static uint64_t read_typer(struct device *dev, uint64_t offset, unsigned size)
{
    const struct gic_cpu *c = cpu_of(dev);
    bool last = c->index == c->gic->cpus - 1;
    uint64_t typer = (uint64_t)c->affinity << 32 | BIT(24) | (uint64_t)c->index << 8 | BIT(5) |
                     (uint64_t)last << 4 | (c->gic->mem != NULL);

    return reg64_get(typer, offset, size);
}

/* ChildrenAsleep follows ProcessorSleep at once. Nothing is forwarded to a sleeping CPU. */
static uint64_t read_waker(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset;
    (void)size;
    return cpu_of(dev)->asleep ? GICR_WAKER_ProcessorSleep | GICR_WAKER_ChildrenAsleep : 0;
}

static void write_waker(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);

    (void)offset;
    (void)size;
    gic_sleep(c->gic, c->index, value & GICR_WAKER_ProcessorSleep);
}

static uint64_t read_propbaser(struct device *dev, uint64_t offset, unsigned size)
{
    return reg64_get(cpu_of(dev)->lpi.propbaser, offset, size);
}

/* CU-choice: GICR_PROPBASER and GICR_PENDBASER ignore writes while LPIs are enabled. */
static void write_propbaser(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);

    if (c->gic->mem && !c->lpi.on)
        c->lpi.propbaser = reg64_put(c->lpi.propbaser, offset, size, value) & PROPBASER_WRITABLE;
}

static uint64_t read_pendbaser(struct device *dev, uint64_t offset, unsigned size)
{
    return reg64_get(cpu_of(dev)->lpi.pendbaser, offset, size);
}

/* PTZ reads as 0. */
static void write_pendbaser(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);
    uint64_t whole = reg64_put(c->lpi.pendbaser, offset, size, value);

    if (!c->gic->mem || c->lpi.on)
        return;
    c->lpi.pendbaser = whole & PENDBASER_WRITABLE;
    if (size == 8 || (offset & 4))
        c->lpi.zeroed = whole & PENDBASER_PTZ;
}

static uint64_t read_id(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev;
    (void)size;
    return gic_id_register(offset, 0x93, 3);
}

/* No GICR_TYPER.DirectLPI: LPIs come from the ITS alone. */
static const struct reg_row gicr_regs[] = {
    {"GICR_CTLR", 0x0000, 4, REG_SIZE_32, read_ctlr, write_ctlr},
    {"GICR_IIDR", 0x0004, 4, REG_SIZE_32, read_iidr, NULL},
    {"GICR_TYPER", 0x0008, 8, REG_SIZE_32 | REG_SIZE_64, read_typer, NULL},
    {"GICR_STATUSR", 0x0010, 4, REG_SIZE_32, NULL, NULL},
    {"GICR_WAKER", 0x0014, 4, REG_SIZE_32, read_waker, write_waker},
    {"GICR_MPAMIDR", 0x0018, 4, REG_SIZE_32, NULL, NULL},
    {"GICR_PARTIDR", 0x001c, 4, REG_SIZE_32, NULL, NULL},
    {"GICR_SETLPIR", 0x0040, 8, REG_SIZE_32 | REG_SIZE_64, NULL, NULL},
    {"GICR_CLRLPIR", 0x0048, 8, REG_SIZE_32 | REG_SIZE_64, NULL, NULL},
    {"GICR_PROPBASER", 0x0070, 8, REG_SIZE_32 | REG_SIZE_64, read_propbaser, write_propbaser},
    {"GICR_PENDBASER", 0x0078, 8, REG_SIZE_32 | REG_SIZE_64, read_pendbaser, write_pendbaser},
    {"GICR_INVLPIR", 0x00a0, 8, REG_SIZE_32 | REG_SIZE_64, NULL, NULL},
    {"GICR_INVALLR", 0x00b0, 8, REG_SIZE_32 | REG_SIZE_64, NULL, NULL},
    {"GICR_SYNCR", 0x00c0, 4, REG_SIZE_32, NULL, NULL},
    {"GICR_PIDR, GICR_CIDR", GIC_ID_OFFSET, 0x30, REG_SIZE_32, read_id, NULL},
#define ARRAY(name, offset, bits, sizes, read, write)                                              \
    {"GICR_" #name, SGI_BASE + (offset), 4 * (bits), sizes, read_array, write_array},
#define GICV2_ARRAY(name, offset, bits, sizes)
#include "gic/arrays.def"
#undef GICV2_ARRAY
#undef ARRAY
    {"GICR_NSACR", SGI_BASE + 0x0e00, 4, REG_SIZE_32, NULL, NULL},
    {NULL, 0, 0, 0, NULL, NULL},
};

const struct device_ops gicr_ops = {.name = "gicr", .regs = gicr_regs};
