#include "cpu/traps.h"

#include "cpu/world.h"

/* ISS of EC 0x01 and 0x07: CV = 1, COND = 0b1110, what AArch64 always reports. */
#define ISS_COND_AL 0x1e00000

static const struct trap no_trap = {.el = 0};

struct exception cpu_trap_exception(const struct cpu *cpu, const struct insn *i, struct trap t)
{
    return (struct exception){
        .type = VECTOR_SYNC, .target_el = t.el, .ret = insn_pc(cpu, i), .esr = esr(t.ec, t.iss)};
}

struct trap cpu_undefined(const struct cpu *cpu)
{
    return (struct trap){cpu_default_target_el(cpu), ESR_EC_UNKNOWN, 0};
}

static bool when_holds(const struct cpu *cpu, unsigned el, enum trap_when when)
{
    switch (when) {
    case WHEN_GUEST:
        return el != 0 || !cpu_host_regime(cpu);
    case WHEN_HOST:
        return el == 0 && cpu_host_regime(cpu);
    case WHEN_E2H0:
        return !cpu_e2h(cpu);
    case WHEN_E2H1:
        return cpu_e2h(cpu) && !HCR_EL2_TGE(cpu_hcr(cpu));
    default:
        return true;
    }
}

/* Where an exception for EL1 goes: to EL2 instead if HCR_EL2.TGE. */
static unsigned el1_or_tge(const struct cpu *cpu)
{
    return HCR_EL2_TGE(cpu_hcr(cpu)) ? 2 : 1;
}

/* A control register's value. ICC_SRE_EL1 and ICH_HCR_EL2 are in the GIC. */
static uint64_t control(const struct cpu *cpu, enum sysreg sr)
{
    if (unlikely(sysreg_rows[sr].gic))
        return cpu->gic ? cpu->gic->read(cpu->gic_ctx, cpu->index, sr, false) : 0;
    return cpu->sr[sr];
}

/* The first rule of @group that traps an access from @from, or forbids it; NULL: none. */
static const struct trap_rule *rule_that_holds(const struct cpu *cpu, unsigned from,
                                               enum trap_group group, unsigned access)
{
    for (const struct trap_rule *r = trap_groups[group].rules; r->mask; r++) {
        unsigned el;

        if (!(r->access & access) || !bit(r->els, from))
            continue;
        if (r->when == WHEN_NEVER_ALLOWED)
            return r;
        el = sysreg_min_el(sysreg_rows[r->control].enc);
        if ((el == 2 && !cpu->el2_enabled) || (el == 3 && !cpu_has_el3(cpu)) ||
            !when_holds(cpu, from, (enum trap_when)r->when))
            continue;
        if (((control(cpu, (enum sysreg)r->control) & r->mask) != 0) == r->on)
            return r;
    }
    return NULL;
}

static unsigned target_of(const struct cpu *cpu, const struct trap_rule *r)
{
    unsigned el;

    if (r->when == WHEN_NEVER_ALLOWED)
        return TRAP_TO_UNDEFINED;
    el = sysreg_min_el(sysreg_rows[r->control].enc);
    return el >= 2 ? el : el1_or_tge(cpu);
}

unsigned cpu_trap_group_el(const struct cpu *cpu, enum trap_group group, unsigned access)
{
    const struct trap_rule *r = rule_that_holds(cpu, cpu->ps.el, group, access);

    return r ? target_of(cpu, r) : 0;
}

const struct trap_rule *cpu_sysreg_trap_rule(const struct cpu *cpu, unsigned el, enum sysreg sr,
                                             unsigned access, unsigned *target_el)
{
    const struct trap_rule *r = NULL;

    for (unsigned k = 0; !r && k < SYSREG_TRAPS && sysreg_rows[sr].trap[k]; k++)
        r = rule_that_holds(cpu, el, (enum trap_group)sysreg_rows[sr].trap[k], access);
    if (!r || r->when == WHEN_NEVER_ALLOWED)
        return NULL;
    *target_el = target_of(cpu, r);
    return r;
}

bool cpu_fgt_set(const struct cpu *cpu, unsigned set, unsigned bit_number, unsigned access)
{
    unsigned control = access == SR_WRITE ? sysreg_fgt_write[set] : sysreg_fgt_read[set];

    if (cpu->ps.el >= 2 || !cpu->el2_enabled || !cpu_has(cpu, FEAT_FGT) || cpu_host_el0(cpu) ||
        !SCR_EL3_FGTEn(cpu_scr(cpu)))
        return false;
    return bit(cpu->sr[control], bit_number);
}

unsigned cpu_sysreg_trap_el(const struct cpu *cpu, enum sysreg sr, unsigned access, bool nxs)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    for (unsigned k = 0; k < SYSREG_TRAPS && row->trap[k]; k++) {
        unsigned el = cpu_trap_group_el(cpu, (enum trap_group)row->trap[k], access);
        if (el)
            return el;
    }
    if (row->fgt.set == FGT_NONE)
        return 0;
    /* HCRX_EL2.FGTnXS: the fine-grained traps of TLBI leave the nXS forms alone. */
    if (nxs && HCRX_EL2_FGTnXS(cpu->sr[SR_HCRX_EL2]))
        return 0;
    return cpu_fgt_set(cpu, row->fgt.set, row->fgt.bit, access) ? 2 : 0;
}

