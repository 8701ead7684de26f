/*
 * The CPU interfaces as memory-mapped registers: GICC, the physical one of a GICv2 without the
 * Security Extensions, and GICV, the virtual one for guests that use a GICv2 (ICC_SRE_EL1.SRE ==
 * 0). One window each for all CPUs: each sees its own.
 *
 * CU-choice: with SRE == 1 the registers of GICV work all the same.
 */
#include "base/bits.h"
#include "gic/internal.h"
#include "gic/prio.h"

#define CTLR_AckCtl  BIT(2)
#define CTLR_FIQEn   BIT(3)
#define CTLR_CBPR    BIT(4)
#define CTLR_EOImode BIT(9)

#define INTID_OTHER_GROUP 1022
#define INTID_FIELD       UINT32_C(0x3ff)
#define INTID_CPU_FIELD   UINT32_C(0x1fff) /* INTID and, of an SGI, the CPU it comes from */
#define IIDR_GICV2        (2u << 16)
#define IIDR_GICV3        (3u << 16)

static uint64_t read_ctlr(struct cpuif_reg r)
{
    const struct gic_if *f = r.f;

    return (f->eoimode ? CTLR_EOImode : 0) | (f->cbpr ? CTLR_CBPR : 0) |
           (f->fiqen ? CTLR_FIQEn : 0) | (f->ackctl ? CTLR_AckCtl : 0) |
           (uint64_t)f->enable[1] << 1 | (uint64_t)f->enable[0];
}

/* There is no bypass: its bits are RAZ/WI. */
static void write_ctlr(struct cpuif_reg r, uint64_t value)
{
    struct gic_if *f = r.f;

    f->eoimode = value & CTLR_EOImode;
    f->cbpr = value & CTLR_CBPR;
    f->fiqen = value & CTLR_FIQEn;
    f->ackctl = value & CTLR_AckCtl;
    f->enable[1] = bit(value, 1);
    f->enable[0] = bit(value, 0);
    if (r.virt)
        icv_update(r.c);
    else
        gic_update_all(r.c->gic);
}

/* CBPR does not change what is read and written, as it does in ICC_BPR1_EL1. */
static uint64_t read_bpr(struct cpuif_reg r)
{
    return r.f->bpr[r.n];
}

static void write_bpr(struct cpuif_reg r, uint64_t value)
{
    r.f->bpr[r.n] = if_bpr_clamp(r.f, r.n, value);
    cpuif_changed(r);
}

/*
 * What IAR or HPPIR says instead of an INTID of @group (-1: there is none); 0: the INTID. They are
 * for group 0, and for group 1 with AckCtl; the aliased ones are for group 1.
 */
static uint32_t special_answer(struct cpuif_reg r, int group)
{
    bool aliased = r.n == 1;

    if (group < 0 || (aliased && group == 0))
        return INTID_NONE;
    return group == 1 && !aliased && !r.f->ackctl ? INTID_OTHER_GROUP : 0;
}

/* An SGI of a GICv2 says whom it comes from: of several the lowest
 * first (IMPLEMENTATION DEFINED). */
static uint32_t with_source(const struct gic_cpu *c, uint32_t intid)
{
    if (intid > 15 || !c->sgi_from[intid])
        return intid;
    return intid | (uint32_t)__builtin_ctz(c->sgi_from[intid]) << 10;
}

static uint32_t take_source(struct gic_cpu *c, uint32_t intid)
{
    uint32_t taken = with_source(c, intid);

    if (intid > 15)
        return intid;
    c->sgi_from[intid] &= (uint8_t)(c->sgi_from[intid] - 1);
    if (c->sgi_from[intid])
        c->bank.latch |= UINT32_C(1) << intid; /* it is still pending for the others */
    return taken;
}

static int signalled_group(const struct gic_cpu *c, bool virt)
{
    if (virt)
        return icv_signalled_group(c);
    return c->irq || c->fiq ? (int)c->hppi.group : -1;
}

static uint64_t read_iar(struct cpuif_reg r)
{
    int group = signalled_group(r.c, r.virt);
    uint32_t special = special_answer(r, group);

    if (special)
        return special;
    return r.virt ? icv_acknowledge(r.c, (unsigned)group) & INTID_CPU_FIELD
                  : take_source(r.c, icc_acknowledge(r.c, (unsigned)group));
}

static int pending_group(const struct gic_cpu *c, bool virt)
{
    if (virt)
        return c->hppvi < 0 ? -1 : (int)lr_group(c->lr[c->hppvi]);
    return c->hppi.intid == INTID_NONE ? -1 : (int)c->hppi.group;
}

static uint64_t read_hppir(struct cpuif_reg r)
{
    int group = pending_group(r.c, r.virt);
    uint32_t special = special_answer(r, group);

    if (special)
        return special;
    return r.virt ? icv_hppir(r.c, (unsigned)group) & INTID_CPU_FIELD
                  : with_source(r.c, r.c->hppi.intid);
}

