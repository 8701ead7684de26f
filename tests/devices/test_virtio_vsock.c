/* Sockets of a host where nobody listens. */
#include "devices/virtio_vsock.h"
#include "tests/devices/virtio_driver.h"

enum { RX, TX, EVENT, QUEUES };
enum { OP_REQUEST = 1, OP_RESPONSE, OP_RST };

#define CID    42
#define HEADER 44

struct bench {
    struct driver d;
    struct virtio_vsock dev;
};

static void start(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    driver_begin(&b->d);
    virtio_vsock_init(&b->dev, &b->d.log, &b->d.mem, CID);
    driver_plug(&b->d, &b->dev.virtio);
    driver_start(&b->d, b->dev.virtio.offered, QUEUES);
}

/* A packet of the guest. */
static void send(struct bench *b, uint64_t from, uint64_t to, uint32_t port, unsigned op)
{
    poke(&b->d, BUFFERS, 8, from);
    poke(&b->d, BUFFERS + 8, 8, to);
    poke(&b->d, BUFFERS + 16, 4, port);
    poke(&b->d, BUFFERS + 20, 4, 1024);
    poke(&b->d, BUFFERS + 24, 4, 0);
    poke(&b->d, BUFFERS + 28, 4, 1 | op << 16);
    put_desc(&b->d, ring(TX), 0, BUFFERS, HEADER, 0, 0);
    make_available(&b->d, TX, 0);
    wr(driver_dev(&b->d), QUEUE_NOTIFY, TX);
}

static uint64_t buffer(unsigned n)
{
    return BUFFERS + 0x1000 + n * 0x100;
}

/* Room for an answer. */
static void give(struct bench *b, unsigned n)
{
    put_desc(&b->d, ring(RX), n, buffer(n), 128, DESC_WRITE, 0);
    make_available(&b->d, RX, n);
    wr(driver_dev(&b->d), QUEUE_NOTIFY, RX);
}

static void assert_reset(struct bench *b, unsigned n, uint32_t port)
{
    assert_int_equal(used_len(&b->d, RX, n), HEADER);
    assert_int_equal(peek(&b->d, buffer(n), 8), 2);
    assert_int_equal(peek(&b->d, buffer(n) + 8, 8), CID);
    assert_int_equal(peek(&b->d, buffer(n) + 16, 4), 1024);
    assert_int_equal(peek(&b->d, buffer(n) + 20, 4), port);
    assert_int_equal(peek(&b->d, buffer(n) + 28, 4), 1 | OP_RST << 16);
}

static void test_a_connection_is_reset(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    assert_int_equal(rd(driver_dev(&b.d), DEVICE_ID_REG), 19);
    assert_int_equal(rd(driver_dev(&b.d), CONFIG_SPACE), CID);
    give(&b, 0);
    assert_int_equal(used_count(&b.d, RX), 0);
    send(&b, CID, 2, 77, OP_REQUEST);
    assert_int_equal(used_count(&b.d, TX), 1);
    assert_int_equal(used_count(&b.d, RX), 1);
    assert_reset(&b, 0, 77);
    driver_end(&b.d);
}

static void test_resets_wait_for_buffers_and_are_so_many(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    for (uint32_t port = 0; port <= VIRTIO_VSOCK_RESETS; port++)
        send(&b, CID, 2, port, OP_REQUEST);
    assert_int_equal(used_count(&b.d, TX), VIRTIO_VSOCK_RESETS + 1);
    assert_int_equal(b.d.watched.log_lines, 1);
    for (unsigned n = 0; n < QUEUE; n++)
        give(&b, n);
    assert_int_equal(used_count(&b.d, RX), VIRTIO_VSOCK_RESETS);
    for (unsigned n = 0; n < VIRTIO_VSOCK_RESETS; n++)
        assert_reset(&b, n, n);
    driver_end(&b.d);
}

static void test_what_is_no_packet_for_the_host_is_lost(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    give(&b, 0);
    send(&b, CID, 2, 1, OP_RST);
    send(&b, CID + 1, 2, 1, OP_REQUEST);
    send(&b, CID, 3, 1, OP_REQUEST);
    put_desc(&b.d, ring(TX), 1, BUFFERS, HEADER - 1, 0, 0);
    make_available(&b.d, TX, 1);
    wr(driver_dev(&b.d), QUEUE_NOTIFY, TX);
    assert_int_equal(used_count(&b.d, TX), 4);
    assert_int_equal(used_count(&b.d, RX), 0);
    assert_int_equal(b.d.watched.log_lines, 1);
    driver_end(&b.d);
}

static void test_random_rings(void **state)
{
    struct bench b;
    uint64_t rng = test_seed(1);

    (void)state;
    start(&b);
    driver_fuzz(&b.d, QUEUES, 200, &rng);
    driver_end(&b.d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_connection_is_reset),
        cmocka_unit_test(test_resets_wait_for_buffers_and_are_so_many),
        cmocka_unit_test(test_what_is_no_packet_for_the_host_is_lost),
        cmocka_unit_test(test_random_rings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
