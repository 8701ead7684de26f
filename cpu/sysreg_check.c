/* Whether an access to a system register is allowed, and what happens instead. */
#include "cpu/sysreg_check.h"

#include "cpu/debug.h"
#include "cpu/exception.h"
#include "cpu/pmu.h"
#include "cpu/traps.h"
#include "cpu/world.h"

bool cpu_sysreg_log_first(struct cpu *cpu, uint16_t enc)
{
    uint16_t *slot = &cpu->logged_enc[(enc ^ enc >> 6) % ARRAY_SIZE(cpu->logged_enc)];
    bool first = *slot != enc;

    *slot = enc;
    return first;
}

/* An encoding without a row: log it once, as the row it would be. */
static void log_unknown(struct cpu *cpu, const struct insn *i)
{
    uint16_t enc = cpu_sysreg_enc(i);
    unsigned op0 = enc >> 14, op1 = (enc >> 11) & 7, crn = (enc >> 7) & 15, crm = (enc >> 3) & 15;

    if (!cpu_sysreg_log_first(cpu, enc))
        return;
    LOG(cpu->log, SYSREG, GUEST,
        "cpu%u: %#llx: unknown %s, UNDEFINED: "
        "SYSREG(S%u_%u_C%u_C%u_%u, %u, %u, %2u, %2u, %u, %s)",
        cpu->index, (unsigned long long)insn_pc(cpu, i), op0 == 1 ? "operation" : "register", op0,
        op1, crn, crm, enc & 7u, op0, op1, crn, crm, enc & 7u, op0 == 1 ? "OP, OP" : "RW, PE");
}

/* The feature ID space: op0 3, op1 0, 1 or 3, CRn 0, CRm 0..7 (ID_AA64MMFR2_EL1.IDS). */
static bool is_feature_id_space(uint16_t enc)
{
    unsigned op1 = (enc >> 11) & 7;

    return enc >> 14 == 3 && (op1 == 0 || op1 == 1 || op1 == 3) && ((enc >> 7) & 15) == 0 &&
           ((enc >> 3) & 15) < 8;
}

/* An encoding without a row, or not usable from here: what happens instead of the access. */
static enum exec_result reject(struct cpu *cpu, const struct insn *i, unsigned access)
{
    uint16_t enc = cpu_sysreg_enc(i);
    unsigned crn = (enc >> 7) & 15, op0 = enc >> 14;
    unsigned el = cpu->ps.el;

    /* HCR_EL2.TIDCP: the IMPLEMENTATION DEFINED space. From EL0 UNDEFINED, which is allowed too. */
    if (el == 1 && (op0 & 1) && (crn == 11 || crn == 15) && HCR_EL2_TIDCP(cpu_hcr(cpu)))
        return exec_take_trap(cpu, i, cpu_sysreg_trap(cpu, 2, (uint32_t)i->imm));
    if (sysreg_is_reserved_id(enc) && access == SR_READ && el > 0) {
        unsigned target = cpu_trap_group_el(cpu, TRAP_ID3, access);
        if (target)
            return exec_take_trap(cpu, i, cpu_sysreg_trap(cpu, target, (uint32_t)i->imm));
        cpu->x[i->rd] = 0;
        return EXEC_NEXT;
    }
    /* FEAT_IDST: what a read of the identification space raises is reported as trapped. */
    if (access == SR_READ && cpu_has(cpu, FEAT_IDST) && is_feature_id_space(enc))
        return exec_take_trap(cpu, i,
                              cpu_sysreg_trap(cpu, cpu_default_target_el(cpu), (uint32_t)i->imm));
    if (sysreg_lookup(enc) == SR_NONE)
        log_unknown(cpu, i);
    return exec_undefined(cpu, i);
}

bool cpu_sysreg_implemented(const struct cpu *cpu, enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    if (row->gic)
        return cpu->gic && cpu->gic->implemented(cpu->gic_ctx, sr);
    if (!cpu_has(cpu, (enum feature)row->feature))
        return false;
    switch (row->only) {
    case ONLY_GIC:
        return cpu->gic;
    case ONLY_BREAKPOINT:
        return row->n <= ID_AA64DFR0_EL1_BRPs(cpu->sr[SR_ID_AA64DFR0_EL1]);
    case ONLY_WATCHPOINT:
        return row->n <= ID_AA64DFR0_EL1_WRPs(cpu->sr[SR_ID_AA64DFR0_EL1]);
    case ONLY_HIGHEST:
        return sysreg_min_el(row->enc) == cpu_highest_el(cpu);
    default:
        return true;
    }
}

/* Implemented, and nothing but EL and traps is in the way now. */
static bool is_accessible(const struct cpu *cpu, enum sysreg sr, unsigned access)
{
    switch (sysreg_rows[sr].only) {
    case ONLY_HIGHEST_WRITES:
        return access == SR_READ || cpu->ps.el == cpu_highest_el(cpu);
    case ONLY_SECURE:
        return cpu_sysreg_implemented(cpu, sr) && cpu_is_secure(cpu);
    case ONLY_SP_ELX:
        return cpu->ps.sp == 1;
    default:
        return cpu_sysreg_implemented(cpu, sr);
    }
}

/* E2H redirection: at EL2 an EL1 register's name means EL2's; some also in host EL0. */
static enum sysreg redirect(const struct cpu *cpu, enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    if (row->e2h && cpu_e2h(cpu) && (cpu->ps.el == 2 || (row->host_el0 && cpu_host_el0(cpu))))
        return (enum sysreg)row->e2h;
    return sr;
}

bool cpu_sysreg_check(struct cpu *cpu, const struct insn *i, unsigned access, enum sysreg *out,
                      enum exec_result *r)
{
    uint16_t enc = cpu_sysreg_enc(i);
    enum sysreg sr = sysreg_lookup(enc);
    bool alias = sr != SR_NONE && sysreg_rows[sr].alias;
    bool e2h_name = ((enc >> 11) & 7) == 5;
    unsigned target;

    if (sr == SR_NONE || cpu->ps.el < sysreg_min_el(enc) ||
        !(sysreg_rows[sr].access & (access | SR_OP)) || !is_accessible(cpu, sr, access) ||
        (e2h_name && !cpu_e2h(cpu))) {
        *r = reject(cpu, i, access);
        return false;
    }
    if (alias) {
        sr = (enum sysreg)sysreg_rows[sr].alias;
        if (!is_accessible(cpu, sr, access)) {
            *r = exec_undefined(cpu, i);
            return false;
        }
    }
    if (cpu->ps.el < 3) {
        target = cpu_sysreg_trap_el(cpu, sr, access, alias);
        if (target) {
            *r = exec_take_trap(cpu, i, cpu_sysreg_trap(cpu, target, (uint32_t)i->imm));
            return false;
        }
    }
    if (sysreg_rows[sr].fp && cpu_fp_would_trap(cpu)) {
        *r = exec_take_trap(cpu, i, cpu_fp_trap(cpu));
        return false;
    }
    if (sysreg_rows[sr].hpmn && !pmu_counter_accessible(cpu, sr)) {
        *r = exec_take_trap(cpu, i, cpu_sysreg_trap(cpu, 2, (uint32_t)i->imm));
        return false;
    }
    *out = alias ? sr : redirect(cpu, sr);
    return true;
}
