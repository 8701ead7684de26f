/* The transport's rules, with the entropy device behind it, and the rings. */
#include "tests/devices/virtio_rng_fixture.h"

#define ALL_FEATURES                                                                               \
    (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_INDIRECT_DESC) | BIT(VIRTIO_F_EVENT_IDX))

static void test_empty_slot(void **state)
{
    struct driver d;
    struct device *dev = driver_dev(&d);

    (void)state;
    driver_begin(&d);
    driver_plug(&d, NULL);
    assert_int_equal(rd(dev, MAGIC_VALUE), 0x74726976);
    assert_int_equal(rd(dev, VERSION_REG), 2);
    assert_int_equal(rd(dev, DEVICE_ID_REG), 0);
    for (unsigned offset = 0; offset < VIRTIO_MMIO_BYTES; offset += 4)
        wr(dev, offset, 0xffffffff);
    for (unsigned offset = 0x10; offset < 0xb0; offset += 4)
        assert_int_equal(rd(dev, offset), 0);
    assert_int_equal(rd(dev, CONFIG_SPACE), 0);
    driver_end(&d);
}

static void test_features(void **state)
{
    struct rng r;
    struct device *dev = start(&r, 1);
    unsigned lines;

    (void)state;
    assert_int_equal(rd(dev, DEVICE_ID_REG), 4);
    assert_int_equal(rd(dev, DEVICE_FEATURES), (uint32_t)ALL_FEATURES);
    wr(dev, DEVICE_FEATURES_SEL, 1);
    assert_int_equal(rd(dev, DEVICE_FEATURES), ALL_FEATURES >> 32);
    wr(dev, DEVICE_FEATURES_SEL, 2);
    assert_int_equal(rd(dev, DEVICE_FEATURES), 0);
    /* Without VERSION_1, and with a feature that was not offered. */
    wr(dev, STATUS, VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    assert_int_equal(rd(dev, STATUS), VIRTIO_DRIVER);
    wr(dev, DRIVER_FEATURES_SEL, 1);
    wr(dev, DRIVER_FEATURES, 3);
    wr(dev, STATUS, VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
    assert_int_equal(rd(dev, STATUS), VIRTIO_DRIVER);
    driver_start(&r.d, ALL_FEATURES, 1);
    lines = r.d.watched.log_lines;
    wr(dev, DRIVER_FEATURES, 0);
    assert_true(r.d.watched.log_lines > lines);
    assert_true(virtio_has(&r.dev.virtio, VIRTIO_F_VERSION_1));
    driver_end(&r.d);
}

static void test_queue_set_up(void **state)
{
    struct rng r;
    struct device *dev = start(&r, 1);

    (void)state;
    assert_int_equal(rd(dev, QUEUE_NUM_MAX), VIRTQ_SIZE_MAX);
    wr(dev, QUEUE_SEL, 1);
    assert_int_equal(rd(dev, QUEUE_NUM_MAX), 0);
    driver_queue(&r.d, 0); /* before FEATURES_OK */
    assert_int_equal(rd(dev, QUEUE_READY), 0);
    driver_start(&r.d, ALL_FEATURES, 0);
    wr(dev, QUEUE_SEL, 0);
    static const uint32_t bad_sizes[] = {0, 3, 512, 0x80000000};
    for (unsigned i = 0; i < ARRAY_SIZE(bad_sizes); i++) {
        driver_queue(&r.d, 0);
        wr(dev, QUEUE_READY, 0);
        wr(dev, QUEUE_NUM, bad_sizes[i]);
        wr(dev, QUEUE_READY, 1);
        assert_int_equal(rd(dev, QUEUE_READY), 0);
    }
    wr(dev, QUEUE_NUM, QUEUE);
    wr(dev, QUEUE_DESC, (uint32_t)RAM + 8); /* not aligned */
    wr(dev, QUEUE_READY, 1);
    assert_int_equal(rd(dev, QUEUE_READY), 0);
    wr(dev, QUEUE_DESC, 0x1000); /* not RAM */
    wr(dev, QUEUE_READY, 1);
    assert_int_equal(rd(dev, QUEUE_READY), 0);
    driver_queue(&r.d, 0);
    assert_int_equal(rd(dev, QUEUE_READY), 1);
    wr(dev, QUEUE_NUM, 8); /* not while it is ready */
    assert_int_equal(r.dev.virtio.queues[0].size, QUEUE);
    driver_end(&r.d);
}

static void test_numbers_follow_from_the_seed(void **state)
{
    uint8_t first[3][40];

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct rng r;
        struct device *dev = start(&r, i / 2);
        driver_start(&r.d, BIT(VIRTIO_F_VERSION_1), 1);
        ask(&r, BUFFERS, 40);
        assert_int_equal(used_count(&r.d, 0), 1);
        assert_int_equal(used_len(&r.d, 0, 0), 40);
        assert_true(r.d.watched.level);
        assert_int_equal(rd(dev, INTERRUPT_STATUS), VIRTIO_ISR_QUEUE);
        wr(dev, INTERRUPT_ACK, VIRTIO_ISR_QUEUE);
        assert_false(r.d.watched.level);
        assert_true(physmem_read(&r.d.mem, pa(BUFFERS), first[i], 40));
        driver_end(&r.d);
    }
    assert_memory_equal(first[0], first[1], 40);
    assert_memory_not_equal(first[0], first[2], 40);
}

static void test_nothing_happens_before_driver_ok(void **state)
{
    struct rng r;
    struct device *dev = start(&r, 1);

    (void)state;
    driver_start(&r.d, BIT(VIRTIO_F_VERSION_1), 1);
    r.dev.virtio.status = VIRTIO_FEATURES_OK;
    ask(&r, BUFFERS, 8);
    assert_int_equal(used_count(&r.d, 0), 0);
    wr(dev, STATUS, VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
    wr(dev, QUEUE_NOTIFY, 0);
    assert_int_equal(used_count(&r.d, 0), 1);
    wr(dev, QUEUE_NOTIFY, 7); /* no such queue */
    driver_end(&r.d);
}

/* Avail flags without EVENT_IDX; used_event with it. */
static void test_interrupts_only_when_wanted(void **state)
{
    struct rng r;
    struct device *dev = start(&r, 1);

    (void)state;
    driver_start(&r.d, BIT(VIRTIO_F_VERSION_1), 1);
    poke(&r.d, ring(0) + AVAIL_AT, 2, 1);
    ask(&r, BUFFERS, 8);
    assert_int_equal(rd(dev, INTERRUPT_STATUS), 0);
    memset(physmem_ram_changing(&r.d.mem, pa(RAM), RAM_SIZE), 0, RAM_SIZE);
    driver_start(&r.d, ALL_FEATURES, 1);
    poke(&r.d, ring(0) + AVAIL_AT + 4 + 2 * QUEUE, 2, 2); /* the third */
    for (unsigned i = 0; i < 4; i++) {
        ask(&r, BUFFERS, 8);
        assert_int_equal(rd(dev, INTERRUPT_STATUS), i == 0 || i == 2);
        wr(dev, INTERRUPT_ACK, 3);
        assert_int_equal(peek(&r.d, ring(0) + USED_AT + 4 + 8 * QUEUE, 2), i + 1);
    }
    driver_end(&r.d);
}

static void test_indirect_table(void **state)
{
    struct rng r;

    (void)state;
    start(&r, 1);
    driver_start(&r.d, ALL_FEATURES, 1);
    put_desc(&r.d, BUFFERS, 0, BUFFERS + 0x1000, 10, DESC_WRITE | DESC_NEXT, 2);
    put_desc(&r.d, BUFFERS, 2, BUFFERS + 0x2000, 20, DESC_WRITE, 0);
    put_desc(&r.d, ring(0), 3, BUFFERS, 48, DESC_INDIRECT, 0);
    make_available(&r.d, 0, 3);
    wr(driver_dev(&r.d), QUEUE_NOTIFY, 0);
    assert_int_equal(used_len(&r.d, 0, 0), 30);
    assert_int_not_equal(peek(&r.d, BUFFERS + 0x2000, 8), 0);
    driver_end(&r.d);
}

/* Each breaks the queue: the device asks for a reset and does nothing more until then. */
static void test_malformed_rings(void **state)
{
    static const struct {
        const char *what;
        uint64_t addr;
        uint32_t len;
        unsigned flags, next, head;
        int extra; /* added to the available index */
        uint64_t features;
    } rows[] = {
        {"head behind the table", BUFFERS, 8, DESC_WRITE, 0, QUEUE, 0, ALL_FEATURES},
        {"next behind the table", BUFFERS, 8, DESC_WRITE | DESC_NEXT, QUEUE, 0, 0, ALL_FEATURES},
        {"loop", BUFFERS, 8, DESC_WRITE | DESC_NEXT, 0, 0, 0, ALL_FEATURES},
        {"buffer not RAM", 0x1000, 8, DESC_WRITE, 0, 0, 0, ALL_FEATURES},
        {"buffer across the end of RAM", RAM + RAM_SIZE - 4, 8, DESC_WRITE, 0, 0, 0, ALL_FEATURES},
        {"buffer wraps", UINT64_MAX - 3, 8, DESC_WRITE, 0, 0, 0, ALL_FEATURES},
        {"too long", RAM, 0xffffffff, DESC_WRITE, 0, 0, 0, ALL_FEATURES},
        {"too many requests", BUFFERS, 8, DESC_WRITE, 0, 0, QUEUE, ALL_FEATURES},
        {"indirect, not negotiated", BUFFERS, 16, DESC_INDIRECT, 0, 0, 0, BIT(VIRTIO_F_VERSION_1)},
        {"indirect, odd length", BUFFERS, 17, DESC_INDIRECT, 0, 0, 0, ALL_FEATURES},
        {"indirect, empty", BUFFERS, 0, DESC_INDIRECT, 0, 0, 0, ALL_FEATURES},
        {"indirect, too long", RAM, 16 * 257, DESC_INDIRECT, 0, 0, 0, ALL_FEATURES},
        {"indirect with next", BUFFERS, 16, DESC_INDIRECT | DESC_NEXT, 1, 0, 0, ALL_FEATURES},
        {"indirect, not RAM", 0x1000, 16, DESC_INDIRECT, 0, 0, 0, ALL_FEATURES},
        {"indirect in itself", RINGS, 16 * QUEUE, DESC_INDIRECT, 0, 0, 0, ALL_FEATURES},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rng r;
        struct device *dev = start(&r, 1);
        driver_start(&r.d, rows[i].features, 1);
        put_desc(&r.d, ring(0), 0, rows[i].addr, rows[i].len, rows[i].flags, rows[i].next);
        make_available(&r.d, 0, rows[i].head);
        poke(&r.d, ring(0) + AVAIL_AT + 2, 2, (unsigned)(1 + rows[i].extra));
        wr(dev, QUEUE_NOTIFY, 0);
        if (!(rd(dev, STATUS) & VIRTIO_NEEDS_RESET) || used_count(&r.d, 0) != 0)
            fail_msg("%s: the queue is not broken", rows[i].what);
        assert_int_equal(rd(dev, INTERRUPT_STATUS), VIRTIO_ISR_CONFIG);
        ask(&r, BUFFERS, 8);
        assert_int_equal(used_count(&r.d, 0), 0);
        memset(physmem_ram_changing(&r.d.mem, pa(RAM), RAM_SIZE), 0, RAM_SIZE);
        driver_start(&r.d, ALL_FEATURES, 1);
        ask(&r, BUFFERS, 8);
        assert_int_equal(used_count(&r.d, 0), 1);
        driver_end(&r.d);
    }
}

static void test_garbage(void **state)
{
    uint64_t rng = test_seed(1);
    struct rng r;
    struct device *dev = start(&r, 1);

    (void)state;
    driver_fuzz(&r.d, 1, 2000, &rng);
    random_accesses(dev, VIRTIO_MMIO_BYTES, 20000, &rng, nothing, NULL);
    driver_end(&r.d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_empty_slot),
        cmocka_unit_test(test_features),
        cmocka_unit_test(test_queue_set_up),
        cmocka_unit_test(test_numbers_follow_from_the_seed),
        cmocka_unit_test(test_nothing_happens_before_driver_ok),
        cmocka_unit_test(test_interrupts_only_when_wanted),
        cmocka_unit_test(test_indirect_table),
        cmocka_unit_test(test_malformed_rings),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
