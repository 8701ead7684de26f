#include "pv.h"

#include "gic.h"
#include "hyp/hypercalls.h"
#include "platform.h"
#include "psci.h"
#include "report.h"

bool pv_present(void)
{
    static enum { UNKNOWN, ABSENT, PRESENT } is;

    if (is == UNKNOWN)
        is = psci32(HYP_UID, 0, 0, 0) == HYP_UID_0 ? PRESENT : ABSENT;
    return is == PRESENT;
}

static bool take_kicks(void)
{
    unsigned intid;
    bool kicked = false;

    while ((intid = gic_acknowledge()) != SPURIOUS) {
        gic_end(intid);
        kicked |= intid == SGI_KICK;
    }
    return kicked;
}

/* The virtual timer is the watchdog of a wait that nothing ends. */
bool pv_wait(void)
{
    uint64_t since = now();
    bool kicked = false;

    gic_bit(GICD_ISENABLER, platform.vtimer_intid);
    while (!kicked && patient(since)) {
        msr(cntv_tval_el0, ticks_of_us(100000));
        msr(cntv_ctl_el0, 1);
        if (pv_present())
            kicked = psci(HYP_PV_WAIT, 0, 0, 0) == 0;
        else
            insn("dsb sy; wfi");
        msr(cntv_ctl_el0, 0);
        kicked |= take_kicks();
    }
    return kicked;
}

void pv_kick(unsigned cpu)
{
    if (pv_present())
        psci(HYP_PV_KICK, platform.mpidr[cpu], 0, 0);
    else
        gic_send(SGI_KICK, cpu);
}

void pv_unmap(uint64_t address, uint64_t size)
{
    if (pv_present())
        require(psci(HYP_UNMAP, address, size, 0) == 0, "HYP_UNMAP of %lu bytes at %lx", size,
                address);
}

uint64_t pv_entries(void)
{
    return pv_present() ? (uint64_t)psci(HYP_ENTRIES, 0, 0, 0) : 0;
}

/* A page that the hypervisor does not swap is none of ours to swap. */
void pv_swap(uint64_t a, uint64_t b)
{
    int64_t answer = psci(HYP_SWAP, a, b, 0);

    require(answer == 0, "HYP_SWAP of %lx and %lx: got %lx", a, b, (uint64_t)answer);
}

int64_t pv_log_start(void)
{
    return psci(HYP_LOG, HYP_LOG_START, 0, 0);
}

void pv_log_stop(void)
{
    psci(HYP_LOG, HYP_LOG_STOP, 0, 0);
}

uint32_t pv_log_take(uint64_t address, unsigned pages)
{
    return (uint32_t)psci(HYP_LOG, HYP_LOG_TAKE, address, pages);
}

uint64_t pv_age(uint64_t address, uint64_t size)
{
    return (uint64_t)psci(HYP_TIDY, HYP_TIDY_AGE, address, size);
}

uint64_t pv_collapse(uint64_t address, uint64_t size)
{
    return (uint64_t)psci(HYP_TIDY, HYP_TIDY_COLLAPSE, address, size);
}

void pv_hook(unsigned n)
{
    psci(HYP_HOOK, n, 0, 0);
}
