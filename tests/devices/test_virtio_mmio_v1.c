/* Version 1 of the transport, with the entropy device behind it, and the rings. */
#include "tests/devices/virtio_rng_fixture.h"

#define ALL_LEGACY                                                                                 \
    (BIT(VIRTIO_F_NOTIFY_ON_EMPTY) | BIT(VIRTIO_F_ANY_LAYOUT) | BIT(VIRTIO_F_INDIRECT_DESC) |      \
     BIT(VIRTIO_F_EVENT_IDX))

static struct device *start_legacy(struct rng *r)
{
    driver_begin(&r->d);
    virtio_rng_init(&r->dev, &r->d.log, &r->d.mem, 1);
    driver_plug_legacy(&r->d, &r->dev.virtio);
    return driver_dev(&r->d);
}

static void test_version_1_of_an_empty_slot(void **state)
{
    struct driver d;
    struct device *dev = driver_dev(&d);

    (void)state;
    driver_begin(&d);
    driver_plug_legacy(&d, NULL);
    assert_int_equal(rd(dev, MAGIC_VALUE), 0x74726976);
    assert_int_equal(rd(dev, VERSION_REG), 1);
    assert_int_equal(rd(dev, DEVICE_ID_REG), 0);
    for (unsigned offset = 0; offset < VIRTIO_MMIO_BYTES; offset += 4)
        wr(dev, offset, 0xffffffff);
    for (unsigned offset = 0x10; offset < VIRTIO_MMIO_BYTES; offset += 4)
        assert_int_equal(rd(dev, offset), 0);
    driver_end(&d);
}

static void
test_version_1_offers_no_version_1_feature_and_drops_what_it_does_not_offer(void **state)
{
    struct rng r;
    struct device *dev = start_legacy(&r);

    (void)state;
    assert_int_equal(rd(dev, VERSION_REG), 1);
    assert_int_equal(rd(dev, DEVICE_FEATURES), ALL_LEGACY);
    wr(dev, DEVICE_FEATURES_SEL, 1);
    assert_int_equal(rd(dev, DEVICE_FEATURES), 0);
    wr(dev, DRIVER_FEATURES, 0xffffffff);
    assert_int_equal(r.dev.virtio.features, ALL_LEGACY);
    wr(dev, DRIVER_FEATURES_SEL, 1);
    wr(dev, DRIVER_FEATURES, 0xffffffff);
    assert_int_equal(r.dev.virtio.features, ALL_LEGACY);
    /* The status is what was written: FEATURES_OK means nothing, bits may go. */
    wr(dev, STATUS, 0x3f);
    assert_int_equal(rd(dev, STATUS), 0x3f);
    wr(dev, STATUS, 1);
    assert_int_equal(rd(dev, STATUS), 1);
    wr(dev, STATUS, 0);
    assert_int_equal(r.dev.virtio.features, 0);
    driver_end(&r.d);
}

static void test_registers_of_the_other_version_are_none(void **state)
{
    static const uint16_t only_1[] = {GUEST_PAGE_SIZE, QUEUE_ALIGN, QUEUE_PFN};
    static const uint16_t only_2[] = {
        QUEUE_READY,  QUEUE_DESC,       QUEUE_DESC + 4, QUEUE_DRIVER, QUEUE_DRIVER + 4,
        QUEUE_DEVICE, QUEUE_DEVICE + 4, 0xac,           0xfc};

    (void)state;
    for (unsigned version = 1; version <= 2; version++) {
        const uint16_t *none = version == 1 ? only_2 : only_1;
        size_t count = version == 1 ? ARRAY_SIZE(only_2) : ARRAY_SIZE(only_1);
        struct rng r;
        struct device *dev = version == 1 ? start_legacy(&r) : start(&r, 1);
        for (size_t i = 0; i < count; i++) {
            unsigned lines = r.d.watched.log_lines;
            wr(dev, none[i], 1);
            assert_int_equal(rd(dev, none[i]), 0);
            assert_int_equal(r.d.watched.log_lines, lines + 2);
        }
        driver_end(&r.d);
    }
}

