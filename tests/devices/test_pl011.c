#include "tests/devices/fixture.h"

#include "devices/pl011.h"

enum {
    DR = 0x000,
    RSR = 0x004,
    FR = 0x018,
    ILPR = 0x020,
    IBRD = 0x024,
    FBRD = 0x028,
    LCR_H = 0x02c,
    CR = 0x030,
    IFLS = 0x034,
    IMSC = 0x038,
    RIS = 0x03c,
    MIS = 0x040,
    ICR = 0x044,
    DMACR = 0x048,
};

#define FEN    0x10
#define RXFE   0x10
#define RXFF   0x40
#define TXFE   0x80
#define INT_RX 0x010
#define INT_TX 0x020
#define INT_RT 0x040
#define INT_BE 0x200
#define INT_OE 0x400

#define CLOCK_HZ 24000000
#define LOOPBACK 0x381 /* UARTEN, LBE, TXE, RXE */

struct uart {
    struct pl011 dev;
    struct clock clock;
    struct watched watched;
    struct arm_log log;
    uint8_t out[64];
    size_t out_count;
};

static void write_out(void *ctx, const uint8_t *data, size_t n)
{
    struct uart *u = ctx;

    for (size_t i = 0; i < n; i++)
        u->out[u->out_count++ % sizeof(u->out)] = data[i];
}

static struct device *start(struct uart *u)
{
    *u = (struct uart){.clock = {.next_ns = CLOCK_NEVER}};
    u->log = watched_log(&u->watched);
    pl011_init(&u->dev, &u->log, watched_line(&u->watched), &u->clock, CLOCK_HZ, write_out, u);
    return &u->dev.dev;
}

static void receive(struct uart *u, const char *s)
{
    pl011_receive(&u->dev, (const uint8_t *)s, strlen(s));
}

static void test_reset_values(void **state)
{
    static const struct reg_value rows[] = {
        {RSR, 0},    {FR, TXFE | RXFE}, {ILPR, 0}, {IBRD, 0}, {FBRD, 0}, {LCR_H, 0},
        {CR, 0x300}, {IFLS, 0x12},      {IMSC, 0}, {RIS, 0},  {MIS, 0},  {DMACR, 0},
    };
    struct uart u;
    struct device *dev = start(&u);

    (void)state;
    assert_regs(dev, rows, ARRAY_SIZE(rows));
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        wr(dev, rows[i].offset, 0xffffffff);
    receive(&u, "lost");
    dev->ops->reset(dev);
    assert_false(u.watched.level);
    assert_int_equal(u.clock.next_ns, CLOCK_NEVER);
    assert_regs(dev, rows, ARRAY_SIZE(rows));
    assert_id(dev, (const uint8_t[]){0x11, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1});
}

static void test_stored_registers_keep_their_fields_only(void **state)
{
    static const struct reg_value masks[] = {
        {ILPR, 0xff}, {IBRD, 0xffff}, {FBRD, 0x3f},  {LCR_H, 0xff},
        {CR, 0xff87}, {IFLS, 0x3f},   {IMSC, 0x7ff}, {DMACR, 7},
    };
    struct uart u;

    (void)state;
    assert_masks(start(&u), masks, ARRAY_SIZE(masks));
}

static void test_characters_go_out_also_before_the_uart_is_enabled(void **state)
{
    struct uart u;
    struct device *dev = start(&u);

    (void)state;
    wr(dev, DR, 'H');
    device_write(dev, DR, 1, 'i');
    assert_int_equal(u.out_count, 2);
    assert_memory_equal(u.out, "Hi", 2);
    assert_int_equal(rd(dev, FR), TXFE | RXFE);
    assert_int_equal(rd(dev, RIS), INT_TX);
    assert_false(u.watched.level);
    wr(dev, IMSC, INT_TX);
    assert_true(u.watched.level);
    assert_int_equal(rd(dev, MIS), INT_TX);
    wr(dev, ICR, INT_TX);
    assert_false(u.watched.level);
    assert_int_equal(rd(dev, RIS), 0);
}

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

static void test_changing_FEN_flushes(void **state)
{
    struct uart u;
    struct device *dev = start(&u);

    (void)state;
    wr(dev, LCR_H, FEN);
    receive(&u, "abc");
    wr(dev, LCR_H, FEN | 0x60);
    assert_int_equal(pl011_can_receive(&u.dev), PL011_FIFO_DEPTH - 3);
    wr(dev, LCR_H, 0x60);
    assert_int_equal(rd(dev, FR), TXFE | RXFE);
    assert_int_equal(rd(dev, RIS), 0);
}

