#include "base/bits.h"
#include "gic/internal.h"
#include "gic/prio.h"

struct irq_bank *gic_bank(struct gic_cpu *c, uint32_t intid, uint32_t *one)
{
    struct irq_bank *b;

    *one = UINT32_C(1) << (intid % 32);
    if (intid >= INTID_SPECIAL)
        return NULL;
    b = intid < PRIVATE_COUNT ? &c->bank : &c->gic->spi[intid / 32 - 1];
    return b->valid & *one ? b : NULL;
}

void gic_set_pin(bool *current, const struct irq_line *pin, bool level)
{
    if (*current == level)
        return;
    *current = level;
    irq_set(pin, level);
}

/*
 * 1 of N (IHI0069 3.3): of the CPUs that are awake, have the group enabled and have not opted out
 * by GICR_CTLR.DPG, the first whose priorities let it take the interrupt now; else the first. Which
 * one is IMPLEMENTATION DEFINED; this choice depends on registers alone.
 */
static unsigned one_of_n(const struct gic *gic, unsigned prio, unsigned group)
{
    static const uint32_t opt_outs[] = {GICR_CTLR_DPG0, GICR_CTLR_DPG1NS, GICR_CTLR_DPG1S};
    uint32_t opt_out = opt_outs[group];
    unsigned first = TARGET_NONE;

    for (unsigned k = 0; k < gic->cpus; k++) {
        const struct gic_cpu *c = &gic->cpu[k];

        if (c->asleep || !c->phys.enable[group] || (c->gicr_ctlr & opt_out))
            continue;
        if (if_can_preempt(&c->phys, prio, group))
            return k;
        if (first == TARGET_NONE)
            first = k;
    }
    return first;
}

/* The targets of a GICv2's SPI, a bit a CPU. With one CPU there is nothing to choose. */
static unsigned v2_targets(const struct gic *gic, unsigned n)
{
    return gic->cpus == 1 ? 1 : gic->itargetsr[n];
}

unsigned gic_spi_target(const struct gic *gic, unsigned n)
{
    const struct irq_bank *b = &gic->spi[n / 32];

    if (gic->v2)
        return v2_targets(gic, n) ? (unsigned)__builtin_ctz(v2_targets(gic, n)) : TARGET_NONE;
    if (!bit(gic->any[n / 32], n % 32))
        return gic->target[n];
    return one_of_n(gic, b->prio[n % 32], bank_group(b, n % 32));
}

/* All targets of a GICv2's SPI see it, and the first that acknowledges it has it (IHI0048 3.1). */
static bool is_forwarded(const struct gic_cpu *c, unsigned n)
{
    return c->gic->v2 ? bit(v2_targets(c->gic, n), c->index)
                      : gic_spi_target(c->gic, n) == c->index;
}

static uint32_t bank_ready(const struct irq_bank *b)
{
    return bank_pending(b) & b->enable & ~b->active;
}

/* Interrupts of @b that are of group @g. */
static uint32_t bank_of_group(const struct irq_bank *b, unsigned g)
{
    return g == GROUP_1 ? b->group : ~b->group & (g == GROUP_1S ? b->grpmod : ~b->grpmod);
}

/* Interrupts of @b that could be forwarded to a CPU with these groups enabled, a bit a group. */
static uint32_t bank_candidates(const struct irq_bank *b, uint32_t groups)
{
    uint32_t ready = bank_ready(b), cand = 0;

    for (; ready && groups; groups &= groups - 1)
        cand |= ready & bank_of_group(b, (unsigned)__builtin_ctz(groups));
    return cand;
}

static void consider_lpis(struct gic_hppi *best, struct gic_cpu *c)
{
    const struct gic_hppi *lpi = gic_lpi_next(c);

    if (lpi->prio < best->prio)
        *best = *lpi;
}

static void consider(struct gic_hppi *best, const struct irq_bank *b, unsigned n, uint32_t intid)
{
    if (b->prio[n] < best->prio)
        *best = (struct gic_hppi){intid, b->prio[n], (uint8_t)bank_group(b, n)};
}

/* A bit a group. */
static uint32_t enabled_groups(const struct gic_cpu *c, bool wake)
{
    const bool *on = c->phys.enable;
    uint32_t all = (1u << GIC_GROUPS) - 1;
    uint32_t here = (uint32_t)on[GROUP_0] << GROUP_0 | (uint32_t)on[GROUP_1] << GROUP_1 |
                    (uint32_t)on[GROUP_1S] << GROUP_1S;

    return c->gic->ctlr & (wake ? all : c->asleep ? 0 : here);
}

/*
 * IHI0069 4.6: a group counts if it is enabled in GICD_CTLR and at the CPU interface. Of several
 * interrupts with the highest priority the lowest INTID wins (IMPLEMENTATION DEFINED).
 * @wake: as if the CPU was awake and its interface enabled.
 */
static struct gic_hppi highest_pending(struct gic_cpu *c, bool wake)
{
    struct gic *gic = c->gic;
    struct gic_hppi best = {.intid = INTID_NONE, .prio = 0x100};
    uint32_t groups = enabled_groups(c, wake), cand;

