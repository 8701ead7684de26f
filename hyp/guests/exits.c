/*
 * Exits in given shares: hypercalls, of which @host in a hundred are one that lets another task run
 * (a WFE that waits, where the hypervisor is ours and traps it), before which @fp in a hundred
 * compute with V registers, and @irq in a hundred are a timer interrupt. What the V registers hold
 * is checked. What CPU 0 does is marked (hyp/mark.h) for `armillary lab`.
 */
#include "hyp/guests/lib/disturb.h"
#include "hyp/guests/lib/gic.h"
#include "hyp/guests/lib/platform.h"
#include "hyp/guests/lib/psci.h"
#include "hyp/guests/lib/pv.h"
#include "hyp/guests/lib/report.h"
#include "hyp/guests/lib/smp.h"
#include "hyp/mark.h"

enum { BREAK_V, BREAK_ANSWER };
static const char *const breaks[] = {"v", "answer", 0};

static uint64_t rounds;
static bool done;
static int32_t version;
static struct {
    unsigned fp, host, irq;
} shares; /* in a hundred */
static volatile uint64_t interrupts[MAX_CPUS];

static void on_irq(struct frame *f)
{
    unsigned intid = gic_acknowledge();

    (void)f;
    if (intid == SPURIOUS)
        return;
    require(intid == platform.vtimer_intid, "interrupt %u, which nobody made", intid);
    msr(cntv_ctl_el0, 0);
    interrupts[cpu_index()]++;
    gic_end(intid);
}

/* V0 and V31 keep a sum, and it is the one that general registers have. */
static void compute(uint64_t *expected, uint64_t add)
{
    uint64_t low, high;

    __asm__ volatile("fmov d1, %0\n\tadd d0, d0, d1\n\tadd d31, d31, d1" ::"r"(add));
    *expected += add + sabotage(BREAK_V);
    __asm__ volatile("fmov %0, d0\n\tfmov %1, d31" : "=r"(low), "=r"(high));
    require(low == *expected && high == *expected, "V0 and V31: expected %lx, got %lx and %lx",
            *expected, low, high);
}

static void interrupt_now(unsigned cpu)
{
    uint64_t before = interrupts[cpu], since = now();

    msr(cntv_cval_el0, 0);
    msr(cntv_ctl_el0, 1);
    while (interrupts[cpu] == before)
        require(patient(since), "no timer interrupt");
}

/* The first WFE takes the event, so that the second waits. */
static void give_way(void)
{
    if (pv_present())
        insn("sevl\n\twfe\n\twfe");
}

/* One round. */
static void leave(unsigned cpu, struct random *r, uint64_t *expected)
{
    if (random_below(r, 100) < shares.fp)
        compute(expected, random_next(r));
    if (random_below(r, 100) < shares.irq)
        interrupt_now(cpu);
    if (random_below(r, 100) < shares.host) {
        give_way();
    } else {
        int32_t answer = psci32(PSCI_VERSION, 0, 0, 0) + (int32_t)sabotage(BREAK_ANSWER);
        require(answer == version, "PSCI_VERSION: expected %x, got %x", (uint32_t)version,
                (uint32_t)answer);
    }
}

/* The others go on as long as CPU 0 does. */
static void test(unsigned cpu)
{
    struct random r = {option_number("seed", 1) * MAX_CPUS + cpu};
    uint64_t expected = 0;

    gic_bit(GICD_ISENABLER, platform.vtimer_intid);
    irqs_on();
    __asm__ volatile("movi d0, #0\n\tmovi d31, #0");
    smp_barrier();
    if (cpu == 0)
        mark_begin(0);
    for (uint64_t n = 0; cpu ? !__atomic_load_n(&done, __ATOMIC_RELAXED) : n < rounds; n++)
        leave(cpu, &r, &expected);
    if (cpu == 0)
        mark_end();
    __atomic_store_n(&done, true, __ATOMIC_RELAXED);
    if (shares.fp)
        compute(&expected, 1);
    irqs_off();
}

static void run(void)
{
    uint64_t count = 0;

    rounds = option_number("rounds", 100);
    shares.fp = (unsigned)option_number("fp", 50);
    shares.host = (unsigned)option_number("host", 0);
    shares.irq = (unsigned)option_number("irq", 10);
    version = psci32(PSCI_VERSION, 0, 0, 0);
    irq_handler = on_irq;
    smp_run(test);
    for (unsigned cpu = 0; cpu < platform.cpus; cpu++)
        count += interrupts[cpu];
    report_ok("vcpus=%u rounds=%lu interrupts=%lu", platform.cpus, rounds, count);
}

const struct guest guest = {.name = "exits", .breaks = breaks, .run = run};
