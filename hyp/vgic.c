#include "hyp/vgic.h"

#include "hyp/cpu.h"
#include "hyp/gic.h"
#include "hyp/mutant.h"
#include "hyp/opts.h"
#include "hyp/panic.h"
#include "hyp/trace.h"
#include "hyp/vcpu.h"
#include "hyp/vits.h"

static bool is_pending(const struct virq *i)
{
    return i->latch || (!i->edge && i->line) || i->sources;
}

static bool group_enabled(const struct vm *vm, const struct virq *i)
{
    return vm->vgic.ctlr & (i->group1 ? 2 : 1);
}

/* It would interrupt, if priorities allow. */
static bool is_deliverable(const struct virq *i)
{
    return i->enabled && is_pending(i);
}

/* It could be acknowledged: until an active one is ended, that it is pending again does not count.
 * ICH_MISR_EL2.NP sees it the same way. */
static bool is_next(const struct virq *i)
{
    return is_deliverable(i) && !i->active;
}

static void enqueue(struct vcpu *v, struct virq *i)
{
    i->next = v->vgic.queue;
    v->vgic.queue = i;
    i->queued = v;
}

static void dequeue(struct virq *i)
{
    struct virq **at = &i->queued->vgic.queue;

    while (*at != i)
        at = &(*at)->next;
    *at = i->next;
    i->queued = NULL;
}

/* An active interrupt stays with the virtual CPU that has acknowledged it and will end it, wherever
 * the next one is to go. */
static bool leaves(const struct virq *i)
{
    return !i->active && i->queued != i->target;
}

void vgic_update(struct virq *i)
{
    bool wanted = i->active || is_deliverable(i);

    if (i->in_lr) { /* the fold comes back to it; who runs with it must come out */
        vcpu_kick(i->queued);
        return;
    }
    if (i->queued && (!wanted || leaves(i)))
        dequeue(i);
    if (wanted && i->target && !i->queued)
        enqueue(i->target, i);
    if (i->queued && is_deliverable(i)) {
        STAT(INJECTED);
        trace(TRACE_INJECT, i->intid, i->queued->index);
        vcpu_kick(i->queued);
    }
}

/*
 * Which interrupts get the list registers when there are more than those: what is pending and not
 * active, by priority, then what is active. Whatever the guest acknowledges next is thus there; an
 * active interrupt that is not, the guest's EOI counts (ICH_HCR_EL2.EOIcount) or its ICC_DIR_EL1
 * traps, and we deactivate it.
 */
static bool comes_before(const struct virq *a, const struct virq *b)
{
    if (is_next(a) != is_next(b))
        return is_next(a);
    return a->priority < b->priority;
}

/* The first @room of the queue in that order, and how many there would have been. */
static unsigned choose(struct vcpu *v, struct virq **chosen, unsigned room)
{
    unsigned count = 0;

    for (struct virq *i = v->vgic.queue, *next; i; i = next) {
        next = i->next;
        if (!i->active && !is_deliverable(i)) {
            dequeue(i);
            continue;
        }
        if (!i->active && !group_enabled(v->vm, i))
            continue;
        unsigned at = count < room ? count : room;
        for (; at > 0 && comes_before(i, chosen[at - 1]); at--)
            if (at < room)
                chosen[at] = chosen[at - 1];
        if (at < room)
            chosen[at] = i;
        count++;
    }
    return count;
}

/* A GICv2's SGI: a list register has one source, the active one's or else the first that waits. */
static uint64_t take_source(struct virq *i)
{
    if (!i->active) {
        i->source = (uint8_t)__builtin_ctz(i->sources);
        i->sources &= (uint16_t)~BIT(i->source);
    }
    return LR_SOURCE(i->source);
}

/* What would make pending and active of one list register a state that is not allowed: HW, and the
 * same SGI of two CPUs; or pending is for another virtual CPU. */
static bool must_wait(const struct virq *i)
{
    return i->active && ((i->hw && opts.hw) || i->sources || i->queued != i->target);
}

/* The state moves into the list register; what stays behind is what has not happened yet. */
static uint64_t to_lr(struct virq *i, bool gicv2)
{
    uint64_t lr = i->intid | LR_PRIORITY(i->priority) | (i->group1 ? LR_GROUP1 : 0);
    bool physical = i->hw && opts.hw, pending = is_deliverable(i) && !must_wait(i);

    if (pending) {
        lr |= LR_PENDING;
        i->lr_took = i->latch || i->sources;
        i->latch = MUTANT(gic_state_again) && i->intid < SGIS;
    }
    if (i->active)
        lr |= LR_ACTIVE;
    if (gicv2 && i->intid < SGIS && (pending || i->active))
        lr |= take_source(i);
    if (MUTANT(gic_state_hw) && i->intid < 16)
        lr |= LR_HW | LR_PINTID(i->intid);
    if (physical)
        lr |= LR_HW | LR_PINTID(i->pintid);
    else if (i->hw || !i->edge || i->sources ||
             must_wait(i)) /* somebody is to look when the guest is done with it */
        lr |= LR_EOI;
    i->in_lr = true;
    i->spilled = false;
    return lr;
}