    if (!groups)
        return best;
    for (cand = bank_candidates(&c->bank, groups); cand; cand &= cand - 1) {
        unsigned n = (unsigned)__builtin_ctz(cand);

        consider(&best, &c->bank, n, n);
    }
    for (uint32_t ready = gic->spi_ready; ready; ready &= ready - 1) {
        unsigned w = (unsigned)__builtin_ctz(ready);
        const struct irq_bank *b = &gic->spi[w];

        for (cand = bank_candidates(b, groups); cand; cand &= cand - 1) {
            unsigned n = (unsigned)__builtin_ctz(cand);

            if (is_forwarded(c, w * 32 + n))
                consider(&best, b, n, PRIVATE_COUNT + w * 32 + n);
        }
    }
    if (bit(groups, GROUP_1))
        consider_lpis(&best, c);
    return best;
}

/* IHI0069 4.6.2, "Interrupt assignment to IRQ and FIQ signals". Of a GICv2 group 0 leaves as FIQ
 * only with GICC_CTLR.FIQEn. */
static bool leaves_as_fiq(const struct gic_cpu *c)
{
    if (c->hppi.group == GROUP_0)
        return !c->gic->v2 || c->phys.fiqen;
    return c->gic->two_states && (c->el3 || c->hppi.group != gic_group1_of(c));
}

static void update_pins(struct gic_cpu *c)
{
    bool signal =
        c->hppi.intid != INTID_NONE && if_can_preempt(&c->phys, c->hppi.prio, c->hppi.group);
    bool fiq = signal && leaves_as_fiq(c);

    gic_set_pin(&c->fiq, &c->pins.fiq, fiq);
    gic_set_pin(&c->irq, &c->pins.irq, signal && !fiq);
}

void gic_update_cpu(struct gic_cpu *c)
{
    c->hppi = highest_pending(c, false);
    update_pins(c);
}

bool gic_wake_request(struct gic *gic, unsigned cpu)
{
    CHECK(cpu < gic->cpus);
    return highest_pending(&gic->cpu[cpu], true).intid != INTID_NONE;
}

static void update_cpus(struct gic *gic)
{
    for (unsigned k = 0; k < gic->cpus; k++)
        gic_update_cpu(&gic->cpu[k]);
}

void gic_update_interface(struct gic_cpu *c)
{
    if (c->gic->any_ready)
        update_cpus(c->gic);
    else
        update_pins(c);
}

static void update_ready(struct gic *gic, unsigned w)
{
    uint32_t ready = bank_ready(&gic->spi[w]), one = UINT32_C(1) << w;

    gic->spi_ready = ready ? gic->spi_ready | one : gic->spi_ready & ~one;
    gic->any_ready = ready & gic->any[w] ? gic->any_ready | one : gic->any_ready & ~one;
}

void gic_update_ready(struct gic *gic)
{
    for (unsigned w = 0; w < SPI_BANKS; w++)
        update_ready(gic, w);
}

void gic_update_all(struct gic *gic)
{
    gic_update_ready(gic);
    update_cpus(gic);
}

static void update_spi(struct gic *gic, unsigned n)
{
    update_ready(gic, n / 32);
    if (gic->v2 || bit(gic->any[n / 32], n % 32))
        update_cpus(gic);
    else if (gic->target[n] != TARGET_NONE)
        gic_update_cpu(&gic->cpu[gic->target[n]]);
}

void gic_update_irq(struct gic_cpu *c, uint32_t intid)
{
    if (intid < PRIVATE_COUNT || intid >= INTID_LPI)
        gic_update_cpu(c);
    else
        update_spi(c->gic, intid - PRIVATE_COUNT);
}

void gic_update_acknowledged(struct gic_cpu *c, uint32_t intid)
{
    gic_update_irq(c, intid); /* it goes to @c, whose pins have been looked at with that */
    if (c->gic->any_ready)
        update_cpus(c->gic);
}

void gic_route_spi(struct gic *gic, unsigned n)
{
    uint64_t r = gic->irouter[n];
    uint32_t affinity = (uint32_t)(bits(r, 39, 32) << 24 | bits(r, 23, 0));

    gic->any[n / 32] = (uint32_t)set_bits(gic->any[n / 32], n % 32, n % 32, bit(r, 31));
    gic->target[n] = TARGET_NONE;
    for (unsigned k = 0; k < gic->cpus; k++)
        if (gic->cpu[k].affinity == affinity)
            gic->target[n] = (uint16_t)k;
}

void gic_set_input(struct gic_cpu *c, uint32_t intid, bool level)
{
    uint32_t one;
    struct irq_bank *b = gic_bank(c, intid, &one);

    if (!b || !!(b->level & one) == level)
        return;
    const struct irq_states before = gic_states(b);
    b->level ^= one;
    if (level && (b->edge & one))
        b->latch |= one;
    gic_tell_states(c, b, intid & ~31u, &before);
    gic_update_irq(c, intid);
}

void gic_deactivate(struct gic_cpu *c, uint32_t intid)
{
    uint32_t one;
    struct irq_bank *b = gic_bank(c, intid, &one);

    if (!b || !(b->active & one))
        return;
    b->active &= ~one;
    gic_tell(c, intid, ARM_IRQ_DEACTIVATED, false);
    gic_update_irq(c, intid);
}
