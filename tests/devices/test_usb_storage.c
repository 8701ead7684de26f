/* Bulk-only transport: commands, data of either direction and their status, and what is none. */
#include <stdio.h>
#include <unistd.h>

#include "base/le.h"
#include "base/state_io.h"
#include "devices/usb_storage.h"
#include "tests/devices/fixture.h"

#define BLOCKS 32
#define BLOCK  512
#define TAG    0x12345678

struct bench {
    struct watched watched;
    struct arm_log log;
    struct disk disk;
    struct scsi_unit unit;
    struct usb_storage storage;
    char path[64];
    uint8_t data[BLOCKS * BLOCK];
};

static void request(struct bench *b, unsigned type, unsigned code, unsigned value, unsigned index)
{
    uint8_t setup[USB_SETUP_BYTES] = {(uint8_t)type, (uint8_t)code}, none[1];

    le_put(setup + 2, 2, value);
    le_put(setup + 4, 2, index);
    usb_setup(&b->storage.usb, setup);
    assert_int_equal(usb_in(&b->storage.usb, 0, none, 0), 0);
}

static void begin(struct bench *b)
{
    uint8_t block[BLOCK];

    memset(b, 0, sizeof(*b));
    snprintf(b->path, sizeof(b->path), "%s/usb_XXXXXX", P_tmpdir);
    int fd = mkstemp(b->path);
    assert_true(fd >= 0);
    for (unsigned i = 0; i < BLOCKS; i++) {
        memset(block, (int)i + 1, BLOCK);
        assert_int_equal(write(fd, block, BLOCK), BLOCK);
    }
    close(fd);
    b->log = watched_log(&b->watched);
    const struct disk_spec spec = {.path = b->path, .mode = DISK_SNAPSHOT, .format = "raw"};
    assert_int_equal(disk_open(&b->disk, &spec, &b->log, NULL), 0);
    assert_int_equal(scsi_unit_init(&b->unit, &b->disk, false, "S1", NULL), 0);
    usb_storage_init(&b->storage, &b->unit, "S1");
    b->unit.attention = false;
    request(b, 0, 9, 1, 0);
}

static void end(struct bench *b)
{
    disk_close(&b->disk);
    unlink(b->path);
}

static int send(struct bench *b, const void *bytes, size_t n)
{
    return usb_out(&b->storage.usb, 2, bytes, n);
}

static int receive(struct bench *b, size_t n)
{
    return usb_in(&b->storage.usb, 1, b->data, n);
}

static int wrap(struct bench *b, uint32_t expected, bool in, unsigned lun, const uint8_t *cdb,
                size_t length)
{
    uint8_t w[USB_STORAGE_CBW] = {0};

    le_put(w, 4, 0x43425355);
    le_put(w + 4, 4, TAG);
    le_put(w + 8, 4, expected);
    w[12] = in ? 0x80 : 0;
    w[13] = (uint8_t)lun;
    w[14] = (uint8_t)length;
    memcpy(w + 15, cdb, length);
    return send(b, w, sizeof(w));
}
#define WRAP(b, expected, in, ...)                                                                 \
    assert_int_equal(wrap(b, expected, in, 0, (const uint8_t[16]){__VA_ARGS__},                    \
                          sizeof((const uint8_t[]){__VA_ARGS__})),                                 \
                     USB_STORAGE_CBW)

static void expect_status(struct bench *b, unsigned status, unsigned residue)
{
    assert_int_equal(receive(b, 512), 13);
    assert_int_equal(le_get(b->data, 4), 0x53425355);
    assert_int_equal(le_get(b->data + 4, 4), TAG);
    assert_int_equal(le_get(b->data + 8, 4), residue);
    assert_int_equal(b->data[12], status);
    assert_int_equal(receive(b, 512), USB_NAK);
}

static void test_blocks_are_written_and_read(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    WRAP(&b, 2 * BLOCK, false, 0x2a, 0, 0, 0, 0, 4, 0, 0, 2, 0);
    assert_int_equal(receive(&b, 13), USB_NAK);
    memset(b.data, 0xa5, 2 * BLOCK);
    assert_int_equal(send(&b, b.data, BLOCK), BLOCK);
    assert_int_equal(send(&b, b.data, BLOCK), BLOCK);
    expect_status(&b, 0, 0);
    WRAP(&b, 4 * BLOCK, true, 0x28, 0, 0, 0, 0, 3, 0, 0, 4, 0);
    assert_int_equal(send(&b, b.data, 31), USB_NAK); /* not before this one is over */
    assert_int_equal(receive(&b, 3 * BLOCK), 3 * BLOCK);
    assert_int_equal(b.data[0], 4);
    assert_int_equal(b.data[BLOCK], 0xa5);
    assert_int_equal(b.data[3 * BLOCK - 1], 0xa5);
    assert_int_equal(receive(&b, BLOCK), BLOCK);
    assert_int_equal(b.data[0], 7);
    expect_status(&b, 0, 0);
    end(&b);
}

