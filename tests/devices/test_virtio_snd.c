/* A sound device: messages take the time of what is in them. */
#include "devices/virtio_snd.h"
#include "tests/devices/virtio_driver.h"

enum { CONTROL, EVENT, TX, RX, QUEUES };
enum {
    JACK_INFO = 1,
    PCM_INFO = 0x100,
    SET_PARAMS,
    PREPARE,
    RELEASE,
    START,
    STOP,
    OK = 0x8000,
    BAD_MSG,
    NOT_SUPP,
};
enum { S16 = 5, U8 = 4, HZ_8000 = 1, HZ_48000 = 7 };

#define REQUEST BUFFERS
#define ANSWER  (BUFFERS + 0x100)
#define MESSAGE (BUFFERS + 0x1000) /* number n: 0x1000 bytes from there */
#define MS      UINT64_C(1000000)

struct bench {
    struct driver d;
    struct virtio_snd dev;
};

static void start(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    driver_begin(&b->d);
    virtio_snd_init(&b->dev, &b->d.log, &b->d.mem, &b->d.clock, 0);
    driver_plug(&b->d, &b->dev.virtio);
    driver_start(&b->d, b->dev.virtio.offered, QUEUES);
}

/* The request is there; returns the status. */
static uint32_t ask(struct bench *b, uint32_t bytes, uint32_t room)
{
    poke(&b->d, ANSWER, 4, 0);
    put_desc(&b->d, ring(CONTROL), 0, REQUEST, bytes, DESC_NEXT, 1);
    put_desc(&b->d, ring(CONTROL), 1, ANSWER, room, DESC_WRITE, 0);
    make_available(&b->d, CONTROL, 0);
    wr(driver_dev(&b->d), QUEUE_NOTIFY, CONTROL);
    return (uint32_t)peek(&b->d, ANSWER, 4);
}

static uint32_t command(struct bench *b, uint32_t code, uint32_t stream)
{
    poke(&b->d, REQUEST, 4, code);
    poke(&b->d, REQUEST + 4, 4, stream);
    return ask(b, 8, 4);
}

static uint32_t set_params(struct bench *b, uint32_t stream, unsigned format, unsigned rate,
                           unsigned channels)
{
    poke(&b->d, REQUEST, 4, SET_PARAMS);
    poke(&b->d, REQUEST + 4, 4, stream);
    poke(&b->d, REQUEST + 8, 4, 2000);
    poke(&b->d, REQUEST + 12, 4, 1000);
    poke(&b->d, REQUEST + 16, 4, 0);
    poke(&b->d, REQUEST + 20, 4, channels | format << 8 | rate << 16);
    return ask(b, 24, 4);
}

/* Message @n for @stream, of so many bytes of sound. */
static void send(struct bench *b, unsigned queue, unsigned n, uint32_t stream, uint32_t bytes)
{
    uint64_t at = MESSAGE + UINT64_C(0x1000) * n;

    poke(&b->d, at, 4, stream);
    if (queue == TX)
        put_desc(&b->d, ring(queue), 2 * n, at, 4 + bytes, DESC_NEXT, 2 * n + 1);
    else
        put_desc(&b->d, ring(queue), 2 * n, at, 4, DESC_NEXT, 2 * n + 1);
    put_desc(&b->d, ring(queue), 2 * n + 1, at + 0x800, 8 + (queue == TX ? 0 : bytes), DESC_WRITE,
             0);
    make_available(&b->d, queue, 2 * n);
    wr(driver_dev(&b->d), QUEUE_NOTIFY, queue);
}

static uint32_t status_of(struct bench *b, unsigned n, uint32_t recorded)
{
    return (uint32_t)peek(&b->d, MESSAGE + UINT64_C(0x1000) * n + 0x800 + recorded, 4);
}

/* To each event at its time. */
static void run_until(struct bench *b, uint64_t ns)
{
    while (b->d.clock.next_ns <= ns)
        clock_run(&b->d.clock, b->d.clock.next_ns);
    clock_run(&b->d.clock, ns);
}

static void test_it_tells_of_its_streams(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    assert_int_equal(rd(driver_dev(&b.d), DEVICE_ID_REG), 25);
    assert_int_equal(rd(driver_dev(&b.d), CONFIG_SPACE), 0);
    assert_int_equal(rd(driver_dev(&b.d), CONFIG_SPACE + 4), 2);
    poke(&b.d, REQUEST, 8, PCM_INFO);
    poke(&b.d, REQUEST + 8, 8, UINT64_C(32) << 32 | 2);
    assert_int_equal(ask(&b, 16, 68), OK);
    for (unsigned n = 0; n < 2; n++) {
        uint64_t info = ANSWER + 4 + 32 * n;
        assert_int_equal(peek(&b.d, info + 8, 8), 0xe0078);
        assert_int_equal(peek(&b.d, info + 16, 8), 0x3fff);
        assert_int_equal(peek(&b.d, info + 24, 4), n | 1 << 8 | 2 << 16);
    }
    assert_int_equal(ask(&b, 16, 67), BAD_MSG); /* no room */
    poke(&b.d, REQUEST + 4, 4, 1);
    assert_int_equal(ask(&b, 16, 68), BAD_MSG); /* there are not so many */
    poke(&b.d, REQUEST, 8, JACK_INFO);
    assert_int_equal(ask(&b, 16, 68), BAD_MSG);
    poke(&b.d, REQUEST, 4, 0x777);
    assert_int_equal(ask(&b, 16, 68), NOT_SUPP);
    assert_int_equal(ask(&b, 2, 68), BAD_MSG);
    driver_end(&b.d);
}

