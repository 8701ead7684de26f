#include "tests/devices/fixture.h"

#include "devices/pl061.h"

enum {
    DATA = 0x000,
    DIR = 0x400,
    IS = 0x404,
    IBE = 0x408,
    IEV = 0x40c,
    IE = 0x410,
    RIS = 0x414,
    MIS = 0x418,
    IC = 0x41c,
    AFSEL = 0x420,
};

#define DATA_ALL 0x3fc

struct gpio {
    struct pl061 dev;
    struct watched watched;
    struct arm_log log;
};

static struct device *start(struct gpio *g)
{
    memset(g, 0, sizeof(*g));
    g->log = watched_log(&g->watched);
    pl061_init(&g->dev, &g->log, watched_line(&g->watched));
    return &g->dev.dev;
}

static void test_reset_values(void **state)
{
    static const struct reg_value rows[] = {
        {DATA_ALL, 0}, {DIR, 0}, {IS, 0},  {IBE, 0}, {IEV, 0},
        {IE, 0},       {RIS, 0}, {MIS, 0}, {IC, 0},  {AFSEL, 0},
    };
    struct gpio g;
    struct device *dev = start(&g);

    (void)state;
    assert_regs(dev, rows, ARRAY_SIZE(rows));
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        wr(dev, rows[i].offset, 0xffffffff);
    dev->ops->reset(dev);
    assert_regs(dev, rows, ARRAY_SIZE(rows));
    assert_false(g.watched.level);
    assert_id(dev, (const uint8_t[]){0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1});
}

static void test_registers_are_8_bits(void **state)
{
    static const struct reg_value masks[] = {
        {DIR, 0xff}, {IS, 0xff}, {IBE, 0xff}, {IEV, 0xff}, {IE, 0xff}, {AFSEL, 0xff},
    };
    struct gpio g;

    (void)state;
    assert_masks(start(&g), masks, ARRAY_SIZE(masks));
}

static void test_data_address_is_a_mask(void **state)
{
    struct gpio g;
    struct device *dev = start(&g);

    (void)state;
    wr(dev, DIR, 0x0f);
    wr(dev, 0x0a << 2, 0xff);
    assert_int_equal(rd(dev, DATA_ALL), 0x0a);
    wr(dev, 0x03 << 2, 0x01);
    assert_int_equal(rd(dev, DATA_ALL), 0x09);
    assert_int_equal(rd(dev, 0x08 << 2), 0x08);
    assert_int_equal(rd(dev, DATA), 0);
    pl061_set_input(&g.dev, 7, true);
    pl061_set_input(&g.dev, 0, false); /* an output: not seen */
    assert_int_equal(rd(dev, DATA_ALL), 0x89);
    wr(dev, DATA_ALL, 0xff); /* an input: latched only */
    assert_int_equal(rd(dev, DATA_ALL), 0x8f);
    wr(dev, DIR, 0xff);
    assert_int_equal(rd(dev, DATA_ALL), 0xff);
}

/* What a rising and a falling edge of line 3 do to GPIORIS, for each way to be sensitive. */
static void test_edges_and_levels(void **state)
{
    static const struct {
        uint8_t is, ibe, iev;
        bool low, rising, high, falling; /* RIS at low level, after rise, cleared, after fall */
    } rows[] = {
        {0, 0, 0, false, false, false, true}, /* falling edges */
        {0, 0, 1, false, true, false, false}, /* rising edges */
        {0, 1, 0, false, true, false, true},  /* both */
        {0, 1, 1, false, true, false, true},
        {1, 0, 1, false, true, true, false}, /* high level: clearing has no effect */
        {1, 0, 0, true, false, false, true}, /* low level */
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct gpio g;
        struct device *dev = start(&g);

        wr(dev, IS, rows[i].is << 3);
        wr(dev, IBE, rows[i].ibe << 3);
        wr(dev, IEV, rows[i].iev << 3);
        wr(dev, IE, 8);
        assert_int_equal(rd(dev, MIS) == 8, rows[i].low);
        pl061_set_input(&g.dev, 3, true);
        assert_int_equal(g.watched.level, rows[i].rising);
        wr(dev, IC, 0xff);
        assert_int_equal(g.watched.level, rows[i].high);
        pl061_set_input(&g.dev, 3, false);
        assert_int_equal(g.watched.level, rows[i].falling);
        wr(dev, IE, 0);
        assert_false(g.watched.level);
        assert_int_equal(rd(dev, MIS), 0);
        assert_int_equal((rd(dev, RIS) & 8) != 0, rows[i].falling);
    }
}

static void test_offsets_behind_the_registers_are_logged(void **state)
{
    struct gpio g;
    struct device *dev = start(&g);

    (void)state;
    assert_int_equal(rd(dev, 0x424), 0);
    wr(dev, 0xfdc, 1);
    assert_int_equal(g.watched.log_lines, 2);
}

static void check_invariants(struct device *dev, void *ctx)
{
    struct gpio *g = ctx;
    uint8_t ris = (uint8_t)rd(dev, RIS);

    assert_int_equal(rd(dev, MIS), ris & rd(dev, IE));
    assert_int_equal(g->watched.level, rd(dev, MIS) != 0);
    pl061_set_input(&g->dev, rd(dev, DATA_ALL) & 7, ris & 1);
}

static void test_random_accesses_keep_the_invariants(void **state)
{
    uint64_t rng = test_seed(1);
    struct gpio g;
    struct device *dev = start(&g);

    (void)state;
    random_accesses(dev, 0x430, 50000, &rng, check_invariants, &g);
    random_accesses(dev, 0x1000, 10000, &rng, check_invariants, &g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_values),
        cmocka_unit_test(test_registers_are_8_bits),
        cmocka_unit_test(test_data_address_is_a_mask),
        cmocka_unit_test(test_edges_and_levels),
        cmocka_unit_test(test_offsets_behind_the_registers_are_logged),
        cmocka_unit_test(test_random_accesses_keep_the_invariants),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
