#include "cpu/sysreg.h"

#include "arch/cpu_models.h"
#include "cpu/context.h"
#include "cpu/debug.h"
#include "cpu/events.h"
#include "cpu/exception.h"
#include "cpu/interrupt.h"
#include "cpu/pmu.h"
#include "cpu/spin_seen.h"
#include "cpu/timer.h"
#include "cpu/traps.h"
#include "cpu/world.h"

typedef uint64_t reader_fn(struct cpu *cpu, enum sysreg sr);
typedef void writer_fn(struct cpu *cpu, enum sysreg sr, uint64_t value);
typedef enum exec_result op_fn(struct cpu *cpu, const struct insn *i, enum sysreg sr,
                               uint64_t value);

static reader_fn *const readers[] = {
#define X(name) [SYSREG_RD_##name] = sr_read_##name,
    SYSREG_READERS(X)
#undef X
};

static writer_fn *const writers[] = {
#define X(name) [SYSREG_WR_##name] = sr_write_##name,
    SYSREG_WRITERS(X)
#undef X
};

static op_fn *const ops[] = {
#define X(name) [SYSREG_OP_##name] = sr_op_##name,
    SYSREG_OPS(X)
#undef X
};

static uint16_t word_enc(const struct insn *i)
{
    return (uint16_t)bits((uint64_t)i->imm, 20, 5);
}

/* The GIC's registers. */

/* ICC_ names the virtual interface (ICV_) at EL1 of a guest: IHI0069 12.1, HCR_EL2.{IMO,FMO}. */
static bool gic_is_virtual(const struct cpu *cpu, unsigned gic_class)
{
    uint64_t hcr = cpu_hcr(cpu);

    if (cpu->ps.el != 1)
        return false;
    switch (gic_class) {
    case SYSREG_GIC_COMMON:
        return HCR_EL2_IMO(hcr) || HCR_EL2_FMO(hcr);
    case SYSREG_GIC_GROUP0:
        return HCR_EL2_FMO(hcr);
    case SYSREG_GIC_GROUP1:
        return HCR_EL2_IMO(hcr);
    default:
        return false;
    }
}

static bool is_gic_row(const struct sysreg_row *row)
{
    return row->gic != SYSREG_GIC_NONE && row->gic != SYSREG_GIC_SRE;
}

/* One access, checks done. */

uint64_t cpu_sysreg_get(struct cpu *cpu, enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    if (is_gic_row(row))
        return cpu->gic
                   ? cpu->gic->read(cpu->gic_ctx, cpu->index, sr, gic_is_virtual(cpu, row->gic))
                   : 0;
    return row->rd ? readers[row->rd](cpu, sr) : cpu->sr[sr];
}

enum exec_result cpu_sysreg_effects(struct cpu *cpu, unsigned fx)
{
    /* The common DAIF write: nothing is waiting to be unmasked. */
    if (fx == SR_FX_IRQ && !cpu_wakeup_pending(cpu) && !debug_in_use(cpu))
        return EXEC_NEXT;
    if (fx & SR_FX_DEBUG)
        cpu_debug_changed(cpu);
    if (fx & (SR_FX_REGIME | SR_FX_FP))
        cpu_context_changed(cpu);
    if (fx & SR_FX_TIMER)
        cpu_timers_changed(cpu);
    if (fx & SR_FX_PMU)
        pmu_changed(cpu);
    if (fx & (SR_FX_IRQ | SR_FX_TIMER | SR_FX_PMU))
        cpu->irq_check = true;
    return fx ? EXEC_SYNC : EXEC_NEXT;
}

/* EL1's translation and FP controls mean nothing at EL2, and on the way back all is looked at anew.
 */
static unsigned effects_now(const struct cpu *cpu, const struct sysreg_row *row)
{
    bool idle = cpu->ps.el == 2 && row->ws == WS_EL1;

    return idle ? row->fx & ~(unsigned)(SR_FX_REGIME | SR_FX_FP) : row->fx;
}

