/* The value of a register: one access with all checks done, and who looks or sets without any. */
#include "cpu/context.h"
#include "cpu/debug.h"
#include "cpu/interrupt.h"
#include "cpu/late.h"
#include "cpu/pmu.h"
#include "cpu/state.h"
#include "cpu/sysreg.h"
#include "cpu/sysreg_quick.h"
#include "cpu/timer.h"
#include "cpu/world.h"

typedef uint64_t reader_fn(const struct cpu *cpu, enum sysreg sr, unsigned el);
typedef void writer_fn(struct cpu *cpu, enum sysreg sr, uint64_t value);
typedef bool poker_fn(struct cpu *cpu, enum sysreg sr, uint64_t value);
typedef uint64_t taker_fn(struct cpu *cpu, enum sysreg sr);

static reader_fn *const readers[] = {
#define X(name, home) [SYSREG_RD_##name] = sr_read_##name,
    SYSREG_READERS(X)
#undef X
};

static writer_fn *const writers[] = {
#define X(name) [SYSREG_WR_##name] = sr_write_##name,
    SYSREG_WRITERS(X)
#undef X
};

/* Writers that are no good for who sets a value. */
static poker_fn *const pokers[] = {[SYSREG_WR_NONE] = NULL,
#define X(name) [SYSREG_WR_##name] = sr_poke_##name,
                                   SYSREG_POKERS(X)
#undef X
};

static taker_fn *const takers[] = {
#define X(name) [SYSREG_TAKE_##name] = sr_take_##name,
    SYSREG_TAKERS(X)
#undef X
};

/* ICC_ names the virtual interface (ICV_) at EL1 of a guest: IHI0069 12.1, HCR_EL2.{IMO,FMO}. */
static bool gic_is_virtual(const struct cpu *cpu, unsigned gic_class, unsigned el)
{
    uint64_t hcr = cpu_hcr(cpu);

    if (el != 1)
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

bool cpu_sysreg_is_virtual(const struct cpu *cpu, enum sysreg sr)
{
    return gic_is_virtual(cpu, sysreg_rows[sr].gic, cpu->ps.el);
}

/* As @el reads it. */
static __attribute__((noinline)) uint64_t gic_value(const struct cpu *cpu, enum sysreg sr,
                                                    unsigned el)
{
    return cpu->gic->read(cpu->gic_ctx, cpu->index, sr,
                          gic_is_virtual(cpu, sysreg_rows[sr].gic, el));
}

static inline __attribute__((always_inline)) uint64_t value_at(const struct cpu *cpu,
                                                               enum sysreg sr, unsigned el)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    if (row->rd)
        return readers[row->rd](cpu, sr, el);
    return row->gic ? gic_value(cpu, sr, el) : cpu->sr[sr];
}

/* IAR<n>: acknowledges. */
uint64_t sr_take_GIC(struct cpu *cpu, enum sysreg sr)
{
    return gic_value(cpu, sr, cpu->ps.el);
}

/* Is the value of @row what was written last, less bits that software cannot write? */
static bool is_plain(const struct sysreg_row *row)
{
    return !row->rd && !row->wr && !row->gic;
}

/* A direct read of what has been written and is late: of plain storage that value; else the write
 * takes effect, since more may follow from it. */
static bool read_late(struct cpu *cpu, enum sysreg sr, uint64_t *value)
{
    if (!is_plain(&sysreg_rows[sr])) {
        late_settle(cpu, sr);
        return false;
    }
    if (!late_value(cpu, sr, value))
        return false;
    *value = (*value & cpu->sr_mask[sr]) | cpu->sr_res1[sr];
    return true;
}

static inline uint64_t get(struct cpu *cpu, enum sysreg sr)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    return row->take ? takers[row->take](cpu, sr) : value_at(cpu, sr, cpu->ps.el);
}

static __attribute__((noinline)) uint64_t get_late(struct cpu *cpu, enum sysreg sr)
{
    uint64_t value;

    return (cpu->sr_quick[sr] & SR_LATE) && read_late(cpu, sr, &value) ? value : get(cpu, sr);
}

