/* The TPM's FIFO interface: localities, and commands in pieces of any size. */
#include "devices/tpm_tis.h"

#include "base/state_io.h"
#include "tests/devices/fixture.h"

enum { ACCESS = 0x00, STS = 0x18, FIFO = 0x24, INTERFACE = 0x30, XFIFO = 0x80, DID_VID = 0xf00 };

#define VALID     0x80
#define READY     0x40
#define GO        0x20
#define AVAILABLE 0x10
#define EXPECT    0x08
#define RETRY     0x02

struct bench {
    struct watched watched;
    struct arm_log log;
    struct tpm_tis tpm;
    unsigned commands, locality;
    size_t size, answer; /* of the last command; of what it is answered with */
    uint8_t request[TPM_BUFFER];
};

/* Its first bytes are what was asked. */
static size_t answer(void *ctx, unsigned locality, const uint8_t *request, size_t size,
                     uint8_t *response, size_t max)
{
    struct bench *b = ctx;

    assert_int_equal(max, TPM_BUFFER);
    b->commands++;
    b->locality = locality;
    b->size = size;
    memcpy(b->request, request, size);
    for (size_t k = 0; k < b->answer; k++)
        response[k] = (uint8_t)(0x80 + k);
    return b->answer;
}

static void start(struct bench *b)
{
    memset(b, 0, sizeof(*b));
    b->log = watched_log(&b->watched);
    b->answer = 12;
    tpm_tis_init(&b->tpm, &b->log, answer, b);
}

static uint64_t get(struct bench *b, unsigned locality, unsigned at, unsigned size)
{
    return device_read(&b->tpm.dev, locality * 0x1000 + at, size);
}

static void put(struct bench *b, unsigned locality, unsigned at, unsigned size, uint64_t value)
{
    device_write(&b->tpm.dev, locality * 0x1000 + at, size, value);
}

static void send(struct bench *b, unsigned locality, unsigned bytes)
{
    put(b, locality, STS, 4, READY);
    assert_int_equal(get(b, locality, STS, 1), VALID | READY | 4);
    for (unsigned k = 0; k < bytes; k++)
        put(b, locality, FIFO, 1, k == 5 ? bytes : k < 6 ? 0 : k);
}

static void test_a_command_goes_to_the_tpm_when_it_is_complete(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    assert_int_equal(get(&b, 0, ACCESS, 1), 0x81);
    assert_int_equal(get(&b, 0, STS, 4), UINT32_MAX); /* nobody has asked for it */
    put(&b, 0, ACCESS, 1, 2);
    assert_int_equal(get(&b, 0, ACCESS, 1), 0xa1);
    assert_int_equal(get(&b, 0, DID_VID, 4), 0x00011014);
    assert_int_equal(get(&b, 0, INTERFACE, 4) & 15, 0);
    put(&b, 0, STS, 4, READY);
    send(&b, 0, 14);
    assert_int_equal(get(&b, 0, STS, 1) & EXPECT, 0);
    put(&b, 0, FIFO, 1, 0xee); /* more than it said: lost */
    put(&b, 0, STS, 4, GO);
    assert_int_equal(b.commands, 1);
    assert_int_equal(b.size, 14);
    assert_int_equal(b.request[13], 13);
    assert_int_equal(get(&b, 0, STS, 4) >> 8 & 0xffff, 12);
    assert_int_equal(get(&b, 0, FIFO, 4), 0x83828180);
    assert_int_equal(get(&b, 0, XFIFO, 4), 0x87868584);
    assert_true(get(&b, 0, STS, 1) & AVAILABLE);
    assert_int_equal(get(&b, 0, FIFO, 2), 0x8988);
    assert_int_equal(get(&b, 0, FIFO, 2), 0x8b8a);
    assert_false(get(&b, 0, STS, 1) & AVAILABLE);
    assert_int_equal(get(&b, 0, FIFO, 1), 0xff);
    put(&b, 0, STS, 4, RETRY);
    assert_int_equal(get(&b, 0, FIFO, 1), 0x80);
    put(&b, 0, STS, 4, READY);
    assert_int_equal(get(&b, 0, STS, 1), VALID | READY | 4);
}

