/*
 * Counting. Instructions and cycles cost nothing while they execute: their counters are brought up
 * to date (pmu_sync) when the EL is about to change and when somebody looks, from the number of
 * retired instructions since the last time, and a clock event waits for their next overflow. Other
 * events are added as they happen. A cycle is one retired instruction, or an exception taken
 * instead of one: a counter never stands still between two reads that trap.
 */
#include "arch/sysreg.h"
#include "cpu/access.h"
#include "cpu/context.h"
#include "cpu/events.h"
#include "cpu/parallel.h"
#include "cpu/pmu.h"

#define CYCLE_COUNTER 31
#define CYCLE_DIVISOR 64 /* PMCR_EL0.D */

#define FOR_EACH_COUNTER(n)                                                                        \
    for (unsigned n = 0; n <= CYCLE_COUNTER; n = n == PMU_COUNTERS - 1 ? CYCLE_COUNTER : n + 1)

/* CU-choice: HPMN above the number of counters is that number, and 0 keeps all. */
unsigned pmu_first_of_el2(const struct cpu *cpu)
{
    uint64_t n = cpu->has_el2 ? MDCR_EL2_HPMN(cpu->sr[SR_MDCR_EL2]) : PMU_COUNTERS;

    return n < PMU_COUNTERS ? (unsigned)n : PMU_COUNTERS;
}

/* The cycle counter never does. */
static bool belongs_to_el2(const struct cpu *cpu, unsigned n)
{
    return n != CYCLE_COUNTER && n >= pmu_first_of_el2(cpu);
}

/* PMCR_EL0.E, or MDCR_EL2.HPME for EL2's range. */
static bool range_enabled(const struct cpu *cpu, unsigned n)
{
    return belongs_to_el2(cpu, n) ? MDCR_EL2_HPME(cpu->sr[SR_MDCR_EL2])
                                  : PMCR_EL0_E(cpu->sr[SR_PMCR_EL0]);
}

static bool enabled(const struct cpu *cpu, unsigned n)
{
    return range_enabled(cpu, n) && bit(cpu->sr[SR_PMCNTENSET_EL0], n);
}

/* CountPMUEvents(): prohibited regions and the filter, for what happens at @el. */
static bool counts_at(const struct cpu *cpu, unsigned n, unsigned el)
{
    uint64_t mdcr = cpu->has_el2 ? cpu->sr[SR_MDCR_EL2] : 0;
    uint64_t filter = cpu->sr[n == CYCLE_COUNTER ? SR_PMCCFILTR_EL0 : pmu_type_register(n)];

    if (el == 2 && !belongs_to_el2(cpu, n)) {
        bool hpmd = MDCR_EL2_HPMD(mdcr);
        if (n == CYCLE_COUNTER ? MDCR_EL2_HCCD(mdcr) || (hpmd && PMCR_EL0_DP(cpu->sr[SR_PMCR_EL0]))
                               : hpmd)
            return false;
    }
    if (el == 3) /* M is RES0 here */
        return !PMCCFILTR_EL0_P(filter);
    if (el == 2)
        return PMCCFILTR_EL0_NSH(filter);
    return !(el == 1 ? PMCCFILTR_EL0_P(filter) : PMCCFILTR_EL0_U(filter));
}

static enum sysreg value_register(unsigned n)
{
    return n == CYCLE_COUNTER ? SR_PMCCNTR_EL0 : pmu_counter_register(n);
}

