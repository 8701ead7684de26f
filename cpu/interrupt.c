#include "cpu/interrupt.h"

#include "cpu/world.h"

/* A row each: mask bit, routes of the physical one to EL3 and EL2 (with TGE), the
 * virtual one's bit. */
static const struct {
    uint8_t mask;
    uint64_t el3, route, virt;
} kinds[INTERRUPT_KINDS] = {
    [INTERRUPT_FIQ] = {PSTATE_F, FIELD_MASK(SCR_EL3_FIQ), FIELD_MASK(HCR_EL2_FMO),
                       FIELD_MASK(HCR_EL2_VF)},
    [INTERRUPT_IRQ] = {PSTATE_I, FIELD_MASK(SCR_EL3_IRQ), FIELD_MASK(HCR_EL2_IMO),
                       FIELD_MASK(HCR_EL2_VI)},
    [INTERRUPT_SERROR] = {PSTATE_A, FIELD_MASK(SCR_EL3_EA), FIELD_MASK(HCR_EL2_AMO),
                          FIELD_MASK(HCR_EL2_VSE)},
};

static bool physical_pending(const struct cpu *cpu, enum interrupt_kind k)
{
    return k == INTERRUPT_FIQ ? cpu->fiq_pin : k == INTERRUPT_IRQ ? cpu->irq_pin : cpu->serror_pin;
}

static bool virtual_pin(const struct cpu *cpu, enum interrupt_kind k)
{
    return k == INTERRUPT_FIQ ? cpu->vfiq_pin : k == INTERRUPT_IRQ && cpu->virq_pin;
}

unsigned cpu_physical_route(const struct cpu *cpu, enum interrupt_kind k)
{
    if (cpu_scr(cpu) & kinds[k].el3)
        return 3;
    return cpu_hcr(cpu) & (FIELD_MASK(HCR_EL2_TGE) | kinds[k].route) ? 2 : 1;
}

unsigned cpu_physical_target(const struct cpu *cpu, enum interrupt_kind k)
{
    unsigned target = cpu_physical_route(cpu, k);

    if (target < cpu->ps.el)
        return 0;
    if (target > cpu->ps.el && (target == 3 || (target == 2 && !cpu_host_regime(cpu))))
        return target; /* a higher EL's interrupt ignores the masks of a lower one */
    return cpu->ps.daif & kinds[k].mask ? 0 : target;
}

/* Is virtual interrupt kind @k pending and deliverable to EL1&0 (masks aside)? */
static bool virtual_pending(const struct cpu *cpu, enum interrupt_kind k)
{
    uint64_t hcr = cpu_hcr(cpu);

    return cpu->ps.el < 2 && !(hcr & FIELD_MASK(HCR_EL2_TGE)) && (hcr & kinds[k].route) &&
           ((hcr & kinds[k].virt) || virtual_pin(cpu, k));
}

bool cpu_interrupt_pending(const struct cpu *cpu, struct interrupt *out)
{
    if (!cpu_interrupt_asked(cpu))
        return false;
    for (enum interrupt_kind k = 0; k < INTERRUPT_KINDS; k++) {
        unsigned target = physical_pending(cpu, k) ? cpu_physical_target(cpu, k) : 0;
        if (target) {
            *out = (struct interrupt){.kind = k, .target_el = target};
            return true;
        }
    }
    for (enum interrupt_kind k = 0; k < INTERRUPT_KINDS; k++) {
        if (virtual_pending(cpu, k) && !(cpu->ps.daif & kinds[k].mask)) {
            *out = (struct interrupt){.kind = k, .virtual = true, .target_el = 1};
            return true;
        }
    }
    return false;
}

bool cpu_interrupts_masked(const struct cpu *cpu)
{
    for (enum interrupt_kind k = 0; k < INTERRUPT_KINDS; k++)
        if (cpu_physical_target(cpu, k))
            return false;
    return true;
}

#define SERROR_IDS        BIT(24)
#define SERROR_AET        MASK(12, 10)
#define SERROR_EA         BIT(9)
#define SERROR_DFSC_ASYNC 0x11

static bool serror_is_reported(const struct cpu *cpu, uint32_t iss)
{
    if (iss & SERROR_IDS)
        return iss <= MASK(24, 0);
    return iss == 0 ||
           (cpu_has(cpu, FEAT_RAS) && (iss & ~(SERROR_AET | SERROR_EA)) == SERROR_DFSC_ASYNC);
}

bool cpu_raise_serror(struct cpu *cpu, uint32_t iss)
{
    if (!serror_is_reported(cpu, iss))
        return false;
    if (!cpu->serror_pin)
        cpu->serror_iss = iss;
    cpu->serror_pin = true;
    cpu->irq_check = true;
    return true;
}

bool cpu_serror_masked(const struct cpu *cpu)
{
    return cpu_physical_target(cpu, INTERRUPT_SERROR) == 0;
}

bool cpu_virtual_serror_masked(const struct cpu *cpu)
{
    return virtual_pending(cpu, INTERRUPT_SERROR) && (cpu->ps.daif & PSTATE_A);
}

bool cpu_wakeup_pending(const struct cpu *cpu)
{
    if (!cpu_interrupt_asked(cpu)) /* asked at each write of DAIF */
        return false;
    if (cpu->fiq_pin | cpu->irq_pin | cpu->serror_pin)
        return true;
    for (enum interrupt_kind k = 0; k < INTERRUPT_KINDS; k++)
        if (virtual_pending(cpu, k))
            return true;
    return false;
}