/* Maintenance interrupts for what did not fit. */
static uint64_t overflow_controls(struct vcpu *v, unsigned pending_out, unsigned active_out)
{
    uint64_t hcr = 0;

    if (pending_out)
        hcr |= ICH_HCR(NPIE) |
               (opts.refill == OPT_refill_uie && v->vgic.hw.used > 1 ? ICH_HCR(UIE) : 0);
    if (active_out)
        hcr |= ICH_HCR(LRENPIE) | (MUTANT(gic_state_tdir) ? 0
                                   : cpu_limits.tdir      ? ICH_HCR(TDIR)
                                                          : ICH_HCR(TC));
    return hcr;
}

static uint64_t mark_spilled(struct vcpu *v)
{
    unsigned pending = 0, active = 0;

    for (struct virq *i = v->vgic.queue; i; i = i->next) {
        if (i->in_lr)
            continue;
        pending += is_next(i) && group_enabled(v->vm, i);
        active += i->active;
        i->spilled = i->active;
    }
    STAT(LR_OVERFLOW);
    return overflow_controls(v, pending, active);
}

static uint64_t base_controls(void)
{
    return ICH_HCR(En) | (opts.gic_trap ? ICH_HCR(TC) | ICH_HCR(TALL0) | ICH_HCR(TALL1) : 0);
}

void vgic_flush(struct vcpu *v)
{
    struct vgic_if *hw = &v->vgic.hw;
    struct virq *chosen[LRS_MAX];
    unsigned room = cpu_limits.lrs, count;

    hw->used = 0;
    hw->hcr = base_controls();
    if (!__atomic_load_n(&v->vgic.queue, __ATOMIC_ACQUIRE))
        return;
    uint64_t daif = lock_take(&v->vm->vgic.lock);
    count = choose(v, chosen, room);
    hw->used = count < room ? count : room;
    for (unsigned n = 0; n < hw->used; n++) {
        v->vgic.in_lr[n] = chosen[n];
        hw->lr[lr_slot(n, opts.lr_order)] = to_lr(chosen[n], opts.gicv);
    }
    if (MUTANT(gic_state_double) && hw->used && hw->used < room) {
        v->vgic.in_lr[hw->used] = v->vgic.in_lr[0];
        hw->lr[lr_slot(hw->used++, opts.lr_order)] = hw->lr[lr_slot(0, opts.lr_order)];
    }
    if (count > room)
        hw->hcr |= mark_spilled(v);
    lock_drop(&v->vm->vgic.lock, daif);
}

/* The physical interrupt of one that the guest is done with, where the hardware has not done it. */
static void finished(struct virq *i)
{
    if (i->hw && !i->active && !i->latch && !opts.hw)
        gic_deactivate(i->pintid);
}

static void from_lr(struct virq *i, uint64_t lr)
{
    bool was_latched = i->lr_took;

    i->in_lr = false;
    i->lr_took = false;
    i->active = lr & LR_ACTIVE && i->intid < LPI_FIRST; /* LPIs have no active state */
    if (lr & LR_PENDING && was_latched && !(MUTANT(lost_sgi) && i->intid < SGIS)) {
        if (i->intid < SGIS && opts.gicv)
            i->sources |= (uint16_t)BIT(bits(lr, 12, 10));
        else
            i->latch = true;
    }
    finished(i);
    if (leaves(i) || !(i->active || is_deliverable(i)))
        vgic_update(i);
}

/* EOIs of interrupts that had no list register: with EOImode 0 the guest ends what it began last,
 * which has the highest priority of those. */
static void end_spilled(struct vcpu *v, unsigned count)
{
    while (count--) {
        struct virq *best = NULL;

        for (struct virq *i = v->vgic.queue; i; i = i->next)
            if (i->active && i->spilled && (!best || i->priority < best->priority))
                best = i;
        if (!best)
            return;
        vgic_deactivate(v, best);
    }
}

void vgic_fold(struct vcpu *v)
{
    struct vgic_if *hw = &v->vgic.hw;

    if (!hw->used)
        return;
    uint64_t daif = lock_take(&v->vm->vgic.lock);
    for (unsigned n = 0; n < hw->used; n++)
        from_lr(v->vgic.in_lr[n], hw->lr[lr_slot(n, opts.lr_order)]);
    if (hw->hcr & ICH_HCR(LRENPIE) && !MUTANT(lost_eoicount_unused))
        end_spilled(v, (unsigned)ICH_HCR_EL2_EOIcount(hw->hcr));
    lock_drop(&v->vm->vgic.lock, daif);
}

