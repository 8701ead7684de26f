/* What the GIC tells: states of interrupts, and registers that change by themselves. */
#include "arch/sysreg.h"
#include "base/bits.h"
#include "base/probe.h"
#include "gic/internal.h"

static void fire(const struct gic *gic, struct arm_event *e)
{
    probe_fire_located(gic->probes, e);
}

/* Whose event it is: an SPI's is its target's now, if it has one. */
static uint8_t cpu_of(const struct gic_cpu *c, uint32_t intid, bool virt)
{
    unsigned target = c->index;

    if (!virt && intid >= PRIVATE_COUNT && intid < INTID_SPECIAL)
        target = gic_spi_target(c->gic, intid - PRIVATE_COUNT);
    return target == TARGET_NONE ? ARM_NO_CPU : (uint8_t)target;
}

void gic_tell_wanted(const struct gic_cpu *c, uint32_t intid, unsigned change, bool virt)
{
    bool here = change == ARM_IRQ_ACKNOWLEDGED;

    fire(c->gic,
         &(struct arm_event){.kind = ARM_EVENT_IRQ,
                             .cpu = here ? (uint8_t)c->index : cpu_of(c, intid, virt),
                             .irq = {.intid = intid, .change = (uint8_t)change, .virt = virt}});
}

static void tell_each(const struct gic_cpu *c, uint32_t which, uint32_t first, unsigned change)
{
    for (; which; which &= which - 1)
        gic_tell_wanted(c, first + (uint32_t)__builtin_ctz(which), change, false);
}

void gic_tell_states_wanted(const struct gic_cpu *c, const struct irq_bank *b, uint32_t first,
                            const struct irq_states *before)
{
    const struct irq_states now = gic_states(b);

    tell_each(c, now.pending & ~before->pending, first, ARM_IRQ_HIGH);
    tell_each(c, ~now.pending & before->pending, first, ARM_IRQ_LOW);
    tell_each(c, now.active & ~before->active, first, ARM_IRQ_ACTIVATED);
    tell_each(c, ~now.active & before->active, first, ARM_IRQ_DEACTIVATED);
}

/* ---- registers ---- */

/* Where they are in a shot. */
enum { VIRT_APR = GIC_LRS_MAX, PHYS_APR = VIRT_APR + 8, VMCR = PHYS_APR + 8, HCR };

_Static_assert(HCR + 1 == GIC_SHOT_REGS, "");
_Static_assert(SR_ICH_LR15_EL2 - SR_ICH_LR0_EL2 == GIC_LRS_MAX - 1 &&
                   SR_ICH_AP1R3_EL2 - SR_ICH_AP0R0_EL2 == 7 &&
                   SR_ICC_AP1R3_EL1 - SR_ICC_AP0R0_EL1 == 7,
               "rows of an array of registers follow each other");

static enum sysreg register_of(unsigned k)
{
    if (k < VIRT_APR)
        return (enum sysreg)(SR_ICH_LR0_EL2 + k);
    if (k < PHYS_APR)
        return (enum sysreg)(SR_ICH_AP0R0_EL2 + k - VIRT_APR);
    if (k < VMCR)
        return (enum sysreg)(SR_ICC_AP0R0_EL1 + k - PHYS_APR);
    return k == VMCR ? SR_ICH_VMCR_EL2 : SR_ICH_HCR_EL2;
}

static uint64_t value_of(const struct gic_cpu *c, unsigned k)
{
    if (k < VIRT_APR)
        return c->lr[k];
    if (k < PHYS_APR)
        return c->virt.apr[(k - VIRT_APR) / 4][(k - VIRT_APR) % 4];
    if (k < VMCR)
        return c->phys.apr[(k - PHYS_APR) / 4][(k - PHYS_APR) % 4];
    return k == VMCR ? ich_vmcr(c) : c->ich_hcr;
}

void gic_shot_take(const struct gic_cpu *c, struct gic_shot *shot)
{
    for (unsigned k = 0; k < GIC_SHOT_REGS; k++)
        shot->value[k] = value_of(c, k);
}

void gic_shot_tell(const struct gic_cpu *c, const struct gic_shot *shot, enum sysreg named,
                   unsigned cause)
{
    for (unsigned k = 0; k < GIC_SHOT_REGS; k++) {
        uint64_t now = value_of(c, k);

        if (now != shot->value[k] && register_of(k) != named)
            fire(c->gic, &(struct arm_event){.kind = ARM_EVENT_HWREG,
                                             .cpu = (uint8_t)c->index,
                                             .hwreg = {.sr = sysreg_number(register_of(k)),
                                                       .before = shot->value[k],
                                                       .after = now,
                                                       .cause = (uint8_t)cause}});
    }
}
