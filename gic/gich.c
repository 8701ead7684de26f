/*
 * GICH: the hypervisor's control of the virtual CPU interface of a GICv2, memory-mapped. Its
 * registers are those of ich.c, with list registers of another form. IHI0048B.b 5.3 (GICH_*). One
 * window for all CPUs: each sees its own.
 */
#include "base/bits.h"
#include "gic/internal.h"
#include "gic/prio.h"

/* GICH_LR: State 29:28, Priority 27:23, PhysicalID 19:10 or, if HW is 0, EOI 19 and CPUID 12:10. */
#define GICH_LR_HW  BIT(31)
#define GICH_LR_Grp BIT(30)
#define GICH_LR_EOI BIT(19)

/* Not in GICH_HCR: traps of system registers. */
#define HCR_FIELDS (MASK(7, 0) | ICH_HCR_EOIcount)

static struct gic_cpu *cpu_of(struct device *dev)
{
    return gic_accessing_cpu((struct gic *)((char *)dev - offsetof(struct gic, gich)));
}

static struct cpuif_reg reg_of(struct device *dev, unsigned n)
{
    struct gic_cpu *c = cpu_of(dev);

    return (struct cpuif_reg){c, &c->virt, n, true};
}

static uint64_t read_hcr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return ich_read_hcr(reg_of(dev, 0)) & HCR_FIELDS;
}

static void write_hcr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    ich_write_hcr(reg_of(dev, 0), value & HCR_FIELDS);
}

/* PRIbits, PREbits and ListRegs: the others are of system registers. */
static uint64_t read_vtr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return ich_read_vtr(reg_of(dev, 0)) & (MASK(31, 26) | MASK(5, 0));
}

static uint64_t read_vmcr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return ich_read_vmcr(reg_of(dev, 0));
}

static void write_vmcr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    ich_write_vmcr(reg_of(dev, 0), value);
}

static uint64_t read_misr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return ich_misr(cpu_of(dev));
}

static uint64_t read_eisr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)size;
    return offset & 4 ? 0 : ich_eisr(cpu_of(dev));
}

static uint64_t read_elrsr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)size;
    return offset & 4 ? 0 : ich_elrsr(cpu_of(dev));
}

/* Active priorities of both groups are in one register: a guest with GICV has them in AP1R. */
static uint64_t read_apr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return cpu_of(dev)->virt.apr[1][0];
}

static void write_apr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_cpu *c = cpu_of(dev);

    (void)offset, (void)size;
    c->virt.apr[1][0] = (uint32_t)value;
    icv_update(c);
}

#define LR_BASE 0x100

static uint64_t to_gich(uint64_t lr)
{
    uint64_t value = bits(lr, 63, 62) << 28 | bits(lr, 55, 51) << 23 | bits(lr, 9, 0) |
                     (lr_group(lr) ? GICH_LR_Grp : 0);

    if (lr & LR_HW)
        return value | GICH_LR_HW | bits(lr, 41, 32) << 10;
    return value | (lr & LR_EOI ? GICH_LR_EOI : 0) | bits(lr, 12, 10) << 10;
}

static uint64_t from_gich(uint64_t value)
{
    uint64_t lr = bits(value, 29, 28) << 62 | bits(value, 27, 23) << 51 | bits(value, 9, 0) |
                  (uint64_t)bit(value, 30) << 60;

    if (value & GICH_LR_HW)
        return lr | LR_HW | bits(value, 19, 10) << 32;
    return lr | (value & GICH_LR_EOI ? LR_EOI : 0) | bits(value, 12, 10) << 10;
}

static uint64_t read_lr(struct device *dev, uint64_t offset, unsigned size)
{
    unsigned n = (unsigned)(offset - LR_BASE) / 4;

    (void)size;
    return n < cpu_of(dev)->gic->lr_count ? to_gich(cpu_of(dev)->lr[n]) : 0;
}

static void write_lr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    unsigned n = (unsigned)(offset - LR_BASE) / 4;

    (void)size;
    if (n < cpu_of(dev)->gic->lr_count)
        ich_write_lr(reg_of(dev, n), from_gich(value));
}

static const struct reg_row gich_regs[] = {
    {"GICH_HCR", 0x000, 4, REG_SIZE_32, read_hcr, write_hcr},
    {"GICH_VTR", 0x004, 4, REG_SIZE_32, read_vtr, NULL},
    {"GICH_VMCR", 0x008, 4, REG_SIZE_32, read_vmcr, write_vmcr},
    {"GICH_MISR", 0x010, 4, REG_SIZE_32, read_misr, NULL},
    {"GICH_EISR", 0x020, 8, REG_SIZE_32, read_eisr, NULL},
    {"GICH_ELRSR", 0x030, 8, REG_SIZE_32, read_elrsr, NULL},
    {"GICH_APR", 0x0f0, 4, REG_SIZE_32, read_apr, write_apr},
    {"GICH_LR", LR_BASE, 4 * GIC_LRS_MAX, REG_SIZE_32, read_lr, write_lr},
    {NULL, 0, 0, 0, NULL, NULL},
};

const struct device_ops gich_ops = {.name = "gich", .regs = gich_regs};
