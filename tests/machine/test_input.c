/* Host input is recorded with the place where it entered, and replayed there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "armillary.h"
#include "base/bits.h"
#include "machine/machine.h"
#include "tests/guests.h"
#include "tests/machine/new_machine.h"
#include "tests/random.h"

#define ENTRY UINT64_C(0x40080000)

static char *temporary(const void *bytes, size_t size)
{
    char *path = strdup("/tmp/armillary-test-XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), size);
    close(fd);
    return path;
}

static void discard(char *path)
{
    unlink(path);
    free(path);
}

static struct arm_machine *create(const uint32_t *words, size_t size, struct output *out)
{
    const struct arm_config config = {.size = sizeof(config),
                                      .cpus = 1,
                                      .ram_size = UINT64_C(4) << 20,
                                      .el2 = true,
                                      .console_write = keep_output,
                                      .console_ctx = out};

    memset(out, 0, sizeof(*out));
    return new_machine_of(config, words, size, ENTRY, 0);
}

/* Type 200 characters at random moments into guest_echo, and stop. */
static void session(struct arm_machine *m)
{
    uint64_t random = test_seed(1);

    for (unsigned k = 0; k < 200;) {
        uint8_t byte = (uint8_t)('a' + k % 26);
        assert_int_equal(arm_run(m, 1 + random_next(&random) % 3000), ARM_STOP_LIMIT);
        k += (unsigned)arm_console_input(m, &byte, 1);
    }
    assert_int_equal(arm_run(m, 12345), ARM_STOP_LIMIT);
}

static void test_a_recorded_session_is_replayed_byte_for_byte(void **state)
{
    (void)state;
    static struct output out[2];
    struct arm_error err = {0};
    char *log = temporary("", 0);
    struct arm_machine *m[2];

    for (unsigned k = 0; k < 2; k++)
        m[k] = create(guest_echo, sizeof(guest_echo), &out[k]);
    assert_int_equal(arm_record(m[0], log, &err), 0);
    session(m[0]);
    assert_int_equal(arm_record_end(m[0], &err), 0);
    assert_int_equal(arm_replay(m[1], log, &err), 0);
    assert_int_equal(arm_run(m[1], 0), ARM_STOP_REQUEST);
    assert_string_equal(out[0].text, out[1].text);
    assert_int_equal(out[0].size, 201);
    assert_int_equal(arm_retired(m[0]), arm_retired(m[1]));
    assert_int_equal(arm_time_ns(m[0]), arm_time_ns(m[1]));
    assert_int_equal(arm_console_input(m[1], (const uint8_t *)"x", 1), 0); /* only from the log */
    for (unsigned k = 0; k < 2; k++)
        arm_machine_free(m[k]);
    discard(log);
}

/* A keyboard whose driver is this test: one queue with buffers, in RAM that the
 * guest leaves alone. */
#define EVENTS_AT UINT64_C(0x40200000)
enum { DESC_AT = 0, AVAIL_AT = 0x1000, USED_AT = 0x2000, BUFFERS_AT = 0x3000, BUFFERS = 64 };

static struct arm_machine *create_with_keyboard(void)
{
    static const struct arm_device keyboard = {.kind = ARM_VIRTIO_KEYBOARD};
    const struct arm_config config = {.size = sizeof(config),
                                      .cpus = 1,
                                      .ram_size = UINT64_C(4) << 20,
                                      .devices = &keyboard,
                                      .device_count = 1};
    struct arm_machine *m = new_machine_of(config, guest_loop, sizeof(guest_loop), ENTRY, 0);
    struct device *slot = &m->board.slots[VIRT_SLOTS - 1].dev;
    const struct {
        uint64_t offset;
        uint32_t value;
    } writes[] = {
        {0x70, 3},
        {0x24, 1},
        {0x20, 1},
        {0x70, 11},
        {0x30, 0},
        {0x38, BUFFERS},
        {0x80, EVENTS_AT + DESC_AT},
        {0x90, EVENTS_AT + AVAIL_AT},
        {0xa0, EVENTS_AT + USED_AT},
        {0x44, 1},
        {0x70, 15},
    };

