/* Virtio SCSI: requests by their queues, with the disks of test_scsi.c's commands behind them. */
#include "devices/virtio_scsi.h"

#include "tests/devices/virtio_driver.h"

#define SECTORS  64
#define REQUEST  BUFFERS
#define RESPONSE (BUFFERS + 0x400)
#define DATA     (BUFFERS + 0x1000)
#define REQ      51
#define RESP     108

enum { CONTROL, EVENT, COMMANDS };

struct bench {
    struct driver d;
    struct virtio_scsi dev;
    struct scsi_unit units[3];
    struct disk disk;
    char path[64];
    unsigned queue; /* that commands are put into */
};

static void start_with(struct bench *b, off_t bytes, unsigned queues)
{
    static const unsigned places[3][2] = {{0, 0}, {5, 0}, {5, 3}};

    snprintf(b->path, sizeof(b->path), "%s/virtio_scsi_XXXXXX", P_tmpdir);
    int fd = mkstemp(b->path);
    assert_true(fd >= 0 && ftruncate(fd, bytes) == 0);
    for (unsigned i = 0; i < SECTORS; i++)
        assert_int_equal(pwrite(fd, &(char){(char)(i + 1)}, 1, i * 512), 1);
    close(fd);
    driver_begin(&b->d);
    assert_int_equal(disk_open(&b->disk,
                               &(struct disk_spec){.path = b->path, .mode = DISK_SNAPSHOT},
                               &b->d.log, NULL),
                     0);
    virtio_scsi_init(&b->dev, &b->d.log, &b->d.mem, queues);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(scsi_unit_init(&b->units[i], &b->disk, false, NULL, NULL), 0);
        assert_true(virtio_scsi_attach(&b->dev, places[i][0], places[i][1], &b->units[i]));
        assert_false(virtio_scsi_attach(&b->dev, places[i][0], places[i][1], &b->units[i]));
    }
    driver_plug(&b->d, &b->dev.virtio);
    driver_start(&b->d, b->dev.virtio.offered, 2 + queues);
    driver_wait(&b->d, 1);
    b->queue = COMMANDS;
}

static void start(struct bench *b, off_t bytes)
{
    start_with(b, bytes, 1);
}

static void stop(struct bench *b)
{
    disk_close(&b->disk);
    driver_end(&b->d);
    unlink(b->path);
}

/* Give the device a command for a unit, with @out or @in bytes of data at DATA. */
static void give(struct bench *b, unsigned target, unsigned lun, const uint8_t *cdb, uint32_t out,
                 uint32_t in)
{
    for (unsigned i = 0; i < REQ; i++)
        poke(&b->d, REQUEST + i, 1, i >= 19 && i < 35 ? cdb[i - 19] : 0);
    poke(&b->d, REQUEST, 4, 1 | target << 8 | 0x40 << 16 | lun << 24);
    put_desc(&b->d, ring(b->queue), 0, REQUEST, REQ, DESC_NEXT, out ? 1 : 2);
    put_desc(&b->d, ring(b->queue), 1, DATA, out, DESC_NEXT, 2);
    put_desc(&b->d, ring(b->queue), 2, RESPONSE, RESP, DESC_WRITE | (in ? DESC_NEXT : 0), 3);
    put_desc(&b->d, ring(b->queue), 3, DATA, in, DESC_WRITE, 0);
    poke(&b->d, RESPONSE + 10, 2, 0xeeee);
    make_available(&b->d, b->queue, 0);
    wr(driver_dev(&b->d), QUEUE_NOTIFY, b->queue);
}

/* Returns response << 8 | status. */
static unsigned command(struct bench *b, unsigned target, unsigned lun, const uint8_t *cdb,
                        uint32_t out, uint32_t in)
{
    unsigned before = used_count(&b->d, b->queue);

    give(b, target, lun, cdb, out, in);
    assert_int_equal(used_count(&b->d, b->queue), before + 1);
    return (unsigned)(peek(&b->d, RESPONSE + 11, 1) << 8 | peek(&b->d, RESPONSE + 10, 1));
}

static const uint8_t ready[16] = {0}, inquiry[16] = {0x12, 0, 0, 0, 36},
                     read1[16] = {0x28, 0, 0, 0, 0, 7, 0, 0, 1},
                     write1[16] = {0x2a, 0, 0, 0, 0, 7, 0, 0, 1},
                     report_luns[16] = {0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64};

