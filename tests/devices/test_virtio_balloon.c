/* The balloon of a host that asks for nothing back, and takes what it is given. */
#include "devices/virtio_balloon.h"
#include "tests/devices/virtio_driver.h"

enum { INFLATEQ, DEFLATEQ, STATSQ, QUEUES };
enum { NUM_PAGES = CONFIG_SPACE, ACTUAL = CONFIG_SPACE + 4 };

struct bench {
    struct driver d;
    struct virtio_balloon dev;
};

static struct device *start(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    driver_begin(&b->d);
    virtio_balloon_init(&b->dev, &b->d.log, &b->d.mem);
    driver_plug(&b->d, &b->dev.virtio);
    driver_start(&b->d, b->dev.virtio.offered, QUEUES);
    return driver_dev(&b->d);
}

static void give(struct bench *b, unsigned queue)
{
    put_desc(&b->d, ring(queue), 0, BUFFERS, 16, 0, 0);
    make_available(&b->d, queue, 0);
    wr(driver_dev(&b->d), QUEUE_NOTIFY, queue);
}

static void test_pages_are_taken_and_statistics_are_kept(void **state)
{
    struct bench b;
    struct device *dev = start(&b);

    (void)state;
    assert_int_equal(rd(dev, DEVICE_ID_REG), 5);
    assert_int_equal(rd(dev, DEVICE_FEATURES) & 0xff,
                     1 << 1); /* of its own: the statistics queue */
    poke(&b.d, BUFFERS, 4, BUFFERS >> 12);
    for (unsigned queue = 0; queue < QUEUES; queue++) {
        give(&b, queue);
        assert_int_equal(used_count(&b.d, queue), queue != STATSQ);
    }
    assert_int_equal(used_len(&b.d, INFLATEQ, 0), 0);
    assert_int_equal(peek(&b.d, BUFFERS, 4), BUFFERS >> 12); /* a page of the balloon stays */
    driver_end(&b.d);
}

static void test_the_host_asks_for_nothing_and_hears_how_much_there_is(void **state)
{
    struct bench b;
    struct device *dev = start(&b);

    (void)state;
    assert_int_equal(rd(dev, NUM_PAGES), 0);
    wr(dev, NUM_PAGES, 7);
    wr(dev, ACTUAL, 0x12345);
    wr(dev, ACTUAL + 4, 7); /* behind the end */
    assert_int_equal(rd(dev, NUM_PAGES), 0);
    assert_int_equal(rd(dev, ACTUAL), 0x12345);
    wr(dev, STATUS, 0);
    assert_int_equal(rd(dev, ACTUAL), 0);
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
        cmocka_unit_test(test_pages_are_taken_and_statistics_are_kept),
        cmocka_unit_test(test_the_host_asks_for_nothing_and_hears_how_much_there_is),
        cmocka_unit_test(test_random_rings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
