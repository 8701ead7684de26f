/*
 * The guest's distributor and redistributors (IHI0069 12.8 to 12.11), by rows. Most registers are
 * arrays with so many bits an interrupt; a row has a function for one interrupt, whatever the size
 * of the access. Distributor and the SGI frame of a redistributor have the same arrays at the same
 * offsets, for different interrupts.
 *
 * One Security state: GICD_CTLR.DS reads as one.
 */
#include "hyp/gic.h"
#include "hyp/lib.h"
#include "hyp/opts.h"
#include "hyp/vcpu.h"
#include "hyp/vgic_frames.h"
#include "hyp/vits.h"

struct row {
    uint16_t base;
    uint8_t bits; /* an interrupt: 1, 2, 8, 64 */
    uint64_t (*get)(const struct virq *i);
    void (*set)(struct vcpu *v, struct virq *i, uint64_t field);
};

static uint64_t get_group(const struct virq *i)
{
    return i->group1;
}

static void set_group(struct vcpu *v, struct virq *i, uint64_t field)
{
    (void)v;
    i->group1 = field;
}

static uint64_t get_enable(const struct virq *i)
{
    return i->enabled;
}

static void set_enable(struct vcpu *v, struct virq *i, uint64_t field)
{
    (void)v;
    if (field)
        i->enabled = true;
}

static void clear_enable(struct vcpu *v, struct virq *i, uint64_t field)
{
    (void)v;
    if (field)
        i->enabled = false;
}

static uint64_t get_pending(const struct virq *i)
{
    return i->latch || (!i->edge && i->line) || i->sources;
}

/* A GICv2's SGIs become pending with a sender (SPENDSGIR), not here. */
static void set_pending(struct vcpu *v, struct virq *i, uint64_t field)
{
    (void)v;
    if (field && !(opts.gicv && i->intid < SGIS))
        i->latch = true;
}

static void clear_pending(struct vcpu *v, struct virq *i, uint64_t field)
{
    (void)v;
    if (!field)
        return;
    if (i->hw && i->latch && !i->active)
        gic_deactivate(i->pintid);
    i->latch = false;
}

static uint64_t get_active(const struct virq *i)
{
    return i->active;
}

static void set_active(struct vcpu *v, struct virq *i, uint64_t field)
{
    (void)v;
    if (field)
        i->active = true;
}

static void clear_active(struct vcpu *v, struct virq *i, uint64_t field)
{
    if (field)
        vgic_deactivate(v, i);
}

/* The implemented bits (ICH_VTR_EL2.PRIbits are at least as many). */
static uint64_t get_priority(const struct virq *i)
{
    return i->priority;
}

static void set_priority(struct vcpu *v, struct virq *i, uint64_t field)
{
    (void)v;
    i->priority = field & 0xf8;
}

static uint64_t get_config(const struct virq *i)
{
    return i->edge ? 2 : 0;
}

/* SGIs are edge-triggered whatever is written. */
static void set_config(struct vcpu *v, struct virq *i, uint64_t field)
{
    (void)v;
    if (i->intid >= SGIS)
        i->edge = field & 2;
}

static uint64_t get_route(const struct virq *i)
{
    return i->target ? i->target->mpidr & (MASK(39, 32) | MASK(23, 0)) : 0;
}

/* To "any" (Interrupt_Routing_Mode) is to virtual CPU 0. */
static void set_route(struct vcpu *v, struct virq *i, uint64_t field)
{
    if (i->intid < VGIC_PRIVATE)
        return;
    i->target = bit(field, 31) ? &v->vm->vcpus[0] : NULL;
    for (unsigned k = 0; k < v->vm->vcpu_count && !i->target; k++)
        if ((v->vm->vcpus[k].mpidr & (MASK(39, 32) | MASK(23, 0))) ==
            (field & (MASK(39, 32) | MASK(23, 0))))
            i->target = &v->vm->vcpus[k];
}

/* GICv2's byte of CPUs: the first of them gets it. */
static uint64_t get_target(const struct virq *i)
{
    return i->target ? BIT(i->target->index) : 0;
}

static void set_target(struct vcpu *v, struct virq *i, uint64_t field)
{
    if (i->intid < VGIC_PRIVATE)
        return;
    field &= BIT(v->vm->vcpu_count) - 1;
    i->target = field ? &v->vm->vcpus[__builtin_ctzll(field)] : NULL;
}

/* GICv2's pending bits of SGIs, a byte each, one bit a sender. */
static uint64_t get_sources(const struct virq *i)
{
    return i->sources;
}

static void set_sources(struct vcpu *v, struct virq *i, uint64_t field)
{
    (void)v;
    i->sources |= field & 0xff;
}