static void test_commands_follow_each_other_as_they_may(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    assert_int_equal(command(&b, START, 0), BAD_MSG);
    assert_int_equal(set_params(&b, 2, S16, HZ_48000, 2), BAD_MSG);
    assert_int_equal(set_params(&b, 0, 7, HZ_48000, 2), NOT_SUPP);
    assert_int_equal(set_params(&b, 0, 200, HZ_48000, 2), NOT_SUPP);
    assert_int_equal(set_params(&b, 0, S16, 14, 2), NOT_SUPP);
    assert_int_equal(set_params(&b, 0, S16, HZ_48000, 3), NOT_SUPP);
    assert_int_equal(command(&b, PREPARE, 0), BAD_MSG);
    assert_int_equal(set_params(&b, 0, S16, HZ_48000, 2), OK);
    assert_int_equal(command(&b, PREPARE, 0), OK);
    assert_int_equal(command(&b, STOP, 0), BAD_MSG);
    assert_int_equal(command(&b, START, 0), OK);
    assert_int_equal(command(&b, RELEASE, 0), BAD_MSG);
    assert_int_equal(command(&b, STOP, 0), OK);
    assert_int_equal(command(&b, RELEASE, 0), OK);
    assert_int_equal(command(&b, PREPARE, 0), OK);
    driver_end(&b.d);
}

/* 1000 bytes of 8 kHz, two channels of 16 bits, are 31.25 ms. */
static void test_messages_take_their_time(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    assert_int_equal(set_params(&b, 0, S16, HZ_8000, 2), OK);
    assert_int_equal(command(&b, PREPARE, 0), OK);
    send(&b, TX, 0, 0, 1000);
    send(&b, TX, 1, 0, 1000);
    run_until(&b, 100 * MS);
    assert_int_equal(used_count(&b.d, TX), 0);
    assert_int_equal(command(&b, START, 0), OK);
    run_until(&b, 131 * MS);
    assert_int_equal(used_count(&b.d, TX), 0);
    run_until(&b, 132 * MS);
    assert_int_equal(used_count(&b.d, TX), 1);
    assert_int_equal(status_of(&b, 0, 0), OK);
    run_until(&b, 162 * MS);
    assert_int_equal(used_count(&b.d, TX), 1);
    run_until(&b, 162500000);
    assert_int_equal(used_count(&b.d, TX), 2);
    run_until(&b, 200 * MS); /* there was nothing to play for a while */
    send(&b, TX, 0, 0, 1000);
    send(&b, TX, 1, 0, 1000);
    send(&b, TX, 2, 1, 1000); /* of another stream */
    assert_int_equal(command(&b, STOP, 0), OK);
    run_until(&b, 300 * MS);
    assert_int_equal(used_count(&b.d, TX), 2);
    assert_int_equal(command(&b, RELEASE, 0), OK);
    assert_int_equal(used_count(&b.d, TX), 5);
    assert_int_equal(status_of(&b, 1, 0), OK);
    assert_int_equal(status_of(&b, 2, 0), BAD_MSG);
    driver_end(&b.d);
}

static void test_what_is_recorded_is_silence(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    assert_int_equal(set_params(&b, 1, U8, HZ_8000, 1), OK);
    assert_int_equal(command(&b, PREPARE, 1), OK);
    assert_int_equal(command(&b, START, 1), OK);
    send(&b, RX, 0, 1, 1600);
    run_until(&b, 199 * MS);
    assert_int_equal(used_count(&b.d, RX), 0);
    run_until(&b, 200 * MS);
    assert_int_equal(used_count(&b.d, RX), 1);
    assert_int_equal(used_len(&b.d, RX, 0), 1608);
    assert_int_equal(peek(&b.d, MESSAGE + 0x800, 8), UINT64_C(0x8080808080808080));
    assert_int_equal(peek(&b.d, MESSAGE + 0x800 + 1592, 8), UINT64_C(0x8080808080808080));
    assert_int_equal(status_of(&b, 0, 1600), OK);
    send(&b, RX, 1, 1, 2001); /* more than the buffer has */
    assert_int_equal(used_count(&b.d, RX), 2);
    assert_int_equal(status_of(&b, 1, 2001), BAD_MSG);
    driver_end(&b.d);
}

static void test_random_rings(void **state)
{
    struct bench b;
    uint64_t rng = test_seed(1);

    (void)state;
    start(&b);
    assert_int_equal(set_params(&b, 0, S16, HZ_8000, 2), OK);
    assert_int_equal(command(&b, PREPARE, 0), OK);
    assert_int_equal(command(&b, START, 0), OK);
    driver_fuzz(&b.d, QUEUES, 200, &rng);
    driver_end(&b.d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_tells_of_its_streams),
        cmocka_unit_test(test_commands_follow_each_other_as_they_may),
        cmocka_unit_test(test_messages_take_their_time),
        cmocka_unit_test(test_what_is_recorded_is_silence),
        cmocka_unit_test(test_random_rings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