static unsigned group_of(struct gic_cpu *c, bool virt, uint32_t intid)
{
    const struct irq_bank *b;
    uint32_t one;

    if (virt)
        return icv_active_group(c, intid);
    b = gic_bank(c, intid, &one);
    return b && (b->group & one);
}

/* EOIR ends interrupts of group 0, and of group 1 with AckCtl; AEOIR of group 1. */
static void write_eoir(struct cpuif_reg r, uint64_t value)
{
    uint32_t intid = (uint32_t)value & (r.virt ? INTID_CPU_FIELD : INTID_FIELD);
    unsigned group = r.n == 0 && r.f->ackctl ? group_of(r.c, r.virt, intid) : r.n;

    (r.virt ? icv_end : icc_end)(r.c, group, intid);
}

static void write_dir(struct cpuif_reg r, uint64_t value)
{
    if (r.virt)
        icv_deactivate(r.c, (uint32_t)value & INTID_CPU_FIELD);
    else
        icc_deactivate(r.c, (uint32_t)value & INTID_FIELD);
}

static uint64_t read_iidr(struct cpuif_reg r)
{
    return (r.c->gic->v2 ? IIDR_GICV2 : IIDR_GICV3) | GIC_IIDR;
}

/* ---- accesses ---- */

static struct cpuif_reg reg_of(struct device *dev, unsigned n)
{
    bool virt = dev->ops == &gicv_ops;
    size_t at = virt ? offsetof(struct gic, gicv) : offsetof(struct gic, gicc);
    struct gic_cpu *c = gic_accessing_cpu((struct gic *)((char *)dev - at));

    return (struct cpuif_reg){c, virt ? &c->virt : &c->phys, n, virt};
}

/* ICH_ registers change by accesses to GICV; a GICv2 has no registers to tell of. */
static bool is_watched(struct cpuif_reg r)
{
    return r.virt && gic_wants(r.c->gic, ARM_EVENT_HWREG);
}

static uint64_t do_read(struct cpuif_reg r, uint64_t (*read)(struct cpuif_reg), unsigned cause)
{
    struct gic_shot shot;
    uint64_t value;

    if (!is_watched(r))
        return read(r);
    gic_shot_take(r.c, &shot);
    value = read(r);
    gic_shot_tell(r.c, &shot, SR_NONE, cause);
    return value;
}

static void do_write(struct cpuif_reg r, void (*write)(struct cpuif_reg, uint64_t), uint64_t value,
                     unsigned cause)
{
    struct gic_shot shot;

    if (!is_watched(r)) {
        write(r, value);
        return;
    }
    gic_shot_take(r.c, &shot);
    write(r, value);
    gic_shot_tell(r.c, &shot, SR_NONE, cause);
}

#define ACCESS(row, at, n, read, write, cause)                                                     \
    static uint64_t read_##row(struct device *dev, uint64_t offset, unsigned size)                 \
    {                                                                                              \
        (void)size;                                                                                \
        return do_read(reg_of(dev, (n) + (unsigned)(offset - (at)) / 4), read, ARM_HW_##cause);    \
    }                                                                                              \
    static void write_##row(struct device *dev, uint64_t offset, unsigned size, uint64_t value)    \
    {                                                                                              \
        (void)size;                                                                                \
        do_write(reg_of(dev, (n) + (unsigned)(offset - (at)) / 4), write, value, ARM_HW_##cause);  \
    }
#define BOTH(name, at, bytes, ...) ACCESS(BOTH_##name, at, __VA_ARGS__)
#define GICC(name, at, bytes, ...) ACCESS(GICC_##name, at, __VA_ARGS__)
#define GICV(name, at, bytes, ...) ACCESS(GICV_##name, at, __VA_ARGS__)
#include "gic/cpuif_mmio.def"
#undef GICV
#undef GICC
#undef BOTH
#undef ACCESS

#define ROW(name, row, at, bytes) {name, at, bytes, REG_SIZE_32, read_##row, write_##row},

static const struct reg_row gicc_regs[] = {
#define BOTH(name, at, bytes, ...) ROW("GICC_" #name, BOTH_##name, at, bytes)
#define GICC(name, at, bytes, ...) ROW("GICC_" #name, GICC_##name, at, bytes)
#define GICV(...)
#include "gic/cpuif_mmio.def"
#undef GICV
#undef GICC
#undef BOTH
    {NULL, 0, 0, 0, NULL, NULL},
};

static const struct reg_row gicv_regs[] = {
#define BOTH(name, at, bytes, ...) ROW("GICV_" #name, BOTH_##name, at, bytes)
#define GICC(...)
#define GICV(name, at, bytes, ...) ROW("GICV_" #name, GICV_##name, at, bytes)
#include "gic/cpuif_mmio.def"
#undef GICV
#undef GICC
#undef BOTH
    {NULL, 0, 0, 0, NULL, NULL},
};

const struct device_ops gicc_ops = {.name = "gicc", .regs = gicc_regs};
const struct device_ops gicv_ops = {.name = "gicv", .regs = gicv_regs};
