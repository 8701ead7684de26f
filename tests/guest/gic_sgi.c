/* Runs on: n1; el2 el1. */
/* Which SGI register reaches an SGI of which group, with one security state (GICD_CTLR.DS = 1). */
#include "gic.h"

#define SEND(reg) msr(reg, 7ul << 24 | BIT(cpu_index()))

static bool arrived(void)
{
    bool pending;

    dsb();
    pending = gic_test(GICD_ISPENDR, 7);
    gic_bit(GICD_ICPENDR, 7);
    return pending;
}

int main(void)
{
    gic_init();
    gic_group(7, true);
    SEND(icc_sgi1r_el1);
    check(arrived(), "SGI1R, group 1");
    SEND(icc_sgi0r_el1);
    check(!arrived(), "SGI0R, group 1");
    SEND(icc_asgi1r_el1);
    check(!arrived(), "ASGI1R, group 1");
    gic_group(7, false);
    SEND(icc_sgi0r_el1);
    check(arrived(), "SGI0R, group 0");
    SEND(icc_asgi1r_el1);
    check(arrived(), "ASGI1R, group 0");
    SEND(icc_sgi1r_el1);
    check_differs(arrived(), true, "SGI1R, group 0", "sgi1r-group0");
    return (int)failures;
}
