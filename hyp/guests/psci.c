/*
 * PSCI: what it answers, whom it starts, with which context, and races: every CPU that runs
 * switches others on and itself off at random, and at the end each has started as often as somebody
 * was told so (DEN0022; DEN0028 for SMCCC, DEN0057 for stolen time).
 */
#include "hyp/guests/lib/psci.h"

#include "hyp/guests/lib/gic.h"
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/random.h"
#include "hyp/guests/lib/report.h"
#include "hyp/guests/lib/smp.h"

#define NOBODY           UINT64_C(0x00ffffff) /* an affinity that no board has */
#define UNKNOWN_FUNCTION UINT64_C(0x840000fe)
#define POWER_DOWN       BIT(16)
#define DAIF_ALL         UINT64_C(0x3c0)

enum { BREAK_CONTEXT, BREAK_START, BREAK_AFFINITY, BREAK_ENTRY, BREAK_WAKE };
static const char *const breaks[] = {"context", "start", "affinity", "entry", "wake", 0};

extern char psci_entry[];

/* What psci_entry.S finds. */
struct entry {
    uint64_t mpidr, context, el, daif, sctlr, spsel, unused[2];
} psci_entries[MAX_CPUS] __attribute__((aligned(64)));

static uint64_t rounds;

static int32_t affinity_info(unsigned cpu)
{
    return psci32(PSCI_AFFINITY_INFO_64, platform.mpidr[cpu], 0, 0);
}

static void expect_answer(const char *what, int32_t got, int32_t expected)
{
    require(got == expected, "%s: expected %x, got %x", what, (unsigned)expected, (unsigned)got);
}

static void answers(void)
{
    static const struct {
        const char *name;
        uint64_t function;
    } there[] = {
        {"PSCI_FEATURES of PSCI_VERSION", PSCI_VERSION},
        {"PSCI_FEATURES of PSCI_FEATURES", PSCI_FEATURES},
        {"PSCI_FEATURES of CPU_SUSPEND", PSCI_CPU_SUSPEND_64},
        {"PSCI_FEATURES of CPU_SUSPEND, 32 bits", PSCI_CPU_SUSPEND_32},
        {"PSCI_FEATURES of CPU_OFF", PSCI_CPU_OFF},
        {"PSCI_FEATURES of CPU_ON", PSCI_CPU_ON_64},
        {"PSCI_FEATURES of CPU_ON, 32 bits", PSCI_CPU_ON_32},
        {"PSCI_FEATURES of AFFINITY_INFO", PSCI_AFFINITY_INFO_64},
        {"PSCI_FEATURES of AFFINITY_INFO, 32 bits", PSCI_AFFINITY_INFO_32},
        {"PSCI_FEATURES of SYSTEM_OFF", PSCI_SYSTEM_OFF},
        {"PSCI_FEATURES of SYSTEM_RESET", PSCI_SYSTEM_RESET},
    };
    uint64_t self = platform.mpidr[0], entry = (uint64_t)psci_entry;

    for (unsigned n = 0; n < ARRAY_SIZE(there); n++)
        require(psci32(PSCI_FEATURES, there[n].function, 0, 0) >= 0, "%s: it is mandatory",
                there[n].name);
    expect_answer("PSCI_FEATURES of an unknown function",
                  psci32(PSCI_FEATURES, UNKNOWN_FUNCTION, 0, 0), PSCI_NOT_SUPPORTED);
    expect_answer("an unknown function", psci32(UNKNOWN_FUNCTION, 0, 0, 0), PSCI_NOT_SUPPORTED);
    expect_answer("CPU_ON of oneself", psci32(PSCI_CPU_ON_64, self, entry, 0), PSCI_ALREADY_ON);
    expect_answer("CPU_ON of nobody", psci32(PSCI_CPU_ON_64, NOBODY, entry, 0),
                  PSCI_INVALID_PARAMETERS);
    expect_answer("CPU_ON, 32 bits, of nobody", psci32(PSCI_CPU_ON_32, NOBODY, entry, 0),
                  PSCI_INVALID_PARAMETERS);
    expect_answer("AFFINITY_INFO of oneself", affinity_info(0), PSCI_ON);
    expect_answer("AFFINITY_INFO, 32 bits, of oneself", psci32(PSCI_AFFINITY_INFO_32, self, 0, 0),
                  PSCI_ON);
    expect_answer("AFFINITY_INFO of nobody", psci32(PSCI_AFFINITY_INFO_64, NOBODY, 0, 0),
                  PSCI_INVALID_PARAMETERS);
}

