/*
 * Where an interrupt is on its way to a CPU, and what holds it back there: the conditions of
 * highest_pending() (gic/dist.c) and icv_update() (gic/icv.c), asked one by one and in words.
 */
#include <stdarg.h>
#include <stdio.h>

#include "gic/internal.h"
#include "gic/prio.h"

static void say(char *text, size_t size, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void say(char *text, size_t size, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, size, fmt, ap);
    va_end(ap);
}

/* ---- physical ---- */

/* What CPU interface and distributor have against it, once it is enabled and for this CPU. */
static void hold_at_cpu(struct gic_cpu *c, uint32_t intid, struct gic_irq *irq)
{
    const struct gic_if *f = &c->phys;
    unsigned g = irq->group;
    char *held = irq->held;
    size_t size = sizeof(irq->held);

    if (!bit(c->gic->ctlr, g))
        say(held, size, "group %u is off in the distributor: GICD_CTLR.EnableGrp%u is 0", g, g);
    else if (c->asleep)
        say(held, size, "the redistributor of cpu%u sleeps: GICR_WAKER.ProcessorSleep is 1",
            c->index);
    else if (!f->enable[g] && c->gic->v2)
        say(held, size, "group %u is off at cpu%u: GICC_CTLR.EnableGrp%u is 0", g, c->index, g);
    else if (!f->enable[g])
        say(held, size, "group %u is off at cpu%u: ICC_IGRPEN%u_EL1 is 0", g, c->index, g);
    else if (c->hppi.intid != intid)
        say(held, size, "INTID %u, of priority %#x, comes first at cpu%u", c->hppi.intid,
            c->hppi.prio, c->index);
    else if (irq->priority >= f->pmr)
        say(held, size, "priority %#x is not above PMR %#x of cpu%u (%s)", irq->priority, f->pmr,
            c->index, c->gic->v2 ? "GICC_PMR" : "ICC_PMR_EL1");
    else if (!if_can_preempt(f, irq->priority, g))
        say(held, size,
            "priority %#x does not preempt the running priority %#x of cpu%u: an interrupt that "
            "was acknowledged has not been ended (%s)",
            irq->priority, if_running(f), c->index,
            c->gic->v2 ? "GICC_EOIR"
            : g        ? "ICC_EOIR1_EL1"
                       : "ICC_EOIR0_EL1");
    irq->signalled = !*held;
}

/* The CPU that an SPI goes to; NULL: none, which is said. */
static struct gic_cpu *spi_cpu(struct gic *gic, unsigned n, struct gic_irq *irq)
{
    unsigned target = gic_spi_target(gic, n);
    uint64_t r = gic->irouter[n];

    if (target != TARGET_NONE)
        return &gic->cpu[target];
    irq->cpu = GIC_NO_CPU;
    if (r & IROUTER_IRM)
        say(irq->held, sizeof(irq->held),
            "any CPU may take it, but none is awake with group %u on (ICC_IGRPEN%u_EL1)",
            irq->group, irq->group);
    else
        say(irq->held, sizeof(irq->held),
            "GICD_IROUTER%u names affinity %u.%u.%u.%u, which no CPU has", n + PRIVATE_COUNT,
            (unsigned)bits(r, 39, 32), (unsigned)bits(r, 23, 16), (unsigned)bits(r, 15, 8),
            (unsigned)bits(r, 7, 0));
    return NULL;
}

static void look_at_bank(struct gic_cpu *c, const struct irq_bank *b, uint32_t intid,
                         struct gic_irq *irq)
{
    unsigned n = intid % 32;

    *irq = (struct gic_irq){.line = bit(b->level, n),
                            .edge = bit(b->edge, n),
                            .pending = bit(bank_pending(b), n),
                            .active = bit(b->active, n),
                            .enabled = bit(b->enable, n),
                            .group = (uint8_t)bank_group(b, n),
                            .priority = b->prio[n],
                            .cpu = (uint16_t)c->index};
}