/* AArch64.SystemAccessTrapSyndrome(). */
static uint32_t sys64_iss(uint32_t word)
{
    return (uint32_t)(bits(word, 20, 19) << 20 | bits(word, 7, 5) << 17 | bits(word, 18, 16) << 14 |
                      bits(word, 15, 12) << 10 | bits(word, 4, 0) << 5 | bits(word, 11, 8) << 1 |
                      bits(word, 21, 21));
}

struct trap cpu_sysreg_trap(const struct cpu *cpu, unsigned target_el, uint32_t word)
{
    if (target_el == TRAP_TO_UNDEFINED)
        return cpu_undefined(cpu);
    return (struct trap){target_el, ESR_EC_SYS64, sys64_iss(word)};
}

/* One FPEN field: 0bx0 traps, 0b01 traps @el0, 0b11 does not. */
static bool fpen_traps(uint64_t fpen, bool el0)
{
    return !(fpen & 1) || (fpen == 1 && el0);
}

/* Does CPTR_EL2 forbid FP now? */
static bool fp_trapped_by_el2(const struct cpu *cpu)
{
    uint64_t cptr = cpu->sr[SR_CPTR_EL2];

    if (!cpu->el2_enabled || cpu->ps.el == 3)
        return false;
    if (!cpu_e2h(cpu))
        return CPTR_EL2_TFP(cptr);
    return fpen_traps(CPTR_EL2_FPEN(cptr), cpu->ps.el == 0 && cpu_host_el0(cpu));
}

/* The EL whose control forbids FP now (1: CPACR_EL1, 2: CPTR_EL2, 3: CPTR_EL3), 0 if none does. */
static unsigned fp_trap_control(const struct cpu *cpu)
{
    unsigned el = cpu->ps.el;

    if (el < 2 && !cpu_host_el0(cpu) && fpen_traps(CPACR_EL1_FPEN(cpu->sr[SR_CPACR_EL1]), el == 0))
        return 1;
    if (fp_trapped_by_el2(cpu))
        return 2;
    return cpu_has_el3(cpu) && CPTR_EL3_TFP(cpu->sr[SR_CPTR_EL3]) ? 3 : 0;
}

bool cpu_fp_would_trap(const struct cpu *cpu)
{
    return fp_trap_control(cpu) != 0;
}

/* AArch64.AdvSIMDFPAccessTrap(). */
struct trap cpu_fp_trap(const struct cpu *cpu)
{
    unsigned control = fp_trap_control(cpu);

    if (control == 1 && el1_or_tge(cpu) == 2)
        return (struct trap){2, ESR_EC_UNKNOWN, 0};
    return (struct trap){control, ESR_EC_FP, ISS_COND_AL};
}

/* The EL that a WFI (WFE) traps to, 0 if none. */
static unsigned wfx_trap_el(const struct cpu *cpu, bool wfe)
{
    uint64_t hcr = cpu_hcr(cpu);

    if (cpu->ps.el == 0) {
        bool host = cpu_host_el0(cpu);
        uint64_t sctlr = cpu->sr[host ? SR_SCTLR_EL2 : SR_SCTLR_EL1];
        bool allowed = wfe ? SCTLR_EL1_nTWE(sctlr) : SCTLR_EL1_nTWI(sctlr);
        if (!allowed)
            return el1_or_tge(cpu);
    }
    if (cpu->ps.el < 2 && !cpu_host_el0(cpu) && (wfe ? HCR_EL2_TWE(hcr) : HCR_EL2_TWI(hcr)))
        return 2;
    if (cpu->ps.el < 3 && (wfe ? SCR_EL3_TWE(cpu_scr(cpu)) : SCR_EL3_TWI(cpu_scr(cpu))))
        return 3;
    return 0;
}

struct trap cpu_wfx_trap(const struct cpu *cpu, const struct insn *i, bool wfe, bool timed)
{
    /* RN and RV with a timeout; TI: 0 WFI, 1 WFE, 2 WFIT, 3 WFET. */
    uint32_t iss = ISS_COND_AL | (uint32_t)wfe | (uint32_t)timed << 1;

    if (timed)
        iss |= (uint32_t)bits((uint64_t)i->imm, 4, 0) << 5 | 1u << 2;
    return (struct trap){wfx_trap_el(cpu, wfe), ESR_EC_WFX, iss};
}

struct trap cpu_pauth_trap(const struct cpu *cpu)
{
    if (cpu->ps.el == 3)
        return no_trap;
    if (cpu->el2_enabled && !cpu_el2_regime(cpu) && !HCR_EL2_API(cpu_hcr(cpu)))
        return (struct trap){2, ESR_EC_PAC, 0};
    return SCR_EL3_API(cpu_scr(cpu)) ? no_trap : (struct trap){3, ESR_EC_PAC, 0};
}

struct trap cpu_eret_trap(const struct cpu *cpu, uint32_t iss)
{
    if (cpu->ps.el != 1 || !cpu_fgt_set(cpu, FGT_HFGI, HFGITR_EL2_ERET_LO, SR_WRITE))
        return no_trap;
    return (struct trap){2, ESR_EC_ERET, iss};
}
