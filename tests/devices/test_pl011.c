/* A PL011: registers, what it sends, loopback. */
#include "tests/devices/pl011_fixture.h"

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
        cmocka_unit_test(test_changing_FEN_flushes),
        cmocka_unit_test(test_loopback),
        cmocka_unit_test(test_loopback_needs_a_receiver_that_is_enabled),
        cmocka_unit_test(test_break_loops_back_as_one_character),
        cmocka_unit_test(test_accesses_that_no_register_has_are_logged),
        cmocka_unit_test(test_random_accesses_keep_the_invariants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