    for (unsigned n = 0; n < BUFFERS; n++) {
        const uint64_t desc[2] = {EVENTS_AT + BUFFERS_AT + 8 * n, 8 | UINT64_C(2) << 32};
        const uint16_t head = (uint16_t)n;
        assert_true(arm_mem_write(m, EVENTS_AT + DESC_AT + 16 * n, desc, sizeof(desc)));
        assert_true(arm_mem_write(m, EVENTS_AT + AVAIL_AT + 4 + 2 * n, &head, sizeof(head)));
    }
    assert_true(arm_mem_write(m, EVENTS_AT + AVAIL_AT + 2, &(uint16_t){BUFFERS}, 2));
    for (unsigned k = 0; k < ARRAY_SIZE(writes); k++)
        device_write(slot, writes[k].offset, 4, writes[k].value);
    return m;
}

static void test_keys_are_recorded_and_replayed_at_their_instructions(void **state)
{
    (void)state;
    struct arm_error err = {0};
    char *log = temporary("", 0);
    struct arm_machine *m[2];
    uint8_t seen[2][BUFFERS * 8];
    unsigned keys = 0;

    for (unsigned k = 0; k < 2; k++)
        m[k] = create_with_keyboard();
    assert_int_equal(arm_record(m[0], log, &err), 0);
    for (unsigned k = 0; k < 40; k++) {
        const struct arm_input_event key = {1, (uint16_t)(30 + k / 2), k % 2 == 0};
        assert_int_equal(arm_run(m[0], 1001), ARM_STOP_LIMIT);
        keys += arm_input(m[0], &key, 1);
    }
    assert_int_equal(keys, BUFFERS / 2); /* the guest has given no more room */
    assert_int_equal(arm_record_end(m[0], &err), 0);
    assert_int_equal(arm_replay(m[1], log, &err), 0);
    assert_false(arm_input(m[1], &(struct arm_input_event){1, 30, 1}, 1));
    assert_int_equal(arm_run(m[1], 5 * 1001 + 1), ARM_STOP_LIMIT);
    assert_true(arm_mem_read(m[1], EVENTS_AT + USED_AT + 2, seen[1], 2));
    assert_int_equal(seen[1][0], 2 * 5);
    assert_int_equal(arm_run(m[1], 0), ARM_STOP_REQUEST);
    for (unsigned k = 0; k < 2; k++)
        assert_true(arm_mem_read(m[k], EVENTS_AT + BUFFERS_AT, seen[k], sizeof(seen[k])));
    assert_memory_equal(seen[0], seen[1], sizeof(seen[0]));
    assert_int_equal(seen[0][2], 30);
    assert_int_equal(arm_retired(m[0]), arm_retired(m[1]));
    for (unsigned k = 0; k < 2; k++)
        arm_machine_free(m[k]);
    discard(log);
}

static void test_input_of_another_run_is_told_apart(void **state)
{
    (void)state;
    static struct output out;
    /* The UART takes one character without its FIFO, and this guest reads none. */
    static const char text[] = "armillary-input 1\ninput 10 10 uart 61\ninput 20 20 uart 62\n";
    struct arm_error err = {0};
    char *log = temporary(text, strlen(text));
    struct arm_machine *m = create(guest_loop, sizeof(guest_loop), &out);

    assert_int_equal(arm_replay(m, log, &err), 0);
    assert_int_equal(arm_run(m, 0), ARM_STOP_DIVERGED);
    assert_int_equal(arm_retired(m), 20);
    arm_machine_free(m);
    discard(log);
}

