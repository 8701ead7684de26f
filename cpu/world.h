/* Which world the CPU is in: SCR_EL3 and HCR_EL2 as they act, host and guest, the regime of the
 * current EL. */
#pragma once

#include "cpu/cpu.h"

/* HaveEL(EL3). */
static inline bool cpu_has_el3(const struct cpu *cpu)
{
    return cpu_has(cpu, FEAT_EL3);
}

/* The highest EL there is, which a reset leads to. */
static inline unsigned cpu_highest_el(const struct cpu *cpu)
{
    return cpu_has_el3(cpu) ? 3 : cpu->has_el2 ? 2 : 1;
}

/* An SCR_EL3 that keeps nothing from Non-secure state and takes no interrupt. */
#define SCR_OPEN                                                                                   \
    (FIELD_MASK(SCR_EL3_NS) | FIELD_MASK(SCR_EL3_HCE) | FIELD_MASK(SCR_EL3_APK) |                  \
     FIELD_MASK(SCR_EL3_API) | FIELD_MASK(SCR_EL3_EnSCXT) | FIELD_MASK(SCR_EL3_FGTEn) |            \
     FIELD_MASK(SCR_EL3_ECVEn) | FIELD_MASK(SCR_EL3_HXEn))

/* SCR_EL3 as it acts: without EL3 everything is Non-secure, nothing goes to EL3 or is forbidden. */
static inline uint64_t cpu_scr(const struct cpu *cpu)
{
    return cpu_has_el3(cpu) ? cpu->sr[SR_SCR_EL3] : SCR_OPEN;
}

/* IsSecureBelowEL3(). */
static inline bool cpu_secure_below_el3(const struct cpu *cpu)
{
    return !(cpu_scr(cpu) & FIELD_MASK(SCR_EL3_NS));
}

/* IsSecure(): EL3 always is. */
static inline bool cpu_is_secure(const struct cpu *cpu)
{
    return cpu_has_el3(cpu) && (cpu->ps.el == 3 || cpu_secure_below_el3(cpu));
}

/* HCR_EL2 as it acts: zero without EL2, and in Secure state, which has none here (FEAT_SEL2). */
static inline uint64_t cpu_hcr(const struct cpu *cpu)
{
    return cpu->el2_enabled ? cpu->sr[SR_HCR_EL2] : 0;
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

/* S1TranslationRegime(): the EL whose registers steer translation, 1 to 3. */
static inline unsigned cpu_regime_el(const struct cpu *cpu)
{
    return cpu_el2_regime(cpu) ? 2 : cpu->ps.el == 3 ? 3 : 1;
}

/* Its SCTLR_ELx and TCR_ELx. */
static inline uint64_t cpu_regime_sctlr(const struct cpu *cpu)
{
    static const uint16_t sctlr[] = {[1] = SR_SCTLR_EL1, SR_SCTLR_EL2, SR_SCTLR_EL3};

    return cpu->sr[sctlr[cpu_regime_el(cpu)]];
}

static inline uint64_t cpu_regime_tcr(const struct cpu *cpu)
{
    static const uint16_t tcr[] = {[1] = SR_TCR_EL1, SR_TCR_EL2, SR_TCR_EL3};

    return cpu->sr[tcr[cpu_regime_el(cpu)]];
}

/* HasUnprivileged(): the regime has EL0, and two ranges of addresses. */
static inline bool cpu_two_ranges(const struct cpu *cpu)
{
    return cpu->ps.el < 2 || (cpu->ps.el == 2 && cpu_e2h(cpu));
}

/* The world of a VM: below EL2, with stage 2 on? */
static inline bool cpu_in_guest(const struct cpu *cpu)
{
    return cpu->ps.el < 2 && cpu->contexts.x->s2_on;
}

/* Where a synchronous exception goes that no rule sends elsewhere: EL1, or EL2 from EL2 and from
 * EL0 with HCR_EL2.TGE; EL3 from EL3. */
static inline unsigned cpu_default_target_el(const struct cpu *cpu)
{
    if (cpu->ps.el == 0)
        return cpu_hcr(cpu) & FIELD_MASK(HCR_EL2_TGE) ? 2 : 1;
    return cpu->ps.el;
}
