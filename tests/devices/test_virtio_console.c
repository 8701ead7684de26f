#include "tests/devices/virtio_driver.h"

#include "devices/testdev.h"
#include "devices/virtio_console.h"

enum { RX0, TX0, CONTROL_RX, CONTROL_TX, RX1, TX1, QUEUES };
enum {
    DEVICE_READY = 0,
    DEVICE_ADD = 1,
    PORT_READY = 3,
    CONSOLE_PORT = 4,
    PORT_OPEN = 6,
    NAME = 7
};

#define CONTROL_BUF(n) (BUFFERS + 0x4000 + 64 * (n))

struct con {
    struct driver d;
    struct virtio_console dev;
    char out[2][64];
    size_t out_len[2];
    unsigned controls; /* messages read so far */
};

struct sink {
    struct con *con;
    unsigned port;
};

static void sink_write(void *ctx, const uint8_t *data, size_t n)
{
    struct sink *s = ctx;

    for (size_t i = 0; i < n && s->con->out_len[s->port] < sizeof(s->con->out[0]); i++)
        s->con->out[s->port][s->con->out_len[s->port]++] = (char)data[i];
}

static void start(struct con *c, struct sink sinks[2])
{
    struct virtio_port ports[2] = {
        {.is_console = true, .write = sink_write, .write_ctx = &sinks[0]},
        {.name = "second", .write = sink_write, .write_ctx = &sinks[1]},
    };

    c->out_len[0] = c->out_len[1] = c->controls = 0;
    sinks[0] = (struct sink){c, 0};
    sinks[1] = (struct sink){c, 1};
    driver_begin(&c->d);
    virtio_console_init(&c->dev, &c->d.log, &c->d.mem, ports, 2);
    driver_plug(&c->d, &c->dev.virtio);
    driver_start(&c->d, c->dev.virtio.offered, QUEUES);
    for (unsigned i = 0; i < QUEUE; i++) {
        put_desc(&c->d, ring(CONTROL_RX), i, CONTROL_BUF(i), 64, DESC_WRITE, 0);
        make_available(&c->d, CONTROL_RX, i);
    }
}

static void send(struct con *c, unsigned queue, const void *data, uint32_t len)
{
    assert_true(physmem_write(&c->d.mem, pa(BUFFERS), data, len));
    put_desc(&c->d, ring(queue), 0, BUFFERS, len, 0, 0);
    make_available(&c->d, queue, 0);
    wr(driver_dev(&c->d), QUEUE_NOTIFY, queue);
}

static void control(struct con *c, uint32_t port, uint16_t event, uint16_t value)
{
    uint8_t m[8];

    le_put(m, 4, port);
    le_put(m + 4, 2, event);
    le_put(m + 6, 2, value);
    send(c, CONTROL_TX, m, sizeof(m));
}

static void expect_control(struct con *c, uint32_t port, uint16_t event, uint32_t len)
{
    unsigned n = c->controls++;

    assert_true(used_count(&c->d, CONTROL_RX) > n);
    assert_int_equal(used_len(&c->d, CONTROL_RX, n), len);
    assert_int_equal(peek(&c->d, CONTROL_BUF(n), 4), port);
    assert_int_equal(peek(&c->d, CONTROL_BUF(n) + 4, 2), event);
    assert_int_equal(peek(&c->d, CONTROL_BUF(n) + 6, 2), 1);
}

static void test_a_bus_without_ports_announces_none(void **state)
{
    struct con c = {0};

    (void)state;
    driver_begin(&c.d);
    virtio_console_init(&c.dev, &c.d.log, &c.d.mem, NULL, 0);
    driver_plug(&c.d, &c.dev.virtio);
    assert_int_equal(c.dev.virtio.queue_count, 4);
    driver_start(&c.d, c.dev.virtio.offered, 4);
    assert_int_equal(rd(driver_dev(&c.d), CONFIG_SPACE + 4), 1);
    put_desc(&c.d, ring(CONTROL_RX), 0, CONTROL_BUF(0), 64, DESC_WRITE, 0);
    make_available(&c.d, CONTROL_RX, 0);
    control(&c, 0, DEVICE_READY, 1);
    control(&c, 0, PORT_READY, 1);
    assert_int_equal(used_count(&c.d, CONTROL_RX), 0);
    send(&c, TX0, "lost", 4);
    assert_int_equal(used_count(&c.d, TX0), 1);
    driver_end(&c.d);
}