/* Requests at whatever place a driver's layout has the used ring. */
static void test_the_ring_of_version_1_is_one_block_with_the_used_ring_aligned(void **state)
{
    static const struct {
        uint32_t page, size, align;
        uint64_t used; /* from the block's start */
    } rows[] = {
        {4096, 64, 4096, 4096}, {4096, 256, 4096, 8192}, {4096, 256, 4, 4096 + 520},
        {512, 8, 64, 192},      {1, 2, 4, 44},           {65536, 16, 65536, 65536},
        {0, 16, 0, 4096}, /* neither written, as some drivers for QEMU have it */
    };

    (void)state;
    for (unsigned order = 0; order < 2; order++)
        for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
            struct rng r;
            struct device *dev = start_legacy(&r);
            uint64_t at = RAM + 0x10000, avail = at + 16 * rows[i].size;
            uint32_t pfn = (uint32_t)(at / (rows[i].page ? rows[i].page : 1));
            if (rows[i].page)
                wr(dev, GUEST_PAGE_SIZE, rows[i].page);
            wr(dev, STATUS, 0); /* does not change the page size */
            wr(dev, QUEUE_SEL, 0);
            if (order)
                wr(dev, QUEUE_PFN, pfn);
            wr(dev, QUEUE_NUM, rows[i].size);
            wr(dev, QUEUE_ALIGN, rows[i].align);
            if (!order)
                wr(dev, QUEUE_PFN, pfn);
            assert_int_equal(rd(dev, QUEUE_PFN), pfn);
            put_desc(&r.d, at, 1, BUFFERS, 8, DESC_WRITE, 0);
            poke(&r.d, avail + 4, 2, 1);
            poke(&r.d, avail + 2, 2, 1);
            wr(dev, QUEUE_NOTIFY, 0); /* without DRIVER_OK */
            assert_int_equal(peek(&r.d, at + rows[i].used, 8), UINT64_C(1) << 32 | 1 << 16);
            assert_int_equal(peek(&r.d, at + rows[i].used + 8, 4), 8);
            assert_int_equal(rd(dev, INTERRUPT_STATUS), VIRTIO_ISR_QUEUE);
            assert_true(r.d.watched.level);
            driver_end(&r.d);
        }
}

static void test_a_queue_of_version_1_is_free_after_pfn_0_or_a_reset(void **state)
{
    struct rng r;
    struct device *dev = start_legacy(&r);

    (void)state;
    assert_int_equal(rd(dev, QUEUE_NUM_MAX), VIRTQ_SIZE_MAX);
    wr(dev, QUEUE_SEL, 1);
    assert_int_equal(rd(dev, QUEUE_NUM_MAX), 0);
    assert_int_equal(rd(dev, QUEUE_PFN), 0);
    wr(dev, QUEUE_PFN, 0x40000); /* no such queue */
    assert_int_equal(rd(dev, QUEUE_PFN), 0);
    for (unsigned i = 0; i < 3; i++) {
        memset(physmem_ram_changing(&r.d.mem, pa(RINGS), RING_STRIDE), 0, RING_STRIDE);
        driver_start_legacy(&r.d, 0, 1);
        assert_int_equal(rd(dev, QUEUE_PFN), RAM / RING_STRIDE);
        ask(&r, BUFFERS, 8);
        assert_int_equal(used_count(&r.d, 0), 1);
        if (i == 0)
            wr(dev, QUEUE_PFN, 0);
        else
            wr(dev, STATUS, 0);
        assert_int_equal(rd(dev, QUEUE_PFN), 0);
        ask(&r, BUFFERS, 8);
        assert_int_equal(used_count(&r.d, 0), 1);
    }
    driver_end(&r.d);
}

/* Not in RAM, or of a bad size: it does not work, and nothing else happens. */
static void test_a_queue_of_version_1_that_makes_no_sense(void **state)
{
    static const uint32_t rows[][3] = {
        {64, 0x800, 1},      {64, 0x800, 0xffffffff},      {3, 0x800, 0x40000},
        {0, 0x800, 0x40000}, {0xffffffff, 0x800, 0x40000}, {64, 0x80000000, 0x40000}};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct rng r;
        struct device *dev = start_legacy(&r);
        wr(dev, GUEST_PAGE_SIZE, 4096);
        wr(dev, QUEUE_NUM, rows[i][0]);
        wr(dev, QUEUE_ALIGN, rows[i][1]);
        unsigned lines = r.d.watched.log_lines;
        wr(dev, QUEUE_PFN, rows[i][2]);
        assert_true(r.d.watched.log_lines > lines);
        assert_false(r.dev.virtio.queues[0].ready);
        wr(dev, QUEUE_NOTIFY, 0);
        assert_int_equal(rd(dev, INTERRUPT_STATUS), 0);
        driver_end(&r.d);
    }
}

