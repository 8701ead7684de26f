/* Which world the CPU is in: HCR_EL2 as it acts, host and guest, the regime of the current EL. */
#pragma once

#include "cpu/cpu.h"

/* HCR_EL2 as it acts: zero without EL2. */
static inline uint64_t cpu_hcr(const struct cpu *cpu)
{
    return cpu->has_el2 ? cpu->sr[SR_HCR_EL2] : 0;
}

/* HCR_EL2.E2H as it acts. */
static inline bool cpu_e2h(const struct cpu *cpu)
{
    return cpu_hcr(cpu) & FIELD_MASK(HCR_EL2_E2H);
}

/* E2H && TGE: EL0 belongs to EL2. */
static inline bool cpu_host_regime(const struct cpu *cpu)
{
    const uint64_t both = FIELD_MASK(HCR_EL2_E2H) | FIELD_MASK(HCR_EL2_TGE);

    return (cpu_hcr(cpu) & both) == both;
}

/* EL0 under EL2&0: E2H && TGE. */
static inline bool cpu_host_el0(const struct cpu *cpu)
{
    return cpu->ps.el == 0 && cpu_host_regime(cpu);
}

/* S1TranslationRegime() is EL2's: EL2, host EL0. */
static inline bool cpu_el2_regime(const struct cpu *cpu)
{
    return cpu->ps.el == 2 || cpu_host_el0(cpu);
}

/* The world of a VM: below EL2, with stage 2 on? */
static inline bool cpu_in_guest(const struct cpu *cpu)
{
    return cpu->ps.el < 2 && cpu->contexts.x->s2_on;
}

/* Where a synchronous exception goes that no rule sends elsewhere: EL1, or EL2 from EL2 and from
 * EL0 with HCR_EL2.TGE. */
static inline unsigned cpu_default_target_el(const struct cpu *cpu)
{
    if (cpu->ps.el == 0)
        return cpu_hcr(cpu) & FIELD_MASK(HCR_EL2_TGE) ? 2 : 1;
    return cpu->ps.el;
}
