/* What holds an interrupt back in the GIC: each reason by itself, and in the order in which they
 * count. */
#include <string.h>

#include "tests/gic/fixture.h"

#define SPI 40
#define PPI 27

/* Everything that SPI and PPI need to reach CPU 0. */
static struct fix *ready(void **state)
{
    struct fix *f = *state;

    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        wr(f, cpu, SR_ICC_PMR_EL1, 0xf0);
    irq_on(f, 0, SPI, 1, 0xa0);
    irq_on(f, 0, PPI, 1, 0xa0);
    return f;
}

static void assert_held(struct fix *f, unsigned intid, const char *why)
{
    struct gic_irq irq;

    assert_true(gic_irq_look(f->gic, 0, intid, &irq));
    assert_true(irq.pending);
    if (!strstr(irq.held, why) || !*irq.held != !*why)
        fail_msg("INTID %u is held by \"%s\", expected \"%s\"", intid, irq.held, why);
    assert_int_equal(irq.signalled, !*why);
}

static void test_each_register_that_holds_an_interrupt_back_is_named(void **state)
{
    struct fix *f = ready(state);

    irq_w(f, 0, ISPENDR, SPI);
    assert_held(f, SPI, "");
    wr(f, 0, SR_ICC_PMR_EL1, 0x80);
    assert_held(f, SPI, "priority 0xa0 is not above PMR 0x80 of cpu0");
    wr(f, 0, SR_ICC_PMR_EL1, 0xf0);
    irq_w(f, 0, ICENABLER, SPI);
    assert_held(f, SPI, "GICD_ISENABLER");
    irq_w(f, 0, ISENABLER, SPI);
    wr(f, 0, SR_ICC_IGRPEN1_EL1, 0);
    assert_held(f, SPI, "ICC_IGRPEN1_EL1 is 0");
    wr(f, 0, SR_ICC_IGRPEN1_EL1, 1);
    gicr_w(f, 0, GICR_WAKER, 2);
    assert_held(f, SPI, "GICR_WAKER.ProcessorSleep");
    gicr_w(f, 0, GICR_WAKER, 0);
    gicd_w(f, GICD_CTLR, 1);
    assert_held(f, SPI, "GICD_CTLR.EnableGrp1 is 0");
    gicd_w(f, GICD_CTLR, 3);
    assert_held(f, SPI, "");
}

static void test_an_interrupt_waits_for_a_better_one_and_for_the_end_of_a_running_one(void **state)
{
    struct fix *f = ready(state);

    irq_w(f, 0, ISPENDR, SPI);
    irq_w(f, 0, ISPENDR, PPI);
    assert_held(f, SPI, "INTID 27, of priority 0xa0, comes first");
    assert_held(f, PPI, "");
    assert_int_equal(rd(f, 0, SR_ICC_IAR1_EL1), PPI);
    assert_held(f, SPI, "does not preempt the running priority 0xa0");
    irq_w(f, 0, ISPENDR, PPI);
    assert_held(f, PPI, "it is active: acknowledged, and not deactivated");
    wr(f, 0, SR_ICC_EOIR1_EL1, PPI);
    assert_held(f, PPI, "");
}

static void test_an_interrupt_that_is_routed_nowhere_says_so(void **state)
{
    struct fix *f = ready(state);
    struct gic_irq irq;

    irq_w(f, 0, ISPENDR, SPI);
    device_write(gic_distributor(f->gic), IROUTER + 8 * SPI, 8, 0x70203);
    assert_held(f, SPI, "GICD_IROUTER40 names affinity 0.7.2.3, which no CPU has");
    device_write(gic_distributor(f->gic), IROUTER + 8 * SPI, 8, 0x101);
    assert_held(f, SPI, "");
    assert_true(gic_irq_look(f->gic, 0, SPI, &irq));
    assert_int_equal(irq.cpu, 3);
    device_write(gic_distributor(f->gic), IROUTER + 8 * SPI, 8, BIT(31));
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        wr(f, cpu, SR_ICC_IGRPEN1_EL1, 0);
    assert_held(f, SPI, "any CPU may take it, but none is awake");
}

static void test_what_is_not_there_is_said_and_what_is_not_pending_is_not_held(void **state)
{
    struct fix *f = ready(state);
    struct gic_irq irq;

    assert_false(gic_irq_look(f->gic, 0, 1019, &irq));
    assert_false(gic_irq_look(f->gic, 0, 1023, &irq));
    assert_false(gic_irq_look(f->gic, 0, 8192, &irq));
    wr(f, 0, SR_ICC_PMR_EL1, 0);
    assert_true(gic_irq_look(f->gic, 0, SPI, &irq));
    assert_string_equal(irq.held, "");
    assert_false(irq.signalled);
}

static void assert_virtual(struct fix *f, unsigned n, const char *why)
{
    struct gic_virtual_irq v;

    assert_true(gic_virtual_look(f->gic, 0, n, &v));
    if (!strstr(v.held, why) || !*v.held != !*why)
        fail_msg("LR%u is held by \"%s\", expected \"%s\"", n, v.held, why);
}

static void test_each_reason_that_holds_a_list_register_back_is_named(void **state)
{
    struct fix *f = ready(state);
    struct gic_virtual_irq v;

    assert_false(gic_virtual_look(f->gic, 0, 0, &v));
    assert_false(gic_virtual_look(f->gic, 0, 4, &v)); /* there are four */
    wr(f, 0, SR_ICH_LR0_EL2, BIT(62) | BIT(60) | UINT64_C(0xa0) << 48 | PPI);
    assert_virtual(f, 0, "ICH_HCR_EL2.En is 0");
    wr(f, 0, SR_ICH_HCR_EL2, 1);
    assert_virtual(f, 0, "ICH_VMCR_EL2.VENG1 is 0");
    wr(f, 0, SR_ICH_VMCR_EL2, 2 | UINT64_C(0x80) << 24);
    assert_virtual(f, 0, "priority 0xa0 is not above the guest's PMR 0x80");
    wr(f, 0, SR_ICH_VMCR_EL2, 2 | UINT64_C(0xf0) << 24);
    assert_virtual(f, 0, "");
    wr(f, 0, SR_ICH_LR1_EL2, BIT(62) | BIT(60) | UINT64_C(0x50) << 48 | 30);
    assert_virtual(f, 0, "INTID 30 in LR1, of priority 0x50, comes first");
    assert_int_equal(vrd(f, 0, SR_ICC_IAR1_EL1), 30);
    assert_virtual(f, 0, "does not preempt the guest's running priority 0x50");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_each_register_that_holds_an_interrupt_back_is_named,
                                        fix_setup, fix_teardown),
        cmocka_unit_test_setup_teardown(
            test_an_interrupt_waits_for_a_better_one_and_for_the_end_of_a_running_one, fix_setup,
            fix_teardown),
        cmocka_unit_test_setup_teardown(test_an_interrupt_that_is_routed_nowhere_says_so, fix_setup,
                                        fix_teardown),
        cmocka_unit_test_setup_teardown(
            test_what_is_not_there_is_said_and_what_is_not_pending_is_not_held, fix_setup,
            fix_teardown),
        cmocka_unit_test_setup_teardown(test_each_reason_that_holds_a_list_register_back_is_named,
                                        fix_setup, fix_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