/* EDK2 writes the features behind the queues, kvm-unit-tests neither them nor a status. */
static void test_version_1_takes_features_and_requests_at_any_time(void **state)
{
    struct rng r;
    struct device *dev = start_legacy(&r);

    (void)state;
    driver_start_legacy(&r.d, 0, 1);
    wr(dev, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    wr(dev, DRIVER_FEATURES, (uint32_t)BIT(VIRTIO_F_EVENT_IDX));
    poke(&r.d, ring(0) + AVAIL_AT + 4 + 2 * QUEUE, 2, 2); /* the third */
    for (unsigned i = 0; i < 4; i++) {
        ask(&r, BUFFERS, 8);
        assert_int_equal(rd(dev, INTERRUPT_STATUS), i == 0 || i == 2);
        wr(dev, INTERRUPT_ACK, 3);
    }
    driver_end(&r.d);
}

/* 6.3, VIRTIO_F_NOTIFY_ON_EMPTY. */
static void test_an_empty_ring_interrupts_if_that_was_negotiated(void **state)
{
    struct rng r;
    struct device *dev = start_legacy(&r);

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        memset(physmem_ram_changing(&r.d.mem, pa(RINGS), RING_STRIDE), 0, RING_STRIDE);
        driver_start_legacy(&r.d, i ? (uint32_t)BIT(VIRTIO_F_NOTIFY_ON_EMPTY) : 0, 1);
        poke(&r.d, ring(0) + AVAIL_AT, 2, 1);
        ask(&r, BUFFERS, 8);
        assert_int_equal(rd(dev, INTERRUPT_STATUS), i);
    }
    driver_end(&r.d);
}

/* A driver of version 1 does not know DEVICE_NEEDS_RESET: the device is silent until it resets. */
static void test_a_malformed_ring_of_version_1_is_left_alone_until_a_reset(void **state)
{
    struct rng r;
    struct device *dev = start_legacy(&r);

    (void)state;
    driver_start_legacy(&r.d, 0, 1);
    ask(&r, 0x1000, 8); /* not RAM */
    assert_int_equal(rd(dev, STATUS), VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_DRIVER_OK);
    assert_int_equal(rd(dev, INTERRUPT_STATUS), 0);
    wr(dev, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_DRIVER_OK);
    ask(&r, BUFFERS, 8);
    assert_int_equal(used_count(&r.d, 0), 0);
    memset(physmem_ram_changing(&r.d.mem, pa(RINGS), RING_STRIDE), 0, RING_STRIDE);
    driver_start_legacy(&r.d, 0, 1);
    ask(&r, BUFFERS, 8);
    assert_int_equal(used_count(&r.d, 0), 1);
    driver_end(&r.d);
}

static void test_garbage_in_version_1(void **state)
{
    uint64_t rng = test_seed(1);
    struct rng r;
    struct device *dev = start_legacy(&r);

    (void)state;
    driver_fuzz(&r.d, 1, 1000, &rng);
    random_accesses(dev, VIRTIO_MMIO_BYTES, 20000, &rng, nothing, NULL);
    driver_end(&r.d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_version_1_of_an_empty_slot),
        cmocka_unit_test(
            test_version_1_offers_no_version_1_feature_and_drops_what_it_does_not_offer),
        cmocka_unit_test(test_registers_of_the_other_version_are_none),
        cmocka_unit_test(test_the_ring_of_version_1_is_one_block_with_the_used_ring_aligned),
        cmocka_unit_test(test_a_queue_of_version_1_is_free_after_pfn_0_or_a_reset),
        cmocka_unit_test(test_a_queue_of_version_1_that_makes_no_sense),
        cmocka_unit_test(test_version_1_takes_features_and_requests_at_any_time),
        cmocka_unit_test(test_an_empty_ring_interrupts_if_that_was_negotiated),
        cmocka_unit_test(test_a_malformed_ring_of_version_1_is_left_alone_until_a_reset),
        cmocka_unit_test(test_garbage_in_version_1),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
