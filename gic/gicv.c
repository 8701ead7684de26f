/*
 * GICV: the virtual CPU interface as memory-mapped registers, for guests that use a GICv2
 * (ICC_SRE_EL1.SRE == 0). One window for all CPUs: each sees its own. IHI0069 ch. 12 (GICV_*).
 *
 * CU-choice: with SRE == 1 the registers work all the same.
 */
#include "base/bits.h"
#include "gic/internal.h"
#include "gic/prio.h"

#define GICV_CTLR_AckCtl  BIT(2)
#define GICV_CTLR_FIQEn   BIT(3)
#define GICV_CTLR_CBPR    BIT(4)
#define GICV_CTLR_EOImode BIT(9)

#define INTID_OTHER_GROUP 1022
#define INTID_FIELD       UINT32_C(0x1fff) /* INTID and, of an SGI, the CPU it comes from */
#define IIDR_GICV3        (3u << 16)

static struct gic_cpu *cpu_of(struct device *dev)
{
    return gic_accessing_cpu((struct gic *)((char *)dev - offsetof(struct gic, gicv)));
}

static uint64_t read_ctlr(struct device *dev, uint64_t offset, unsigned size)
{
    const struct gic_cpu *c = cpu_of(dev);

    (void)offset;
    (void)size;
    return (c->virt.eoimode ? GICV_CTLR_EOImode : 0) | (c->virt.cbpr ? GICV_CTLR_CBPR : 0) |
           (c->v_fiqen ? GICV_CTLR_FIQEn : 0) | (c->v_ackctl ? GICV_CTLR_AckCtl : 0) |
           (uint64_t)c->virt.enable[1] << 1 | (uint64_t)c->virt.enable[0];
}

static void write_ctlr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);

    (void)offset;
    (void)size;
    c->virt.eoimode = value & GICV_CTLR_EOImode;
    c->virt.cbpr = value & GICV_CTLR_CBPR;
    c->v_fiqen = value & GICV_CTLR_FIQEn;
    c->v_ackctl = value & GICV_CTLR_AckCtl;
    c->virt.enable[1] = bit(value, 1);
    c->virt.enable[0] = bit(value, 0);
    icv_update(c);
}

static uint64_t read_pmr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset;
    (void)size;
    return cpu_of(dev)->virt.pmr;
}

static void write_pmr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);

    (void)offset;
    (void)size;
    c->virt.pmr = (uint8_t)value & gic_prio_mask(c->gic->pribits);
    icv_update(c);
}

/* GICV_BPR is group 0's, GICV_ABPR group 1's. */
static unsigned bpr_group(uint64_t offset)
{
    return offset == 0x1c;
}

static uint64_t read_bpr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)size;
    return cpu_of(dev)->virt.bpr[bpr_group(offset)];
}

static void write_bpr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);
    unsigned group = bpr_group(offset);

    (void)size;
    c->virt.bpr[group] = if_bpr_clamp(&c->virt, group, value);
    icv_update(c);
}

/*
 * What GICV_IAR or GICV_HPPIR says instead of an INTID of @group (-1: there is none); 0: the INTID.
 * They are for group 0, and for group 1 with AckCtl; the aliased ones are for group 1.
 */
static uint32_t special_answer(const struct gic_cpu *c, int group, bool aliased)
{
    if (group < 0 || (aliased && group == 0))
        return INTID_NONE;
    return group == 1 && !aliased && !c->v_ackctl ? INTID_OTHER_GROUP : 0;
}

static uint64_t read_iar(struct device *dev, uint64_t offset, unsigned size)
{
    struct gic_cpu *c = cpu_of(dev);
    int group = icv_signalled_group(c);
    uint32_t special = special_answer(c, group, offset == 0x20);

    (void)size;
    return special ? special : icv_acknowledge(c, (unsigned)group) & INTID_FIELD;
}

static uint64_t read_hppir(struct device *dev, uint64_t offset, unsigned size)
{
    struct gic_cpu *c = cpu_of(dev);
    int group = c->hppvi < 0 ? -1 : (int)lr_group(c->lr[c->hppvi]);
    uint32_t special = special_answer(c, group, offset == 0x28);

    (void)size;
    return special ? special : icv_hppir(c, (unsigned)group) & INTID_FIELD;
}

/* GICV_EOIR ends interrupts of group 0, and of group 1 with AckCtl; GICV_AEOIR of group 1. */
static void write_eoir(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);
    uint32_t intid = (uint32_t)value & INTID_FIELD;

    (void)size;
    if (offset == 0x24)
        icv_end(c, 1, intid);
    else
        icv_end(c, c->v_ackctl ? icv_active_group(c, intid) : 0, intid);
}