enum exec_result cpu_sysreg_set(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    cpu->trap_epoch += (cpu->sr_quick[sr] & SR_TRAP_CONTROL) != 0;
    if (is_gic_row(row)) {
        if (!cpu->gic)
            return EXEC_NEXT;
        cpu->gic->write(cpu->gic_ctx, cpu->index, sr, gic_is_virtual(cpu, row->gic), value);
        /* A copy of ICH_HCR_EL2 stays here for its traps (arch/traps.def). */
        cpu->sr[sr] = value & cpu->sr_mask[sr];
        cpu->irq_check = true;
        return EXEC_SYNC;
    }
    value = (value & cpu->sr_mask[sr]) | cpu->sr_res1[sr];
    if (row->fx & SR_FX_PMU)
        pmu_sync(cpu); /* what has retired counts as before */
    if (row->gic == SYSREG_GIC_SRE && cpu->gic)
        cpu->gic->write(cpu->gic_ctx, cpu->index, sr, false, value);
    if (row->wr)
        writers[row->wr](cpu, sr, value);
    else
        cpu->sr[sr] = value;
    return cpu_sysreg_effects(cpu, effects_now(cpu, row));
}

/* Checks. */

/* Is this the first line about @enc? */
static bool log_first(struct cpu *cpu, uint16_t enc)
{
    uint16_t *slot = &cpu->logged_enc[(enc ^ enc >> 6) % ARRAY_SIZE(cpu->logged_enc)];
    bool first = *slot != enc;

    *slot = enc;
    return first;
}

