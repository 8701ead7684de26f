/*
 * GICC: the physical CPU interface of a GICv2 as memory-mapped registers, and GICH, the
 * hypervisor's control of the virtual one (gicv.c). IHI0048B.b 4.4 (GICC_*) and 5.3 (GICH_*),
 * without the Security Extensions. One window for all CPUs: each sees its own.
 */
#include "base/bits.h"
#include "gic/internal.h"
#include "gic/prio.h"

#define GICC_CTLR_AckCtl  BIT(2)
#define GICC_CTLR_FIQEn   BIT(3)
#define GICC_CTLR_CBPR    BIT(4)
#define GICC_CTLR_EOImode BIT(9)

#define INTID_OTHER_GROUP 1022
#define INTID_FIELD       UINT32_C(0x3ff)
#define IIDR_GICV2        (2u << 16)

static struct gic_cpu *cpu_of(struct device *dev)
{
    return gic_accessing_cpu((struct gic *)((char *)dev - offsetof(struct gic, gicc)));
}

static uint64_t read_ctlr(struct device *dev, uint64_t offset, unsigned size)
{
    const struct gic_cpu *c = cpu_of(dev);

    (void)offset, (void)size;
    return (c->phys.eoimode ? GICC_CTLR_EOImode : 0) | (c->phys.cbpr ? GICC_CTLR_CBPR : 0) |
           (c->fiqen ? GICC_CTLR_FIQEn : 0) | (c->ackctl ? GICC_CTLR_AckCtl : 0) |
           (uint64_t)c->phys.enable[1] << 1 | (uint64_t)c->phys.enable[0];
}

/* There is no bypass: its bits are RAZ/WI. */
static void write_ctlr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);

    (void)offset, (void)size;
    c->phys.eoimode = value & GICC_CTLR_EOImode;
    c->phys.cbpr = value & GICC_CTLR_CBPR;
    c->fiqen = value & GICC_CTLR_FIQEn;
    c->ackctl = value & GICC_CTLR_AckCtl;
    c->phys.enable[1] = bit(value, 1);
    c->phys.enable[0] = bit(value, 0);
    gic_update_all(c->gic);
}

static uint64_t read_pmr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return cpu_of(dev)->phys.pmr;
}

static void write_pmr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);

    (void)offset, (void)size;
    c->phys.pmr = (uint8_t)value & gic_prio_mask(c->gic->pribits);
    gic_update_interface(c);
}

/* GICC_BPR is group 0's, GICC_ABPR group 1's. */
static unsigned bpr_group(uint64_t offset)
{
    return offset == 0x1c;
}

static uint64_t read_bpr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)size;
    return cpu_of(dev)->phys.bpr[bpr_group(offset)];
}

static void write_bpr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);
    unsigned group = bpr_group(offset);

    (void)size;
    c->phys.bpr[group] = if_bpr_clamp(&c->phys, group, value);
    gic_update_interface(c);
}

/*
 * What GICC_IAR or GICC_HPPIR says instead of an INTID of @group (-1: there is none); 0: the INTID.
 * They are for group 0, and for group 1 with AckCtl; the aliased ones are for group 1.
 */
static uint32_t special_answer(const struct gic_cpu *c, int group, bool aliased)
{
    if (group < 0 || (aliased && group == 0))
        return INTID_NONE;
    return group == 1 && !aliased && !c->ackctl ? INTID_OTHER_GROUP : 0;
}

/* An SGI says whom it comes from: of several the lowest first (IMPLEMENTATION DEFINED). */
static uint32_t take_source(struct gic_cpu *c, uint32_t intid)
{
    if (intid > 15 || !c->sgi_from[intid])
        return intid;
    unsigned from = (unsigned)__builtin_ctz(c->sgi_from[intid]);
    c->sgi_from[intid] &= (uint8_t) ~(1u << from);
    if (c->sgi_from[intid])
        c->bank.latch |= UINT32_C(1) << intid; /* it is still pending for the others */
    return intid | from << 10;
}