static void test_commands_reach_their_units(void **state)
{
    struct bench b;

    (void)state;
    start(&b, SECTORS * 512);
    assert_int_equal(rd(driver_dev(&b.d), CONFIG_SPACE), 1);
    assert_int_equal(rd(driver_dev(&b.d), CONFIG_SPACE + 20), 96);
    assert_int_equal(command(&b, 0, 0, inquiry, 0, 36), 0);
    assert_int_equal(used_len(&b.d, COMMANDS, 0), RESP + 36);
    assert_int_equal(peek(&b.d, DATA + 8, 4), 0x494d5241);
    /* The reset is told of, with its sense beside the answer. */
    assert_int_equal(command(&b, 0, 0, ready, 0, 0), 2);
    assert_int_equal(peek(&b.d, RESPONSE, 4), 18);
    assert_int_equal(peek(&b.d, RESPONSE + 12 + 12, 1), 0x29);
    assert_int_equal(command(&b, 0, 0, ready, 0, 0), 0);
    assert_int_equal(command(&b, 0, 0, read1, 0, 512), 0);
    assert_int_equal(peek(&b.d, DATA, 1), 8);
    poke(&b.d, DATA, 1, 0x5a);
    assert_int_equal(command(&b, 0, 0, write1, 512, 0), 0);
    poke(&b.d, DATA, 1, 0);
    /* More room than data: what is left is said. */
    assert_int_equal(command(&b, 0, 0, read1, 0, 1024), 0);
    assert_int_equal(peek(&b.d, DATA, 1), 0x5a);
    assert_int_equal(peek(&b.d, RESPONSE + 4, 4), 512);
    /* Less room than data */
    assert_int_equal(command(&b, 0, 0, read1, 0, 511) >> 8, 1);
    assert_int_equal(command(&b, 0, 0, write1, 100, 0) >> 8, 1);
    assert_int_equal(command(&b, 5, 3, report_luns, 0, 64), 0);
    assert_int_equal(peek(&b.d, DATA + 3, 1), 16);
    assert_int_equal(peek(&b.d, DATA + 17, 1), 3);
    assert_int_equal(command(&b, 1, 0, inquiry, 0, 36) >> 8, 3);
    assert_int_equal(command(&b, 0, 1, inquiry, 0, 36), 2);
    assert_int_equal(peek(&b.d, RESPONSE + 12 + 12, 1), 0x25);
    stop(&b);
}

static unsigned manage(struct bench *b, unsigned subtype, unsigned target, unsigned lun)
{
    for (unsigned i = 0; i < 24; i += 4)
        poke(&b->d, REQUEST + i, 4, 0);
    poke(&b->d, REQUEST + 4, 4, subtype);
    poke(&b->d, REQUEST + 8, 4, 1 | target << 8 | 0x40 << 16 | lun << 24);
    put_desc(&b->d, ring(CONTROL), 0, REQUEST, 24, DESC_NEXT, 1);
    put_desc(&b->d, ring(CONTROL), 1, RESPONSE, 1, DESC_WRITE, 0);
    make_available(&b->d, CONTROL, 0);
    wr(driver_dev(&b->d), QUEUE_NOTIFY, CONTROL);
    return (unsigned)peek(&b->d, RESPONSE, 1);
}

/* The units are the same, whatever queue a command comes by. */
static void test_several_queues(void **state)
{
    struct bench b;

    (void)state;
    start_with(&b, SECTORS * 512, 4);
    assert_int_equal(rd(driver_dev(&b.d), CONFIG_SPACE), 4);
    assert_int_equal(command(&b, 0, 0, ready, 0, 0), 2);
    for (b.queue = COMMANDS; b.queue < COMMANDS + 4; b.queue++) {
        assert_int_equal(command(&b, 0, 0, read1, 0, 512), 0);
        assert_int_equal(used_len(&b.d, b.queue, b.queue == COMMANDS), RESP + 512);
        assert_int_equal(peek(&b.d, DATA, 1), 8);
    }
    wr(driver_dev(&b.d), QUEUE_SEL, COMMANDS + 4);
    assert_int_equal(rd(driver_dev(&b.d), QUEUE_NUM_MAX), 0);
    stop(&b);
}

static void test_task_management_resets_units(void **state)
{
    struct bench b;

    (void)state;
    start(&b, SECTORS * 512);
    for (unsigned i = 0; i < 2; i++)
        for (unsigned lun = 0; lun <= 3; lun += 3)
            (void)command(&b, 5, lun, ready, 0, 0);
    assert_int_equal(manage(&b, 0, 5, 0), 0); /* nothing to abort */
    assert_int_equal(command(&b, 5, 0, ready, 0, 0), 0);
    assert_int_equal(manage(&b, 5, 5, 3), 0);
    assert_int_equal(command(&b, 5, 0, ready, 0, 0), 0);
    assert_int_equal(command(&b, 5, 3, ready, 0, 0), 2);
    assert_int_equal(manage(&b, 4, 5, 0), 0);
    assert_int_equal(command(&b, 5, 0, ready, 0, 0), 2);
    assert_int_equal(manage(&b, 5, 5, 1), 12);
    assert_int_equal(manage(&b, 5, 9, 0), 3);
    assert_int_equal(manage(&b, 77, 5, 0), 11);
    stop(&b);
}

/* 16 MiB do not fit in the microsecond. */
static void test_long_requests_go_on_while_the_guest_runs(void **state)
{
    static const uint8_t read_all[16] = {0x28, 0, 0, 0, 0, 0, 0, 0x10, 0};
    unsigned steps = 0;
    struct bench b;

    (void)state;
    start(&b, 8 << 20);
    (void)command(&b, 0, 0, ready, 0, 0);
    driver_wait(&b.d, 1);
    give(&b, 0, 0, read_all, 0, 2 << 20);
    assert_int_equal(used_count(&b.d, COMMANDS), 1);
    for (; used_count(&b.d, COMMANDS) < 2; steps++) {
        assert_true(steps < 4);
        driver_wait(&b.d, 1);
    }
    assert_int_equal(used_len(&b.d, COMMANDS, 1), RESP + (2 << 20));
    stop(&b);
}

static void test_garbage(void **state)
{
    uint64_t rng = test_seed(1);
    struct bench b;

    (void)state;
    start(&b, SECTORS * 512);
    driver_fuzz(&b.d, 3, 2000, &rng);
    stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_commands_reach_their_units),
        cmocka_unit_test(test_several_queues),
        cmocka_unit_test(test_task_management_resets_units),
        cmocka_unit_test(test_long_requests_go_on_while_the_guest_runs),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
