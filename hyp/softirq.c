#include "hyp/softirq.h"

#include "hyp/cpu.h"
#include "hyp/fpsimd.h"
#include "hyp/lib.h"
#include "hyp/mem.h"
#include "hyp/opts.h"
#include "hyp/panic.h"
#include "hyp/sched.h"

/* hyp/neon.S: fills all V registers from @seed, and says whether they (and FPSR, FPCR) still are
 * what it filled them with. */
void neon_fill(uint64_t seed);
uint64_t neon_verify(uint64_t seed);

void softirq_run(void)
{
    struct pcpu *cpu = this_cpu();

    if (!opts.neon || ++cpu->softirqs % opts.neon)
        return;
    STAT(SOFTIRQ);
    kernel_neon_begin();
    neon_fill(cpu->softirqs);
    CHECK(!neon_verify(cpu->softirqs));
    kernel_neon_end();
}

static void compute(void *arg)
{
    uint64_t seed = (uint64_t)(uintptr_t)arg << 32;

    for (;;) {
        neon_fill(++seed);
        for (unsigned k = 0; k < 200; k++) /* time to be interrupted in, everything live */
            CHECK(!neon_verify(seed));
        task_yield();
    }
}

void hosttasks_start(void)
{
    for (uint64_t k = 0; k < opts.hosttasks; k++) {
        struct task *t = mem_alloc(sizeof(*t));
        char name[16];

        format(name, sizeof(name), "fp%lu", (unsigned long)k);
        task_init(t, name, mem_alloc(STACK_SIZE), compute, (void *)(uintptr_t)(k + 1));
        t->uses_fp = true;
        t->preemptible = true;
        task_wake(t);
    }
}
