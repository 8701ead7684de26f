/* Runs on: a57 max; el2 el1; smp 2. */
/* CPU_SUSPEND: standby returns, a power-down state ends at the entry point with its context, the
 * CPU as after CPU_ON but with its timers; an interrupt ends both. */
#include "gic.h"

#define SUSPEND32    UINT64_C(0x84000001)
#define STANDBY      UINT64_C(0)
#define DOWN         BIT(16)
#define ADDRESS      (-9)
#define PSCI_SUCCESS 0

extern char secondary_start[];

/* As secondary_start reads it. */
static struct start {
    uint64_t cpu;
    void (*fn)(uint64_t);
    uint64_t arg;
} resumed_at;

static volatile uint64_t slept, returned, woken, el, daif, sctlr, timer, deadline, before;

static void set_timer(void)
{
    gic_init();
    gic_bit(GICD_ISENABLER, INTID_CNTP);
    before = now();
    deadline = before + mrs(cntfrq_el0) / 1000;
    msr(cntp_cval_el0, deadline);
    msr(cntp_ctl_el0, 1);
}

static void clear_timer(void)
{
    msr(cntp_ctl_el0, 0);
    isb();
}

static void standby(const char *what, uint64_t id, uint64_t state)
{
    set_timer();
    check_equal(psci(id, state, 0, 0), PSCI_SUCCESS, what);
    check(now() >= deadline, "as the timer has fired");
    clear_timer();
}

static void resume(uint64_t arg)
{
    el = current_el();
    daif = mrs(daif);
    sctlr = (current_el() == 2 ? mrs(sctlr_el2) : mrs(sctlr_el1)) & 1;
    timer = mrs(cntp_ctl_el0) | (now() >= deadline ? 8 : 0);
    clear_timer();
    dsb();
    woken = arg;
}

static void sleep(uint64_t state)
{
    resumed_at = (struct start){cpu_index(), resume, 77};
    set_timer();
    slept = 1;
    psci(PSCI_CPU_SUSPEND, state, (uint64_t)secondary_start, (uint64_t)&resumed_at);
    clear_timer();
    returned = 1;
    woken = 1;
}

int main(void)
{
    uint64_t end;

    gic_init();
    standby("standby", PSCI_CPU_SUSPEND, STANDBY);
    standby("its 32-bit form", SUSPEND32, STANDBY);
    standby("with a state ID", PSCI_CPU_SUSPEND, STANDBY | 0x1234);
    standby("whose upper half does not count", PSCI_CPU_SUSPEND, STANDBY | (uint64_t)DOWN << 32);
    if (!on_qemu()) /* there it is a standby, and nothing would end it */
        check_equal(psci(PSCI_CPU_SUSPEND, DOWN, 2, 0), (uint64_t)ADDRESS, "no entry point");

    check_equal((uint64_t)cpu_on(1, sleep, DOWN), PSCI_SUCCESS, "CPU_ON");
    check(wait_for(&slept, 1), "it goes to sleep");
    check_equal(psci(PSCI_AFFINITY_INFO, 1, 0, 0), 0, "a CPU that sleeps is on");
    end = now() + mrs(cntfrq_el0);
    while (!woken && now() < end)
        ;
    check_differs(woken, 77, "it wakes with its context", "psci-power-down");
    check_differs(returned, 0, "and does not return", "psci-power-down");
    if (!on_qemu()) {
        check_equal(el, current_el(), "at our EL");
        check_equal(daif, 0x3c0, "with all masked");
        check_equal(sctlr, 0, "with its MMU off");
        check_equal(timer, 8 | 4 | 1, "by its timer, which has kept its state");
    }
    return (int)failures;
}
