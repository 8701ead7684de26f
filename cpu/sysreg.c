/* MRS, MSR, SYS. */
#include "cpu/sysreg.h"

#include "cpu/events.h"
#include "cpu/exception.h"
#include "cpu/parallel.h"
#include "cpu/pmu.h"
#include "cpu/spin_seen.h"
#include "cpu/sysreg_check.h"
#include "cpu/sysreg_quick.h"

typedef enum exec_result op_fn(struct cpu *cpu, const struct insn *i, enum sysreg sr,
                               uint64_t value);

static op_fn *const ops[] = {
#define X(name) [SYSREG_OP_##name] = sr_op_##name,
    SYSREG_OPS(X)
#undef X
};

/* Can the outcome of cpu_sysreg_check() at EL1 change only with a control register? */
static bool is_cacheable(enum sysreg sr, enum sr_mode mode)
{
    return mode == SR_MODE_EL1 && !sysreg_rows[sr].fp && !sysreg_rows[sr].hpmn;
}

/* cpu_sysreg_check(), unless the access is free or has been allowed before. */
static bool access_register(struct cpu *cpu, const struct insn *i, unsigned access,
                            enum sysreg *out, enum exec_result *r)
{
    bool write = access == SR_WRITE;
    enum sysreg sr = sysreg_lookup(cpu_sysreg_enc(i));
    enum sr_mode mode = sr_mode(cpu);

    if (unlikely(sr == SR_NONE))
        return cpu_sysreg_check(cpu, i, access, out, r);
    if ((cpu->sr_quick[sr] & (write ? SR_FREE_WRITE(mode) : SR_FREE_READ(mode))) ||
        (mode == SR_MODE_EL1 && cpu->sr_allowed[write][sr] == cpu->trap_epoch)) {
        *out = sr_quick_target(sr, mode);
        return true;
    }
    if (!cpu_sysreg_check(cpu, i, access, out, r))
        return false;
    if (is_cacheable(sr, mode) && *out == sr)
        cpu->sr_allowed[write][sr] = cpu->trap_epoch;
    return true;
}

/* Rt as an event names it. */
static uint8_t reg_number(uint8_t reg)
{
    return reg < 31 ? reg : 31;
}

/* For an event: 0 where there is no value to see. */
static uint64_t value_of(const struct cpu *cpu, enum sysreg sr)
{
    uint64_t value = 0;

    cpu_sysreg_seen(cpu, sr, &value);
    return value;
}

enum exec_result cpu_mrs(struct cpu *cpu, const struct insn *i)
{
    enum exec_result r;
    enum sysreg sr;

    if (!access_register(cpu, i, SR_READ, &sr, &r))
        return r;
    const struct sysreg_row *row = &sysreg_rows[sr];
    if (row->rd | row->gic | row->take) {
        cpu_count_upto(cpu, i); /* counters must be exact */
        cpu->pc = insn_pc(cpu, i);
        if (row->rd == SYSREG_RD_PMU)
            pmu_sync(cpu); /* an overflow that is read has been told */
        else if (row->rd == SYSREG_RD_CNT_COUNT)
            spin_note_read(cpu, sr);
    }
    const bool shared = (row->rd | row->gic | row->take) && row->rd != SYSREG_RD_CNT_COUNT;
    if (shared)
        cpu_lock(cpu);
    uint64_t value = cpu_sysreg_get(cpu, sr);
    if (shared)
        cpu_unlock(cpu);
    cpu->x[i->rd] = value;
    CPU_FIRE(cpu, i, SYSREG_READ, sysreg_read, .sr = sysreg_number(sr), .name = cpu_sysreg_enc(i),
             .virt = cpu_sysreg_is_virtual(cpu, sr), .reg = reg_number(i->rd), .value = value);
    return row->gic || *cpu->env.pause ? EXEC_SYNC : cpu_next(cpu);
}

/* HCR_EL2.RW is RAO/WI where EL1 has AArch64 only: software that clears it works here and not on a
 * core with AArch32 at EL1. */
static void log_rw_cleared(struct cpu *cpu, const struct insn *i)
{
    if (cpu_sysreg_log_first(cpu, cpu_sysreg_enc(i)))
        LOG(cpu->log, SYSREG, GUEST,
            "cpu%u: %#llx: HCR_EL2.RW written as 0 stays 1: EL1 is AArch64 only here (RAO/WI); on "
            "a core whose EL1 has AArch32 too, as Cortex-A53, A57 and A72, an exception return to "
            "AArch64 EL1 or EL0 would be illegal",
            cpu->index, (unsigned long long)insn_pc(cpu, i));
}

/* Events belong to the name that is written, whatever register it stands for (arch/sysreg.def). */
static void count_write(struct cpu *cpu, const struct insn *i)
{
    uint8_t event = sysreg_rows[sysreg_lookup(cpu_sysreg_enc(i))].event;

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
    cpu_lock(cpu); /* for the GIC and the timers, and what else is nobody's own */
    r = cpu_sysreg_set(cpu, sr, value);
    cpu_unlock(cpu);
    if (unlikely(cpu->pmu_on)) {
        count_write(cpu, i);
        r = cpu->irq_check && r == EXEC_NEXT ? EXEC_SYNC : r;
    }
    CPU_FIRE(cpu, i, SYSREG_WRITE, sysreg_write, .sr = sysreg_number(sr), .name = cpu_sysreg_enc(i),
             .virt = cpu_sysreg_is_virtual(cpu, sr), .reg = reg_number(i->rd), .value = value,
             .before = before, .after = value_of(cpu, sr));
    if (r == EXEC_NEXT)
        r = cpu_next(cpu);
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
