/* Address translation instructions: AArch64.AT(), PAR_EL1. */
#include "cpu/abort.h"
#include "cpu/access.h"
#include "cpu/accessors.h"
#include "cpu/events.h"
#include "cpu/exception.h"
#include "cpu/late.h"
#include "cpu/regime.h"
#include "cpu/world.h"
#include "mmu/attr.h"
#include "mmu/tlb.h"

/* PAR_EL1 (DDI0487, PAR_EL1). */
#define PAR_F        BIT(0)
#define PAR_FST(fsc) ((uint64_t)(fsc) << 1)
#define PAR_PTW      BIT(8)
#define PAR_S        BIT(9)
#define PAR_SH(sh)   ((uint64_t)(sh) << 7)
#define PAR_NS       BIT(9) /* one without Secure state, as in QEMU */
#define PAR_RES1     BIT(11)
#define PAR_ATTR(a)  ((uint64_t)(a) << 56)

/* What one instruction asks for. */
struct at_row {
    enum sysreg sr;
    uint8_t el; /* whose translation: 0..3 */
    bool write;
    bool both; /* stage 2 as well */
    bool pan;  /* PSTATE.PAN counts */
};

static const struct at_row at_rows[] = {
    {SR_AT_S1E1R, 1, false, false, false}, {SR_AT_S1E1W, 1, true, false, false},
    {SR_AT_S1E0R, 0, false, false, false}, {SR_AT_S1E0W, 0, true, false, false},
    {SR_AT_S1E1RP, 1, false, false, true}, {SR_AT_S1E1WP, 1, true, false, true},
    {SR_AT_S1E2R, 2, false, false, false}, {SR_AT_S1E2W, 2, true, false, false},
    {SR_AT_S12E1R, 1, false, true, false}, {SR_AT_S12E1W, 1, true, true, false},
    {SR_AT_S12E0R, 0, false, true, false}, {SR_AT_S12E0W, 0, true, true, false},
    {SR_AT_S1E3R, 3, false, false, false}, {SR_AT_S1E3W, 3, true, false, false},
};

static const struct at_row *find(enum sysreg sr)
{
    for (unsigned k = 0; k < ARRAY_SIZE(at_rows); k++)
        if (at_rows[k].sr == sr)
            return &at_rows[k];
    return NULL;
}

static enum regime_id at_regime(const struct cpu *cpu, const struct at_row *r)
{
    if (r->el == 3)
        return REGIME_EL3;
    if (r->el == 2)
        return cpu_e2h(cpu) ? REGIME_EL20 : REGIME_EL2;
    if (!r->both && cpu->ps.el >= 2 && cpu_host_regime(cpu))
        return REGIME_EL20;
    return cpu_secure_below_el3(cpu) ? REGIME_SECURE_EL10 : REGIME_EL10;
}

/* Does the fault end the instruction with an exception instead of a value in PAR_EL1? */
static bool fault_is_taken(const struct cpu *cpu, const struct at_row *r, const struct mmu_fault *f)
{
    if (f->type == MMU_FAULT_EXTERNAL_WALK)
        return true;
    return f->s1ptw && !r->both && cpu->ps.el == 1;
}

static uint64_t par_success(const struct translation *t)
{
    return PAR_ATTR(t->attr) | (t->pa & MASK(51, 12)) | PAR_RES1 | (t->ns ? PAR_NS : 0) |
           PAR_SH(attr_effective_sh(t->attr, t->sh));
}

static uint64_t par_fault(const struct mmu_fault *f)
{
    return PAR_RES1 | PAR_F | PAR_FST(mmu_fault_fsc(f)) | (f->s1ptw ? PAR_PTW : 0) |
           (f->stage2 ? PAR_S : 0);
}

/* AT says what the tables say. But software may clear the Access flag of where stage-1 tables are
 * without a TLBI, and an access then goes on by what the TLB has of them. AT must too, as it may:
 * or a hypervisor that asks for the IPA of what has faulted (KVM does after permission faults and
 * on A57, where HPFAR_EL2 is not to be relied on) is never told. The TLB has it by the name of a
 * context with accesses observed or without: AT's EL need not be the access's. */
static bool by_tlb(struct cpu *cpu, const struct insn *i, struct xlat *x, uint64_t address,
                   const struct mmu_access *a, struct translation *t)
{
    for (unsigned observed = 0; observed < 2; observed++) {
        struct mmu_fault f;

        tlb_config(cpu->tlb, x, observed);
        if (cpu_walk(cpu, i, x, cpu->tlb, address, a, t, &f))
            return true;
    }
    return false;
}

enum exec_result sr_op_AT(struct cpu *cpu, const struct insn *i, enum sysreg sr, uint64_t value)
{
    const struct at_row *r = find(sr);
    struct translation t;
    struct mmu_fault f;
    struct regime rg;
    struct xlat x;

    CHECK(r);
    const struct mmu_access a = {.kind = r->write ? MMU_WRITE : MMU_READ,
                                 .priv = r->el != 0,
                                 .pan = r->pan && cpu->ps.pan,
                                 .at = true,
                                 .stage1_only = !r->both};
    cpu_regime(cpu, at_regime(cpu, r), &rg);
    xlat_init(&x, &rg);
    bool done = cpu_walk(cpu, i, &x, NULL, value, &a, &t, &f) ||
                (f.s1ptw && f.type == MMU_FAULT_ACCESS_FLAG && by_tlb(cpu, i, &x, value, &a, &t));
    if (!done && fault_is_taken(cpu, r, &f)) {
        cpu_raise(cpu, cpu_data_abort(cpu, i, value, 1, ACC_CMO, &f));
        return EXEC_ABORT;
    }
    uint64_t par = done ? par_success(&t) : par_fault(&f);
    if (likely(!cpu->late) || !late_result(cpu, SR_PAR_EL1, par))
        cpu->sr[SR_PAR_EL1] = par;
    CPU_FIRE(cpu, i, AT, at, .op = sysreg_number(sr), .operand = value, .par = par);
    return EXEC_NEXT;
}
