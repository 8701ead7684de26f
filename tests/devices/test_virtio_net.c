#include "tests/devices/virtio_driver.h"

#include "devices/virtio_net.h"

enum { RX, TX, QUEUES };

#define HEADER        12
#define HEADER_LEGACY 10
#define RX_BUF(n)     (BUFFERS + 0x10000 + 0x1000 * (n))

static const uint8_t mac[] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};

struct net {
    struct driver d;
    struct virtio_net dev;
    uint8_t sent[VIRTIO_NET_FRAME_MAX];
    size_t sent_size;
    unsigned sent_count;
};

static void keep(void *ctx, const uint8_t *frame, size_t n)
{
    struct net *net = ctx;

    assert_in_range(n, 1, VIRTIO_NET_FRAME_MAX);
    memcpy(net->sent, frame, n);
    net->sent_size = n;
    net->sent_count++;
}

static void start(struct net *n, bool legacy)
{
    n->sent_size = n->sent_count = 0;
    driver_begin(&n->d);
    virtio_net_init(&n->dev, &n->d.log, &n->d.mem, mac, keep, n);
    if (legacy) {
        driver_plug_legacy(&n->d, &n->dev.virtio);
        driver_start_legacy(&n->d, (uint32_t)n->dev.virtio.offered, QUEUES);
    } else {
        driver_plug(&n->d, &n->dev.virtio);
        driver_start(&n->d, n->dev.virtio.offered, QUEUES);
    }
}

/* A packet of @size bytes with its header, in one buffer, whose byte k is k. */
static void transmit(struct net *n, uint32_t size)
{
    for (uint32_t k = 0; k < size; k++)
        poke(&n->d, BUFFERS + k, 1, k);
    put_desc(&n->d, ring(TX), 0, BUFFERS, size, 0, 0);
    make_available(&n->d, TX, 0);
    wr(driver_dev(&n->d), QUEUE_NOTIFY, TX);
}

static void provide(struct net *n, unsigned buffer, uint32_t size)
{
    put_desc(&n->d, ring(RX), buffer, RX_BUF(buffer), size, DESC_WRITE, 0);
    make_available(&n->d, RX, buffer);
}

static void test_its_address_and_link_are_in_the_configuration(void **state)
{
    struct net n;

    (void)state;
    start(&n, false);
    assert_int_equal(rd(driver_dev(&n.d), DEVICE_ID_REG), 1);
    for (unsigned k = 0; k < sizeof(mac); k++)
        assert_int_equal(device_read(driver_dev(&n.d), CONFIG_SPACE + k, 1), mac[k]);
    assert_int_equal(device_read(driver_dev(&n.d), CONFIG_SPACE + 6, 2), 1);
    driver_end(&n.d);
}

static void test_a_frame_leaves_without_its_header(void **state)
{
    struct net n;

    (void)state;
    for (unsigned legacy = 0; legacy < 2; legacy++) {
        uint32_t header = legacy ? HEADER_LEGACY : HEADER;
        start(&n, legacy);
        transmit(&n, header + 60);
        assert_int_equal(n.sent_size, 60);
        for (unsigned k = 0; k < 60; k++)
            assert_int_equal(n.sent[k], header + k);
        assert_int_equal(used_count(&n.d, TX), 1);
        assert_true(n.d.watched.level);
        driver_end(&n.d);
    }
}

static void test_a_packet_that_is_no_frame_is_lost_and_its_buffer_comes_back(void **state)
{
    static const uint32_t sizes[] = {0, 1, HEADER - 1, HEADER, HEADER + VIRTIO_NET_FRAME_MAX + 1};
    struct net n;

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(sizes); k++) {
        start(&n, false);
        transmit(&n, sizes[k]);
        assert_int_equal(n.sent_count, 0);
        assert_int_equal(used_count(&n.d, TX), 1);
        driver_end(&n.d);
    }
    start(&n, false);
    transmit(&n, HEADER + VIRTIO_NET_FRAME_MAX);
    assert_int_equal(n.sent_size, VIRTIO_NET_FRAME_MAX);
    driver_end(&n.d);
}

static void test_a_frame_arrives_behind_a_header_of_zeros(void **state)
{
    const uint8_t frame[] = "sixty bytes are what a frame on Ethernet has at the least ..";
    struct net n;

    (void)state;
    for (unsigned legacy = 0; legacy < 2; legacy++) {
        uint32_t header = legacy ? HEADER_LEGACY : HEADER;
        start(&n, legacy);
        provide(&n, 0, 2048);
        assert_int_equal(virtio_net_receive(&n.dev, frame, sizeof(frame)), sizeof(frame));
        assert_int_equal(used_len(&n.d, RX, 0), header + sizeof(frame));
        assert_int_equal(peek(&n.d, RX_BUF(0), 8), 0);
        assert_int_equal(peek(&n.d, RX_BUF(0) + 8, 2), 0);
        if (!legacy)
            assert_int_equal(peek(&n.d, RX_BUF(0) + 10, 2), 1); /* num_buffers */
        assert_memory_equal(physmem_ram(&n.d.mem, pa(RX_BUF(0) + header), sizeof(frame)), frame,
                            sizeof(frame));
        assert_true(n.d.watched.level);
        driver_end(&n.d);
    }
}

static void test_a_frame_waits_for_a_buffer_and_is_lost_in_one_too_small(void **state)
{
    static const uint8_t frame[1514];
    struct net n;

    (void)state;
    start(&n, false);
    assert_int_equal(virtio_net_receive(&n.dev, frame, sizeof(frame)), 0);
    provide(&n, 0, HEADER + sizeof(frame) - 1);
    assert_int_equal(virtio_net_receive(&n.dev, frame, sizeof(frame)), sizeof(frame));
    assert_int_equal(used_len(&n.d, RX, 0), 0);
    provide(&n, 1, HEADER + sizeof(frame));
    assert_int_equal(virtio_net_receive(&n.dev, frame, sizeof(frame)), sizeof(frame));
    assert_int_equal(used_len(&n.d, RX, 1), HEADER + sizeof(frame));
    assert_int_equal(virtio_net_receive(&n.dev, frame, sizeof(frame)), 0);
    wr(driver_dev(&n.d), STATUS, 0);
    assert_int_equal(virtio_net_receive(&n.dev, frame, sizeof(frame)), 0);
    driver_end(&n.d);
}

static void test_any_ring_is_survived(void **state)
{
    uint64_t rng = test_seed(1);
    struct net n;

    (void)state;
    start(&n, false);
    driver_fuzz(&n.d, QUEUES, 200, &rng);
    driver_end(&n.d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_its_address_and_link_are_in_the_configuration),
        cmocka_unit_test(test_a_frame_leaves_without_its_header),
        cmocka_unit_test(test_a_packet_that_is_no_frame_is_lost_and_its_buffer_comes_back),
        cmocka_unit_test(test_a_frame_arrives_behind_a_header_of_zeros),
        cmocka_unit_test(test_a_frame_waits_for_a_buffer_and_is_lost_in_one_too_small),
        cmocka_unit_test(test_any_ring_is_survived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
