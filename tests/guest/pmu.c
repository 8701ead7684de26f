/* Runs on: a57 n1 max; el2 el1. */
/* The performance monitors: the cycle counter counts and overflows with an interrupt; filters by
 * EL; software increments; what an instruction counter counts is compared here only. */
#include "gic.h"

#define INTID_PMU    23
#define CYCLES       BIT(31)
#define PMCR_E       1u
#define PMCR_P       2u
#define PMCR_C       4u
#define PMCR_LC      BIT(6)
#define FILTER_P     BIT(31)
#define FILTER_U     BIT(30)
#define FILTER_NSH   BIT(27)
#define SW_INCR      0
#define INST_RETIRED 8

static void stop(void)
{
    msr(pmcr_el0, PMCR_P | PMCR_C | PMCR_LC);
    msr(pmcntenclr_el0, 0xffffffff);
    msr(pmintenclr_el1, 0xffffffff);
    msr(pmovsclr_el0, 0xffffffff);
    msr(pmccfiltr_el0, FILTER_NSH);
    isb();
}

static void start(uint64_t counters)
{
    msr(pmcntenset_el0, counters);
    msr(pmcr_el0, PMCR_E | PMCR_LC);
    isb();
}

static void spin(unsigned n)
{
    for (volatile unsigned k = 0; k < n; k++)
        ;
}

static void cycle_counter(void)
{
    uint64_t a, b;

    context = "cycle counter: ";
    stop();
    a = mrs(pmccntr_el0);
    spin(100);
    check_equal(mrs(pmccntr_el0), a, "stands still when off");
    start(CYCLES);
    a = mrs(pmccntr_el0);
    spin(100);
    b = mrs(pmccntr_el0);
    check(b > a, "counts when on");
    msr(pmcntenclr_el0, CYCLES);
    isb();
    a = mrs(pmccntr_el0);
    spin(100);
    check_equal(mrs(pmccntr_el0), a, "stands still when disabled by PMCNTENCLR");

    stop();
    msr(pmccfiltr_el0, FILTER_P | FILTER_U);
    start(CYCLES);
    a = mrs(pmccntr_el0);
    spin(100);
    check_equal(mrs(pmccntr_el0), a, "does not count where the filter says so");
}

static void overflow(void)
{
    context = "overflow: ";
    stop();
    gic_bit(GICD_ISENABLER, INTID_PMU);
    msr(pmintenset_el1, CYCLES);
    msr(pmccntr_el0, -UINT64_C(2000));
    start(CYCLES);
    uint64_t end = mrs(cntvct_el0) + mrs(cntfrq_el0) / 4;
    while (mrs(cntvct_el0) < end && !gic_test(GICD_ISPENDR, INTID_PMU))
        spin(100);
    check(mrs(pmovsset_el0) & CYCLES, "PMOVSSET shows it");
    check(gic_test(GICD_ISPENDR, INTID_PMU), "PPI 23 is pending");
    msr(pmovsclr_el0, CYCLES);
    isb();
    check_equal(mrs(pmovsset_el0) & CYCLES, 0, "PMOVSCLR clears it");
    check(!gic_test(GICD_ISPENDR, INTID_PMU), "PPI 23 is not pending any more");
    stop();
}

static void software_increment(void)
{
    context = "PMSWINC: ";
    stop();
    msr(pmevtyper0_el0, FILTER_NSH | SW_INCR);
    start(1);
    msr(pmswinc_el0, 1);
    msr(pmswinc_el0, 3);
    isb();
    check_equal(mrs(pmevcntr0_el0), 2, "counts two");
    msr(pmevcntr0_el0, 0xffffffff);
    msr(pmswinc_el0, 1);
    isb();
    check_equal((uint32_t)mrs(pmevcntr0_el0), 0, "wraps at 32 bits");
    check_equal(mrs(pmovsset_el0) & 1, 1, "and says so");
    stop();
}

static void instructions(void)
{
    uint64_t a, b;

    /* QEMU counts instructions with -icount only. */
    if (on_qemu())
        return;
    context = "INST_RETIRED: ";
    msr(pmevtyper0_el0, FILTER_NSH | INST_RETIRED);
    start(1);
    __asm__ volatile("mrs %0, pmevcntr0_el0; nop; nop; nop; mrs %1, pmevcntr0_el0"
                     : "=r"(a), "=r"(b));
    check_equal(b - a, 4, "counts each instruction");
    stop();
}

int main(void)
{
    gic_init();
    cycle_counter();
    overflow();
    software_increment();
    instructions();
    return (int)failures;
}