static bool look_at_lpi(struct gic_cpu *c, uint32_t intid, struct gic_irq *irq)
{
    uint8_t config;

    if (!gic_lpi_config(c, intid, &config))
        return false;
    *irq = (struct gic_irq){.edge = true,
                            .pending = gic_lpi_pending(c, intid),
                            .enabled = bit(config, 0),
                            .group = 1,
                            .priority = config & 0xfc & gic_prio_mask(c->gic->pribits),
                            .cpu = (uint16_t)c->index};
    return true;
}

bool gic_irq_look(struct gic *gic, unsigned cpu, uint32_t intid, struct gic_irq *irq)
{
    struct gic_cpu *c = &gic->cpu[cpu];
    uint32_t one;
    const struct irq_bank *b = gic_bank(c, intid, &one);

    if (b)
        look_at_bank(c, b, intid, irq);
    else if (!look_at_lpi(c, intid, irq))
        return false;
    if (b && intid >= PRIVATE_COUNT)
        c = spi_cpu(gic, intid - PRIVATE_COUNT, irq);
    if (c)
        irq->cpu = (uint16_t)c->index;
    if (!irq->pending)
        irq->held[0] = '\0';
    else if (!irq->enabled)
        say(irq->held, sizeof(irq->held), "it is not enabled: %s",
            intid >= INTID_LPI       ? "bit 0 of its byte in the table of GICR_PROPBASER is 0"
            : intid >= PRIVATE_COUNT ? "its bit in GICD_ISENABLER is 0"
                                     : "its bit in GICR_ISENABLER0 is 0");
    else if (irq->active)
        say(irq->held, sizeof(irq->held),
            "it is active: acknowledged, and not deactivated (ICC_EOIR%u_EL1, or ICC_DIR_EL1)",
            irq->group);
    else if (c)
        hold_at_cpu(c, intid, irq);
    return true;
}

/* ---- virtual ---- */

static void hold_virtual(const struct gic_cpu *c, unsigned n, struct gic_virtual_irq *irq)
{
    const struct gic_if *v = &c->virt;
    uint64_t lr = c->lr[n];
    unsigned g = lr_group(lr);
    char *held = irq->held;
    size_t size = sizeof(irq->held);

    if (!(c->ich_hcr & ICH_HCR_En))
        say(held, size, "the virtual interface is off: ICH_HCR_EL2.En is 0");
    else if ((lr & LR_STATE) == LR_STATE)
        say(held, size, "it is active as well: the guest has not ended it (ICV_EOIR%u_EL1)", g);
    else if (!v->enable[g])
        say(held, size, "the guest has group %u off: ICH_VMCR_EL2.VENG%u is 0", g, g);
    else if (c->hppvi != (int)n)
        say(held, size, "INTID %u in LR%d, of priority %#x, comes first",
            lr_vintid(c->lr[c->hppvi]), c->hppvi, lr_priority(c->lr[c->hppvi]));
    else if (lr_priority(lr) >= v->pmr)
        say(held, size, "priority %#x is not above the guest's PMR %#x (ICH_VMCR_EL2.VPMR)",
            lr_priority(lr), v->pmr);
    else if (!if_can_preempt(v, lr_priority(lr), g))
        say(held, size,
            "priority %#x does not preempt the guest's running priority %#x: it has not ended what "
            "it has acknowledged (ICV_EOIR%u_EL1)",
            lr_priority(lr), if_running(v), g);
    irq->signalled = !*held;
}

bool gic_virtual_look(const struct gic *gic, unsigned cpu, unsigned n, struct gic_virtual_irq *irq)
{
    const struct gic_cpu *c = &gic->cpu[cpu];

    if (n >= gic->lr_count || !c->lr[n])
        return false;
    *irq = (struct gic_virtual_irq){.intid = lr_vintid(c->lr[n]),
                                    .physical = c->lr[n] & LR_HW ? lr_pintid(c->lr[n]) : 0,
                                    .pending = (c->lr[n] & LR_PENDING) != 0,
                                    .active = (c->lr[n] & LR_ACTIVE) != 0,
                                    .group = (uint8_t)lr_group(c->lr[n]),
                                    .priority = lr_priority(c->lr[n])};
    if (irq->pending)
        hold_virtual(c, n, irq);
    return true;
}