/* Return: SMCCC's version, 1.0 where it is not offered. */
static unsigned smccc_version(void)
{
    int32_t version;

    if (psci32(PSCI_FEATURES, SMCCC_VERSION, 0, 0) != PSCI_SUCCESS)
        return 0x10000;
    version = psci32(SMCCC_VERSION, 0, 0, 0);
    require(version >= 0x10001, "SMCCC_VERSION is offered, and is %x", (unsigned)version);
    return (unsigned)version;
}

/* Stolen time, DEN0057: a structure whose count only grows, and not faster than time. */
struct stolen {
    uint32_t revision, attributes;
    uint64_t ns;
};

static const volatile struct stolen *stolen_time(void)
{
    int64_t at;

    if (psci32(PSCI_FEATURES, SMCCC_VERSION, 0, 0) != PSCI_SUCCESS ||
        psci32(SMCCC_ARCH_FEATURES, PV_TIME_FEATURES, 0, 0) != PSCI_SUCCESS ||
        psci32(PV_TIME_FEATURES, PV_TIME_ST, 0, 0) != PSCI_SUCCESS)
        return 0;
    at = psci(PV_TIME_ST, 0, 0, 0);
    require(at > 0 && at % 64 == 0, "PV_TIME_ST: %lx", (uint64_t)at);
    return (const volatile struct stolen *)at;
}

static void check_stolen(const volatile struct stolen *s, uint64_t before, uint64_t elapsed_ticks)
{
    uint64_t elapsed_ns = elapsed_ticks * 1000000000 / mrs(cntfrq_el0);

    expect("stolen time's revision", s->revision, 0);
    expect("stolen time's attributes", s->attributes, 0);
    require(s->ns >= before && s->ns - before <= elapsed_ns + 1000,
            "stolen time: from %lu to %lu ns, while %lu ns passed", before, s->ns, elapsed_ns);
}

/* CPU_SUSPEND to standby, interrupts masked: it ends at the interrupt, or before for no reason. */
static void suspend_by_timer(struct random *r)
{
    uint64_t deadline = now() + ticks_of_us(random_below(r, 200)), since = now();

    gic_bit(GICD_ISENABLER, platform.vtimer_intid);
    msr(cntv_cval_el0, deadline);
    msr(cntv_ctl_el0, sabotage(BREAK_WAKE) ? 3 : 1);
    while (!(mrs(isr_el1) & BIT(7))) {
        require(patient(since), "CPU_SUSPEND: the timer does not wake");
        if (mrs(cntv_ctl_el0) & 2)
            continue; /* would never wake */
        expect_answer("CPU_SUSPEND to standby", psci32(PSCI_CPU_SUSPEND_64, 0, 0, 0), PSCI_SUCCESS);
    }
    require(now() >= deadline, "CPU_SUSPEND: the timer wakes early");
    expect("what woke", gic_acknowledge(), platform.vtimer_intid);
    msr(cntv_ctl_el0, 0);
    gic_end(platform.vtimer_intid);
}

static void suspend_by_sgi(void)
{
    gic_send(SGI_GUEST, cpu_index());
    expect_answer("CPU_SUSPEND with an SGI pending", psci32(PSCI_CPU_SUSPEND_64, 0, 0, 0),
                  PSCI_SUCCESS);
    expect("what woke", gic_acknowledge(), SGI_GUEST);
    gic_end(SGI_GUEST);
}

