/*
 * The PMU: counters count this guest's instructions and nobody else's, keep what they hold,
 * overflow and interrupt; registers are kept. Without a PMUv3 there is nothing to do (DDI0487, "The
 * Performance Monitors Extension"). What cannot be counted, PMCEID0_EL0 says.
 */
#include "hyp/guests/lib/disturb.h"
#include "hyp/guests/lib/gic.h"
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/report.h"
#include "hyp/guests/lib/smp.h"

#define PMCR_E  BIT(0)
#define PMCR_P  BIT(1)
#define PMCR_C  BIT(2)
#define PMCR_LC BIT(6)
#define CYCLES  BIT(31)

#define EVENT_SW_INCR      0x00
#define EVENT_INST_RETIRED 0x08
#define SLACK              64 /* instructions around the loop that are counted with it */

enum {
    BREAK_COUNTER,
    BREAK_REGISTER,
    BREAK_INCREMENT,
    BREAK_INSTRUCTIONS,
    BREAK_OVERFLOW,
    BREAK_CYCLES,
};
static const char *const breaks[] = {"counter", "register", "increment", "instructions", "overflow",
                                     "cycles",  0};

static uint64_t rounds, interrupts[MAX_CPUS], instructions_counted[MAX_CPUS];
static unsigned counters;

static void select(unsigned n)
{
    msr(pmselr_el0, n);
}

static void set_counter(unsigned n, uint64_t event, uint64_t value)
{
    select(n);
    msr(pmxevtyper_el0, event);
    msr(pmxevcntr_el0, value);
}

static uint64_t counter(unsigned n)
{
    select(n);
    return mrs(pmxevcntr_el0);
}

/* All off and zero. */
static void reset(void)
{
    msr(pmcntenclr_el0, UINT32_MAX);
    msr(pmintenclr_el1, UINT32_MAX);
    msr(pmovsclr_el0, UINT32_MAX);
    msr(pmcr_el0, PMCR_LC | PMCR_P | PMCR_C | PMCR_E);
    msr(pmccfiltr_el0, 0);
    for (unsigned n = 0; n < counters; n++)
        set_counter(n, EVENT_SW_INCR, 0);
}

/* Registers and stopped counters are kept. */
static void kept(struct random *r, uint64_t round)
{
    uint32_t value[32],
        enable = (uint32_t)random_next(r) & ((uint32_t)(BIT(counters) - 1) | CYCLES);
    uint64_t cycles = random_next(r), userenr = random_next(r) & 0xf, filter;
    unsigned selected;

    msr(pmcr_el0, PMCR_LC);
    for (unsigned n = 0; n < counters; n++) {
        value[n] = (uint32_t)random_next(r);
        set_counter(n, EVENT_SW_INCR | (n & 1 ? BIT(31) : 0), value[n]);
    }
    msr(pmccntr_el0, cycles);
    msr(pmccfiltr_el0, BIT(30));
    filter = mrs(pmccfiltr_el0);
    msr(pmcntenset_el0, enable);
    msr(pmuserenr_el0, userenr);
    selected = random_below(r, counters ? counters : 1);
    select(selected);
    disturb(r);
    disturb(r);
    if (sabotage(BREAK_REGISTER))
        msr(pmuserenr_el0, userenr ^ 4);
    expect("PMSELR_EL0", mrs(pmselr_el0) & 31, selected);
    expect("PMUSERENR_EL0", mrs(pmuserenr_el0) & 0xf, userenr);
    expect("PMCNTENSET_EL0", mrs(pmcntenset_el0), enable);
    expect("PMCCFILTR_EL0", mrs(pmccfiltr_el0), filter);
    expect("PMCR_EL0.E", mrs(pmcr_el0) & PMCR_E, 0);
    if (sabotage(BREAK_COUNTER))
        set_counter(0, EVENT_SW_INCR, value[0] + 1);
    for (unsigned n = 0; n < counters; n++)
        require((uint32_t)counter(n) == value[n],
                "round %lu: stopped counter %u: expected %x, got %lx", round, n, value[n],
                counter(n));
    expect("PMCCNTR_EL0, stopped", mrs(pmccntr_el0), cycles);
    msr(pmuserenr_el0, 0);
}

/* Counted by software, so exactly. */
static void software(struct random *r)
{
    unsigned n = random_below(r, counters), count = 1 + random_below(r, 40);
    uint32_t start = (uint32_t)random_next(r);

    set_counter(n, EVENT_SW_INCR, start);
    msr(pmcntenset_el0, BIT(n));
    for (unsigned k = 0; k < count; k++) {
        msr(pmswinc_el0, BIT(n));
        if (k % 8 == 0)
            disturb(r);
    }
    if (sabotage(BREAK_INCREMENT))
        msr(pmswinc_el0, BIT(n));
    expect("counter of PMSWINC_EL0", (uint32_t)counter(n), (uint32_t)(start + count));
}