void vgic_deactivate(struct vcpu *v, struct virq *i)
{
    (void)v;
    if (!i->active)
        return;
    i->active = false;
    i->spilled = false;
    if (i->hw && !i->latch)
        gic_deactivate(i->pintid);
    vgic_update(i);
}

bool vgic_has_pending(struct vcpu *v)
{
    bool found = false;

    if (!__atomic_load_n(&v->vgic.queue, __ATOMIC_ACQUIRE))
        return false;
    uint64_t daif = lock_take(&v->vm->vgic.lock);
    for (struct virq *i = v->vgic.queue; i && !found; i = i->next)
        found = is_deliverable(i) && group_enabled(v->vm, i);
    lock_drop(&v->vm->vgic.lock, daif);
    return found;
}

void vgic_set_line(struct vcpu *v, uint32_t intid, bool level)
{
    struct virq *i = vgic_irq(v, intid);
    uint64_t daif = lock_take(&v->vm->vgic.lock);

    CHECK(i);
    if (i->line != level) {
        i->line = level;
        if (i->edge && level)
            i->latch = true;
        vgic_update(i);
    }
    lock_drop(&v->vm->vgic.lock, daif);
}

void vgic_latch(struct vcpu *v, uint32_t intid)
{
    struct virq *i = vgic_irq(v, intid);
    uint64_t daif = lock_take(&v->vm->vgic.lock);

    CHECK(i);
    i->latch = true;
    vgic_update(i);
    lock_drop(&v->vm->vgic.lock, daif);
}

/* ICC_SGI1R_EL1 and its kin (IHI0069 12.2): IRM, Aff3.2.1, a list of 16 in Aff0. */
static bool is_sgi_target(const struct vcpu *from, const struct vcpu *to, uint64_t r)
{
    uint64_t cluster = bits(r, 55, 48) << 32 | bits(r, 39, 32) << 16 | bits(r, 23, 16) << 8;
    uint64_t aff0 = to->mpidr & 0xff, range = bits(r, 47, 44) * 16;

    if (bit(r, 40))
        return to != from;
    return (to->mpidr & (MASK(39, 32) | MASK(23, 8))) == cluster && aff0 >= range &&
           aff0 < range + 16 && bit(r, (unsigned)(aff0 - range));
}

void vgic_send_sgi(struct vcpu *from, uint64_t r, bool group1)
{
    struct vm *vm = from->vm;
    uint64_t daif = lock_take(&vm->vgic.lock);

    for (unsigned k = 0; k < vm->vcpu_count; k++) {
        struct virq *i = &vm->vcpus[k].vgic.private[bits(r, 27, 24)];

        if (is_sgi_target(from, &vm->vcpus[k], r) && i->group1 == group1) {
            i->latch = true;
            vgic_update(i);
        }
    }
    lock_drop(&vm->vgic.lock, daif);
}

struct virq *vgic_irq(struct vcpu *v, uint32_t intid)
{
    if (intid < VGIC_PRIVATE)
        return &v->vgic.private[intid];
    if (intid < VGIC_PRIVATE + VGIC_SPIS)
        return &v->vm->vgic.spi[intid - VGIC_PRIVATE];
    return intid >= LPI_FIRST ? vits_irq(v->vm, intid) : NULL;
}

static struct virq *vtimer_irq_of(struct vcpu *v)
{
    return &v->vgic.private[PPI_TIMER_VIRT];
}

static bool holds_physical(const struct virq *i)
{
    return i->hw && (i->active || i->latch);
}

void vgic_load_hw(struct vcpu *v)
{
    if (holds_physical(vtimer_irq_of(v)) && !MUTANT(handover_inactive))
        gic_set_active(PPI_TIMER_VIRT, true);
}

void vgic_put_hw(struct vcpu *v)
{
    if (holds_physical(vtimer_irq_of(v)))
        gic_set_active(PPI_TIMER_VIRT, MUTANT(handover_active));
}

void vgic_init_cpu(struct vcpu *v)
{
    for (unsigned n = 0; n < VGIC_PRIVATE; n++)
        v->vgic.private[n] = (struct virq){.intid = n,
                                           .edge = n < 16,
                                           .enabled = n < 16 && opts.gicv,
                                           .target = v,
                                           .group1 = !opts.gicv};
    v->vgic.private[PPI_TIMER_VIRT].hw = true;
    v->vgic.private[PPI_TIMER_VIRT].pintid = PPI_TIMER_VIRT;
    v->vgic.queue = NULL;
    v->vgic.hw = (struct vgic_if){.hcr = base_controls()};
    v->vgic.redist_lpis = false;
}

void vgic_init(struct vm *vm)
{
    for (unsigned n = 0; n < VGIC_SPIS; n++)
        vm->vgic.spi[n] =
            (struct virq){.intid = VGIC_PRIVATE + n, .target = &vm->vcpus[0], .group1 = !opts.gicv};
    vm->vgic.ctlr = 0;
    vits_init(vm);
}