static void write_dir(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset;
    (void)size;
    icv_deactivate(cpu_of(dev), (uint32_t)value & INTID_FIELD);
}

static uint64_t read_rpr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset;
    (void)size;
    return if_running(&cpu_of(dev)->virt);
}

static uint64_t read_apr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)size;
    return cpu_of(dev)->virt.apr[1][(offset - 0xd0) / 4];
}

static void write_apr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);
    unsigned n = (unsigned)(offset - 0xd0) / 4;

    (void)size;
    if (n >= if_apr_count(&c->virt))
        return;
    c->virt.apr[1][n] = (uint32_t)value;
    icv_update(c);
}

static uint64_t read_iidr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev;
    (void)offset;
    (void)size;
    return IIDR_GICV3 | GIC_IIDR;
}

/* The accesses that act, each with what it changes in ICH_ registers. */
static void write_watched(struct device *dev, uint64_t offset, unsigned size, uint64_t value,
                          void (*write)(struct device *, uint64_t, unsigned, uint64_t),
                          unsigned cause)
{
    struct gic_shot shot;

    gic_shot_take(cpu_of(dev), &shot);
    write(dev, offset, size, value);
    gic_shot_tell(cpu_of(dev), &shot, SR_NONE, cause);
}

#define ACTING_WRITE(name, cause)                                                                  \
    static void acting_##name(struct device *dev, uint64_t offset, unsigned size, uint64_t value)  \
    {                                                                                              \
        if (gic_wants(cpu_of(dev)->gic, ARM_EVENT_HWREG))                                          \
            write_watched(dev, offset, size, value, name, cause);                                  \
        else                                                                                       \
            name(dev, offset, size, value);                                                        \
    }
ACTING_WRITE(write_ctlr, ARM_HW_INTERFACE)
ACTING_WRITE(write_pmr, ARM_HW_INTERFACE)
ACTING_WRITE(write_bpr, ARM_HW_INTERFACE)
ACTING_WRITE(write_apr, ARM_HW_INTERFACE)
ACTING_WRITE(write_eoir, ARM_HW_END)
ACTING_WRITE(write_dir, ARM_HW_END)
#undef ACTING_WRITE

static uint64_t acting_read_iar(struct device *dev, uint64_t offset, unsigned size)
{
    struct gic_shot shot;

    if (!gic_wants(cpu_of(dev)->gic, ARM_EVENT_HWREG))
        return read_iar(dev, offset, size);
    gic_shot_take(cpu_of(dev), &shot);
    uint64_t value = read_iar(dev, offset, size);
    gic_shot_tell(cpu_of(dev), &shot, SR_NONE, ARM_HW_ACKNOWLEDGE);
    return value;
}

static const struct reg_row gicv_regs[] = {
    {"GICV_CTLR", 0x0000, 4, REG_SIZE_32, read_ctlr, acting_write_ctlr},
    {"GICV_PMR", 0x0004, 4, REG_SIZE_32, read_pmr, acting_write_pmr},
    {"GICV_BPR", 0x0008, 4, REG_SIZE_32, read_bpr, acting_write_bpr},
    {"GICV_IAR", 0x000c, 4, REG_SIZE_32, acting_read_iar, NULL},
    {"GICV_EOIR", 0x0010, 4, REG_SIZE_32, NULL, acting_write_eoir},
    {"GICV_RPR", 0x0014, 4, REG_SIZE_32, read_rpr, NULL},
    {"GICV_HPPIR", 0x0018, 4, REG_SIZE_32, read_hppir, NULL},
    {"GICV_ABPR", 0x001c, 4, REG_SIZE_32, read_bpr, acting_write_bpr},
    {"GICV_AIAR", 0x0020, 4, REG_SIZE_32, acting_read_iar, NULL},
    {"GICV_AEOIR", 0x0024, 4, REG_SIZE_32, NULL, acting_write_eoir},
    {"GICV_AHPPIR", 0x0028, 4, REG_SIZE_32, read_hppir, NULL},
    {"GICV_STATUSR", 0x002c, 4, REG_SIZE_32, NULL, NULL},
    {"GICV_APR", 0x00d0, 0x10, REG_SIZE_32, read_apr, acting_write_apr},
    {"GICV_IIDR", 0x00fc, 4, REG_SIZE_32, read_iidr, NULL},
    {"GICV_DIR", 0x1000, 4, REG_SIZE_32, NULL, acting_write_dir},
    {NULL, 0, 0, 0, NULL, NULL},
};

const struct device_ops gicv_ops = {.name = "gicv", .regs = gicv_regs};
