/* Packed virtqueues by the specification (Virtual I/O Device 1.1, section 2.7), with the entropy
 * device behind them. */
#include "base/state_io.h"
#include "tests/devices/virtio_rng_fixture.h"

#define PACKED (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_PACKED))
#define ALL    (PACKED | BIT(VIRTIO_F_INDIRECT_DESC) | BIT(VIRTIO_F_EVENT_IDX))

#define SLOTS  5 /* need not be a power of 2 */
#define DRIVER (ring(0) + AVAIL_AT)
#define DEVICE (ring(0) + USED_AT)

#define AVAIL 0x80
#define USED  0x8000

enum { ENABLE, DISABLE, DESC }; /* 2.7.10 */

/* What a driver keeps of its ring: 2.7.1. */
struct packed {
    struct rng r;
    unsigned next, used;
    bool wrap, used_wrap;
};

static struct device *begin(struct packed *p, uint64_t features)
{
    struct device *dev = start(&p->r, 1);

    p->r.dev.virtio.offered |= BIT(VIRTIO_F_RING_PACKED);
    driver_start(&p->r.d, features, 0);
    wr(dev, QUEUE_SEL, 0);
    wr(dev, QUEUE_NUM, SLOTS);
    wr(dev, QUEUE_DESC, ring(0));
    wr(dev, QUEUE_DRIVER, DRIVER);
    wr(dev, QUEUE_DEVICE, DEVICE);
    wr(dev, QUEUE_READY, 1);
    assert_int_equal(rd(dev, QUEUE_READY), 1);
    p->next = p->used = 0;
    p->wrap = p->used_wrap = true;
    return dev;
}

/* One descriptor in the next place, available; @id matters in the last of a chain. */
static void put(struct packed *p, uint64_t addr, uint32_t len, unsigned id, unsigned flags)
{
    uint64_t at = ring(0) + 16 * p->next;

    poke(&p->r.d, at, 8, addr);
    poke(&p->r.d, at + 8, 4, len);
    poke(&p->r.d, at + 12, 2, id);
    poke(&p->r.d, at + 14, 2, flags | (p->wrap ? AVAIL : USED));
    if (++p->next == SLOTS) {
        p->next = 0;
        p->wrap = !p->wrap;
    }
}

static void notify(struct packed *p)
{
    wr(driver_dev(&p->r.d), QUEUE_NOTIFY, 0);
}

/* Is the next descriptor one of the device's, of buffer @id, with @len bytes? Past @slots then. */
static void expect_used(struct packed *p, unsigned id, uint32_t len, unsigned slots)
{
    uint64_t at = ring(0) + 16 * p->used;
    unsigned flags = (unsigned)peek(&p->r.d, at + 14, 2);

    assert_int_equal(flags & (AVAIL | USED), p->used_wrap ? AVAIL | USED : 0);
    assert_int_equal(flags & DESC_WRITE, len ? DESC_WRITE : 0);
    assert_int_equal(peek(&p->r.d, at + 12, 2), id);
    assert_int_equal(peek(&p->r.d, at + 8, 4), len);
    p->used += slots;
    if (p->used >= SLOTS) {
        p->used -= SLOTS;
        p->used_wrap = !p->used_wrap;
    }
}

static void test_offered_where_asked_for_and_never_to_a_legacy_driver(void **state)
{
    struct rng r;
    struct device *dev = start(&r, 1);

    (void)state;
    wr(dev, DEVICE_FEATURES_SEL, 1);
    assert_int_equal(rd(dev, DEVICE_FEATURES), 1);
    r.dev.virtio.offered |= BIT(VIRTIO_F_RING_PACKED);
    assert_int_equal(rd(dev, DEVICE_FEATURES), 1 | 1 << (VIRTIO_F_RING_PACKED - 32));
    assert_false(virtio_offered(&r.dev.virtio, true) & BIT(VIRTIO_F_RING_PACKED));
    driver_start(&r.d, BIT(VIRTIO_F_VERSION_1), 1); /* who does not want it has split ones */
    ask(&r, BUFFERS, 8);
    assert_int_equal(used_count(&r.d, 0), 1);
    driver_end(&r.d);
}

