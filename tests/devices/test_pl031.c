#include "tests/devices/fixture.h"

#include "devices/pl031.h"

enum {
    DR = 0x00,
    MR = 0x04,
    LR = 0x08,
    CR = 0x0c,
    IMSC = 0x10,
    RIS = 0x14,
    MIS = 0x18,
    ICR = 0x1c
};

#define S     UINT64_C(1000000000)
#define EPOCH 1000000

struct rtc {
    struct pl031 dev;
    struct clock clock;
    struct watched watched;
    struct arm_log log;
};

static struct device *start(struct rtc *r)
{
    memset(r, 0, sizeof(*r));
    r->clock.next_ns = CLOCK_NEVER;
    r->log = watched_log(&r->watched);
    pl031_init(&r->dev, &r->log, watched_line(&r->watched), &r->clock, EPOCH);
    return &r->dev.dev;
}

static void test_reset_values(void **state)
{
    static const struct reg_value rows[] = {
        {DR, EPOCH}, {MR, 0}, {LR, 0}, {CR, 1}, {IMSC, 0}, {RIS, 0}, {MIS, 0}, {ICR, 0},
    };
    struct rtc r;
    struct device *dev = start(&r);

    (void)state;
    assert_regs(dev, rows, ARRAY_SIZE(rows));
    for (unsigned i = 1; i < ARRAY_SIZE(rows); i++)
        if (rows[i].offset != LR)
            wr(dev, rows[i].offset, 0xffffffff);
    dev->ops->reset(dev);
    assert_regs(dev, rows, ARRAY_SIZE(rows));
    assert_false(r.watched.level);
    assert_int_equal(r.clock.next_ns, CLOCK_NEVER);
    assert_id(dev, (const uint8_t[]){0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1});
}

static void test_a_reset_does_not_stop_the_clock(void **state)
{
    struct rtc r;
    struct device *dev = start(&r);

    (void)state;
    wr(dev, LR, 77);
    clock_run(&r.clock, 3 * S);
    dev->ops->reset(dev);
    assert_int_equal(rd(dev, DR), 80);
    assert_int_equal(rd(dev, LR), 77);
}

static void test_seconds_are_those_of_virtual_time(void **state)
{
    struct rtc r;
    struct device *dev = start(&r);

    (void)state;
    clock_run(&r.clock, S - 1);
    assert_int_equal(rd(dev, DR), EPOCH);
    clock_run(&r.clock, S);
    assert_int_equal(rd(dev, DR), EPOCH + 1);
    wr(dev, LR, 0xffffffff);
    assert_int_equal(rd(dev, LR), 0xffffffff);
    assert_int_equal(rd(dev, DR), 0xffffffff);
    clock_run(&r.clock, 2 * S);
    assert_int_equal(rd(dev, DR), 0);
}

static void test_match_interrupts_at_its_second(void **state)
{
    struct rtc r;
    struct device *dev = start(&r);

    (void)state;
    clock_run(&r.clock, S / 2);
    wr(dev, IMSC, 1);
    wr(dev, MR, EPOCH + 3);
    assert_int_equal(r.clock.next_ns, 3 * S);
    clock_run(&r.clock, 3 * S - 1);
    assert_false(r.watched.level);
    clock_run(&r.clock, 3 * S);
    assert_true(r.watched.level);
    assert_int_equal(rd(dev, RIS), 1);
    assert_int_equal(rd(dev, MIS), 1);
    wr(dev, IMSC, 0);
    assert_false(r.watched.level);
    assert_int_equal(rd(dev, MIS), 0);
    wr(dev, IMSC, 1);
    wr(dev, ICR, 1);
    assert_false(r.watched.level);
    assert_int_equal(rd(dev, RIS), 0);
}

static void test_match_in_this_second_is_now_and_in_the_past_is_after_the_wrap(void **state)
{
    struct rtc r;
    struct device *dev = start(&r);

    (void)state;
    wr(dev, MR, EPOCH);
    assert_int_equal(rd(dev, RIS), 1);
    wr(dev, ICR, 1);
    wr(dev, MR, EPOCH - 1);
    assert_int_equal(rd(dev, RIS), 0);
    assert_int_equal(r.clock.next_ns, UINT64_C(0xffffffff) * S);
}

static void test_setting_the_time_moves_the_match(void **state)
{
    struct rtc r;
    struct device *dev = start(&r);

    (void)state;
    wr(dev, MR, EPOCH + 100);
    wr(dev, LR, EPOCH + 90);
    assert_int_equal(r.clock.next_ns, 10 * S);
    wr(dev, LR, EPOCH + 100);
    assert_int_equal(rd(dev, RIS), 1);
    assert_int_equal(r.clock.next_ns, CLOCK_NEVER);
}

static void check_invariants(struct device *dev, void *ctx)
{
    struct rtc *r = ctx;

    assert_int_equal(r->watched.level, rd(dev, MIS) != 0);
    clock_run(&r->clock, clock_now_ns(&r->clock) + S / 7);
}

/* DDI0224 3.3.5 to 3.3.8: only RTCICR ends the interrupt; the mask hides it. */
static void test_match_stays_until_it_is_cleared(void **state)
{
    struct rtc r;
    struct device *dev = start(&r);

    (void)state;
    wr(dev, MR, EPOCH + 2);
    clock_run(&r.clock, 2 * S);
    assert_int_equal(rd(dev, RIS), 1);
    assert_int_equal(rd(dev, MIS), 0);
    assert_false(r.watched.level);
    wr(dev, MR, EPOCH + 100);
    wr(dev, LR, EPOCH + 50);
    clock_run(&r.clock, 4 * S);
    assert_int_equal(rd(dev, RIS), 1);
    wr(dev, IMSC, 1);
    assert_int_equal(rd(dev, MIS), 1);
    assert_true(r.watched.level);
    wr(dev, ICR, 0);
    assert_int_equal(rd(dev, RIS), 1);
    wr(dev, ICR, 1);
    assert_int_equal(rd(dev, RIS), 0);
    assert_false(r.watched.level);
    clock_run(&r.clock, 52 * S - 1);
    assert_int_equal(rd(dev, RIS), 0);
    clock_run(&r.clock, 52 * S); /* LR made it 50 at 2 s */
    assert_int_equal(rd(dev, RIS), 1);
}

static void test_random_accesses_keep_the_invariants(void **state)
{
    uint64_t rng = test_seed(1);
    struct rtc r;
    struct device *dev = start(&r);

    (void)state;
    random_accesses(dev, 0x20, 50000, &rng, check_invariants, &r);
    random_accesses(dev, 0x1000, 10000, &rng, check_invariants, &r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_values),
        cmocka_unit_test(test_a_reset_does_not_stop_the_clock),
        cmocka_unit_test(test_seconds_are_those_of_virtual_time),
        cmocka_unit_test(test_match_interrupts_at_its_second),
        cmocka_unit_test(test_match_in_this_second_is_now_and_in_the_past_is_after_the_wrap),
        cmocka_unit_test(test_setting_the_time_moves_the_match),
        cmocka_unit_test(test_match_stays_until_it_is_cleared),
        cmocka_unit_test(test_random_accesses_keep_the_invariants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