static void test_loopback(void **state)
{
    static const struct {
        uint32_t cr, fr, irq;
    } lines[] = {
        {0x0800, 0x001, 0x2}, /* RTS, CTS */
        {0x0400, 0x002, 0x8}, /* DTR, DSR */
        {0x1000, 0x004, 0x4}, /* Out1, DCD */
        {0x2000, 0x100, 0x1}, /* Out2, RI */
    };
    struct uart u;
    struct device *dev = start(&u);

    (void)state;
    wr(dev, CR, 0x381);
    assert_int_equal(pl011_can_receive(&u.dev), 0);
    wr(dev, DR, 'z');
    assert_int_equal(u.out_count, 0);
    assert_int_equal(rd(dev, DR), 'z');
    wr(dev, ICR, 0x7ff);
    for (unsigned i = 0; i < ARRAY_SIZE(lines); i++) {
        wr(dev, CR, 0x381 | lines[i].cr);
        assert_int_equal(rd(dev, FR), TXFE | RXFE | lines[i].fr);
        assert_int_equal(rd(dev, RIS), lines[i].irq);
        wr(dev, CR, 0x381);
        wr(dev, ICR, 0x7ff);
        wr(dev, CR, 0x301 | lines[i].cr);
        assert_int_equal(rd(dev, FR), TXFE | RXFE);
        assert_int_equal(rd(dev, RIS), 0);
    }
}

static void test_loopback_needs_a_receiver_that_is_enabled(void **state)
{
    static const uint32_t off[] = {0x380, 0x181, 0x180};
    struct uart u;
    struct device *dev = start(&u);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(off); i++) {
        wr(dev, CR, off[i]);
        wr(dev, DR, 'z');
        assert_int_equal(rd(dev, FR) & RXFE, RXFE);
    }
    assert_int_equal(u.out_count, 0);
}

/* 3.3.1, BE: one 0 character, and no other until the line is released. */
static void test_break_loops_back_as_one_character(void **state)
{
    struct uart u;
    struct device *dev = start(&u);

    (void)state;
    wr(dev, CR, LOOPBACK);
    wr(dev, LCR_H, FEN | 1);
    assert_int_equal(rd(dev, RIS), INT_BE);
    wr(dev, DR, 'x');
    wr(dev, LCR_H, FEN | 1);
    assert_int_equal(rd(dev, RSR), 0);
    assert_int_equal(rd(dev, DR), 0x400);
    assert_int_equal(rd(dev, RSR), 4);
    assert_int_equal(rd(dev, FR) & RXFE, RXFE);
    wr(dev, LCR_H, FEN);
    wr(dev, DR, 'y');
    assert_int_equal(rd(dev, DR), 'y');
    assert_int_equal(rd(dev, RSR), 0); /* of the character read last */
    assert_int_equal(rd(dev, RIS) & INT_BE, INT_BE);
    wr(dev, ICR, INT_BE);
    assert_int_equal(rd(dev, RIS) & INT_BE, 0);

    wr(dev, CR, 0x301);
    wr(dev, LCR_H, FEN | 1); /* there is nobody at the end of the line */
    assert_int_equal(rd(dev, FR) & RXFE, RXFE);
    wr(dev, CR, LOOPBACK);
    assert_int_equal(rd(dev, DR), 0x400);
}

static void test_accesses_that_no_register_has_are_logged(void **state)
{
    struct uart u;
    struct device *dev = start(&u);

    (void)state;
    assert_int_equal(rd(dev, 0x008), 0);
    wr(dev, 0x100, 1);
    assert_int_equal(device_read(dev, 0, 8), 0);
    assert_int_equal(device_read(dev, FR + 1, 1), 0);
    assert_int_equal(u.watched.log_lines, 4);
    wr(dev, FR, 0xffff);
    assert_int_equal(rd(dev, ICR), 0);
    assert_int_equal(u.watched.log_lines, 4);
}

static void check_invariants(struct device *dev, void *ctx)
{
    struct uart *u = ctx;

    assert_int_equal(u->watched.level, rd(dev, MIS) != 0);
    assert_true(u->dev.rx_count <= PL011_FIFO_DEPTH && u->dev.rx_first < PL011_FIFO_DEPTH);
    assert_int_equal((rd(dev, FR) & RXFE) != 0, u->dev.rx_count == 0);
    if (u->dev.rx_count == 0)
        assert_int_equal(rd(dev, RIS) & (INT_RX | INT_RT), 0);
    if (pl011_can_receive(&u->dev) && u->out_count % 3)
        receive(u, "r");
    if (u->out_count % 5 == 0)
        clock_run(&u->clock, u->clock.now_ns + 10000);
}

static void test_random_accesses_keep_the_invariants(void **state)
{
    uint64_t rng = test_seed(1);
    struct uart u;
    struct device *dev = start(&u);

    (void)state;
    random_accesses(dev, 0x50, 100000, &rng, check_invariants, &u);
    random_accesses(dev, 0x1000, 20000, &rng, check_invariants, &u);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_values),
        cmocka_unit_test(test_stored_registers_keep_their_fields_only),
        cmocka_unit_test(test_characters_go_out_also_before_the_uart_is_enabled),
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
        cmocka_unit_test(test_changing_FEN_flushes),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_loopback_needs_a_receiver_that_is_enabled),
        cmocka_unit_test(test_break_loops_back_as_one_character),
        cmocka_unit_test(test_accesses_that_no_register_has_are_logged),
        cmocka_unit_test(test_random_accesses_keep_the_invariants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
