/* What a PL011 receives: the FIFO, its trigger level and timeout, overrun. */
#include "tests/devices/pl011_fixture.h"

static void test_without_fifo_one_character_fits(void **state)
{
    struct uart u;
    struct device *dev = start(&u);

    (void)state;
    wr(dev, IMSC, INT_RX);
    assert_int_equal(pl011_can_receive(&u.dev), 1);
    receive(&u, "a");
    assert_int_equal(pl011_can_receive(&u.dev), 0);
    assert_int_equal(rd(dev, FR), TXFE | RXFF);
    assert_int_equal(rd(dev, RIS), INT_RX);
    assert_true(u.watched.level);
    assert_int_equal(rd(dev, DR), 'a');
    assert_false(u.watched.level);
    assert_int_equal(rd(dev, FR), TXFE | RXFE);
    assert_int_equal(rd(dev, DR), 0);
}

/* DDI0183 3.3.9: UARTIFLS.RXIFLSEL of 0..4 is 1/8, 1/4, 1/2, 3/4, 7/8 of 16. */
static void test_receive_interrupt_follows_the_trigger_level(void **state)
{
    static const unsigned trigger[] = {2, 4, 8, 12, 14};

    (void)state;
    for (unsigned level = 0; level < ARRAY_SIZE(trigger); level++) {
        struct uart u;
        struct device *dev = start(&u);

        wr(dev, LCR_H, FEN);
        wr(dev, IFLS, level << 3);
        for (unsigned n = 1; n <= PL011_FIFO_DEPTH; n++) {
            receive(&u, "x");
            assert_int_equal((rd(dev, RIS) & INT_RX) != 0, n >= trigger[level]);
        }
        assert_int_equal(rd(dev, FR), TXFE | RXFF);
        for (unsigned n = PL011_FIFO_DEPTH - 1; n > 0; n--) {
            rd(dev, DR);
            assert_int_equal((rd(dev, RIS) & INT_RX) != 0, n >= trigger[level]);
        }
        rd(dev, DR);
        assert_int_equal(rd(dev, RIS), 0);
    }
}

static void test_fifo_keeps_order_over_its_wrap(void **state)
{
    struct uart u;
    struct device *dev = start(&u);
    uint8_t in = 0, out = 0;

    (void)state;
    wr(dev, LCR_H, FEN);
    for (unsigned round = 0; round < 50; round++) {
        size_t n = pl011_can_receive(&u.dev);
        for (size_t i = 0; i < n; i++, in++)
            pl011_receive(&u.dev, &in, 1);
        for (unsigned i = 0; i < 1 + round % PL011_FIFO_DEPTH; i++)
            assert_int_equal(rd(dev, DR), out++);
    }
}

/* DDI0183 2.8.2: clearing the interrupt holds until the next character comes. */
static void test_cleared_receive_interrupt_returns_with_a_character_only(void **state)
{
    struct uart u;
    struct device *dev = start(&u);

    (void)state;
    wr(dev, LCR_H, FEN);
    receive(&u, "12345678");
    assert_int_equal(rd(dev, RIS), INT_RX);
    wr(dev, ICR, INT_RX);
    assert_int_equal(rd(dev, RIS), 0);
    wr(dev, IMSC, INT_RX);
    wr(dev, IFLS, 0);
    assert_int_equal(rd(dev, RIS), 0);
    receive(&u, "9");
    assert_int_equal(rd(dev, RIS), INT_RX);
}

/* 3.3.9: a transition of the fill level through the trigger, not a trigger that moves. */
static void test_trigger_level_that_moves_changes_no_interrupt(void **state)
{
    struct uart u;
    struct device *dev = start(&u);

    (void)state;
    wr(dev, LCR_H, FEN);
    wr(dev, IFLS, 4 << 3);
    receive(&u, "12345678");
    wr(dev, IFLS, 0);
    assert_int_equal(rd(dev, RIS), 0);
    receive(&u, "9");
    assert_int_equal(rd(dev, RIS), INT_RX);
    wr(dev, IFLS, 4 << 3);
    assert_int_equal(rd(dev, RIS), INT_RX);
    rd(dev, DR);
    assert_int_equal(rd(dev, RIS), 0);
}

/* 32 bit periods in ns, rounded down: a bit is 16 * (IBRD + FBRD / 64) of a 24 MHz clock. */
static const struct {
    uint32_t ibrd, fbrd;
    uint64_t ns;
} timeouts[] = {
    {13, 1, 277666},        /* 115200 baud */
    {156, 16, 3333333},     /* 9600 */
    {1, 0, 21333},          /* the fastest */
    {65535, 0, 1398080000}, /* the slowest */
    {0, 63, 21333},         /* invalid */
};

static void test_receive_timeout_comes_after_32_bit_periods_of_silence(void **state)
{
    (void)state;
    for (unsigned fen = 0; fen <= FEN; fen += FEN)
        for (unsigned i = 0; i < ARRAY_SIZE(timeouts); i++) {
            const uint64_t ns = timeouts[i].ns;
            struct uart u;
            struct device *dev = start(&u);

            wr(dev, IBRD, timeouts[i].ibrd);
            wr(dev, FBRD, timeouts[i].fbrd);
            wr(dev, LCR_H, 0x60 | fen);
            wr(dev, IMSC, INT_RT);
            receive(&u, "a");
            clock_run(&u.clock, ns - 1);
            assert_int_equal(rd(dev, MIS), 0);
            receive(&u, "b"); /* the silence starts again, also if it is lost */
            clock_run(&u.clock, ns);
            clock_run(&u.clock, 2 * ns - 2);
            assert_int_equal(rd(dev, MIS), 0);
            assert_false(u.watched.level);
            clock_run(&u.clock, 2 * ns - 1);
            assert_int_equal(rd(dev, MIS), INT_RT);
            assert_true(u.watched.level);
        }
}