static void clear_sources(struct vcpu *v, struct virq *i, uint64_t field)
{
    (void)v;
    i->sources &= (uint16_t)~field;
}

#define IRQS (VGIC_PRIVATE + VGIC_SPIS)

static const struct row rows[] = {
    {0x080, 1, get_group, set_group},       /* IGROUPR */
    {0x100, 1, get_enable, set_enable},     /* ISENABLER */
    {0x180, 1, get_enable, clear_enable},   /* ICENABLER */
    {0x200, 1, get_pending, set_pending},   /* ISPENDR */
    {0x280, 1, get_pending, clear_pending}, /* ICPENDR */
    {0x300, 1, get_active, set_active},     /* ISACTIVER */
    {0x380, 1, get_active, clear_active},   /* ICACTIVER */
    {0x400, 8, get_priority, set_priority}, /* IPRIORITYR */
    {0xc00, 2, get_config, set_config},     /* ICFGR */
};
static const struct row row_route = {0x6000, 64, get_route, set_route}; /* IROUTER */
static const struct row rows_v2[] = {
    {0x800, 8, get_target, set_target},     /* ITARGETSR */
    {0xf10, 8, get_sources, clear_sources}, /* CPENDSGIR */
    {0xf20, 8, get_sources, set_sources},   /* SPENDSGIR */
};

static bool covers(const struct row *r, uint64_t offset, unsigned irqs)
{
    return offset >= r->base && offset < r->base + irqs * r->bits / 8;
}

static const struct row *find_row(uint64_t offset, unsigned irqs, bool dist)
{
    for (unsigned k = 0; k < ARRAY_SIZE(rows); k++)
        if (covers(&rows[k], offset, irqs))
            return &rows[k];
    for (unsigned k = 0; k < ARRAY_SIZE(rows_v2) && opts.gicv; k++)
        if (covers(&rows_v2[k], offset, k ? 16 : irqs))
            return &rows_v2[k];
    return dist && !opts.gicv && covers(&row_route, offset, irqs) ? &row_route : NULL;
}

/* The interrupts whose fields the access covers, first to last. Private ones are @v's. */
static void access_row(struct vcpu *v, const struct row *r, uint64_t offset, struct mmio *m)
{
    unsigned first = (unsigned)((offset - r->base) * 8 / r->bits), count = m->bytes * 8u / r->bits;
    uint64_t answer = 0;

    if (r->bits == 64 && m->bytes == 4) { /* half of an IROUTER: the upper is zero, Aff3 */
        struct virq *i = vgic_irq(v, first);
        if (i && m->write && !(offset & 4))
            r->set(v, i, m->value), vgic_update(i);
        m->value = i && !(offset & 4) ? r->get(i) : 0;
        return;
    }
    for (unsigned k = 0; k < count; k++) {
        struct virq *i = vgic_irq(v, first + k);

        if (!i)
            continue;
        if (m->write) {
            r->set(v, i, bits(m->value, r->bits * (k + 1) - 1, r->bits * k));
            vgic_update(i);
        }
        answer |= r->get(i) << (r->bits * k);
    }
    if (!m->write)
        m->value = answer;
}

#define GICD_CTLR_DS  BIT(6)
#define GICD_CTLR_ARE BIT(4)
#define IIDR          0x43b /* Arm; a product and revision of our own: none */

static void dist_ctlr(struct vcpu *v, struct mmio *m)
{
    struct vm *vm = v->vm;

    if (m->write) {
        vm->vgic.ctlr = m->value & 3;
        for (unsigned k = 0; k < vm->vcpu_count; k++)
            vcpu_kick(&vm->vcpus[k]);
    } else {
        m->value = vm->vgic.ctlr | (opts.gicv ? 0 : GICD_CTLR_ARE | GICD_CTLR_DS);
    }
}

/* Lines, CPUs (GICv2), LPIs and their bits. */
static uint64_t dist_typer(const struct vm *vm)
{
    uint64_t typer = IRQS / 32 - 1;

    if (opts.gicv)
        return typer | (vm->vcpu_count - 1) << 5;
    return typer | (vm->vgic.its ? BIT(17) : 0) | UINT64_C(15) << 19; /* LPIS, 16 INTID bits */
}

/* GICv2's SGIR: to a list, to all others, to oneself. */
static void dist_sgir(struct vcpu *v, uint64_t value)
{
    unsigned filter = (unsigned)bits(value, 25, 24);
    uint64_t list = filter == 0   ? bits(value, 23, 16)
                    : filter == 1 ? ~BIT(v->index)
                                  : BIT(v->index);

    for (unsigned k = 0; k < v->vm->vcpu_count; k++)
        if (bit(list, k)) {
            struct virq *i = &v->vm->vcpus[k].vgic.private[value & 15];
            i->sources |= (uint16_t)BIT(v->index);
            vgic_update(i);
        }
}

