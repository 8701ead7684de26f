/* PSCI with several callers at once: of two CPU_ONs of one virtual CPU one wins, off and on again
 * in a row, states that never contradict. */
#include "guest.h"

#include "programs.h"

static volatile uint64_t lives, context_of_life, wins;

extern char life_start[]; /* start.S: life() on a stack */

/* The spare virtual CPU, each time it comes up: one life, then off. */
void life(uint64_t x0)
{
    lives++;
    __atomic_store_n(&context_of_life, x0, __ATOMIC_SEQ_CST);
    call(PSCI_CPU_OFF, 0, 0, 0);
}

static void answers(void)
{
    check(call(PSCI_VERSION, 0, 0, 0) == 0x10001, "PSCI_VERSION");
    check(call(PSCI_FEATURES, PSCI_CPU_ON_64, 0, 0) == 0, "PSCI_FEATURES of CPU_ON");
    check((int64_t)call(PSCI_FEATURES, 0x84000055, 0, 0) == -1, "PSCI_FEATURES of nothing");
    check((int64_t)call(PSCI_CPU_ON_64, 77, 0x40200000, 0) == -2, "CPU_ON of CPU 77");
    check((int64_t)call(PSCI_CPU_ON_64, 0, 0x40200000, 0) == -4, "CPU_ON of oneself");
    check((int64_t)call(PSCI_AFFINITY_INFO_64, 77, 0, 0) == -2, "AFFINITY_INFO of CPU 77");
    check(call(PSCI_AFFINITY_INFO_64, 0, 0, 0) == 0, "AFFINITY_INFO of oneself");
    check((int64_t)call(0x8400ffff, 0, 0, 0) == -1, "a function that is none");
}

/* All try to switch the spare one on, until it has lived `rounds` times. Who has switched it on
 * sees its context arrive and it go off again; nobody else's can have come between. */
static void race(unsigned cpu, unsigned spare)
{
    for (uint64_t n = 1; __atomic_load_n(&wins, __ATOMIC_SEQ_CST) < rounds; n++) {
        uint64_t context = (uint64_t)(cpu + 1) << 32 | n;
        int64_t answer =
            (int64_t)call(PSCI_CPU_ON_64, spare, (uint64_t)(uintptr_t)life_start, context);

        check(answer == 0 || answer == -4 || answer == -5, "CPU_ON answers %ld", (long)answer);
        if (answer)
            continue;
        while (__atomic_load_n(&context_of_life, __ATOMIC_SEQ_CST) != context)
            insn("wfe");
        while (call(PSCI_AFFINITY_INFO_64, spare, 0, 0) != 1 && context_of_life == context)
            insn("yield");
        __atomic_add_fetch(&wins, 1, __ATOMIC_SEQ_CST);
    }
}

void program_psci(unsigned cpu)
{
    if (cpu == 0)
        answers();
    if (spare_count)
        race(cpu, cpu_count);
    barrier();
    if (cpu == 0 && spare_count)
        check(lives == wins, "%lu lives, %lu CPU_ONs", (unsigned long)lives, (unsigned long)wins);
}
