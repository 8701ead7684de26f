/* Work that scales: each CPU hashes 64 KiB of its own, as often as the build says. */
#include "guest.h"

#define WORDS 8192

static uint64_t words[MAX_CPUS][WORDS];
static volatile uint64_t hashes[MAX_CPUS], done;

static void work(uint64_t cpu)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (unsigned k = 0; k < ROUNDS; k++)
        for (unsigned n = 0; n < WORDS; n++) {
            hash = (hash ^ words[cpu][n]) * UINT64_C(0x100000001b3);
            words[cpu][n] = hash >> 7;
        }
    hashes[cpu] = hash;
    __atomic_add_fetch(&done, 1, __ATOMIC_RELEASE);
}

int main(void)
{
    unsigned cpus = cpu_count();

    for (unsigned k = 1; k < cpus; k++)
        check_equal((uint64_t)cpu_on(k, work, k), 0, "CPU_ON");
    work(0);
    while (__atomic_load_n(&done, __ATOMIC_ACQUIRE) != cpus)
        ;
    for (unsigned k = 1; k < cpus; k++)
        check_equal(hashes[k], hashes[0], "the same on each CPU");
    return (int)failures;
}