static void check_entry(unsigned cpu)
{
    struct entry *e = &psci_entries[cpu];

    if (sabotage(BREAK_ENTRY))
        e->sctlr |= 1;
    expect("EL at the entry", FIELD(e->el, 3, 2), 1);
    expect("DAIF at the entry", e->daif, DAIF_ALL);
    expect("SPSel at the entry", e->spsel, 1);
    expect("SCTLR_EL1's M, C and I at the entry", e->sctlr & (BIT(0) | BIT(2) | BIT(12)), 0);
}

/* The storm. What each caller was told, by target: how many times SUCCESS, and the sum of the
 * contexts. What each target has found. */
static struct told {
    volatile uint64_t count, sum;
} told[MAX_CPUS][MAX_CPUS], found[MAX_CPUS];
static volatile bool over;
static struct random randoms[MAX_CPUS];

static void switch_on(unsigned me, unsigned target, struct random *r)
{
    uint64_t context = random_next(r);
    int32_t answer = psci32(PSCI_CPU_ON_64, platform.mpidr[target], (uint64_t)psci_entry, context);

    if (answer == PSCI_SUCCESS) {
        told[me][target].count++;
        told[me][target].sum += context + sabotage(BREAK_CONTEXT);
    } else {
        require(answer == PSCI_ALREADY_ON || answer == PSCI_ON_PENDING, "CPU_ON in the storm: %x",
                (unsigned)answer);
    }
}

/* docs/divergences.md, psci-on-pending: QEMU says SUCCESS more than once before a CPU has started,
 * so there only one at a time switches it on, and waits until it has. */
static unsigned held[MAX_CPUS];

static void switch_on_alone(unsigned me, unsigned target, struct random *r)
{
    uint64_t starts, before = told[me][target].count;

    if (__atomic_exchange_n(&held[target], 1, __ATOMIC_SEQ_CST))
        return;
    starts = found[target].count;
    switch_on(me, target, r);
    if (told[me][target].count != before)
        smp_wait(&found[target].count, starts + 1, "starts of a CPU that was switched on");
    __atomic_store_n(&held[target], 0, __ATOMIC_SEQ_CST);
}

static void spin(struct random *r)
{
    for (unsigned n = random_below(r, 200); n; n--)
        insn("yield");
}

static void storm_step(unsigned me, struct random *r)
{
    unsigned target = random_below(r, platform.cpus);
    int32_t state;

    switch (random_below(r, 4)) {
    case 0:
        state = affinity_info(target);
        require(state >= PSCI_ON && state <= PSCI_IS_PENDING, "AFFINITY_INFO in the storm: %x",
                (unsigned)state);
        break;
    case 1:
        spin(r);
        break;
    default:
        if (option_is("differs", "psci-on-pending"))
            switch_on_alone(me, target, r);
        else
            switch_on(me, target, r);
        break;
    }
}

/* Each start of a CPU in the storm; returning switches it off. */
static void stormed(uint64_t cpu)
{
    struct random *r = &randoms[cpu];

    found[cpu].count += 1 + sabotage(BREAK_START);
    found[cpu].sum += psci_entries[cpu].context;
    check_entry((unsigned)cpu);
    for (unsigned n = random_below(r, 20); n && !over; n--)
        storm_step((unsigned)cpu, r);
}

/* Off, all of them, and nobody left who could switch one on. */
static void wait_all_off(void)
{
    for (unsigned pass = 0; pass < platform.cpus; pass++)
        for (unsigned cpu = 1; cpu < platform.cpus; cpu++)
            smp_wait_off(cpu);
}

/* docs/divergences.md, psci-on-pending: QEMU says SUCCESS more than once before a
 * CPU has started. */
static uint64_t storm(void)
{
    uint64_t starts = 0;

    for (uint64_t round = 0; round < rounds; round++) {
        storm_step(0, &randoms[0]);
        spin(&randoms[0]);
    }
    over = true;
    dsb();
    wait_all_off();
    for (unsigned target = 1; target < platform.cpus; target++) {
        uint64_t count = 0, sum = 0;

        for (unsigned from = 0; from < platform.cpus; from++) {
            count += told[from][target].count;
            sum += told[from][target].sum;
        }
        require(found[target].count == count, "cpu %u: %lu times CPU_ON said SUCCESS, %lu starts",
                target, count, found[target].count);
        require(found[target].sum == sum,
                "cpu %u: the contexts that it got are not those it was given", target);
        starts += count;
    }
    return starts;
}

