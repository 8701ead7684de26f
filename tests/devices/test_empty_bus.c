#include "tests/devices/fixture.h"

#include "devices/empty_bus.h"

static void test_reads_are_ones_and_writes_are_lost(void **state)
{
    static const uint64_t offsets[] = {0, 8, 0xfff8, 0xfffffff8, UINT64_C(0x7ffffffff8)};
    struct watched w = {0};
    struct arm_log log = watched_log(&w);
    struct empty_bus bus;

    (void)state;
    empty_bus_init(&bus, &log, "bus", 0x10000000);
    for (unsigned i = 0; i < ARRAY_SIZE(offsets); i++)
        for (unsigned size = 1; size <= 8; size *= 2)
            for (uint64_t at = offsets[i]; at < offsets[i] + 8; at += size) {
                device_write(&bus.dev, at, size, 0);
                assert_true(device_read(&bus.dev, at, size) == MASK(8 * size - 1, 0));
            }
    assert_int_equal(w.log_lines, 1);
}

static void test_the_first_access_is_logged_and_again_after_a_reset(void **state)
{
    struct watched w = {0};
    struct arm_log log = watched_log(&w);
    struct empty_bus a, b;

    (void)state;
    empty_bus_init(&a, &log, "one", 0);
    empty_bus_init(&b, &log, "other", 0x1000);
    assert_int_equal(w.log_lines, 0);
    rd(&a.dev, 0);
    rd(&a.dev, 4);
    wr(&a.dev, 4, 0);
    assert_int_equal(w.log_lines, 1);
    wr(&b.dev, 0, 0);
    assert_int_equal(w.log_lines, 2);
    a.dev.ops->reset(&a.dev);
    wr(&a.dev, 8, 0);
    assert_int_equal(w.log_lines, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads_are_ones_and_writes_are_lost),
        cmocka_unit_test(test_the_first_access_is_logged_and_again_after_a_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