/* The counters of both sides turn at the ring's end; a chain may lie across it. */
static void test_buffers_go_round_the_ring(void **state)
{
    struct packed p;

    (void)state;
    begin(&p, PACKED);
    for (unsigned k = 0; k < 4 * SLOTS; k++) {
        unsigned pieces = 1 + k % 3;
        for (unsigned i = 0; i < pieces; i++)
            put(&p, BUFFERS + 0x100 * i, 10, i + 1 < pieces ? 999 : 100 + k,
                DESC_WRITE | (i + 1 < pieces ? DESC_NEXT : 0));
        notify(&p);
        expect_used(&p, 100 + k, 10 * pieces, pieces);
    }
    assert_int_equal(p.r.dev.virtio.queues[0].broken, 0);
    driver_end(&p.r.d);
}

/* All places at once, and none of them is taken twice. */
static void test_a_full_ring(void **state)
{
    struct packed p;

    (void)state;
    begin(&p, PACKED);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < SLOTS; i++)
            put(&p, BUFFERS, 8, i, DESC_WRITE);
        notify(&p);
        notify(&p);
        for (unsigned i = 0; i < SLOTS; i++)
            expect_used(&p, i, 8, 1);
        assert_int_equal(p.r.dev.virtio.queues[0].next_avail, (round + 1) % 2 * SLOTS);
    }
    driver_end(&p.r.d);
}

static void test_nothing_is_available_in_zeros(void **state)
{
    struct packed p;

    (void)state;
    begin(&p, PACKED);
    notify(&p);
    assert_int_equal(virtq_waiting(&p.r.dev.virtio.queues[0]), 0);
    put(&p, BUFFERS, 8, 1, DESC_WRITE | DESC_NEXT);
    put(&p, BUFFERS, 8, 1, DESC_WRITE);
    put(&p, BUFFERS, 8, 2, DESC_WRITE);
    assert_int_equal(virtq_waiting(&p.r.dev.virtio.queues[0]), 2);
    notify(&p);
    assert_int_equal(virtq_waiting(&p.r.dev.virtio.queues[0]), 0);
    assert_int_equal(peek(&p.r.d, ring(0) + 16 * 3 + 14, 2), 0);
    driver_end(&p.r.d);
}

/* 2.7.7: every entry of the table is of the list, whatever flags it has beside the one for writing.
 */
static void test_indirect_table(void **state)
{
    struct packed p;

    (void)state;
    begin(&p, ALL);
    put_desc(&p.r.d, BUFFERS, 0, BUFFERS + 0x1000, 10, 0, DESC_WRITE);
    put_desc(&p.r.d, BUFFERS, 1, BUFFERS + 0x2000, 20, 7, DESC_WRITE | DESC_INDIRECT | AVAIL);
    put(&p, BUFFERS, 32, 77, DESC_INDIRECT | DESC_WRITE);
    put(&p, BUFFERS, 5, 78, DESC_WRITE);
    notify(&p);
    expect_used(&p, 77, 30, 1);
    expect_used(&p, 78, 5, 1);
    assert_int_not_equal(peek(&p.r.d, BUFFERS + 0x2000, 8), 0);
    driver_end(&p.r.d);
}

static bool interrupted(struct packed *p)
{
    bool is = rd(driver_dev(&p->r.d), INTERRUPT_STATUS) & VIRTIO_ISR_QUEUE;

    wr(driver_dev(&p->r.d), INTERRUPT_ACK, 3);
    return is;
}

static void set_events(struct packed *p, unsigned flags, unsigned off, bool wrap)
{
    poke(&p->r.d, DRIVER, 2, off | (unsigned)wrap << 15);
    poke(&p->r.d, DRIVER + 2, 2, flags);
}

/* One buffer; does it interrupt? */
static bool rings_the_bell(struct packed *p)
{
    put(p, BUFFERS, 8, 1, DESC_WRITE);
    notify(p);
    expect_used(p, 1, 8, 1);
    return interrupted(p);
}