/* 6.7, the cases where host and device do not want the same. */
static void test_the_host_may_want_more_than_there_is_but_not_less(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    WRAP(&b, 255, true, 0x12, 0, 0, 0, 36, 0); /* INQUIRY */
    assert_int_equal(receive(&b, 255), 36);
    expect_status(&b, 0, 255 - 36);
    WRAP(&b, 36 + 64, true, 0x12, 0, 0, 0, 36, 0);
    assert_int_equal(receive(&b, 36), 36);
    assert_int_equal(receive(&b, 64), 0); /* a packet without bytes ends it */
    expect_status(&b, 0, 64);
    WRAP(&b, BLOCK, true, 0x28, 0, 0, 0, 0, 0, 0, 0, 2, 0);
    assert_int_equal(receive(&b, BLOCK), BLOCK);
    expect_status(&b, 2, 0);
    WRAP(&b, 0, false, 0x28, 0, 0, 0, 0, 0, 0, 0, 2, 0);
    expect_status(&b, 2, 0);
    WRAP(&b, BLOCK, false, 0x28, 0, 0, 0, 0, 0, 0, 0, 1, 0); /* a read, and data to the device */
    assert_int_equal(send(&b, b.data, BLOCK), BLOCK);
    expect_status(&b, 2, BLOCK);
    WRAP(&b, BLOCK, false, 0x00, 0, 0, 0, 0, 0);
    assert_int_equal(send(&b, b.data, BLOCK), BLOCK);
    expect_status(&b, 0, BLOCK);
    end(&b);
}

static void test_a_command_that_fails_has_its_sense(void **state)
{
    struct bench b;

    (void)state;
    begin(&b);
    WRAP(&b, BLOCK, true, 0x28, 0, 0, 1, 0, 0, 0, 0, 1, 0); /* behind the end */
    assert_int_equal(receive(&b, BLOCK), 0);
    expect_status(&b, 1, BLOCK);
    WRAP(&b, 18, true, 0x03, 0, 0, 0, 18, 0);
    assert_int_equal(receive(&b, 18), 18);
    assert_int_equal(b.data[2], 5);
    assert_int_equal(b.data[12], 0x21);
    expect_status(&b, 0, 0);
    assert_int_equal(wrap(&b, 0, false, 3, (const uint8_t[6]){0}, 6), USB_STORAGE_CBW); /* LUN 3 */
    expect_status(&b, 1, 0);
    end(&b);
}

static void test_what_is_no_command_stalls_until_a_reset(void **state)
{
    struct bench b;
    uint8_t junk[64] = {1, 2, 3};

    (void)state;
    begin(&b);
    assert_int_equal(send(&b, junk, 31), USB_STALL);
    assert_int_equal(receive(&b, 13), USB_STALL);
    request(&b, 2, 1, 0, 0x81); /* CLEAR_FEATURE(ENDPOINT_HALT) is not enough */
    assert_int_equal(receive(&b, 13), USB_STALL);
    request(&b, 0x21, 0xff, 0, 0);
    request(&b, 2, 1, 0, 0x81);
    WRAP(&b, 0, false, 0x00, 0, 0, 0, 0, 0);
    expect_status(&b, 0, 0);
    assert_int_equal(send(&b, junk, 64), USB_STALL); /* longer than one is */
    end(&b);
}

static void test_a_snapshot_goes_on_in_the_middle_of_the_data(void **state)
{
    struct bench b;
    struct state_io saved, io;

    (void)state;
    begin(&b);
    WRAP(&b, 4 * BLOCK, true, 0x28, 0, 0, 0, 0, 8, 0, 0, 4, 0);
    assert_int_equal(receive(&b, BLOCK), BLOCK);
    state_io_save(&saved);
    state_section_begin(&saved, "usb", 1);
    usb_state(&saved, &b.storage.usb);
    state_section_end(&saved);
    usb_reset(&b.storage.usb);
    state_io_restore(&io, saved.out, saved.len);
    state_section_begin(&io, "usb", 1);
    usb_state(&io, &b.storage.usb);
    state_section_end(&io);
    assert_int_equal(io.error.code, 0);
    assert_int_equal(receive(&b, 3 * BLOCK), 3 * BLOCK);
    assert_int_equal(b.data[0], 10);
    expect_status(&b, 0, 0);
    state_io_destroy(&saved);
    end(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blocks_are_written_and_read),
        cmocka_unit_test(test_the_host_may_want_more_than_there_is_but_not_less),
        cmocka_unit_test(test_a_command_that_fails_has_its_sense),
        cmocka_unit_test(test_what_is_no_command_stalls_until_a_reset),
        cmocka_unit_test(test_a_snapshot_goes_on_in_the_middle_of_the_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
