/* V registers, FPSR and FPCR against a recomputation, with hypercalls, sleeps and interrupts in
 * between. */
#include "guest.h"

#include "programs.h"

void neon_fill(uint64_t seed); /* hyp/neon.S */
uint64_t neon_verify(uint64_t seed);

static volatile uint64_t ticks[CPUS_MAX];

static void tick(uint32_t intid)
{
    (void)intid;
    ticks[cpu_index()]++;
    msr(cntv_tval_el0, 20000);
}

void program_fp(unsigned cpu)
{
    uint64_t random = cpu + 1;

    on_irq[cpu] = tick;
    gic_enable(27, 0x80, false);
    msr(cntv_tval_el0, 1000);
    msr(cntv_ctl_el0, 1);
    irqs_on();
    for (uint64_t k = 0; k < rounds; k++) {
        uint64_t seed = next_random(&random);

        neon_fill(seed);
        for (unsigned n = 0; n < 4 + seed % 8; n++) {
            if (n == 2)
                call(HYP_NULL, 0, 0, 0);
            if (n == 3 && seed % 16 == 0)
                insn("wfi");
            if (n == 3 && seed % 16 == 1)
                insn("wfe");
            check(!neon_verify(seed), "V registers are not what was left in them, round %lu",
                  (unsigned long)k);
        }
    }
    irqs_off();
    msr(cntv_ctl_el0, 2);
    check(ticks[cpu] || rounds < 200, "no timer interrupt");
}