/* 2.7.10: by the flags of the driver's area, or by a descriptor of one round that it names. */
static void test_interrupts_only_when_wanted(void **state)
{
    struct packed p;

    (void)state;
    begin(&p, ALL);
    assert_true(rings_the_bell(&p));
    set_events(&p, DISABLE, 0, true);
    assert_false(rings_the_bell(&p));
    set_events(&p, ENABLE, 0, true);
    assert_true(rings_the_bell(&p)); /* of the third place */
    set_events(&p, DESC, 1, false);  /* the second one of the next round */
    assert_false(rings_the_bell(&p));
    assert_false(rings_the_bell(&p));
    assert_false(rings_the_bell(&p)); /* the first one */
    assert_true(rings_the_bell(&p));
    assert_false(rings_the_bell(&p));
    set_events(&p, DESC, 3, true); /* the fourth of this round is another round's */
    assert_false(rings_the_bell(&p));
    set_events(&p, DESC, SLOTS, true); /* behind the end */
    for (unsigned i = 0; i < 2 * SLOTS; i++)
        assert_false(rings_the_bell(&p));
    driver_end(&p.r.d);
}

/* The device asks for what the driver makes available next; without event indexes for everything.
 */
static void test_notifications_that_the_device_asks_for(void **state)
{
    struct packed p;

    (void)state;
    begin(&p, ALL);
    for (unsigned k = 1; k <= 2 * SLOTS; k++) {
        rings_the_bell(&p);
        assert_int_equal(peek(&p.r.d, DEVICE, 2), k % SLOTS | (k / SLOTS == 1 ? 0 : 1 << 15));
        assert_int_equal(peek(&p.r.d, DEVICE + 2, 2), DESC);
    }
    driver_end(&p.r.d);
    begin(&p, PACKED);
    set_events(&p, DESC, 4, true); /* not negotiated: interrupts are not suppressed */
    assert_true(rings_the_bell(&p));
    assert_int_equal(peek(&p.r.d, DEVICE, 4), ENABLE);
    driver_end(&p.r.d);
}

/* Each breaks the queue, and a reset mends it. */
static void test_malformed_rings(void **state)
{
    static const struct {
        const char *what;
        uint64_t addr;
        uint32_t len;
        unsigned flags, count;
        uint64_t features;
    } rows[] = {
        {"buffer not RAM", 0x1000, 8, DESC_WRITE, 1, ALL},
        {"buffer wraps", UINT64_MAX - 3, 8, DESC_WRITE, 1, ALL},
        {"too long", RAM, 0xffffffff, DESC_WRITE, 1, ALL},
        {"a chain round the whole ring", BUFFERS, 8, DESC_WRITE | DESC_NEXT, SLOTS, ALL},
        {"indirect, not negotiated", BUFFERS, 16, DESC_INDIRECT, 1, PACKED},
        {"indirect, odd length", BUFFERS, 17, DESC_INDIRECT, 1, ALL},
        {"indirect, empty", BUFFERS, 0, DESC_INDIRECT, 1, ALL},
        {"indirect, too long", RAM, 16 * 257, DESC_INDIRECT, 1, ALL},
        {"indirect with next", BUFFERS, 16, DESC_INDIRECT | DESC_NEXT, 1, ALL},
        {"indirect, not RAM", 0x1000, 16, DESC_INDIRECT, 1, ALL},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct packed p;
        struct device *dev = begin(&p, rows[i].features);
        for (unsigned k = 0; k < rows[i].count; k++)
            put(&p, rows[i].addr, rows[i].len, 1, rows[i].flags);
        notify(&p);
        if (!(rd(dev, STATUS) & VIRTIO_NEEDS_RESET))
            fail_msg("%s: the queue is not broken", rows[i].what);
        assert_int_equal(rd(dev, INTERRUPT_STATUS), VIRTIO_ISR_CONFIG);
        driver_end(&p.r.d);
    }
}