static uint64_t read_iar(struct device *dev, uint64_t offset, unsigned size)
{
    struct gic_cpu *c = cpu_of(dev);
    int group = c->irq || c->fiq ? c->hppi.group : -1;
    uint32_t special = special_answer(c, group, offset == 0x20);

    (void)size;
    return special ? special : take_source(c, icc_acknowledge(c, (unsigned)group));
}

static uint64_t read_hppir(struct device *dev, uint64_t offset, unsigned size)
{
    const struct gic_cpu *c = cpu_of(dev);
    uint32_t intid = c->hppi.intid;
    int group = intid == INTID_NONE ? -1 : c->hppi.group;
    uint32_t special = special_answer(c, group, offset == 0x28);

    (void)size;
    if (special || intid > 15 || !c->sgi_from[intid])
        return special ? special : intid;
    return intid | (uint32_t)__builtin_ctz(c->sgi_from[intid]) << 10;
}

/* GICC_EOIR ends interrupts of group 0, and of group 1 with AckCtl; GICC_AEOIR of group 1. */
static void write_eoir(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);
    uint32_t intid = (uint32_t)value & INTID_FIELD, one;
    const struct irq_bank *b = gic_bank(c, intid, &one);
    bool group = offset == 0x24 || (c->ackctl && b && (b->group & one));

    (void)size;
    icc_end(c, group, intid);
}

static void write_dir(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    icc_deactivate(cpu_of(dev), (uint32_t)value & INTID_FIELD);
}

static uint64_t read_rpr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return if_running(&cpu_of(dev)->phys);
}

/* GICC_APR0..3 are group 0's, GICC_NSAPR0..3 group 1's. */
static uint32_t *apr(struct gic_cpu *c, uint64_t offset)
{
    unsigned n = (unsigned)(offset - 0xd0) / 4;

    return n % 4 < if_apr_count(&c->phys) ? &c->phys.apr[n / 4][n % 4] : NULL;
}

static uint64_t read_apr(struct device *dev, uint64_t offset, unsigned size)
{
    const uint32_t *reg = apr(cpu_of(dev), offset);

    (void)size;
    return reg ? *reg : 0;
}

static void write_apr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    uint32_t *reg = apr(cpu_of(dev), offset);

    (void)size;
    if (!reg)
        return;
    *reg = (uint32_t)value;
    gic_update_interface(cpu_of(dev));
}

static uint64_t read_iidr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev, (void)offset, (void)size;
    return IIDR_GICV2 | GIC_IIDR;
}

static const struct reg_row gicc_regs[] = {
    {"GICC_CTLR", 0x0000, 4, REG_SIZE_32, read_ctlr, write_ctlr},
    {"GICC_PMR", 0x0004, 4, REG_SIZE_32, read_pmr, write_pmr},
    {"GICC_BPR", 0x0008, 4, REG_SIZE_32, read_bpr, write_bpr},
    {"GICC_IAR", 0x000c, 4, REG_SIZE_32, read_iar, NULL},
    {"GICC_EOIR", 0x0010, 4, REG_SIZE_32, NULL, write_eoir},
    {"GICC_RPR", 0x0014, 4, REG_SIZE_32, read_rpr, NULL},
    {"GICC_HPPIR", 0x0018, 4, REG_SIZE_32, read_hppir, NULL},
    {"GICC_ABPR", 0x001c, 4, REG_SIZE_32, read_bpr, write_bpr},
    {"GICC_AIAR", 0x0020, 4, REG_SIZE_32, read_iar, NULL},
    {"GICC_AEOIR", 0x0024, 4, REG_SIZE_32, NULL, write_eoir},
    {"GICC_AHPPIR", 0x0028, 4, REG_SIZE_32, read_hppir, NULL},
    {"GICC_APR", 0x00d0, 0x20, REG_SIZE_32, read_apr, write_apr},
    {"GICC_IIDR", 0x00fc, 4, REG_SIZE_32, read_iidr, NULL},
    {"GICC_DIR", 0x1000, 4, REG_SIZE_32, NULL, write_dir},
    {NULL, 0, 0, 0, NULL, NULL},
};

const struct device_ops gicc_ops = {.name = "gicc", .regs = gicc_regs};
