#include "tests/devices/virtio_driver.h"

#include "devices/virtio_input.h"

enum { EVENT, STATUS_QUEUE, QUEUES };
enum { SELECT = CONFIG_SPACE, SUBSEL, SIZE, DATA = CONFIG_SPACE + 8 };
enum { ID_NAME = 1, ID_DEVIDS = 3, EV_BITS = 0x11, ABS_INFO = 0x12 };
enum { KEY_A = 30, KEY_COMPOSE = 127 };

struct bench {
    struct driver d;
    struct virtio_input dev;
    struct host_input host;
};

static void start(struct bench *b, enum virtio_input_kind kind)
{
    memset(b, 0, sizeof(*b));
    driver_begin(&b->d);
    virtio_input_init(&b->dev, &b->d.log, &b->d.mem, kind);
    host_input_add(&b->host, &b->dev.host);
    driver_plug(&b->d, &b->dev.virtio);
    driver_start(&b->d, b->dev.virtio.offered, QUEUES);
}

static void give_buffers(struct bench *b, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        put_desc(&b->d, ring(EVENT), i, BUFFERS + 8 * i, 8, DESC_WRITE, 0);
        make_available(&b->d, EVENT, i);
    }
}

static void expect_event(struct bench *b, unsigned n, uint16_t type, uint16_t code, int32_t value)
{
    assert_int_equal(used_len(&b->d, EVENT, n), 8);
    assert_int_equal(peek(&b->d, BUFFERS + 8 * n, 2), type);
    assert_int_equal(peek(&b->d, BUFFERS + 8 * n + 2, 2), code);
    assert_int_equal((int32_t)peek(&b->d, BUFFERS + 8 * n + 4, 4), value);
}

static unsigned query(struct bench *b, uint8_t select, uint8_t subsel)
{
    device_write(driver_dev(&b->d), SELECT, 1, select);
    device_write(driver_dev(&b->d), SUBSEL, 1, subsel);
    return (unsigned)device_read(driver_dev(&b->d), SIZE, 1);
}

static bool has_code(struct bench *b, unsigned code)
{
    return device_read(driver_dev(&b->d), DATA + code / 8, 1) >> code % 8 & 1;
}

static void test_the_configuration_shows_what_is_selected(void **state)
{
    struct bench b;

    (void)state;
    start(&b, VIRTIO_INPUT_KEYBOARD);
    assert_int_equal(rd(driver_dev(&b.d), DEVICE_ID_REG), 18);
    assert_int_equal(query(&b, 0, 0), 0);
    assert_int_equal(query(&b, ID_NAME, 0), strlen("Armillary Virtio Keyboard"));
    assert_int_equal(device_read(driver_dev(&b.d), DATA, 1), 'A');
    assert_int_equal(query(&b, ID_NAME, 1), 0);
    assert_int_equal(query(&b, ID_DEVIDS, 0), 8);
    assert_int_equal(device_read(driver_dev(&b.d), DATA, 2), 6); /* BUS_VIRTUAL */
    assert_int_equal(query(&b, EV_BITS, HOST_INPUT_KEY), KEY_COMPOSE / 8 + 1);
    assert_true(has_code(&b, KEY_A));
    assert_true(has_code(&b, KEY_COMPOSE));
    assert_false(has_code(&b, 0));
    assert_int_equal(query(&b, EV_BITS, HOST_INPUT_LED), 1);
    assert_int_equal(query(&b, EV_BITS, HOST_INPUT_ABS), 0);
    assert_int_equal(query(&b, 0x77, 0), 0);
    wr(driver_dev(&b.d), STATUS, 0); /* a reset forgets the selection */
    assert_int_equal(device_read(driver_dev(&b.d), SELECT, 1), 0);
    driver_end(&b.d);
}

static void test_a_tablet_has_axes_and_buttons(void **state)
{
    struct bench b;

    (void)state;
    start(&b, VIRTIO_INPUT_TABLET);
    assert_int_equal(query(&b, EV_BITS, HOST_INPUT_ABS), 1);
    assert_int_equal(query(&b, ABS_INFO, HOST_INPUT_X), 20);
    assert_int_equal(device_read(driver_dev(&b.d), DATA, 4), 0);
    assert_int_equal(device_read(driver_dev(&b.d), DATA + 4, 4), HOST_INPUT_ABS_MAX);
    assert_int_equal(query(&b, ABS_INFO, 2), 0);
    assert_int_equal(query(&b, EV_BITS, HOST_INPUT_KEY), HOST_INPUT_BUTTON_EXTRA / 8 + 1);
    assert_true(has_code(&b, HOST_INPUT_BUTTON_LEFT));
    assert_false(has_code(&b, KEY_A));
    driver_end(&b.d);
}

