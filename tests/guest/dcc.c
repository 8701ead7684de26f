/* Runs on: a57 n1 max; el2 el1. */
/* The debug communications channel without a debugger, and its interrupt. */
#include "gic.h"

#define TXFULL     BIT(29) /* MDCCSR_EL0, MDSCR_EL1; MDCCINT_EL1.TX */
#define RXFULL     BIT(30)
#define INTID_COMM 22

static void channel(void)
{
    msr(oslar_el1, 0);
    check_differs(mrs(mdccsr_el0), 0, "nothing in the channel", "dcc");
    msr(dbgdtrtx_el0, 0x41);
    check_differs(mrs(mdccsr_el0), TXFULL, "written and not read", "dcc");
    check_differs(mrs(osdtrtx_el1), 0x41, "OSDTRTX_EL1 is DTRTX", "dcc");
    msr(dbgdtr_el0, 0x1111111122222222);
    check_differs(mrs(dbgdtr_el0), 0x2222222211111111, "64 bits, words exchanged", "dcc");
}

/* As software that powers down does it. */
static void save_and_restore(void)
{
    msr(oslar_el1, 1);
    msr(osdtrrx_el1, 0x5678);
    msr(osdtrtx_el1, 0x1234);
    msr(mdscr_el1, RXFULL);
    check_differs(mrs(mdccsr_el0), RXFULL, "flags restored under the OS lock", "dcc");
    msr(oslar_el1, 0);
    msr(mdscr_el1, TXFULL);
    check_differs(mrs(mdccsr_el0), RXFULL, "flags read-only without it", "dcc");
    check_differs(mrs(dbgdtrrx_el0), 0x5678, "DTRRX restored", "dcc");
    check_differs(mrs(mdccsr_el0), 0, "reading empties DTRRX", "dcc");
    check_differs(mrs(osdtrtx_el1), 0x1234, "DTRTX restored", "dcc");
}

static void interrupt(void)
{
    gic_init();
    gic_bit(GICD_ISENABLER, INTID_COMM);
    msr(mdccint_el1, RXFULL);
    check(!gic_test(GICD_ISPENDR, INTID_COMM), "nothing has arrived: no interrupt");
    msr(mdccint_el1, TXFULL);
    check_differs(gic_test(GICD_ISPENDR, INTID_COMM), 1, "room to write: interrupt", "dcc");
    msr(dbgdtrtx_el0, 0x41);
    check(!gic_test(GICD_ISPENDR, INTID_COMM), "no room: none");
    msr(mdccint_el1, 0);
}

int main(void)
{
    channel();
    save_and_restore();
    interrupt();
    if (!on_qemu())
        check_none("every access");
    return (int)failures;
}