/* One after another: every state of AFFINITY_INFO, and ALREADY_ON. */
static volatile uint64_t phase;

static void waits(uint64_t arg)
{
    (void)arg;
    phase = 1;
    smp_wait(&phase, 2, "to be switched off");
}

static void in_order(unsigned cpu)
{
    if (sabotage(
            BREAK_AFFINITY)) { /* on when it answers, and not only pending, which QEMU calls off */
        smp_start(cpu, waits, 0);
        smp_wait(&phase, 1, "a CPU that was switched on");
    }
    expect_answer("AFFINITY_INFO before CPU_ON", affinity_info(cpu), PSCI_OFF);
    phase = 0;
    expect_answer("CPU_ON", smp_start(cpu, waits, 0), PSCI_SUCCESS);
    smp_wait(&phase, 1, "a CPU that was switched on");
    expect_answer("AFFINITY_INFO of a CPU that runs", affinity_info(cpu), PSCI_ON);
    expect_answer("CPU_ON of a CPU that runs",
                  psci32(PSCI_CPU_ON_64, platform.mpidr[cpu], (uint64_t)psci_entry, 0),
                  PSCI_ALREADY_ON);
    phase = 2;
    smp_wait_off(cpu);
}

/* CPU_SUSPEND to a power-down state: it may be refused, return as from standby, or come back at the
 * entry. */
static void powers_down(uint64_t cpu)
{
    int32_t answer;

    phase++;
    if (phase == 2) {
        expect("context of CPU_SUSPEND", psci_entries[cpu].context, UINT64_C(0x5a5a123456789abc));
        check_entry((unsigned)cpu);
        return;
    }
    gic_bit(GICD_ISENABLER, platform.vtimer_intid);
    msr(cntv_tval_el0, ticks_of_us(100));
    msr(cntv_ctl_el0, 1);
    answer =
        psci32(PSCI_CPU_SUSPEND_64, POWER_DOWN, (uint64_t)psci_entry, UINT64_C(0x5a5a123456789abc));
    require(answer == PSCI_SUCCESS || answer == PSCI_INVALID_PARAMETERS || answer == PSCI_DENIED,
            "CPU_SUSPEND to power-down: %x", (unsigned)answer);
}

static void run(void)
{
    struct random r = {option_number("seed", 1)};
    uint64_t version = (uint64_t)psci(PSCI_VERSION, 0, 0, 0), start = now(), stolen_before,
             starts = 0;
    const volatile struct stolen *stolen = stolen_time();
    unsigned smccc = smccc_version();

    stolen_before = stolen ? stolen->ns : 0;
    rounds = option_number("rounds", 1000);
    require(version >= 0x10000, "PSCI_VERSION: %lx", version);
    for (unsigned cpu = 0; cpu < platform.cpus; cpu++) {
        psci_entries[cpu].mpidr = platform.mpidr[cpu];
        randoms[cpu].state = option_number("seed", 1) * MAX_CPUS + cpu + 1;
    }
    answers();
    for (unsigned n = 0; n < 20; n++) {
        suspend_by_timer(&r);
        suspend_by_sgi();
    }
    for (unsigned cpu = 1; cpu < platform.cpus; cpu++) {
        in_order(cpu);
        phase = 0;
        expect_answer("CPU_ON", smp_start(cpu, powers_down, cpu), PSCI_SUCCESS);
        smp_wait(&phase, 1, "a CPU that was switched on");
        smp_wait_off(cpu);
        smp_prepare(cpu, stormed, cpu);
    }
    if (platform.cpus > 1)
        starts = storm();
    if (stolen)
        check_stolen(stolen, stolen_before, now() - start);
    report_ok("vcpus=%u psci=%x smccc=%x pv_time=%u starts=%lu", platform.cpus, (unsigned)version,
              smccc, stolen != 0, starts);
}

const struct guest guest = {.name = "psci", .breaks = breaks, .run = run};
