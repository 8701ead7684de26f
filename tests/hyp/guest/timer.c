/* The virtual timer and the emulated physical one: they fire when they should and not before, level
 * and mask, and wake from WFI. */
#include "guest.h"

#include "programs.h"

static volatile uint64_t fired[CPUS_MAX], fired_at[CPUS_MAX];

static void virtual_fired(uint32_t intid)
{
    unsigned cpu = cpu_index();

    check(intid == 27, "interrupt %u", intid);
    fired_at[cpu] = mrs(cntvct_el0);
    fired[cpu]++;
    msr(cntv_ctl_el0, 3);
}

static void physical_fired(uint32_t intid)
{
    unsigned cpu = cpu_index();

    check(intid == 30, "interrupt %u", intid);
    fired_at[cpu] = mrs(cntpct_el0);
    fired[cpu]++;
    msr(cntp_ctl_el0, 3);
}

static void one(unsigned cpu, bool physical, uint64_t ticks, bool sleep)
{
    uint64_t due = (physical ? mrs(cntpct_el0) : mrs(cntvct_el0)) + ticks, before = fired[cpu];

    on_irq[cpu] = physical ? physical_fired : virtual_fired;
    if (physical) {
        msr(cntp_cval_el0, due);
        msr(cntp_ctl_el0, 1);
    } else {
        msr(cntv_cval_el0, due);
        msr(cntv_ctl_el0, 1);
    }
    for (unsigned spins = 0; fired[cpu] == before && spins < 20000000; spins++) {
        irqs_off();
        if (sleep && fired[cpu] == before)
            insn("wfi");
        irqs_on();
        insn("isb");
    }
    check(fired[cpu] == before + 1, "timer %u fired %lu times", physical,
          (unsigned long)(fired[cpu] - before));
    check(fired_at[cpu] >= due, "timer %u fired %lu ticks early", physical,
          (unsigned long)(due - fired_at[cpu]));
    irqs_off();
}

/* A masked timer says that it is due, and does nothing. */
static void masked(unsigned cpu)
{
    uint64_t before = fired[cpu];

    irqs_on();
    msr(cntv_ctl_el0, 3);
    msr(cntv_cval_el0, mrs(cntvct_el0));
    check(mrs(cntv_ctl_el0) == 7, "CNTV_CTL_EL0 0x%lx", (unsigned long)mrs(cntv_ctl_el0));
    msr(cntp_ctl_el0, 3);
    msr(cntp_cval_el0, mrs(cntpct_el0));
    check(mrs(cntp_ctl_el0) == 7, "CNTP_CTL_EL0 0x%lx", (unsigned long)mrs(cntp_ctl_el0));
    /* However long the writes take (on QEMU, time is the host's). */
    uint64_t from = mrs(cntpct_el0);
    msr(cntp_tval_el0, 1000000);
    uint64_t to = mrs(cntpct_el0), cval = mrs(cntp_cval_el0);
    check(cval >= from + 1000000 && cval <= to + 1000000, "CNTP_TVAL_EL0");
    from = mrs(cntvct_el0);
    msr(cntv_tval_el0, 1000000);
    to = mrs(cntvct_el0), cval = mrs(cntv_cval_el0);
    check(cval >= from + 1000000 && cval <= to + 1000000, "CNTV_TVAL_EL0");
    irqs_off();
    check(fired[cpu] == before, "a masked timer fired");
}

void program_timer(unsigned cpu)
{
    gic_enable(27, 0x80, false);
    gic_enable(30, 0x80, false);
    msr(cntv_ctl_el0, 0);
    msr(cntp_ctl_el0, 0);
    for (uint64_t k = 0; k < rounds; k++) {
        one(cpu, k & 1, 500 + 300 * (k % 7), k & 2);
        masked(cpu);
    }
    check(mrs(cntvct_el0) <= mrs(cntpct_el0), "virtual time is ahead of physical time");
}