static void test_a_group_of_events_comes_whole_with_its_end_or_not_yet(void **state)
{
    const struct host_input_event click[] = {{HOST_INPUT_ABS, HOST_INPUT_X, 100},
                                             {HOST_INPUT_ABS, HOST_INPUT_Y, 32767},
                                             {HOST_INPUT_KEY, HOST_INPUT_BUTTON_LEFT, 1}};
    struct bench b;

    (void)state;
    start(&b, VIRTIO_INPUT_TABLET);
    give_buffers(&b, 3);
    assert_false(host_input_give(&b.host, click, 3));
    assert_int_equal(used_count(&b.d, EVENT), 0);
    put_desc(&b.d, ring(EVENT), 3, BUFFERS + 24, 8, DESC_WRITE, 0);
    make_available(&b.d, EVENT, 3);
    assert_true(host_input_give(&b.host, click, 3));
    assert_int_equal(used_count(&b.d, EVENT), 4);
    expect_event(&b, 0, 3, 0, 100);
    expect_event(&b, 1, 3, 1, 32767);
    expect_event(&b, 2, 1, 0x110, 1);
    expect_event(&b, 3, 0, 0, 0);
    assert_true(b.d.watched.level);
    wr(driver_dev(&b.d), STATUS, 0);
    assert_false(host_input_give(&b.host, click, 3));
    driver_end(&b.d);
}

static void test_events_go_to_the_first_device_that_takes_them(void **state)
{
    const struct host_input_event key[] = {{HOST_INPUT_KEY, KEY_A, 1}};
    const struct host_input_event move[] = {{HOST_INPUT_REL, HOST_INPUT_X, -3}};
    const struct host_input_event wheel[] = {{HOST_INPUT_REL, HOST_INPUT_WHEEL, -1}};
    struct bench b;

    (void)state;
    start(&b, VIRTIO_INPUT_MOUSE);
    give_buffers(&b, 8);
    assert_false(host_input_give(&b.host, key, 1));
    assert_true(host_input_give(&b.host, move, 1));
    expect_event(&b, 0, 2, 0, -3);
    assert_true(host_input_give(&b.host, wheel, 1));
    expect_event(&b, 2, 2, 8, -1);
    driver_end(&b.d);
}

static void test_input_as_bytes_must_be_whole_events(void **state)
{
    const uint8_t key[] = {1, 0, KEY_A, 0, 1, 0, 0, 0};
    uint8_t many[8 * (HOST_INPUT_GROUP_MAX + 1)] = {1, 0, KEY_A, 0, 1};
    struct bench b;

    (void)state;
    start(&b, VIRTIO_INPUT_KEYBOARD);
    give_buffers(&b, 32);
    assert_false(host_input_give_bytes(&b.host, key, 7));
    assert_false(host_input_give_bytes(&b.host, key, 0));
    assert_false(host_input_give_bytes(&b.host, many, sizeof(many)));
    assert_true(host_input_give_bytes(&b.host, key, 8));
    expect_event(&b, 0, 1, KEY_A, 1);
    expect_event(&b, 1, 0, 0, 0);
    driver_end(&b.d);
}

static void test_lights_are_taken(void **state)
{
    struct bench b;

    (void)state;
    start(&b, VIRTIO_INPUT_KEYBOARD);
    put_desc(&b.d, ring(STATUS_QUEUE), 0, BUFFERS, 8, 0, 0);
    make_available(&b.d, STATUS_QUEUE, 0);
    wr(driver_dev(&b.d), QUEUE_NOTIFY, STATUS_QUEUE);
    assert_int_equal(used_count(&b.d, STATUS_QUEUE), 1);
    assert_int_equal(used_len(&b.d, STATUS_QUEUE, 0), 0);
    driver_end(&b.d);
}

static void test_random_rings(void **state)
{
    uint64_t rng = test_seed(1);
    struct bench b;

    (void)state;
    start(&b, VIRTIO_INPUT_KEYBOARD);
    driver_fuzz(&b.d, QUEUES, 200, &rng);
    driver_end(&b.d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_configuration_shows_what_is_selected),
        cmocka_unit_test(test_a_tablet_has_axes_and_buttons),
        cmocka_unit_test(test_a_group_of_events_comes_whole_with_its_end_or_not_yet),
        cmocka_unit_test(test_events_go_to_the_first_device_that_takes_them),
        cmocka_unit_test(test_input_as_bytes_must_be_whole_events),
        cmocka_unit_test(test_lights_are_taken),
        cmocka_unit_test(test_random_rings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
