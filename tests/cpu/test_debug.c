/* Debug registers as registers: the communications channel without a debugger, what the OS lock
 * opens. Breakpoints, watchpoints and stepping: tests/guest/debug*.c. */
#include "cpu/context.h"
#include "tests/cpu/sysreg_fixture.h"

#define TXFULL BIT(29) /* in MDCCSR_EL0 and MDSCR_EL1 */
#define RXFULL BIT(30)

static uint64_t get(struct fixture *f, enum sysreg sr)
{
    assert_int_equal(mrs(f, sr), EXEC_NEXT);
    return f->cpu->x[3];
}

static void set(struct fixture *f, enum sysreg sr, uint64_t value)
{
    assert_int_not_equal(msr(f, sr, value), EXEC_ABORT);
}

static void start_unlocked(struct fixture *f)
{
    start(f, "a57", true, false);
    set(f, SR_OSLAR_EL1, 0);
}

static void test_what_is_written_to_the_channel_stays_there(void **state)
{
    struct fixture f;

    (void)state;
    start_unlocked(&f);
    assert_int_equal(get(&f, SR_MDCCSR_EL0), 0);
    set(&f, SR_DBGDTRRX_EL0, UINT64_C(0x1234567841)); /* written: DBGDTRTX_EL0, 32 bits */
    assert_int_equal(get(&f, SR_MDCCSR_EL0), TXFULL);
    assert_int_equal(get(&f, SR_MDSCR_EL1) & (TXFULL | RXFULL), TXFULL);
    assert_int_equal(get(&f, SR_OSDTRTX_EL1), 0x34567841);
    assert_int_equal(get(&f, SR_MDCCSR_EL0), TXFULL); /* that read had no side effect */
    finish(&f);
}

static void test_64_bit_accesses_of_the_channel_swap_the_words(void **state)
{
    struct fixture f;

    (void)state;
    start_unlocked(&f);
    set(&f, SR_DBGDTR_EL0, UINT64_C(0x1111111122222222));
    assert_int_equal(get(&f, SR_OSDTRRX_EL1), 0x11111111);
    assert_int_equal(get(&f, SR_OSDTRTX_EL1), 0x22222222);
    assert_int_equal(get(&f, SR_MDCCSR_EL0), TXFULL);
    assert_int_equal(get(&f, SR_DBGDTR_EL0), UINT64_C(0x2222222211111111));
    assert_int_equal(get(&f, SR_DBGDTRRX_EL0), 0x11111111);
    finish(&f);
}

static void test_the_os_lock_opens_the_flags_of_the_channel(void **state)
{
    struct fixture f;

    (void)state;
    start_unlocked(&f);
    set(&f, SR_MDSCR_EL1, TXFULL | RXFULL);
    assert_int_equal(get(&f, SR_MDCCSR_EL0), 0);
    set(&f, SR_OSLAR_EL1, 1);
    set(&f, SR_OSDTRRX_EL1, 0x5678);
    set(&f, SR_OSDTRTX_EL1, 0x1234);
    assert_int_equal(get(&f, SR_MDCCSR_EL0), 0); /* OSDTR accesses change no flag */
    set(&f, SR_MDSCR_EL1, TXFULL | RXFULL);
    assert_int_equal(get(&f, SR_MDCCSR_EL0), TXFULL | RXFULL);
    set(&f, SR_OSLAR_EL1, 0);
    assert_int_equal(get(&f, SR_DBGDTRRX_EL0), 0x5678);
    assert_int_equal(get(&f, SR_MDCCSR_EL0), TXFULL); /* reading has emptied DTRRX */
    assert_int_equal(get(&f, SR_OSDTRTX_EL1), 0x1234);
    finish(&f);
}

static void test_eccr_is_there_under_the_os_lock_only(void **state)
{
    struct fixture f;

    (void)state;
    start_unlocked(&f);
    set(&f, SR_OSECCR_EL1, 0xff);
    assert_int_equal(get(&f, SR_OSECCR_EL1), 0);
    set(&f, SR_OSLAR_EL1, 1);
    assert_int_equal(get(&f, SR_OSECCR_EL1), 0);
    set(&f, SR_OSECCR_EL1, 0xf0);
    set(&f, SR_OSLAR_EL1, 0);
    assert_int_equal(get(&f, SR_OSECCR_EL1), 0);
    set(&f, SR_OSLAR_EL1, 1);
    assert_int_equal(get(&f, SR_OSECCR_EL1), 0xf0);
    finish(&f);
}

static void ignore(void *ctx, const struct arm_event *p)
{
    (void)ctx, (void)p;
}

static void test_who_watches_writes_empties_nothing(void **state)
{
    static const struct arm_filter writes = {.size = sizeof(struct arm_filter),
                                             .events = BIT(ARM_EVENT_SYSREG_WRITE)};
    struct fixture f;

    (void)state;
    start_unlocked(&f);
    assert_true(probe_subscribe(&f.probes, &writes, ignore, NULL) > 0);
    cpu_wishes_changed(f.cpu);
    set(&f, SR_OSLAR_EL1, 1);
    set(&f, SR_MDSCR_EL1, RXFULL);
    set(&f, SR_DBGDTRRX_EL0, 'x');
    assert_int_equal(get(&f, SR_MDCCSR_EL0), RXFULL | TXFULL);
    finish(&f);
}

static void line_set(void *ctx, unsigned n, bool level)
{
    (void)n;
    *(bool *)ctx = level;
}

static void test_mdccint_requests_an_interrupt_by_the_flags(void **state)
{
    struct fixture f;
    bool line = false;

    (void)state;
    start_unlocked(&f);
    f.cpu->comm_line = (struct irq_line){line_set, &line, 0};
    set(&f, SR_MDCCINT_EL1, BIT(30)); /* RX: nothing has arrived */
    assert_false(line);
    set(&f, SR_MDCCINT_EL1, BIT(29)); /* TX: there is room */
    assert_true(line);
    set(&f, SR_DBGDTRRX_EL0, 'x');
    assert_false(line);
    set(&f, SR_MDCCINT_EL1, BIT(30));
    set(&f, SR_OSLAR_EL1, 1);
    set(&f, SR_MDSCR_EL1, RXFULL);
    assert_true(line);
    get(&f, SR_DBGDTRRX_EL0);
    assert_false(line);
    set(&f, SR_MDCCINT_EL1, BIT(29));
    assert_true(line);
    cpu_reset(f.cpu);
    assert_false(line);
    finish(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_to_the_channel_stays_there),
        cmocka_unit_test(test_64_bit_accesses_of_the_channel_swap_the_words),
        cmocka_unit_test(test_the_os_lock_opens_the_flags_of_the_channel),
        cmocka_unit_test(test_eccr_is_there_under_the_os_lock_only),
        cmocka_unit_test(test_who_watches_writes_empties_nothing),
        cmocka_unit_test(test_mdccint_requests_an_interrupt_by_the_flags),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
