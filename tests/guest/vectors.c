/* Runs on: a57 n1 max; el2 el1. */
/* Synchronous exceptions of each kind arrive at the right vector with the right syndrome. */
#include "guest.h"

static uint64_t do_svc(uint64_t arg)
{
    __asm__ volatile("svc #0x123");
    return arg + 1;
}

static uint64_t do_brk(uint64_t arg)
{
    __asm__ volatile("brk #0x77");
    return arg + 1;
}

static uint64_t do_udf(uint64_t arg)
{
    __asm__ volatile("udf #5");
    return arg + 1;
}

int main(void)
{
    unsigned el = current_el();

    print("EL");
    print_hex(el);
    print("\n");
    __asm__ volatile("svc #0x42");
    check_equal(taken.count, 1, "one exception");
    check_equal(taken.offset, 0x200, "SVC at the same EL: vector");
    check_equal(taken.el, el, "SVC stays at its EL");
    check_equal(taken.esr, 0x56000042, "SVC: ESR");

    __asm__ volatile("brk #0x1234");
    check_equal(taken.esr, 0xf2001234, "BRK: ESR");
    __asm__ volatile("udf #0");
    check_equal(taken.esr, 0x02000000, "UDF: ESR");

    __asm__ volatile("msr spsel, #0; mov sp, %0; udf #1; msr spsel, #1" ::"r"(mrs(CurrentEL) + 0x40300000)
                     : "memory");
    check_equal(taken.offset, 0x000, "with SP_EL0: vector");

    check_equal(call_el(0, do_brk, 41), 42, "EL0 returns its value");
    check_equal(taken.offset, 0x400, "BRK at EL0: vector");
    check_equal(taken.el, 1, "BRK at EL0: goes to EL1");
    check_equal(taken.esr, 0xf2000077, "BRK at EL0: ESR");
    check_equal(call_el(0, do_svc, 1), 2, "SVC at EL0");
    check_equal(taken.esr, 0x56000123, "SVC at EL0: ESR");
    if (el == 2) {
        check_equal(call_el(1, do_udf, 1), 2, "EL1 returns its value");
        check_equal(taken.offset, 0x200, "UDF at EL1: vector");
        check_equal(taken.el, 1, "UDF at EL1 stays there");
    }
    return (int)failures;
}