static void test_a_malformed_log_is_refused_by_file_and_line(void **state)
{
    (void)state;
    static const struct {
        const char *text, *expected;
    } cases[] = {
        {"", "line 1"},
        {"armillary-input 2\n", "line 1"},
        {"armillary-input 1\nwhat\n", "line 2"},
        {"armillary-input 1\n# comment\n\ninput 1 1 uart 6\n", "line 4"},
        {"armillary-input 1\ninput 1 1 uart 6g\n", "line 2"},
        {"armillary-input 1\ninput 1 1 uart\n", "line 2"},
        {"armillary-input 1\ninput 1 1 hid end\n", "line 2"},
        {"armillary-input 1\ninput 1 1 99.0 61\n", "line 2"},
        {"armillary-input 1\ninput -1 1 uart 61\n", "line 2"},
        {"armillary-input 1\ninput 2 2 uart 61\ninput 1 1 uart 61\n", "line 3"},
        {"armillary-input 1\nend 1 1\ninput 2 2 uart 61\n", "line 3"},
        {"armillary-input 1\ninput 18446744073709551616 1 uart 61\n", "line 2"},
    };
    static struct output out;

    for (size_t k = 0; k < ARRAY_SIZE(cases); k++) {
        struct arm_error err = {0};
        char *log = temporary(cases[k].text, strlen(cases[k].text));
        struct arm_machine *m = create(guest_loop, sizeof(guest_loop), &out);

        assert_int_equal(arm_replay(m, log, &err), -ARM_EFORMAT);
        assert_non_null(strstr(err.text, cases[k].expected));
        assert_non_null(strstr(err.text, log));
        arm_machine_free(m);
        discard(log);
    }
}

static void test_a_log_that_cannot_be_written_is_an_error(void **state)
{
    (void)state;
    static struct output out;
    struct arm_error err = {0};
    struct arm_machine *m = create(guest_loop, sizeof(guest_loop), &out);

    assert_int_equal(arm_record(m, "/nonexistent/log", &err), -ARM_EIO);
    assert_int_equal(arm_record(m, "/dev/full", &err), 0);
    assert_int_equal(arm_record_end(m, &err), -ARM_EIO);
    assert_non_null(strstr(err.text, "/dev/full"));
    arm_machine_free(m);
}

/* A host that always has more, and writes down when it was taken. */
struct typist {
    struct arm_machine *m;
    size_t count;
    uint64_t taken_at[64];
};

static void type_more(void *ctx)
{
    struct typist *t = ctx;
    static const uint8_t text[64] = "the same characters";
    size_t n = arm_console_input(t->m, text + t->count, sizeof(text) - t->count);

    for (size_t k = 0; k < n; k++)
        t->taken_at[t->count++] = arm_retired(t->m);
}

static void test_waiting_input_follows_what_was_taken_however_the_run_is_cut(void **state)
{
    (void)state;
    static struct output out;
    static struct typist typists[2];
    static const uint64_t pieces[2] = {0, 777};

    for (unsigned k = 0; k < 2; k++) {
        struct arm_machine *m = create(guest_echo, sizeof(guest_echo), &out);
        typists[k] = (struct typist){.m = m};
        m->poll = type_more;
        m->host_ctx = &typists[k];
        for (uint64_t left = 100000; left;) {
            uint64_t n = pieces[k] && pieces[k] < left ? pieces[k] : left;
            assert_int_equal(arm_run(m, n), ARM_STOP_LIMIT);
            left -= n;
        }
        assert_int_equal(typists[k].count, 64);
        assert_true(typists[k].taken_at[63] < 64 * (MACHINE_INPUT_INSNS + 10));
        arm_machine_free(m);
    }
    assert_memory_equal(typists[0].taken_at, typists[1].taken_at, sizeof(typists[0].taken_at));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_recorded_session_is_replayed_byte_for_byte),
        cmocka_unit_test(test_keys_are_recorded_and_replayed_at_their_instructions),
        cmocka_unit_test(test_input_of_another_run_is_told_apart),
        cmocka_unit_test(test_a_malformed_log_is_refused_by_file_and_line),
        cmocka_unit_test(test_a_log_that_cannot_be_written_is_an_error),
        cmocka_unit_test(test_waiting_input_follows_what_was_taken_however_the_run_is_cut),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
