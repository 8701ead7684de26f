/* Runs on: a57 n1 max; el2 el1; smp 2 4. */
/* Broadcast TLB maintenance: all CPUs share tables, one changes them. */
#include "mmu.h"

#define VA UINT64_C(0x1000000000)

static uint64_t *root;
static uint8_t page[2][4096] __attribute__((aligned(4096)));
static volatile uint64_t seen[MAX_CPUS];
static volatile uint64_t stop;

static void mmu_on(void)
{
    if (current_el() == 2)
        mmu_on_el2(root);
    else
        mmu_on_el1(root);
}

/* Reads the page again and again: from its TLB once filled. */
static void reader(uint64_t arg)
{
    (void)arg;
    mmu_on();
    while (!stop)
        seen[cpu_index()] = *(volatile uint32_t *)VA;
}

static void remap(unsigned which)
{
    *pt_entry(root, VA, 3) = (uint64_t)page[which] | PT_NORMAL | PT_TABLE;
    dsb();
    if (current_el() == 2)
        __asm__ volatile("tlbi vae2is, %0; dsb ish; isb" ::"r"(VA >> 12) : "memory");
    else
        __asm__ volatile("tlbi vae1is, %0; dsb ish; isb" ::"r"(VA >> 12) : "memory");
}

int main(void)
{
    unsigned cpus = cpu_count();
    bool right = true;

    root = pt_identity(0);
    *(uint32_t *)page[0] = 100;
    *(uint32_t *)page[1] = 101;
    remap(0);
    mmu_on();
    for (unsigned k = 1; k < cpus; k++)
        cpu_on(k, reader, 0);
    for (unsigned times = 0; times < 40; times++) {
        remap(times & 1);
        for (unsigned k = 1; k < cpus; k++)
            right &= wait_for(&seen[k], 100 + (times & 1));
    }
    stop = 1;
    check(right, "all CPUs see each change");
    check_none("no fault");
    return (int)failures;
}