/* An encoding without a row: log it once, as the row it would be. */
static void log_unknown(struct cpu *cpu, const struct insn *i)
{
    uint16_t enc = word_enc(i);
    unsigned op0 = enc >> 14, op1 = (enc >> 11) & 7, crn = (enc >> 7) & 15, crm = (enc >> 3) & 15;

    if (!log_first(cpu, enc))
        return;
    LOG(cpu->log, SYSREG, GUEST,
        "cpu%u: %#llx: unknown %s, UNDEFINED: "
        "SYSREG(S%u_%u_C%u_C%u_%u, %u, %u, %2u, %2u, %u, %s, WS_NONE)",
        cpu->index, (unsigned long long)insn_pc(cpu, i), op0 == 1 ? "operation" : "register", op0,
        op1, crn, crm, enc & 7u, op0, op1, crn, crm, enc & 7u, op0 == 1 ? "OP" : "RW");
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
    uint16_t enc = word_enc(i);
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

/* Registers that exist depending on more than a feature. */
static bool row_exists(const struct cpu *cpu, enum sysreg sr, unsigned access)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    if (row->gic != SYSREG_GIC_NONE)
        return cpu->gic && cpu->gic->implemented(cpu->gic_ctx, sr);
    if (!cpu_has(cpu, (enum feature)row->feature))
        return false;
    switch (sr) {
    case SR_RVBAR_EL1: /* of the highest EL only */
        return !cpu->has_el2;
    case SR_CNTFRQ_EL0: /* written by the highest EL only */
        return access == SR_READ || cpu->ps.el == (cpu->has_el2 ? 2 : 1);
    case SR_SP_EL0:
        return cpu->ps.sp == 1; /* otherwise it is the current stack pointer */
    default:
        return row->ws != WS_DEBUG || debug_register_exists(cpu, sr);
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

/**
 * resolve() - all checks of one access, in the order of the manual's accessibility pseudocode:
 * existence and EL, then EL1's controls, then EL2's.
 * Return: true and *out, the register to access; or false and *r, with any exception taken.
 */
static bool resolve(struct cpu *cpu, const struct insn *i, unsigned access, enum sysreg *out,
                    enum exec_result *r)
{
    uint16_t enc = word_enc(i);
    enum sysreg sr = sysreg_lookup(enc);
    bool alias = sr != SR_NONE && sysreg_rows[sr].alias;
    bool e2h_name = ((enc >> 11) & 7) == 5;
    unsigned target;

    if (sr == SR_NONE || cpu->ps.el < sysreg_min_el(enc) ||
        !(sysreg_rows[sr].access & (access | SR_OP)) || !row_exists(cpu, sr, access) ||
        (e2h_name && !cpu_e2h(cpu))) {
        *r = reject(cpu, i, access);
        return false;
    }
    if (alias) {
        sr = (enum sysreg)sysreg_rows[sr].alias;
        if (!row_exists(cpu, sr, access)) {
            *r = exec_undefined(cpu, i);
            return false;
        }
    }
    if (cpu->ps.el < 2) {
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
    if (sysreg_rows[sr].ws == WS_PMU && !pmu_counter_accessible(cpu, sr)) {
        *r = exec_take_trap(cpu, i, cpu_sysreg_trap(cpu, 2, (uint32_t)i->imm));
        return false;
    }
    *out = alias ? sr : redirect(cpu, sr);
    return true;
}

/* Can the outcome of resolve() at EL1 change only with a control register? */
static bool is_cacheable(enum sysreg sr, enum sr_mode mode)
{
    return mode == SR_MODE_EL1 && !sysreg_rows[sr].fp && sysreg_rows[sr].ws != WS_PMU;
}

/* resolve(), unless the access is free or has been allowed before. */
static bool access_register(struct cpu *cpu, const struct insn *i, unsigned access,
                            enum sysreg *out, enum exec_result *r)
{
    bool write = access == SR_WRITE;
    enum sysreg sr = sysreg_lookup(word_enc(i));
    enum sr_mode mode = sr_mode(cpu);

    if (unlikely(sr == SR_NONE))
        return resolve(cpu, i, access, out, r);
    if ((cpu->sr_quick[sr] & (write ? SR_FREE_WRITE(mode) : SR_FREE_READ(mode))) ||
        (mode == SR_MODE_EL1 && cpu->sr_allowed[write][sr] == cpu->trap_epoch)) {
        *out = sr_quick_target(sr, mode);
        return true;
    }
    if (!resolve(cpu, i, access, out, r))
        return false;
    if (is_cacheable(sr, mode) && *out == sr)
        cpu->sr_allowed[write][sr] = cpu->trap_epoch;
    return true;
}

/* The instructions. */

/* Rt as an event names it. */
static uint8_t reg_number(uint8_t reg)
{
    return reg < 31 ? reg : 31;
}

bool cpu_sysreg_peek(struct cpu *cpu, enum sysreg sr, uint64_t *value)
{
    if (sysreg_rows[sr].alias)
        sr = (enum sysreg)sysreg_rows[sr].alias;
    const struct sysreg_row *row = &sysreg_rows[sr];

    if (!(row->access & SR_READ) || row->read_acts || !row_exists(cpu, sr, SR_READ) ||
        (sysreg_min_el(row->enc) == 2 && !cpu->has_el2))
        return false;
    *value = cpu_sysreg_get(cpu, sr);
    return true;
}

/* For an event: 0 where there is no value to see. */
static uint64_t value_of(struct cpu *cpu, enum sysreg sr)
{
    uint64_t value = 0;

    cpu_sysreg_peek(cpu, sr, &value);
    return value;
}

enum exec_result cpu_mrs(struct cpu *cpu, const struct insn *i)
{
    enum exec_result r;
    enum sysreg sr;

    if (!access_register(cpu, i, SR_READ, &sr, &r))
        return r;
    if (sysreg_rows[sr].rd || is_gic_row(&sysreg_rows[sr])) {
        cpu_count_upto(cpu, i); /* counters must be exact */
        cpu->pc = insn_pc(cpu, i);
    }
    uint64_t value = cpu_sysreg_get(cpu, sr);
    cpu->x[i->rd] = value;
    CPU_FIRE(cpu, i, SYSREG_READ, sysreg_read, .sr = sysreg_number(sr), .name = word_enc(i),
             .virt = gic_is_virtual(cpu, sysreg_rows[sr].gic), .reg = reg_number(i->rd),
             .value = value);
    if (sysreg_rows[sr].rd == SYSREG_RD_CNT_COUNT)
        spin_note_read(cpu, sr);
    return is_gic_row(&sysreg_rows[sr]) || *cpu->env.pause ? EXEC_SYNC : cpu_next(cpu);
}

/* HCR_EL2.RW is RAO/WI where EL1 has AArch64 only: software that clears it works here and not on a
 * core with AArch32 at EL1. */
static void log_rw_cleared(struct cpu *cpu, const struct insn *i)
{
    if (log_first(cpu, word_enc(i)))
        LOG(cpu->log, SYSREG, GUEST,
            "cpu%u: %#llx: HCR_EL2.RW written as 0 stays 1: EL1 is AArch64 only here (RAO/WI); on "
            "a core "
            "whose EL1 has AArch32 too, as Cortex-A53, A57 and A72, an exception return to AArch64 "
            "EL1 or "
            "EL0 would be illegal",
            cpu->index, (unsigned long long)insn_pc(cpu, i));
}

/* Events belong to the name that is written, whatever register it stands for (arch/sysreg.def). */
static void count_write(struct cpu *cpu, const struct insn *i)
{
    uint8_t event = sysreg_rows[sysreg_lookup(word_enc(i))].event;

    if (event)
        pmu_count(cpu, (enum pmu_event)event, ~UINT64_C(0));
}

enum exec_result cpu_msr(struct cpu *cpu, const struct insn *i)
{
    uint64_t value = cpu->x[i->rd];
    enum exec_result r;
    enum sysreg sr;

    if (!access_register(cpu, i, SR_WRITE, &sr, &r))
        return r;
    cpu_count_upto(cpu, i);
    if (unlikely(sr == SR_HCR_EL2 && !HCR_EL2_RW(value)))
        log_rw_cleared(cpu, i);
    cpu->pc = insn_pc(cpu, i);
    uint64_t before = cpu_wants(cpu, ARM_EVENT_SYSREG_WRITE) ? value_of(cpu, sr) : 0;
    r = cpu_sysreg_set(cpu, sr, value);
    if (unlikely(cpu->pmu_on)) {
        count_write(cpu, i);
        r = cpu->irq_check && r == EXEC_NEXT ? EXEC_SYNC : r;
    }
    CPU_FIRE(cpu, i, SYSREG_WRITE, sysreg_write, .sr = sysreg_number(sr), .name = word_enc(i),
             .virt = gic_is_virtual(cpu, sysreg_rows[sr].gic), .reg = reg_number(i->rd),
             .value = value, .before = before, .after = value_of(cpu, sr));
    return *cpu->env.pause && r == EXEC_NEXT ? EXEC_SYNC
                                             : r; /* asked to by the GIC's subscribers */
}

enum exec_result cpu_sys(struct cpu *cpu, const struct insn *i)
{
    enum exec_result r;
    enum sysreg sr;

    if (!access_register(cpu, i, SR_WRITE, &sr, &r))
        return r;
    cpu_count_upto(cpu, i);
    r = ops[sysreg_rows[sr].op](cpu, i, sr, cpu->x[i->rd]);
    /* Some take so long that a turn of them must not hold a stop up. */
    return *cpu->env.pause && r == EXEC_NEXT ? EXEC_SYNC : r;
}

/* Set-up. */

/* Could a rule of @group ever hold on this CPU for such an access? */
static bool group_can_trap(const struct cpu *cpu, enum trap_group group, unsigned access,
                           unsigned el)
{
    for (const struct trap_rule *r = trap_groups[group].rules; r->mask; r++) {
        if (!(r->access & access) || !bit(r->els, el))
            continue;
        if (r->when == WHEN_NEVER_ALLOWED)
            return true;
        if (sysreg_min_el(sysreg_rows[r->control].enc) == 2 && !cpu->has_el2)
            continue;
        if (!r->on || (cpu->sr_mask[r->control] & r->mask))
            return true;
    }
    return false;
}

/* Could anything but the register's absence forbid this access at EL0 or EL1? */
static bool row_can_trap(const struct cpu *cpu, const struct sysreg_row *row, unsigned access,
                         unsigned el)
{
    if (row->fgt.set && cpu->has_el2 && cpu_has(cpu, FEAT_FGT))
        return true;
    for (unsigned k = 0; k < SYSREG_TRAPS; k++)
        if (group_can_trap(cpu, (enum trap_group)row->trap[k], access, el))
            return true;
    return false;
}

/* Registers whose existence is not constant: row_exists() and pmu_counter_accessible(). */
static bool exists_sometimes(enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    return row->gic || row->ws == WS_DEBUG || row->ws == WS_PMU || sr == SR_CNTFRQ_EL0 ||
           sr == SR_RVBAR_EL1;
}

/* Does @access to @sr in @mode always reach sr_quick_target()? */
static bool is_free(const struct cpu *cpu, enum sysreg sr, unsigned access, enum sr_mode mode)
{
    const struct sysreg_row *row = &sysreg_rows[sr];
    const struct sysreg_row *target = &sysreg_rows[sr_quick_target(sr, mode)];
    unsigned el = mode == SR_MODE_EL2_E2H ? 2 : (unsigned)mode;

    if (mode == SR_MODE_SP0 || !(row->access & (access | SR_OP)) || row->fp ||
        exists_sometimes(sr) || el < sysreg_min_el(row->enc) ||
        !cpu_has(cpu, (enum feature)row->feature) || !cpu_has(cpu, (enum feature)target->feature))
        return false;
    if (mode != SR_MODE_EL2_E2H && (row->alias || row->host_el0))
        return false;
    return el == 2 || !row_can_trap(cpu, row, access, el);
}

/* Does a trap from EL1 depend on @sr? Its writes move trap_epoch on. */
static bool is_trap_control(enum sysreg sr)
{
    if (sr == SR_HCR_EL2 || sr == SR_HCRX_EL2 || (sr >= SR_HFGRTR_EL2 && sr <= SR_HFGITR_EL2) ||
        sr == SR_HDFGRTR_EL2 || sr == SR_HDFGWTR_EL2)
        return true;
    for (unsigned g = 1; g < TRAP_GROUP_COUNT; g++)
        for (const struct trap_rule *r = trap_groups[g].rules; r->mask; r++)
            if (r->control == sr && bit(r->els, 1))
                return true;
    return false;
}

static uint32_t quick_bits(const struct cpu *cpu, enum sysreg sr)
{
    uint32_t quick = 0;

    for (unsigned mode = 0; mode < SR_MODES; mode++) {
        const struct sysreg_row *target = &sysreg_rows[sr_quick_target(sr, (enum sr_mode)mode)];
        bool control = is_trap_control((enum sysreg)(target - sysreg_rows));
        bool read = is_free(cpu, sr, SR_READ, (enum sr_mode)mode);
        bool write = is_free(cpu, sr, SR_WRITE, (enum sr_mode)mode);

        quick |= (read ? SR_FREE_READ(mode) : 0) | (write ? SR_FREE_WRITE(mode) : 0);
        /* SP_EL0 is plain storage where it is accessible: it is not the current stack pointer. */
        if (read && (!target->rd || sr == SR_SP_EL0))
            quick |= SR_PLAIN_READ(mode);
        if (write && ((!target->wr && !target->fx && !control) || sr == SR_SP_EL0))
            quick |= SR_PLAIN_WRITE(mode);
    }
    return quick | (is_trap_control(sr) ? SR_TRAP_CONTROL : 0);
}

static bool is_id_register(enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    return row->access == SR_READ && bits(row->enc, 15, 14) == 3 && bits(row->enc, 10, 7) == 0;
}

void cpu_sysreg_init(struct cpu *cpu)
{
    for (unsigned sr = 0; sr < SR_COUNT; sr++)
        sysreg_write_mask((enum sysreg)sr, &cpu->features, &cpu->sr_mask[sr], &cpu->sr_res1[sr]);
    if (cpu->sre_writable) {
        cpu->sr_mask[SR_ICC_SRE_EL1] |= FIELD_MASK(ICC_SRE_EL1_SRE);
        cpu->sr_res1[SR_ICC_SRE_EL1] &= ~FIELD_MASK(ICC_SRE_EL1_SRE);
    }
    for (unsigned sr = 0; sr < SR_COUNT; sr++)
        cpu->sr_quick[sr] = quick_bits(cpu, (enum sysreg)sr);
    cpu->trap_epoch++;
}

static void reset_id_registers(struct cpu *cpu)
{
    for (unsigned k = 0; k < SR_COUNT; k++)
        if (is_id_register((enum sysreg)k))
            cpu->sr[k] = cpu_model_id(cpu->model, &cpu->features, (enum sysreg)k);
    if (!cpu->has_el2)
        cpu->sr[SR_ID_AA64PFR0_EL1] &= ~FIELD_MASK(ID_AA64PFR0_EL1_EL2);
    if (cpu->gic)
        cpu->sr[SR_ID_AA64PFR0_EL1] |= BIT(ID_AA64PFR0_EL1_GIC_LO);
    cpu->sr[SR_MPIDR_EL1] = cpu->mpidr;
    cpu->sr[SR_DCZID_EL0] = 4; /* blocks of 64 bytes */
}

void cpu_sysreg_reset(struct cpu *cpu)
{
    for (unsigned k = 0; k < SR_COUNT; k++)
        if (sysreg_rows[k].access & SR_WRITE)
            cpu->sr[k] = (sysreg_rows[k].reset & cpu->sr_mask[k]) | cpu->sr_res1[k];
    reset_id_registers(cpu);
    for (unsigned k = 0; k < SR_COUNT; k++)
        cpu_model_reset(cpu->model, (enum sysreg)k, &cpu->sr[k]);
    cpu->sr[SR_CBAR_EL1] = cpu->periphbase;
    cpu->sr[SR_VPIDR_EL2] = cpu->sr[SR_MIDR_EL1];
    cpu->sr[SR_VMPIDR_EL2] = cpu->sr[SR_MPIDR_EL1];
}
