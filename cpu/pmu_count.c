/*
 * Counting. Nothing is done per instruction: counters are brought up to date (pmu_sync) when the EL
 * is about to change and when somebody looks, from the number of retired instructions since the
 * last time. A cycle is one retired instruction.
 */
#include "arch/sysreg.h"
#include "cpu/pmu.h"

#define CYCLE_COUNTER 31
#define EVENT_MASK    0xffff
#define FILTER_P      BIT(31) /* not at EL1 */
#define FILTER_U      BIT(30) /* not at EL0 */
#define FILTER_NSH    BIT(27) /* also at EL2 */

static unsigned hpmn(const struct cpu *cpu)
{
    uint64_t n = cpu->has_el2 ? MDCR_EL2_HPMN(cpu->sr[SR_MDCR_EL2]) : PMU_COUNTERS;

    return n < PMU_COUNTERS ? (unsigned)n : PMU_COUNTERS;
}

/* The range that MDCR_EL2.HPMN keeps for EL2. The cycle counter is never in it. */
static bool belongs_to_el2(const struct cpu *cpu, unsigned n)
{
    return n != CYCLE_COUNTER && n >= hpmn(cpu);
}

static bool enabled(const struct cpu *cpu, unsigned n)
{
    bool on = belongs_to_el2(cpu, n) ? MDCR_EL2_HPME(cpu->sr[SR_MDCR_EL2])
                                     : PMCR_EL0_E(cpu->sr[SR_PMCR_EL0]);

    return on && bit(cpu->sr[SR_PMCNTENSET_EL0], n);
}

/* CountPMUEvents(): prohibited regions and the filter, at the current EL. */
static bool counts_here(const struct cpu *cpu, unsigned n)
{
    uint64_t mdcr = cpu->has_el2 ? cpu->sr[SR_MDCR_EL2] : 0;
    uint64_t filter = cpu->sr[n == CYCLE_COUNTER ? SR_PMCCFILTR_EL0 : pmu_type_register(n)];

    if (cpu->ps.el == 2 && !belongs_to_el2(cpu, n)) {
        bool hpmd = MDCR_EL2_HPMD(mdcr);
        if (n == CYCLE_COUNTER ? MDCR_EL2_HCCD(mdcr) || (hpmd && PMCR_EL0_DP(cpu->sr[SR_PMCR_EL0]))
                               : hpmd)
            return false;
    }
    if (cpu->ps.el == 2)
        return filter & FILTER_NSH;
    return !(filter & (cpu->ps.el == 1 ? FILTER_P : FILTER_U));
}

static enum sysreg value_register(unsigned n)
{
    return n == CYCLE_COUNTER ? SR_PMCCNTR_EL0 : pmu_counter_register(n);
}

/* Bits after which counter @n overflows. */
static unsigned width(const struct cpu *cpu, unsigned n)
{
    if (n == CYCLE_COUNTER)
        return PMCR_EL0_LC(cpu->sr[SR_PMCR_EL0]) ? 64 : 32;
    if (!cpu_has(cpu, FEAT_PMUv3p5))
        return 32;
    bool is_long = belongs_to_el2(cpu, n) ? MDCR_EL2_HLP(cpu->sr[SR_MDCR_EL2])
                                          : PMCR_EL0_LP(cpu->sr[SR_PMCR_EL0]);
    return is_long ? 64 : 32;
}

static void overflow(struct cpu *cpu, unsigned n);

static void add(struct cpu *cpu, unsigned n, uint64_t count)
{
    uint64_t *v = &cpu->sr[value_register(n)];
    unsigned w = width(cpu, n);
    uint64_t before = zext(*v, w), room = zext(~before, w);

    *v += count;
    if (n != CYCLE_COUNTER && !cpu_has(cpu, FEAT_PMUv3p5))
        *v = zext(*v, 32);
    if (count > room)
        overflow(cpu, n);
}

/* Also counts one for an odd counter that is chained to this one. */
static void overflow(struct cpu *cpu, unsigned n)
{
    cpu->sr[SR_PMOVSSET_EL0] |= BIT(n);
    if (n < PMU_COUNTERS - 1 && n % 2 == 0 && enabled(cpu, n + 1) &&
        (cpu->sr[pmu_type_register(n + 1)] & EVENT_MASK) == PMU_EVENT_CHAIN)
        add(cpu, n + 1, 1);
}

