#include "smp.h"

#include "gic.h"
#include "mmu.h"
#include "platform.h"
#include "psci.h"
#include "report.h"

extern char secondary_start[];

static volatile uint64_t progress[MAX_CPUS], finished[MAX_CPUS];
static volatile unsigned arrived, generation;
static void (*volatile running)(unsigned cpu);

/* On top of a CPU's stack, and it stays there: read by secondary_start with the MMU off, so cleaned
 * to memory. */
struct start {
    void (*fn)(uint64_t);
    uint64_t arg;
};

struct job {
    void (*fn)(uint64_t);
    uint64_t arg;
};
static struct job jobs[MAX_CPUS];

static void secondary(uint64_t cpu)
{
    if (!guest.mmu_off)
        mmu_on();
    gic_init_cpu();
    jobs[cpu].fn(jobs[cpu].arg);
    irqs_off();
    psci(PSCI_CPU_OFF, 0, 0, 0);
    report_fail("CPU_OFF returned");
}

uint64_t smp_prepare(unsigned cpu, void (*fn)(uint64_t), uint64_t arg)
{
    char *top = stacks + (cpu + 1) * STACK_BYTES;
    struct start *start = (struct start *)top - 1;

    jobs[cpu] = (struct job){fn, arg};
    *start = (struct start){secondary, cpu};
    __asm__ volatile("dc civac, %0; dsb sy" ::"r"(start) : "memory");
    return (uint64_t)top;
}

int32_t smp_start(unsigned cpu, void (*fn)(uint64_t), uint64_t arg)
{
    uint64_t top = smp_prepare(cpu, fn, arg);

    return psci32(PSCI_CPU_ON_64, platform.mpidr[cpu], (uint64_t)secondary_start, top);
}

void smp_wait_off(unsigned cpu)
{
    uint64_t since = now();

    while (psci32(PSCI_AFFINITY_INFO_64, platform.mpidr[cpu], 0, 0) != PSCI_OFF)
        require(patient_for(since, 3), "cpu %u does not go off", cpu);
}

void smp_progress(uint64_t round)
{
    progress[cpu_index()] = round;
}

static void run_job(uint64_t cpu)
{
    running((unsigned)cpu);
    dsb();
    finished[cpu] = 1;
}

static void wait_finished(unsigned cpu)
{
    uint64_t since = now(), seen = progress[cpu];

    while (!finished[cpu]) {
        if (progress[cpu] != seen) {
            seen = progress[cpu];
            since = now();
        }
        require(patient_for(since, 3), "cpu %u has made no progress behind round %lu", cpu, seen);
        insn("yield");
    }
    smp_wait_off(cpu);
}

void smp_run(void (*fn)(unsigned cpu))
{
    running = fn;
    for (unsigned cpu = 1; cpu < platform.cpus; cpu++) {
        finished[cpu] = 0;
        expect("CPU_ON", (uint64_t)smp_start(cpu, run_job, cpu), PSCI_SUCCESS);
    }
    fn(0);
    for (unsigned cpu = 1; cpu < platform.cpus; cpu++)
        wait_finished(cpu);
}

void smp_barrier(void)
{
    unsigned mine = generation;
    uint64_t since = now();

    if (__atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST) == platform.cpus) {
        arrived = 0;
        __atomic_store_n(&generation, mine + 1, __ATOMIC_SEQ_CST);
        return;
    }
    while (__atomic_load_n(&generation, __ATOMIC_SEQ_CST) == mine) {
        require(patient_for(since, 3), "waits at a barrier with %u of %u CPUs", arrived,
                platform.cpus);
        insn("yield");
    }
}

void smp_wait(volatile uint64_t *word, uint64_t at_least, const char *what)
{
    uint64_t since = now();

    while (*word < at_least) {
        require(patient_for(since, 3), "%s: expected %lu, got %lu", what, at_least, *word);
        insn("yield");
    }
    dsb();
}