/* The event of counter @n. Before PMUv3p1 evtCount has 10 bits (pmu.c). */
static uint64_t event_of(const struct cpu *cpu, unsigned n)
{
    return n == CYCLE_COUNTER ? PMU_EVENT_CPU_CYCLES
                              : cpu->sr[pmu_type_register(n)] & PMU_EVT_COUNT;
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

/* Does counter @n + 1 count overflows of @n? Not of one that is 64 bits long. */
static bool is_chained(const struct cpu *cpu, unsigned n)
{
    return n % 2 == 0 && n + 1 < PMU_COUNTERS && width(cpu, n) == 32 && enabled(cpu, n + 1) &&
           event_of(cpu, n + 1) == PMU_EVENT_CHAIN;
}

/* Counter @n after @count events more. */
static uint64_t advanced(const struct cpu *cpu, unsigned n, uint64_t count)
{
    uint64_t value = cpu->sr[value_register(n)] + count;

    return n == CYCLE_COUNTER || cpu_has(cpu, FEAT_PMUv3p5) ? value : zext(value, 32);
}

static bool overflows(const struct cpu *cpu, unsigned n, uint64_t count)
{
    return count > zext(~cpu->sr[value_register(n)], width(cpu, n));
}

static void advance(struct cpu *cpu, unsigned n, uint64_t count)
{
    bool overflow = overflows(cpu, n, count);
    uint64_t before = cpu->sr[SR_PMOVSSET_EL0];

    cpu->sr[value_register(n)] = advanced(cpu, n, count);
    if (!overflow)
        return;
    cpu->sr[SR_PMOVSSET_EL0] |= BIT(n);
    cpu_tell_hwreg(cpu, NULL, SR_PMOVSSET_EL0, before, ARM_HW_OVERFLOW);
}

/* AArch64.IncrementEventCounter(), for @count events at @el. */
static void add(struct cpu *cpu, unsigned n, uint64_t count, unsigned el)
{
    bool carry = overflows(cpu, n, count) && is_chained(cpu, n) && counts_at(cpu, n + 1, el);

    advance(cpu, n, count);
    if (carry)
        advance(cpu, n + 1, 1);
}

/* PMCR_EL0.D makes a count of 64 cycles, where LC does not overrule it. */
static uint64_t divisor(const struct cpu *cpu, unsigned n)
{
    uint64_t pmcr = cpu->sr[SR_PMCR_EL0];

    return n == CYCLE_COUNTER && PMCR_EL0_D(pmcr) && !PMCR_EL0_LC(pmcr) ? CYCLE_DIVISOR : 1;
}

/* What counter @n counts of @cycles. */
static uint64_t divided(const struct cpu *cpu, unsigned n, uint64_t cycles)
{
    return divisor(cpu, n) == 1 ? cycles : (cpu->pmu_divider + cycles) / CYCLE_DIVISOR;
}

/* @cycles have been counted. */
static void keep_remainder(struct cpu *cpu, unsigned n, uint64_t cycles)
{
    if (divisor(cpu, n) != 1)
        cpu->pmu_divider = (cpu->pmu_divider + cycles) % CYCLE_DIVISOR;
}

/* Does counter @n count time, at the current EL? */
static bool counts_time(const struct cpu *cpu, unsigned n)
{
    return pmu_how(event_of(cpu, n)) == PMU_TIME && enabled(cpu, n) &&
           counts_at(cpu, n, cpu->ps.el);
}

/* What counter @n has to count for @delta cycles: them, or the overflow that they lead to in the
 * counter before it. */
static uint64_t counted(const struct cpu *cpu, unsigned n, uint64_t delta)
{
    if (counts_time(cpu, n))
        return divided(cpu, n, delta);
    return n != CYCLE_COUNTER && n > 0 && is_chained(cpu, n - 1) && counts_time(cpu, n - 1) &&
           counts_at(cpu, n, cpu->ps.el) && overflows(cpu, n - 1, delta);
}

/* Instructions that the counters have not seen. One that pmu_leave_el() has counted is ahead of
 * cpu_retired() until it retires. */
static uint64_t unseen(const struct cpu *cpu, uint64_t now)
{
    return cpu->pmu_on && now > cpu->pmu_synced ? now - cpu->pmu_synced : 0;
}

static void sync_upto(struct cpu *cpu, uint64_t now)
{
    uint64_t delta = unseen(cpu, now), count[CYCLE_COUNTER + 1];

    if (now > cpu->pmu_synced)
        cpu->pmu_synced = now;
    if (!delta)
        return;
    FOR_EACH_COUNTER(n)
    count[n] = counted(cpu, n, delta);
    FOR_EACH_COUNTER(n)
    advance(cpu, n, count[n]);
    if (counts_time(cpu, CYCLE_COUNTER))
        keep_remainder(cpu, CYCLE_COUNTER, delta);
    pmu_update_line(cpu);
}

uint64_t pmu_value(const struct cpu *cpu, enum sysreg sr)
{
    uint64_t delta = unseen(cpu, cpu_retired(cpu));

    FOR_EACH_COUNTER(n)
    if (sr == value_register(n))
        return advanced(cpu, n, counted(cpu, n, delta));
    return cpu->sr[sr];
}

uint64_t pmu_overflows(const struct cpu *cpu)
{
    uint64_t delta = unseen(cpu, cpu_retired(cpu)), bits = cpu->sr[SR_PMOVSSET_EL0];

    FOR_EACH_COUNTER(n)
    if (overflows(cpu, n, counted(cpu, n, delta)))
        bits |= BIT(n);
    return bits;
}

/* What ends in an exception does not retire, but takes a cycle. */
static void count_lost_cycle(struct cpu *cpu)
{
    FOR_EACH_COUNTER(n)
    {
        if (event_of(cpu, n) == PMU_EVENT_CPU_CYCLES && enabled(cpu, n) &&
            counts_at(cpu, n, cpu->ps.el)) {
            add(cpu, n, divided(cpu, n, 1), cpu->ps.el);
            keep_remainder(cpu, n, 1);
        }
    }
    pmu_update_line(cpu);
}

void pmu_sync(struct cpu *cpu)
{
    sync_upto(cpu, cpu_retired(cpu));
}

void pmu_count(struct cpu *cpu, enum pmu_event event, uint64_t counters)
{
    for (unsigned n = 0; n < PMU_COUNTERS; n++)
        if (bit(counters, n) && event_of(cpu, n) == event && enabled(cpu, n) &&
            counts_at(cpu, n, cpu->ps.el))
            add(cpu, n, 1, cpu->ps.el);
    pmu_update_line(cpu);
}

/* How often an instruction that causes @event does: CU-choice (IMPLEMENTATION DEFINED for
 * MEM_ACCESS): all its reads are one access, and all its writes. */
static uint64_t occurrences(uint64_t event, unsigned accessed)
{
    const unsigned both = ACCESSED_READ | ACCESSED_WRITE;

    return event == PMU_EVENT_MEM_ACCESS && (accessed & both) == both ? 2 : 1;
}

void pmu_retire(struct cpu *cpu, const struct insn *i, enum exec_result r, unsigned el)
{
    uint64_t events = pmu_insn_events((enum a64_op)i->op, r != EXEC_NEXT, cpu->accessed);

    if (!events)
        return;
    for (unsigned n = 0; n < PMU_COUNTERS; n++) {
        uint64_t event = event_of(cpu, n);
        if (event < 64 && bit(events, (unsigned)event) && enabled(cpu, n) && counts_at(cpu, n, el))
            add(cpu, n, occurrences(event, cpu->accessed), el);
    }
    pmu_update_line(cpu);
}

void pmu_update_line(struct cpu *cpu)
{
    uint64_t pending = cpu->sr[SR_PMOVSSET_EL0] & cpu->sr[SR_PMINTENSET_EL1];
    bool level = false;

    FOR_EACH_COUNTER(n)
    level |= bit(pending, n) && range_enabled(cpu, n);
    if (level != cpu->pmu_level) {
        cpu->pmu_level = level;
        cpu_lock(cpu);
        irq_set(&cpu->pmu_line, level);
        cpu_unlock(cpu);
    }
}

/* Could an overflow of counter @n raise the interrupt, itself or through the chain? */
static bool may_interrupt(const struct cpu *cpu, unsigned n)
{
    uint64_t quiet = ~cpu->sr[SR_PMINTENSET_EL1] | cpu->sr[SR_PMOVSSET_EL0];

    return !bit(quiet, n) || (is_chained(cpu, n) && !bit(quiet, n + 1));
}

/* When the first counter that may interrupt overflows, if the EL and the CPU stay as they are. */
static uint64_t next_overflow_ns(const struct cpu *cpu)
{
    uint64_t next = CLOCK_NEVER, now = clock_now_ns(cpu->clock);

    FOR_EACH_COUNTER(n)
    {
        uint64_t room, wait;

        if (pmu_how(event_of(cpu, n)) != PMU_TIME || !enabled(cpu, n) || !may_interrupt(cpu, n) ||
            !counts_at(cpu, n, cpu->ps.el))
            continue;
        room = zext(~cpu->sr[value_register(n)], width(cpu, n));
        if (__builtin_mul_overflow(room, divisor(cpu, n), &wait) || wait >= CLOCK_NEVER - now - 1)
            continue;
        if (now + wait + 1 < next)
            next = now + wait + 1;
    }
    return next;
}

static void wait_for_overflow(struct cpu *cpu)
{
    uint64_t next = next_overflow_ns(cpu);

    if (next == cpu->pmu_event.deadline_ns)
        return;
    cpu_lock(cpu);
    clock_event_set(cpu->clock, &cpu->pmu_event, next);
    cpu_unlock(cpu);
}

void pmu_deadline(struct cpu *cpu)
{
    pmu_sync(cpu);
    wait_for_overflow(cpu);
}

static void deadline(void *ctx, uint64_t now_ns)
{
    struct cpu *cpu = ctx;

    (void)now_ns;
    if (!cpu_asked(cpu, CPU_ASK_PMU))
        pmu_deadline(cpu);
}

void pmu_leave_el(struct cpu *cpu, enum pmu_event event, bool completed)
{
    pmu_count(cpu, event, ~UINT64_C(0));
    sync_upto(cpu, cpu_retired(cpu) + completed);
    if (!completed)
        count_lost_cycle(cpu);
}

void pmu_enter_el(struct cpu *cpu)
{
    wait_for_overflow(cpu);
}

void pmu_follow(struct cpu *cpu)
{
    bool on = false, insns = false, accesses = false;

    FOR_EACH_COUNTER(n)
    {
        enum pmu_how how = pmu_how(event_of(cpu, n));

        if (!enabled(cpu, n))
            continue;
        on = true;
        accesses |= how == PMU_ACCESS;
        insns |= how == PMU_INSN || how == PMU_ACCESS;
    }
    cpu->pmu_on = on;
    cpu->pmu_insns = insns;
    pmu_update_line(cpu);
    if (accesses != cpu->pmu_accesses) {
        cpu->pmu_accesses = accesses;
        cpu_context_changed(cpu);
    }
}

void pmu_changed(struct cpu *cpu)
{
    pmu_follow(cpu);
    wait_for_overflow(cpu);
}

void cpu_pmu_create(struct cpu *cpu)
{
    cpu->pmu_event = (struct clock_event){.fn = deadline, .ctx = cpu};
    clock_event_add(cpu->clock, &cpu->pmu_event, "cpu%u.pmu", cpu->index);
}
