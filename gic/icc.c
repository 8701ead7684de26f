/* The physical CPU interface: acknowledge, end, deactivate, and generation of SGIs. */
#include "base/bits.h"
#include "gic/internal.h"
#include "gic/prio.h"

/* Pending becomes active; LPIs have no active state. */
static void activate(struct gic_cpu *c, uint32_t intid)
{
    uint32_t one;
    struct irq_bank *b;

    if (intid >= INTID_LPI) {
        gic_lpi_take(c, intid);
        return;
    }
    b = gic_bank(c, intid, &one);
    b->latch &= ~one;
    b->active |= one;
}

/* ICC_IAR<n>_EL1: a pin is high exactly when the interrupt may be taken. */
uint32_t icc_acknowledge(struct gic_cpu *c, unsigned group)
{
    uint32_t intid = c->hppi.intid;

    if (!(c->fiq || c->irq) || c->hppi.group != group)
        return INTID_NONE;
    activate(c, intid);
    if_activate(&c->phys, c->hppi.prio, group, group);
    gic_tell(c, intid, ARM_IRQ_ACKNOWLEDGED, false);
    gic_update_irq(c, intid);
    gic_update_interface(c);
    return intid;
}

/*
 * ICC_EOIR<n>_EL1. CU-choice: ignored if the highest active priority is not one of the register's
 * group, or nothing is active.
 */
void icc_end(struct gic_cpu *c, unsigned group, uint32_t intid)
{
    if (intid >= INTID_SPECIAL && intid < INTID_LPI)
        return;
    if (!if_drop(&c->phys, if_first_active(&c->phys), group)) {
        LOG(c->gic->log, GIC, GUEST, "cpu %u: end of interrupt %u, group %u: not the running one",
            c->index, intid, group);
        return;
    }
    if (!c->phys.eoimode)
        gic_deactivate(c, intid);
    gic_update_interface(c);
}

/* ICC_DIR_EL1. CU-choice: ignored with EOImode == 0. */
void icc_deactivate(struct gic_cpu *c, uint32_t intid)
{
    if (!c->phys.eoimode) {
        LOG(c->gic->log, GIC, GUEST, "cpu %u: ICC_DIR_EL1 written with EOImode 0", c->index);
        return;
    }
    gic_deactivate(c, intid);
}

static void pend_sgi(struct gic_cpu *to, unsigned group, unsigned sgi)
{
    if (bit(to->bank.group, sgi) > group)
        return;
    const struct irq_states before = gic_states(&to->bank);
    to->bank.latch |= UINT32_C(1) << sgi;
    gic_tell_states(to, &to->bank, 0, &before);
    gic_update_cpu(to);
}

/*
 * ICC_SGI0R_EL1, ICC_SGI1R_EL1, ICC_ASGI1R_EL1. With DS == 1 the first and the last generate SGIs
 * that their target has configured as group 0, SGI1R those of either group (IHI0069 8.1.10 and "Use
 * of control registers for SGI forwarding"). CU-choice: RS is treated as 0, there being no range
 * selector (GICD_TYPER.RSS).
 */
void icc_send_sgi(struct gic_cpu *c, unsigned group, uint64_t value)
{
    struct gic *gic = c->gic;
    unsigned sgi = (unsigned)bits(value, 27, 24);
    uint32_t cluster =
        (uint32_t)(bits(value, 55, 48) << 16 | bits(value, 39, 32) << 8 | bits(value, 23, 16));

    for (unsigned k = 0; k < gic->cpus; k++) {
        struct gic_cpu *to = &gic->cpu[k];
        unsigned aff0 = to->affinity & 0xff;

        if (bit(value, 40) ? to != c
                           : to->affinity >> 8 == cluster && aff0 < 16 && bit(value, aff0))
            pend_sgi(to, group, sgi);
    }
}