static void test_ports_are_announced(void **state)
{
    struct sink sinks[2];
    struct con c;

    (void)state;
    start(&c, sinks);
    assert_int_equal(rd(driver_dev(&c.d), CONFIG_SPACE + 4), 2);
    control(&c, 0, DEVICE_READY, 1);
    expect_control(&c, 0, DEVICE_ADD, 8);
    expect_control(&c, 1, DEVICE_ADD, 8);
    control(&c, 0, PORT_READY, 1);
    expect_control(&c, 0, CONSOLE_PORT, 8);
    expect_control(&c, 0, PORT_OPEN, 8);
    control(&c, 1, PORT_READY, 1);
    expect_control(&c, 1, NAME, 14);
    assert_memory_equal(physmem_ram(&c.d.mem, pa(CONTROL_BUF(4) + 8), 6), "second", 6);
    expect_control(&c, 1, PORT_OPEN, 8);
    control(&c, 1, PORT_OPEN, 1);
    assert_true(c.dev.ports[1].open);
    control(&c, 77, PORT_READY, 1); /* no such port */
    assert_int_equal(used_count(&c.d, CONTROL_RX), c.controls);
    driver_end(&c.d);
}

static void test_characters_both_ways(void **state)
{
    struct sink sinks[2];
    struct con c;

    (void)state;
    start(&c, sinks);
    send(&c, TX0, "zero", 4);
    send(&c, TX1, "first", 5);
    assert_int_equal(c.out_len[0], 4);
    assert_memory_equal(c.out[1], "first", 5);
    assert_int_equal(virtio_console_receive(&c.dev, 1, (const uint8_t *)"abcdef", 6), 0);
    for (unsigned i = 0; i < 2; i++) {
        put_desc(&c.d, ring(RX1), i, BUFFERS + 0x100 * (i + 1), 4, DESC_WRITE, 0);
        make_available(&c.d, RX1, i);
    }
    assert_int_equal(virtio_console_receive(&c.dev, 1, (const uint8_t *)"abcdef", 6), 0);
    control(&c, 1, PORT_OPEN, 1);
    assert_int_equal(virtio_console_receive(&c.dev, 1, (const uint8_t *)"abcdef", 6), 6);
    assert_int_equal(used_len(&c.d, RX1, 0), 4);
    assert_int_equal(used_len(&c.d, RX1, 1), 2);
    assert_memory_equal(physmem_ram(&c.d.mem, pa(BUFFERS + 0x200), 2), "ef", 2);
    assert_true(c.d.watched.level);
    wr(driver_dev(&c.d), STATUS, 0);
    assert_int_equal(virtio_console_receive(&c.dev, 0, (const uint8_t *)"x", 1), 0);
    driver_end(&c.d);
}

/* A driver that asks again and again but takes no answers costs a bounded number of messages. */
static void test_controls_without_buffers(void **state)
{
    struct sink sinks[2];
    struct con c;

    (void)state;
    start(&c, sinks);
    driver_start(&c.d, c.dev.virtio.offered, QUEUES);
    memset(physmem_ram_changing(&c.d.mem, pa(RINGS), 0x10000), 0, 0x10000);
    for (unsigned i = 0; i < 1000; i++)
        control(&c, 1, PORT_READY, 1);
    assert_int_equal(c.dev.event_count, VIRTIO_CONSOLE_EVENTS_MAX);
    wr(driver_dev(&c.d), STATUS, 0);
    assert_int_equal(c.dev.event_count, 0);
    driver_end(&c.d);
}

static void note_exit(void *ctx, int code)
{
    *(int *)ctx = code;
}