static void dist_access(struct vcpu *v, uint64_t offset, struct mmio *m)
{
    const struct row *r = find_row(offset, IRQS, true);

    if (r) {
        access_row(v, r, offset, m);
        return;
    }
    switch (offset) {
    case 0x000:
        dist_ctlr(v, m);
        return;
    case 0xf00:
        if (m->write && opts.gicv)
            dist_sgir(v, m->value);
        return;
    }
    if (m->write)
        return;
    switch (offset) {
    case 0x004:
        m->value = dist_typer(v->vm);
        break;
    case 0x008:
        m->value = IIDR;
        break;
    case 0xffe8: /* PIDR2.ArchRev */
        m->value = 0x30;
        break;
    case 0xfe8:
        m->value = opts.gicv ? 0x20 : 0;
        break;
    default:
        m->value = 0;
    }
}

/* GICR_TYPER: affinity, processor number, Last, physical LPIs. */
static uint64_t redist_typer(const struct vcpu *v)
{
    bool last = v->index + 1 == v->vm->vcpu_count;

    return (v->mpidr & 0xffffff) << 32 | (uint64_t)v->index << 8 | (last ? BIT(4) : 0) |
           (v->vm->vgic.its ? BIT(0) : 0);
}

static uint64_t half(uint64_t value, uint64_t offset, unsigned bytes)
{
    return bytes == 8 ? value : offset & 4 ? value >> 32 : (uint32_t)value;
}

static void merge(uint64_t *reg, uint64_t offset, const struct mmio *m)
{
    if (m->bytes == 8)
        *reg = m->value;
    else
        *reg = offset & 4 ? set_bits(*reg, 63, 32, m->value) : set_bits(*reg, 31, 0, m->value);
}

static void redist_write(struct vcpu *of, uint64_t offset, struct mmio *m)
{
    struct vgic_cpu *c = &of->vgic;

    switch (offset & ~7ull) {
    case 0x000:
        if (offset == 0 && m->value & 1 && !c->redist_lpis) {
            c->redist_lpis = true;
            vits_enable_lpis(of);
        }
        break;
    case 0x070:
        if (!c->redist_lpis)
            merge(&c->propbaser, offset, m);
        break;
    case 0x078:
        if (!c->redist_lpis)
            merge(&c->pendbaser, offset, m);
        break;
    default:
        break;
    }
}

static void redist_read(struct vcpu *of, uint64_t offset, struct mmio *m)
{
    struct vgic_cpu *c = &of->vgic;

    switch (offset & ~7ull) {
    case 0x000:
        m->value = offset == 4 ? IIDR : c->redist_lpis;
        break;
    case 0x008:
        m->value = half(redist_typer(of), offset, m->bytes);
        break;
    case 0x070:
        m->value = half(c->propbaser, offset, m->bytes);
        break;
    case 0x078:
        m->value = half(c->pendbaser & ~BIT(62), offset, m->bytes);
        break;
    case 0xffe8:
        m->value = offset == 0xffe8 ? 0x30 : 0;
        break;
    default: /* GICR_WAKER among them: awake */
        m->value = 0;
    }
}

static void redist_access(struct vcpu *of, uint64_t offset, struct mmio *m)
{
    const struct row *r;

    if (offset < 0x10000) {
        if (m->write)
            redist_write(of, offset, m);
        else
            redist_read(of, offset, m);
        return;
    }
    r = find_row(offset - 0x10000, VGIC_PRIVATE, false);
    if (r)
        access_row(of, r, offset - 0x10000, m);
    else if (!m->write)
        m->value = 0;
}

bool vgic_mmio(struct vcpu *v, struct mmio *m)
{
    uint64_t in_redist = m->ipa - VGIC_REDIST_BASE;
    bool is_redist = m->ipa >= VGIC_REDIST_BASE &&
                     in_redist < v->vm->vcpu_count * VGIC_REDIST_STRIDE && !opts.gicv;
    bool is_dist = m->ipa >= VGIC_DIST_BASE && m->ipa < VGIC_DIST_BASE + VGIC_DIST_SIZE;

    if (!is_redist && !is_dist)
        return vits_mmio(v, m);
    uint64_t daif = lock_take(&v->vm->vgic.lock);
    if (is_dist)
        dist_access(v, m->ipa - VGIC_DIST_BASE, m);
    else
        redist_access(&v->vm->vcpus[in_redist / VGIC_REDIST_STRIDE], in_redist % VGIC_REDIST_STRIDE,
                      m);
    lock_drop(&v->vm->vgic.lock, daif);
    return true;
}
