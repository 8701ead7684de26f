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

/* An edge is over with that, and so is an LPI; what a line holds high is pending as well as active.
 */
static void tell_acknowledged(struct gic_cpu *c, uint32_t intid)
{
    uint32_t one = 0;
    const struct irq_bank *b = intid < INTID_LPI ? gic_bank(c, intid, &one) : NULL;

    gic_tell(c, intid, ARM_IRQ_ACKNOWLEDGED, false);
    if (!b || !(gic_states(b).pending & one))
        gic_tell(c, intid, ARM_IRQ_LOW, false);
}

/* EL3 is told by ICC_IAR0_EL1 and ICC_HPPIR0_EL1 that the interrupt is for a lower EL, and in which
 * state (IHI0069 2.2.1, "Special INTIDs"). */
uint32_t icc_special(const struct gic_cpu *c, unsigned group)
{
    if (!c->gic->two_states || !c->el3 || group != GROUP_0 || c->hppi.intid == INTID_NONE)
        return INTID_NONE;
    return c->hppi.group == GROUP_1S ? INTID_SECURE : INTID_NONSECURE;
}

/* ICC_IAR<n>_EL1: a pin is high exactly when the interrupt may be taken. */
uint32_t icc_acknowledge(struct gic_cpu *c, unsigned group)
{
    uint32_t intid = c->hppi.intid;

    if (!(c->fiq || c->irq))
        return INTID_NONE;
    if (c->hppi.group != group)
        return icc_special(c, group);
    activate(c, intid);
    if_activate(&c->phys, c->hppi.prio, group, group);
    tell_acknowledged(c, intid);
    gic_update_acknowledged(c, intid);
    return intid;
}

/* ICC_CTLR_EL1.EOImode of the state that the CPU is in, or EL3's. */
static bool eoimode(const struct gic_cpu *c)
{
    if (!c->gic->two_states)
        return c->phys.eoimode;
    return c->el3 ? c->phys.eoimode_el3 : c->secure_below ? c->phys.eoimode_s : c->phys.eoimode;
}

/* Non-secure state cannot deactivate what is not its. */
static void deactivate(struct gic_cpu *c, uint32_t intid)
{
    uint32_t one;
    const struct irq_bank *b = gic_bank(c, intid, &one);

    if (!b || gic_sees_all(c) || (b->group & one))
        gic_deactivate(c, intid);
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
    if (!eoimode(c))
        deactivate(c, intid);
    gic_update_interface(c);
}

/* ICC_DIR_EL1. CU-choice: ignored with EOImode == 0. */
void icc_deactivate(struct gic_cpu *c, uint32_t intid)
{
    if (!eoimode(c)) {
        LOG(c->gic->log, GIC, GUEST, "cpu %u: ICC_DIR_EL1 written with EOImode 0", c->index);
        return;
    }
    deactivate(c, intid);
}

/* IHI0069 8.1.10: with DS == 1 one for group 1 is good for group 0 too; with two states a Secure
 * one is, and none for another's. GICR_NSACR, which could allow more, is RAZ/WI. */
static bool accepts_sgi(const struct gic_cpu *to, unsigned group, unsigned sgi)
{
    unsigned has = bank_group(&to->bank, sgi);

    if (!to->gic->two_states)
        return has <= group;
    return has == group || (group == GROUP_1S && has == GROUP_0);
}

static void pend_sgi(struct gic_cpu *to, unsigned group, unsigned sgi)
{
    if (!accepts_sgi(to, group, sgi))
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

    if (!gic_sees_all(c) && group != GROUP_1)
        return;
    for (unsigned k = 0; k < gic->cpus; k++) {
        struct gic_cpu *to = &gic->cpu[k];
        unsigned aff0 = to->affinity & 0xff;

        if (bit(value, 40) ? to != c
                           : to->affinity >> 8 == cluster && aff0 < 16 && bit(value, aff0))
            pend_sgi(to, group, sgi);
    }
}