/* Is this an event that pmu_sync() counts from retired instructions? */
static bool counts_instructions(const struct cpu *cpu, unsigned n)
{
    uint64_t event = cpu->sr[pmu_type_register(n)] & EVENT_MASK;

    return event == PMU_EVENT_INST_RETIRED || event == PMU_EVENT_CPU_CYCLES;
}

static bool counts_time(const struct cpu *cpu, unsigned n)
{
    return n == CYCLE_COUNTER
               ? !PMCR_EL0_D(cpu->sr[SR_PMCR_EL0]) || PMCR_EL0_LC(cpu->sr[SR_PMCR_EL0])
               : counts_instructions(cpu, n);
}

/* PMCR_EL0.D: one cycle of 64, where LC does not overrule it. */
static uint64_t divided_cycles(struct cpu *cpu, uint64_t delta)
{
    uint64_t all = cpu->pmu_divider + delta;

    cpu->pmu_divider = all % 64;
    return all / 64;
}

#define FOR_EACH_COUNTER(n)                                                                        \
    for (unsigned n = 0; n <= CYCLE_COUNTER; n = n == PMU_COUNTERS - 1 ? CYCLE_COUNTER : n + 1)

void pmu_sync(struct cpu *cpu)
{
    uint64_t now = cpu_retired(cpu), delta = now - cpu->pmu_synced;

    cpu->pmu_synced = now;
    if (!cpu->pmu_on || !delta)
        return;
    FOR_EACH_COUNTER(n)
    {
        if (!enabled(cpu, n) || !counts_here(cpu, n))
            continue;
        if (counts_time(cpu, n))
            add(cpu, n, delta);
        else if (n == CYCLE_COUNTER)
            add(cpu, n, divided_cycles(cpu, delta));
    }
    pmu_update_line(cpu);
}

void pmu_count(struct cpu *cpu, enum pmu_event event, uint64_t counters)
{
    for (unsigned n = 0; n < PMU_COUNTERS; n++)
        if (bit(counters, n) && (cpu->sr[pmu_type_register(n)] & EVENT_MASK) == event &&
            enabled(cpu, n) && counts_here(cpu, n))
            add(cpu, n, 1);
    pmu_update_line(cpu);
}

void pmu_update_line(struct cpu *cpu)
{
    uint64_t pending = cpu->sr[SR_PMOVSSET_EL0] & cpu->sr[SR_PMINTENSET_EL1];
    bool level = false;

    FOR_EACH_COUNTER(n)
    if (bit(pending, n) && (belongs_to_el2(cpu, n) ? MDCR_EL2_HPME(cpu->sr[SR_MDCR_EL2])
                                                   : PMCR_EL0_E(cpu->sr[SR_PMCR_EL0])))
        level = true;
    if (level != cpu->pmu_level) {
        cpu->pmu_level = level;
        irq_set(&cpu->pmu_line, level);
    }
}

/* When the first counter that may interrupt could overflow, if all that retires counts. */
static uint64_t next_overflow_ns(const struct cpu *cpu)
{
    uint64_t next = CLOCK_NEVER, now = clock_now_ns(cpu->clock);

    FOR_EACH_COUNTER(n)
    {
        uint64_t room;

        if (!enabled(cpu, n) || !bit(cpu->sr[SR_PMINTENSET_EL1], n) ||
            bit(cpu->sr[SR_PMOVSSET_EL0], n) || !counts_time(cpu, n))
            continue;
        room = zext(~cpu->sr[value_register(n)], width(cpu, n));
        if (room < UINT64_MAX - now - 1 && now + room + 1 < next)
            next = now + room + 1;
    }
    return next;
}

static void deadline(void *ctx, uint64_t now_ns)
{
    struct cpu *cpu = ctx;

    (void)now_ns;
    pmu_sync(cpu);
    clock_event_set(cpu->clock, &cpu->pmu_deadline, next_overflow_ns(cpu));
}

void pmu_changed(struct cpu *cpu)
{
    cpu->pmu_on = false;
    FOR_EACH_COUNTER(n)
    cpu->pmu_on |= enabled(cpu, n);
    pmu_update_line(cpu);
    clock_event_set(cpu->clock, &cpu->pmu_deadline, next_overflow_ns(cpu));
}

void cpu_pmu_create(struct cpu *cpu)
{
    cpu->pmu_deadline = (struct clock_event){.fn = deadline, .ctx = cpu};
    clock_event_add(cpu->clock, &cpu->pmu_deadline);
}