static void test_testdev(void **state)
{
    static const struct {
        const char *text;
        int code;
    } rows[] = {{"0q", 1},     {"q", 1},    {"21q", 43}, {" 3 q", 7}, {"5x", -1},
                {"200q", 145}, {"1 2q", 1}, {"5x3q", 7}, {"", -1}};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        int code = -1;
        struct testdev t = {.exit = note_exit, .exit_ctx = &code};
        for (const char *p = rows[i].text; *p; p++) /* in pieces */
            testdev_write(&t, (const uint8_t *)p, 1);
        assert_int_equal(code, rows[i].code);
    }
}

static void count_chars(void *ctx, const uint8_t *data, size_t n)
{
    (void)data;
    *(size_t *)ctx += n;
}

/* 256 chains of many bytes are printed in pieces, and another port is not kept waiting
 * to the end. */
static void test_long_output_goes_on_while_the_guest_runs(void **state)
{
    size_t printed[2] = {0};
    struct sink sinks[2];
    struct con c;

    (void)state;
    start(&c, sinks);
    for (unsigned n = 0; n < 2; n++) {
        c.dev.ports[n].write = count_chars;
        c.dev.ports[n].write_ctx = &printed[n];
    }
    for (unsigned i = 0; i < QUEUE; i++) {
        put_desc(&c.d, ring(TX0), i, BUFFERS, 2 * PACE_BYTES, 0, 0);
        make_available(&c.d, TX0, i);
    }
    wr(driver_dev(&c.d), QUEUE_NOTIFY, TX0);
    assert_in_range(printed[0], PACE_BYTES - 4096, PACE_BYTES + 4096);
    assert_int_equal(used_count(&c.d, TX0), 0);
    send(&c, TX1, "first", 5);
    assert_int_equal(printed[1], 0);
    driver_wait(&c.d, 1);
    driver_wait(&c.d, 1);
    assert_int_equal(printed[1], 5);
    for (unsigned us = 0; us < 3 * QUEUE; us++)
        driver_wait(&c.d, 1);
    assert_int_equal(used_count(&c.d, TX0), QUEUE);
    assert_int_equal(printed[0], QUEUE * 2 * PACE_BYTES);
    driver_end(&c.d);
}

/* What kvm-unit-tests does: one port, neither features nor a status. */
static void test_the_legacy_interface(void **state)
{
    struct sink sinks[2];
    struct con c;

    (void)state;
    start(&c, sinks);
    driver_plug_legacy(&c.d, &c.dev.virtio);
    driver_start_legacy(&c.d, 0, 2);
    memset(physmem_ram_changing(&c.d.mem, pa(RINGS), 2 * RING_STRIDE), 0, 2 * RING_STRIDE);
    wr(driver_dev(&c.d), STATUS, VIRTIO_ACKNOWLEDGE);
    send(&c, TX0, "zero", 4);
    assert_int_equal(c.out_len[0], 4);
    assert_int_equal(virtio_console_receive(&c.dev, 0, (const uint8_t *)"ab", 2), 0);
    put_desc(&c.d, ring(RX0), 0, BUFFERS + 0x100, 8, DESC_WRITE, 0);
    make_available(&c.d, RX0, 0);
    wr(driver_dev(&c.d), QUEUE_NOTIFY, RX0);
    assert_int_equal(virtio_console_receive(&c.dev, 0, (const uint8_t *)"ab", 2), 2);
    assert_memory_equal(physmem_ram(&c.d.mem, pa(BUFFERS + 0x100), 2), "ab", 2);
    assert_true(c.d.watched.level);
    driver_fuzz(&c.d, QUEUES, 200, &(uint64_t){1});
    driver_end(&c.d);
}

static void test_garbage(void **state)
{
    uint64_t rng = test_seed(1);
    struct sink sinks[2];
    struct con c;

    (void)state;
    start(&c, sinks);
    driver_fuzz(&c.d, QUEUES, 2000, &rng);
    driver_end(&c.d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_bus_without_ports_announces_none),
        cmocka_unit_test(test_ports_are_announced),
        cmocka_unit_test(test_characters_both_ways),
        cmocka_unit_test(test_controls_without_buffers),
        cmocka_unit_test(test_testdev),
        cmocka_unit_test(test_long_output_goes_on_while_the_guest_runs),
        cmocka_unit_test(test_the_legacy_interface),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