static void loop(uint64_t iterations)
{
    __asm__ volatile("1: subs %0, %0, #1; b.ne 1b" : "+r"(iterations)::"cc");
}

/* Of a loop, long enough for a hypervisor to run others meanwhile. */
static void instructions(struct random *r, uint64_t round)
{
    unsigned n = random_below(r, counters);
    uint64_t iterations = 1000 + random_below(r, 50000), count;

    irqs_off();
    set_counter(n, EVENT_INST_RETIRED, 0);
    msr(pmcntenset_el0, BIT(n));
    loop(iterations + (sabotage(BREAK_INSTRUCTIONS) ? SLACK : 0));
    msr(pmcntenclr_el0, BIT(n));
    irqs_on();
    count = (uint32_t)counter(n);
    require(count >= 2 * iterations && count <= 2 * iterations + SLACK,
            "round %lu: INST_RETIRED of %lu instructions: %lu", round, 2 * iterations, count);
    instructions_counted[cpu_index()] += count;
}

/* Cycles count on while enabled, whatever happens, and do not go back. */
static void cycles(struct random *r)
{
    uint64_t before, after;

    msr(pmcntenset_el0, CYCLES);
    before = mrs(pmccntr_el0);
    for (unsigned n = 0; n < 3; n++) {
        disturb(r);
        loop(100);
        if (sabotage(BREAK_CYCLES))
            msr(pmccntr_el0, before - 1000000);
        after = mrs(pmccntr_el0);
        require((int64_t)(after - before) > 0, "PMCCNTR_EL0: %lx, later %lx", before, after);
        before = after;
    }
}

/* PMOVSSET and the interrupt, a level that PMOVSCLR takes away. */
static void overflow(struct random *r)
{
    bool by_cycles = random_below(r, 2) || !counters;
    unsigned n = by_cycles ? 31 : random_below(r, counters);
    uint64_t since = now(), overflowed;

    irqs_off();
    gic_bit(GICD_ISENABLER, platform.pmu_intid);
    gic_priority(platform.pmu_intid, 0x20);
    gic_mask(0x40); /* nothing else */
    if (by_cycles) {
        msr(pmccntr_el0, -(uint64_t)(1000 + random_below(r, 10000)));
    } else {
        set_counter(n, EVENT_SW_INCR, UINT32_MAX);
    }
    msr(pmintenset_el1, BIT(n));
    msr(pmcntenset_el0, BIT(n));
    if (!by_cycles)
        msr(pmswinc_el0, BIT(n));
    if (sabotage(BREAK_OVERFLOW))
        reset();
    while (!(mrs(isr_el1) & BIT(7)))
        require(patient(since), "no interrupt of counter %u; PMOVSSET %lx, PMCCNTR %lx", n,
                mrs(pmovsset_el0), mrs(pmccntr_el0));
    overflowed = mrs(pmovsset_el0);
    expect("the PMU's interrupt", gic_acknowledge(), platform.pmu_intid);
    expect("PMOVSSET_EL0", overflowed, BIT(n));
    msr(pmintenclr_el1, BIT(n));
    msr(pmovsclr_el0, BIT(n));
    gic_end(platform.pmu_intid);
    gic_bit(GICD_ICENABLER, platform.pmu_intid);
    expect("PMOVSSET_EL0 when cleared", mrs(pmovsset_el0), 0);
    gic_mask(0xff);
    irqs_on();
}

static void test(unsigned cpu)
{
    struct random r = {option_number("seed", 1) * MAX_CPUS + cpu};
    bool retired = mrs(pmceid0_el0) & BIT(EVENT_INST_RETIRED);

    disturb_init(0);
    irqs_on();
    for (uint64_t round = 0; round < rounds; round++) {
        smp_progress(round);
        reset();
        switch (round % 5) {
        case 0:
            kept(&r, round);
            break;
        case 1:
            if (counters)
                software(&r);
            break;
        case 2:
            if (counters && retired)
                instructions(&r, round);
            break;
        case 3:
            cycles(&r);
            break;
        default:
            if (platform.pmu_intid)
                overflow(&r);
            break;
        }
    }
    reset();
    disturb_end();
    interrupts[cpu] = disturb_interrupts();
}

static void run(void)
{
    uint64_t version = FIELD(mrs(id_aa64dfr0_el1), 11, 8)
    , total = 0, counted = 0;

    rounds = option_number("rounds", 100);
    if (version == 0 || version == 0xf)
        report_ok("absent");
    counters = (unsigned)FIELD(mrs(pmcr_el0), 15, 11);
    smp_run(test);
    for (unsigned cpu = 0; cpu < platform.cpus; cpu++) {
        total += interrupts[cpu];
        counted += instructions_counted[cpu];
    }
    report_ok("vcpus=%u counters=%u rounds=%lu instructions=%lu interrupts=%lu", platform.cpus,
              counters, rounds, counted, total);
}

const struct guest guest = {.name = "pmu", .breaks = breaks, .run = run};