static void test_an_indirect_table_in_a_chain_breaks_it(void **state)
{
    struct packed p;
    struct device *dev = begin(&p, ALL);

    (void)state;
    put(&p, BUFFERS, 8, 1, DESC_WRITE | DESC_NEXT);
    put(&p, BUFFERS, 16, 1, DESC_INDIRECT);
    notify(&p);
    assert_true(rd(dev, STATUS) & VIRTIO_NEEDS_RESET);
    driver_end(&p.r.d);
}

static void test_queue_set_up(void **state)
{
    static const struct {
        uint64_t desc, driver, device;
        uint32_t size;
    } rows[] = {
        {RAM, RAM + 0x1000, RAM + 0x2000, 0},     {RAM, RAM + 0x1000, RAM + 0x2000, 257},
        {RAM + 8, RAM + 0x1000, RAM + 0x2000, 8}, {RAM, RAM + 0x1002, RAM + 0x2000, 8},
        {RAM, RAM + 0x1000, RAM + 0x2002, 8},     {0x1000, RAM + 0x1000, RAM + 0x2000, 8},
        {RAM, 0x1000, RAM + 0x2000, 8},           {RAM, RAM + 0x1000, 0x1000, 8},
    };
    struct packed p;
    struct device *dev = begin(&p, PACKED);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        wr(dev, QUEUE_READY, 0);
        wr(dev, QUEUE_NUM, rows[i].size);
        wr(dev, QUEUE_DESC, rows[i].desc);
        wr(dev, QUEUE_DRIVER, rows[i].driver);
        wr(dev, QUEUE_DEVICE, rows[i].device);
        wr(dev, QUEUE_READY, 1);
        assert_int_equal(rd(dev, QUEUE_READY), 0);
    }
    driver_end(&p.r.d);
}

/* A queue goes on where it was, in its round; a place that no ring has is refused. */
static void test_state(void **state)
{
    struct packed p, q;
    struct state_io io;

    (void)state;
    begin(&p, ALL);
    for (unsigned k = 0; k < SLOTS + 2; k++)
        rings_the_bell(&p);
    state_io_save(&io);
    virtq_state(&io, &p.r.dev.virtio.queues[0]);
    begin(&q, ALL);
    struct state_io back;
    state_io_restore(&back, io.out, io.len);
    virtq_state(&back, &q.r.dev.virtio.queues[0]);
    assert_false(state_failed(&back));
    state_io_destroy(&back);
    q.next = q.used = 2;
    q.wrap = q.used_wrap = false;
    set_events(&q, DESC, 4, false);
    assert_false(rings_the_bell(&q));
    assert_false(rings_the_bell(&q));
    assert_true(rings_the_bell(&q));
    state_io_destroy(&io);
    p.r.dev.virtio.queues[0].next_used = 2 * SLOTS;
    state_io_save(&io);
    virtq_state(&io, &p.r.dev.virtio.queues[0]);
    state_io_restore(&back, io.out, io.len);
    virtq_state(&back, &q.r.dev.virtio.queues[0]);
    assert_true(state_failed(&back));
    state_io_destroy(&back);
    state_io_destroy(&io);
    driver_end(&q.r.d);
    driver_end(&p.r.d);
}

static void test_garbage(void **state)
{
    uint64_t rng = test_seed(1);
    struct packed p;
    struct device *dev = begin(&p, ALL);

    (void)state;
    driver_fuzz(&p.r.d, 1, 2000, &rng);
    random_accesses(dev, VIRTIO_MMIO_BYTES, 20000, &rng, nothing, NULL);
    driver_end(&p.r.d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offered_where_asked_for_and_never_to_a_legacy_driver),
        cmocka_unit_test(test_buffers_go_round_the_ring),
        cmocka_unit_test(test_a_full_ring),
        cmocka_unit_test(test_nothing_is_available_in_zeros),
        cmocka_unit_test(test_indirect_table),
        cmocka_unit_test(test_interrupts_only_when_wanted),
        cmocka_unit_test(test_notifications_that_the_device_asks_for),
        cmocka_unit_test(test_malformed_rings),
        cmocka_unit_test(test_an_indirect_table_in_a_chain_breaks_it),
        cmocka_unit_test(test_queue_set_up),
        cmocka_unit_test(test_state),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
