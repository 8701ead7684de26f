#include "pv.h"

#include "gic.h"
#include "platform.h"
#include "report.h"

/* The virtual timer is the watchdog of a WFI that nothing ends. */
bool __attribute__((weak)) pv_wait(void)
{
    uint64_t since = now();
    unsigned intid;

    gic_bit(GICD_ISENABLER, platform.vtimer_intid);
    while (patient(since)) {
        msr(cntv_tval_el0, ticks_of_us(100000));
        msr(cntv_ctl_el0, 1);
        insn("dsb sy; wfi");
        msr(cntv_ctl_el0, 0);
        while ((intid = gic_acknowledge()) != SPURIOUS) {
            gic_end(intid);
            if (intid == SGI_KICK)
                return true;
        }
    }
    return false;
}

void __attribute__((weak)) pv_kick(unsigned cpu)
{
    gic_send(SGI_KICK, cpu);
}

void __attribute__((weak)) pv_unmap(uint64_t address, uint64_t size)
{
    (void)address;
    (void)size;
}