static void test_receive_timeout_ends_with_the_last_character(void **state)
{
    struct uart u;
    struct device *dev = start(&u);

    (void)state;
    wr(dev, LCR_H, FEN);
    receive(&u, "ab");
    clock_run(&u.clock, 100000);
    assert_int_equal(rd(dev, DR), 'a');
    assert_int_equal(rd(dev, RIS), INT_RT);
    assert_int_equal(rd(dev, DR), 'b');
    assert_int_equal(rd(dev, RIS), 0);

    receive(&u, "c"); /* read in time */
    rd(dev, DR);
    assert_int_equal(u.clock.next_ns, CLOCK_NEVER);

    receive(&u, "d"); /* cleared: only a character can bring it back */
    clock_run(&u.clock, 200000);
    wr(dev, ICR, INT_RT);
    clock_run(&u.clock, 1000000);
    assert_int_equal(rd(dev, RIS), 0);
    receive(&u, "e");
    clock_run(&u.clock, 1100000);
    assert_int_equal(rd(dev, RIS), INT_RT);
}

/* 3.3.7: the three registers are one, which UARTLCR_H writes. */
static void test_divisor_is_taken_over_by_a_write_of_LCR_H(void **state)
{
    struct uart u;
    struct device *dev = start(&u);

    (void)state;
    wr(dev, IBRD, 13);
    wr(dev, FBRD, 1);
    wr(dev, LCR_H, FEN);
    wr(dev, IBRD, 1);
    wr(dev, FBRD, 0);
    assert_int_equal(rd(dev, IBRD), 1);
    receive(&u, "a");
    assert_int_equal(u.clock.next_ns, 277666);
    rd(dev, DR);
    wr(dev, LCR_H, FEN);
    receive(&u, "a");
    assert_int_equal(u.clock.next_ns, 21333);
}

static void test_overrun_stays_until_it_is_cleared(void **state)
{
    (void)state;
    for (unsigned fen = 0; fen <= FEN; fen += FEN) {
        struct uart u;
        struct device *dev = start(&u);
        unsigned depth;

        wr(dev, LCR_H, fen);
        depth = (unsigned)pl011_can_receive(&u.dev);
        assert_int_equal(depth, fen ? PL011_FIFO_DEPTH : 1);
        for (unsigned i = 0; i < depth; i++)
            receive(&u, "a");
        assert_int_equal(rd(dev, RSR), 0);
        assert_int_equal(rd(dev, RIS) & INT_OE, 0);
        receive(&u, "lost");
        assert_int_equal(rd(dev, RSR), 8); /* at once */
        assert_int_equal(rd(dev, RIS) & INT_OE, INT_OE);
        for (unsigned i = 0; i < depth; i++)
            assert_int_equal(rd(dev, DR), 'a');
        assert_int_equal(rd(dev, RSR), 8);
        assert_int_equal(rd(dev, RIS), INT_OE);
        wr(dev, ICR, 0x7ff & ~INT_OE);
        assert_int_equal(rd(dev, RIS), INT_OE);
        wr(dev, ICR, INT_OE);
        assert_int_equal(rd(dev, RIS), 0);
        assert_int_equal(rd(dev, RSR), 8);
        receive(&u, "b");
        assert_int_equal(rd(dev, DR), 0x800 | 'b');
        assert_int_equal(rd(dev, RSR), 8);
        receive(&u, "c");
        assert_int_equal(rd(dev, DR), 'c');
        assert_int_equal(rd(dev, RSR), 8);
        wr(dev, RSR, 0);
        assert_int_equal(rd(dev, RSR), 0);
    }
}

/* 2.4.3, "Overrun bit": it goes with the next character that fits, unless it is cleared. */
static void test_overrun_of_UARTDR_is_that_of_the_next_character(void **state)
{
    struct uart u;
    struct device *dev = start(&u);

    (void)state;
    receive(&u, "ab");
    rd(dev, DR);
    wr(dev, RSR, 0xff);
    receive(&u, "c");
    assert_int_equal(rd(dev, DR), 'c');
    receive(&u, "de");
    wr(dev, LCR_H, FEN);
    receive(&u, "f");
    assert_int_equal(rd(dev, DR), 'f');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_without_fifo_one_character_fits),
        cmocka_unit_test(test_receive_interrupt_follows_the_trigger_level),
        cmocka_unit_test(test_fifo_keeps_order_over_its_wrap),
        cmocka_unit_test(test_cleared_receive_interrupt_returns_with_a_character_only),
        cmocka_unit_test(test_trigger_level_that_moves_changes_no_interrupt),
        cmocka_unit_test(test_receive_timeout_comes_after_32_bit_periods_of_silence),
        cmocka_unit_test(test_receive_timeout_ends_with_the_last_character),
        cmocka_unit_test(test_divisor_is_taken_over_by_a_write_of_LCR_H),
        cmocka_unit_test(test_overrun_stays_until_it_is_cleared),
        cmocka_unit_test(test_overrun_of_UARTDR_is_that_of_the_next_character),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
