/* A storm of interrupts: SGIs between virtual CPUs, SPIs made pending in numbers that no set of
 * list registers holds, the timer meanwhile. None is lost, none comes twice, and the order is that
 * of the priorities. */
#include "guest.h"

#include "programs.h"

#define FIRST_SPI 40
#define SPIS      20 /* a virtual CPU */
#define SPIS_CPUS 4

static volatile uint32_t order[CPUS_MAX][64];
static volatile unsigned taken[CPUS_MAX];
static volatile uint64_t sgis[CPUS_MAX], ticks[CPUS_MAX];

static void record(uint32_t intid)
{
    unsigned cpu = cpu_index();

    if (intid == 27) {
        ticks[cpu]++;
        msr(cntv_tval_el0, 100000);
    } else if (intid < 16) {
        sgis[cpu]++;
    } else if (taken[cpu] < 64) {
        order[cpu][taken[cpu]++] = intid;
    }
}

static uint32_t first_of(unsigned cpu)
{
    return FIRST_SPI + SPIS * (cpu % SPIS_CPUS);
}

/* Priorities 0x10 to 0xe8, all different among one virtual CPU's. */
static uint8_t priority_of(unsigned k, uint64_t shuffle)
{
    return (uint8_t)(0x10 + 8 * ((k * 7 + shuffle) % SPIS));
}

/* All pending at once, then let go: they come by priority. */
static void burst(unsigned cpu, uint64_t shuffle, bool split)
{
    uint32_t first = first_of(cpu);

    gic_eoi_mode(split);
    taken[cpu] = 0;
    for (unsigned k = 0; k < SPIS; k++) {
        gic_enable(first + k, priority_of(k, shuffle), true);
        gic_set_pending(first + k);
    }
    irqs_on();
    for (unsigned spins = 0; taken[cpu] < SPIS && spins < 100000; spins++)
        insn("yield");
    irqs_off();
    check(taken[cpu] == SPIS, "%u of %u interrupts came, EOImode %u", taken[cpu], SPIS, split);
    for (unsigned k = 0; k < taken[cpu]; k++) {
        unsigned at = order[cpu][k] - first;
        check(at < SPIS && priority_of(at, shuffle) == 0x10 + 8 * k,
              "interrupt %u came at place %u, priority 0x%x", order[cpu][k], k,
              at < SPIS ? priority_of(at, shuffle) : 0);
    }
    for (unsigned k = 0; k < SPIS; k++)
        check(!gic_is_pending(first + k), "interrupt %u is still pending", first + k);
}

/* One within the other: while a handler runs, what is more urgent interrupts it. */
static volatile unsigned depth[CPUS_MAX], deepest[CPUS_MAX];

static void nest(uint32_t intid)
{
    unsigned cpu = cpu_index();
    uint32_t first = first_of(cpu);
    uint64_t elr = mrs(elr_el1), spsr = mrs(spsr_el1);

    if (intid < first || intid >= first + 8) {
        record(intid);
        return;
    }
    if (++depth[cpu] > deepest[cpu])
        deepest[cpu] = depth[cpu];
    if (intid + 1 < first + 8) {
        gic_set_pending(intid + 1); /* more urgent */
        irqs_on();
        for (volatile unsigned k = 0; k < 40; k++)
            ;
        irqs_off();
    }
    depth[cpu]--;
    msr(elr_el1, elr);
    msr(spsr_el1, spsr);
}

static void nesting(unsigned cpu)
{
    uint32_t first = first_of(cpu);

    gic_eoi_mode(false);
    deepest[cpu] = 0;
    for (unsigned k = 0; k < 8; k++)
        gic_enable(first + k, (uint8_t)(0xe0 - 0x18 * k), true);
    on_irq[cpu] = nest;
    gic_set_pending(first);
    irqs_on();
    for (volatile unsigned k = 0; k < 2000; k++)
        ;
    irqs_off();
    on_irq[cpu] = record;
    check(deepest[cpu] == 8, "interrupts nested %u deep, not 8", deepest[cpu]);
}

static void send_sgis(unsigned cpu)
{
    uint64_t before[CPUS_MAX], sent = 0;

    barrier();
    for (unsigned k = 0; k < cpu_count; k++)
        before[k] = sgis[k];
    barrier();
    irqs_on();
    for (unsigned n = 0; n < cpu_count;
         n++) { /* each its own INTID for each sender: none can merge with another's */
        sgi(cpu, BIT(n));
        sent++;
    }
    for (unsigned spins = 0; sgis[cpu] < before[cpu] + cpu_count && spins < 1000000; spins++)
        insn("yield");
    barrier();
    irqs_off();
    check(sgis[cpu] == before[cpu] + cpu_count, "%lu SGIs of %u",
          (unsigned long)(sgis[cpu] - before[cpu]), cpu_count);
}

void program_irq(unsigned cpu)
{
    uint32_t first = first_of(cpu);

    on_irq[cpu] = record;
    for (unsigned k = 0; k < 16; k++)
        gic_enable(k, 0x90, true);
    for (unsigned k = 0; k < SPIS; k++)
        gic_route(first + k, cpu);
    gic_enable(27, 0x08, false);
    msr(cntv_tval_el0, 1000);
    msr(cntv_ctl_el0, 1);
    for (uint64_t k = 0; k < rounds; k++) {
        if (cpu < SPIS_CPUS) {
            burst(cpu, k, false);
            burst(cpu, k + 3, true);
            nesting(cpu);
        }
        send_sgis(cpu);
    }
    msr(cntv_ctl_el0, 2);
}