static void test_what_is_not_complete_does_not_go(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    put(&b, 0, ACCESS, 1, 2);
    put(&b, 0, FIFO, 1, 1); /* it is not ready */
    put(&b, 0, STS, 4, GO);
    put(&b, 0, STS, 4, READY);
    put(&b, 0, STS, 4, GO);
    put(&b, 0, FIFO, 4, 0x0180);
    assert_true(get(&b, 0, STS, 1) & EXPECT);
    put(&b, 0, STS, 4, GO);
    assert_int_equal(b.commands, 0);
    /* As much as fits, if it says that it is longer */
    put(&b, 0, STS, 4, READY);
    for (unsigned k = 0; k < 2 * TPM_BUFFER; k++)
        put(&b, 0, FIFO, 1, 0xff);
    put(&b, 0, STS, 4, GO);
    assert_int_equal(b.commands, 1);
    assert_int_equal(b.size, TPM_BUFFER);
    /* No response is a failure, which the driver is told. */
    b.answer = 0;
    put(&b, 0, STS, 4, READY);
    send(&b, 0, 10);
    put(&b, 0, STS, 4, GO);
    assert_int_equal(get(&b, 0, STS, 4) >> 8 & 0xffff, 10);
    assert_int_equal(get(&b, 0, FIFO, 2), 0x0180);
    assert_int_equal(b.watched.log_lines, 1);
}

static void test_localities_take_turns(void **state)
{
    struct bench b;

    (void)state;
    start(&b);
    put(&b, 1, ACCESS, 1, 2);
    put(&b, 0, ACCESS, 1, 2);
    put(&b, 3, ACCESS, 1, 2);
    assert_int_equal(get(&b, 0, ACCESS, 1), 0x87); /* waits, as another does */
    assert_int_equal(get(&b, 1, ACCESS, 1), 0xa5);
    send(&b, 1, 10);
    put(&b, 0, STS, 4, GO); /* not its turn */
    assert_int_equal(b.commands, 0);
    put(&b, 1, STS, 4, GO);
    assert_int_equal(b.locality, 1);
    put(&b, 1, ACCESS, 1, 0x20);
    assert_int_equal(get(&b, 3, ACCESS, 1), 0xa5);
    put(&b, 2, ACCESS, 1, 8); /* a lower one cannot seize it, */
    assert_int_equal(get(&b, 3, ACCESS, 1), 0xa5);
    put(&b, 4, ACCESS, 1, 8); /* a higher one can */
    assert_int_equal(get(&b, 4, ACCESS, 1), 0xa5);
    assert_int_equal(get(&b, 3, ACCESS, 1), 0x95);
    put(&b, 3, ACCESS, 1, 0x10);
    assert_int_equal(get(&b, 3, ACCESS, 1), 0x85);
    put(&b, 4, ACCESS, 1, 0x20);
    assert_int_equal(get(&b, 0, ACCESS, 1), 0xa1);
    put(&b, 0, ACCESS, 1, 0x20);
    put(&b, 4, ACCESS, 1, 8); /* of nobody */
    assert_int_equal(get(&b, 4, ACCESS, 1), 0x81);
}

static void test_a_snapshot_has_a_response_that_is_being_read(void **state)
{
    struct state_io out, in;
    struct bench b;

    (void)state;
    start(&b);
    put(&b, 2, ACCESS, 1, 2);
    send(&b, 2, 10);
    put(&b, 2, STS, 4, GO);
    (void)get(&b, 2, FIFO, 4);
    state_io_save(&out);
    state_section_begin(&out, "tpm", 1);
    b.tpm.dev.ops->state(&out, &b.tpm.dev);
    state_section_end(&out);
    b.tpm.dev.ops->reset(&b.tpm.dev);
    assert_int_equal(get(&b, 2, ACCESS, 1), 0x81);
    state_io_restore(&in, out.out, out.len);
    state_section_begin(&in, "tpm", 1);
    b.tpm.dev.ops->state(&in, &b.tpm.dev);
    state_section_end(&in);
    assert_false(state_failed(&in));
    assert_int_equal(get(&b, 2, FIFO, 4), 0x87868584);
    assert_int_equal(b.commands, 1);
    state_io_destroy(&out);
    state_io_destroy(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_command_goes_to_the_tpm_when_it_is_complete),
        cmocka_unit_test(test_what_is_not_complete_does_not_go),
        cmocka_unit_test(test_localities_take_turns),
        cmocka_unit_test(test_a_snapshot_has_a_response_that_is_being_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