uint64_t cpu_sysreg_get(struct cpu *cpu, enum sysreg sr)
{
    return unlikely(cpu->late) ? get_late(cpu, sr) : get(cpu, sr);
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

static unsigned effects_now(const struct cpu *cpu, unsigned fx)
{
    bool idle = cpu->ps.el == 2 && (fx & SR_FX_BELOW_EL2);

    return fx & ~(idle ? SR_FX_BELOW_EL2 | SR_FX_REGIME | SR_FX_FP : SR_FX_BELOW_EL2);
}

static void store(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    value = (value & cpu->sr_mask[sr]) | cpu->sr_res1[sr];
    if (row->wr)
        writers[row->wr](cpu, sr, value);
    else
        cpu->sr[sr] = value;
}

static enum exec_result take_effect(struct cpu *cpu, enum sysreg sr, bool virt, uint64_t value)
{
    const struct sysreg_row *row = &sysreg_rows[sr];

    cpu->trap_epoch += (cpu->sr_quick[sr] & SR_TRAP_CONTROL) != 0;
    if (row->gic) {
        cpu->gic->write(cpu->gic_ctx, cpu->index, sr, virt, value);
        cpu->irq_check = true;
        return EXEC_SYNC;
    }
    if (row->fx & SR_FX_PMU)
        pmu_sync(cpu); /* what has retired counts as before */
    store(cpu, sr, value);
    if (row->fx & (SR_FX_REGIME | SR_FX_FP))
        cpu_other_context_changed(cpu);
    return cpu_sysreg_effects(cpu, effects_now(cpu, row->fx));
}

enum exec_result cpu_sysreg_set(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    bool virt = cpu_sysreg_is_virtual(cpu, sr);

    if (unlikely(cpu->sr_quick[sr] & SR_LATE) &&
        late_write(cpu, sr, virt, is_plain(&sysreg_rows[sr]), value))
        return cpu_next(cpu);
    return take_effect(cpu, sr, virt, value);
}

void cpu_sysreg_late_write(struct cpu *cpu, enum sysreg sr, bool virt, uint64_t value)
{
    if (cpu->sr_quick[sr] & SR_LATE)
        take_effect(cpu, sr, virt, value);
}

/* Who looks and sets. */

static bool is_there(const struct cpu *cpu, enum sysreg sr)
{
    unsigned el = sr == SR_SP_EL2 ? 2 : sysreg_min_el(sysreg_rows[sr].enc);

    return cpu_sysreg_implemented(cpu, sr) && (el != 2 || cpu->has_el2) &&
           (el != 3 || cpu_has_el3(cpu));
}

/* The register that has the value of @name; SR_NONE if there is none. */
static enum sysreg register_of(const struct cpu *cpu, enum sysreg name)
{
    const struct sysreg_row *row = &sysreg_rows[name];
    enum sysreg sr = row->alias ? (enum sysreg)row->alias : name;

    return sysreg_home(sr) != HOME_NONE && is_there(cpu, name) && is_there(cpu, sr) ? sr : SR_NONE;
}

static bool look(const struct cpu *cpu, enum sysreg name, unsigned el, uint64_t *value)
{
    if (likely(cpu->sr_quick[name] & SR_STORED)) {
        *value = cpu->sr[name];
        return true;
    }
    enum sysreg sr = register_of(cpu, name);
    if (sr == SR_NONE)
        return false;
    /* Of the GIC's and the timers' registers, what was written is near enough. */
    if (unlikely(cpu->sr_quick[sr] & SR_LATE) &&
        !(sysreg_rows[sr].fx & (SR_FX_PMU | SR_FX_DEBUG)) && late_value(cpu, sr, value))
        *value = (*value & cpu->sr_mask[sr]) | cpu->sr_res1[sr];
    else
        *value = value_at(cpu, sr, el);
    return true;
}

bool cpu_sysreg_peek(const struct cpu *cpu, enum sysreg sr, uint64_t *value)
{
    return look(cpu, sr, cpu_highest_el(cpu), value);
}

bool cpu_sysreg_seen(const struct cpu *cpu, enum sysreg sr, uint64_t *value)
{
    return look(cpu, sr, cpu->ps.el, value);
}

/* Put the value into its home. */
static bool put(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    const struct sysreg_row *row = &sysreg_rows[sr];
    poker_fn *poker = row->wr < ARRAY_SIZE(pokers) ? pokers[row->wr] : NULL;

    if (row->gic)
        cpu->gic->write(cpu->gic_ctx, cpu->index, sr, false, value);
    else if (poker)
        return poker(cpu, sr, (value & cpu->sr_mask[sr]) | cpu->sr_res1[sr]);
    else
        store(cpu, sr, value);
    return true;
}

bool cpu_sysreg_poke(struct cpu *cpu, enum sysreg name, uint64_t value)
{
    enum sysreg sr = register_of(cpu, name);

    if (sr == SR_NONE || !(sysreg_rows[sr].access & SR_WRITE))
        return false;
    if (cpu->late)
        late_synchronize(cpu);
    const bool counts = sysreg_rows[sr].fx & SR_FX_PMU;
    if (counts)
        pmu_sync(cpu);
    if (!put(cpu, sr, value))
        return false;
    if (counts)
        pmu_changed(cpu);
    cpu_state_changed(cpu);
    return true;
}
