#include "tests/devices/virtio_driver.h"

#include "devices/virtio_blk.h"

#define SECTORS   64
#define HEADER    BUFFERS
#define DATA      (BUFFERS + 0x1000)
#define STATUS_AT (BUFFERS + 0x800)

enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };

struct blk {
    struct driver d;
    struct virtio_blk dev;
    struct disk disk;
    char path[64];
};

/* A disk of at least SECTORS; the driver comes by driver_start(). */
static void plug_as(struct blk *b, enum disk_mode mode, off_t bytes, unsigned queues,
                    const struct arm_blocks *blocks)
{
    uint8_t sector[512];
    int fd;

    snprintf(b->path, sizeof(b->path), "%s/virtio_blk_XXXXXX", P_tmpdir);
    fd = mkstemp(b->path);
    assert_true(fd >= 0);
    for (unsigned i = 0; i < SECTORS; i++) {
        memset(sector, (int)i, sizeof(sector));
        assert_int_equal(write(fd, sector, sizeof(sector)), (ssize_t)sizeof(sector));
    }
    assert_true(bytes <= SECTORS * 512 || ftruncate(fd, bytes) == 0);
    close(fd);
    driver_begin(&b->d);
    assert_int_equal(
        disk_open(&b->disk, &(struct disk_spec){.path = b->path, .mode = mode}, &b->d.log, NULL),
        0);
    const struct virtio_blk_config config = {.disk = &b->disk, .queues = queues, .blocks = *blocks};
    assert_int_equal(virtio_blk_init(&b->dev, &b->d.log, &b->d.mem, &config, NULL), 0);
    driver_plug(&b->d, &b->dev.virtio);
}

static void plug(struct blk *b, enum disk_mode mode, off_t bytes)
{
    plug_as(b, mode, bytes, 1, &(struct arm_blocks){0});
}

static void start(struct blk *b, enum disk_mode mode)
{
    plug(b, mode, 0);
    driver_start(&b->d, b->dev.virtio.offered, 1);
}

static void stop(struct blk *b)
{
    disk_close(&b->disk);
    driver_end(&b->d);
    unlink(b->path);
}

/* One request of @len bytes of data, a microsecond later; returns its status. */
static unsigned request(struct blk *b, unsigned type, uint64_t sector, uint32_t len)
{
    unsigned before = used_count(&b->d, 0);
    bool in = type == T_IN || type == T_GET_ID;

    driver_wait(&b->d, 1);
    poke(&b->d, HEADER, 4, type);
    poke(&b->d, HEADER + 8, 8, sector);
    poke(&b->d, STATUS_AT, 1, 0xee);
    put_desc(&b->d, ring(0), 0, HEADER, 16, DESC_NEXT, len ? 1 : 2);
    put_desc(&b->d, ring(0), 1, DATA, len, DESC_NEXT | (in ? DESC_WRITE : 0), 2);
    put_desc(&b->d, ring(0), 2, STATUS_AT, 1, DESC_WRITE, 0);
    make_available(&b->d, 0, 0);
    wr(driver_dev(&b->d), QUEUE_NOTIFY, 0);
    assert_int_equal(used_count(&b->d, 0), before + 1);
    return (unsigned)peek(&b->d, STATUS_AT, 1);
}

static unsigned file_byte(struct blk *b, long offset)
{
    FILE *f = fopen(b->path, "rb");
    int c;

    assert_non_null(f);
    fseek(f, offset, SEEK_SET);
    c = fgetc(f);
    fclose(f);
    return (unsigned)c;
}

static void test_config_and_reads(void **state)
{
    struct blk b;

    (void)state;
    start(&b, DISK_READONLY);
    assert_int_equal(rd(driver_dev(&b.d), CONFIG_SPACE), SECTORS);
    assert_int_equal(rd(driver_dev(&b.d), CONFIG_SPACE + 20), 512);
    assert_true(bit(b.dev.virtio.offered, 5));
    assert_int_equal(request(&b, T_IN, 7, 1024), 0);
    assert_int_equal(used_len(&b.d, 0, 0), 1025);
    assert_int_equal(peek(&b.d, DATA, 1), 7);
    assert_int_equal(peek(&b.d, DATA + 1023, 1), 8);
    assert_int_equal(request(&b, T_GET_ID, 0, 20), 0);
    assert_memory_equal(physmem_ram(&b.d.mem, pa(DATA), 10), "armillary", 10);
    assert_int_equal(request(&b, T_OUT, 0, 512), 1);
    stop(&b);
}

static void test_blocks_as_they_are_wanted(void **state)
{
    const struct arm_blocks blocks = {.logical = 4096,
                                      .physical = 16384,
                                      .min_io = 8192,
                                      .opt_io = 65536,
                                      .discard = 65536,
                                      .no_zeroes = true};
    struct device *dev;
    struct blk b;

    (void)state;
    plug_as(&b, DISK_WRITABLE, 0, 1, &blocks);
    driver_start(&b.d, b.dev.virtio.offered, 1);
    dev = driver_dev(&b.d);
    assert_int_equal(rd(dev, CONFIG_SPACE), SECTORS); /* always of 512 bytes */
    assert_int_equal(rd(dev, CONFIG_SPACE + 20), 4096);
    assert_int_equal(rd(dev, CONFIG_SPACE + 24), 2 | 2 << 16); /* 4 logical ones; 2 at least */
    assert_int_equal(rd(dev, CONFIG_SPACE + 28), 16);
    assert_int_equal(rd(dev, CONFIG_SPACE + 44), 128);
    assert_true(bit(b.dev.virtio.offered, 10));
    assert_true(bit(b.dev.virtio.offered, 13));
    assert_false(bit(b.dev.virtio.offered, 14));
    assert_int_equal(request(&b, T_IN, 8, 4096), 0);
    assert_int_equal(request(&b, T_IN, 7, 4096), 1);
    assert_int_equal(request(&b, T_OUT, 8, 512), 1);
    stop(&b);
}

static void test_bad_blocks_are_refused(void **state)
{
    static const struct arm_blocks rows[] = {
        {.logical = 256},    {.logical = 65536},
        {.logical = 1536},   {.logical = 4096, .physical = 512},
        {.min_io = 100},     {.opt_io = 513},
        {.discard = 700},    {.physical = 3 * 512},
        {.min_io = 1 << 25},
    };

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++)
        assert_non_null(disk_blocks_problem(&rows[k]));
    assert_null(disk_blocks_problem(&(struct arm_blocks){0}));
}

/* Each is worked on, and says by itself that it is. */
static void test_several_queues(void **state)
{
    struct blk b;

    (void)state;
    plug_as(&b, DISK_READONLY, 0, 4, &(struct arm_blocks){0});
    assert_true(bit(b.dev.virtio.offered, 12));
    driver_start(&b.d, b.dev.virtio.offered, 4);
    assert_int_equal(rd(driver_dev(&b.d), CONFIG_SPACE + 32) >> 16, 4);
    for (unsigned n = 0; n < 4; n++) {
        poke(&b.d, HEADER + 64 * n, 4, T_IN);
        poke(&b.d, HEADER + 64 * n + 8, 8, 10 + n);
        put_desc(&b.d, ring(n), 0, HEADER + 64 * n, 16, DESC_NEXT, 1);
        put_desc(&b.d, ring(n), 1, DATA + 512 * n, 512, DESC_NEXT | DESC_WRITE, 2);
        put_desc(&b.d, ring(n), 2, STATUS_AT + n, 1, DESC_WRITE, 0);
        make_available(&b.d, n, 0);
    }
    for (unsigned n = 4; n-- > 0;) {
        wr(driver_dev(&b.d), QUEUE_NOTIFY, n);
        driver_wait(&b.d, 1);
        assert_int_equal(used_len(&b.d, n, 0), 513);
        assert_int_equal(peek(&b.d, DATA + 512 * n, 1), 10 + n);
        assert_int_equal(n ? used_count(&b.d, n - 1) : 0, 0);
    }
    wr(driver_dev(&b.d), QUEUE_NOTIFY, 4); /* there is no such queue */
    stop(&b);
}

/* No cache that could be flushed: a write is in the file when it is answered. */
static void test_written_through(void **state)
{
    struct blk b;

    (void)state;
    plug_as(&b, DISK_WRITABLE, 0, 1, &(struct arm_blocks){.write_through = true});
    assert_false(bit(b.dev.virtio.offered, 9));
    driver_start(&b.d, b.dev.virtio.offered, 1);
    assert_int_equal(rd(driver_dev(&b.d), CONFIG_SPACE + 32) & 0xff, 0);
    memset(physmem_ram_changing(&b.d.mem, pa(DATA), 512), 0x5a, 512);
    assert_int_equal(request(&b, T_OUT, 3, 512), 0);
    assert_int_equal(file_byte(&b, 3 * 512), 0x5a);
    stop(&b);
}

static void test_writes(void **state)
{
    static const struct {
        enum disk_mode mode;
        unsigned in_file;
    } rows[] = {{DISK_WRITABLE, 0x5a}, {DISK_SNAPSHOT, 3}};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct blk b;
        start(&b, rows[i].mode);
        memset(physmem_ram_changing(&b.d.mem, pa(DATA), 1024), 0x5a, 1024);
        assert_int_equal(request(&b, T_OUT, 3, 1024), 0);
        assert_int_equal(request(&b, T_FLUSH, 0, 0), 0);
        assert_int_equal(request(&b, T_IN, 2, 1536), 0);
        assert_int_equal(peek(&b.d, DATA, 1), 2);
        assert_int_equal(peek(&b.d, DATA + 512, 1), 0x5a);
        assert_int_equal(file_byte(&b, 3 * 512), rows[i].in_file);
        assert_int_equal(file_byte(&b, 5 * 512), 5);
        stop(&b);
    }
}

static unsigned zero(struct blk *b, unsigned type, uint64_t sector, uint32_t sectors,
                     uint32_t flags)
{
    poke(&b->d, DATA, 8, sector);
    poke(&b->d, DATA + 8, 4, sectors);
    poke(&b->d, DATA + 12, 4, flags);
    return request(b, type, 0, 16);
}

static void test_ranges_are_discarded_and_zeroed(void **state)
{
    static const unsigned types[] = {T_DISCARD, T_WRITE_ZEROES};
    static const enum disk_mode modes[] = {DISK_WRITABLE, DISK_SNAPSHOT};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        struct blk b;
        unsigned type = types[i & 1];
        start(&b, modes[i >> 1]);
        assert_int_equal(rd(driver_dev(&b.d), CONFIG_SPACE + 36), 0x3fffff);
        assert_int_equal(rd(driver_dev(&b.d), CONFIG_SPACE + 40), 1);
        assert_int_equal(zero(&b, type, 3, 2, 0), 0);
        assert_int_equal(request(&b, T_IN, 2, 2048), 0);
        for (unsigned k = 0; k < 2048; k += 511)
            assert_int_equal(peek(&b.d, DATA + k, 1), k < 512 ? 2 : k < 1536 ? 0 : 5);
        assert_int_equal(file_byte(&b, 3 * 512), modes[i >> 1] == DISK_WRITABLE ? 0 : 3);
        assert_int_equal(zero(&b, type, SECTORS - 1, 2, 0), 1);
        assert_int_equal(zero(&b, type, UINT64_MAX, 2, 0), 1);
        assert_int_equal(zero(&b, type, 0, UINT32_MAX, 0), 1);
        assert_int_equal(zero(&b, type, 0, 0, 0), 0);
        assert_int_equal(zero(&b, type, 6, 1, 1), type == T_DISCARD ? 2 : 0);
        assert_int_equal(zero(&b, type, 7, 1, 2), 2);
        assert_int_equal(request(&b, type, 0, 32), 2); /* two ranges */
        assert_int_equal(request(&b, type, 0, 15), 2);
        assert_int_equal(request(&b, T_IN, 6, 1024), 0);
        assert_int_equal(peek(&b.d, DATA, 1), type == T_DISCARD ? 6 : 0);
        assert_int_equal(peek(&b.d, DATA + 512, 1), 7);
        stop(&b);
    }
}

static void test_who_does_not_want_to_discard_cannot(void **state)
{
    struct blk b;

    (void)state;
    plug(&b, DISK_SNAPSHOT, 0);
    driver_start(&b.d, b.dev.virtio.offered & ~(BIT(13) | BIT(14)), 1);
    assert_int_equal(zero(&b, T_DISCARD, 3, 1, 0), 2);
    assert_int_equal(zero(&b, T_WRITE_ZEROES, 3, 1, 0), 2);
    stop(&b);
    start(&b, DISK_READONLY);
    assert_false(b.dev.virtio.offered & (BIT(13) | BIT(14)));
    stop(&b);
}

/* A terabyte that nobody has written takes no memory. */
static void test_what_is_zero_is_not_kept_when_it_is_discarded(void **state)
{
    struct blk b;

    (void)state;
    plug(&b, DISK_SNAPSHOT, (off_t)1 << 40);
    assert_true(disk_zero(&b.disk, (uint64_t)1 << 39, 1 << 20));
    assert_null(blocks_get(&b.disk.overlay, ((uint64_t)1 << 39) >> DISK_CLUSTER_SHIFT));
    assert_true(disk_zero(&b.disk, 0, 1024));
    assert_non_null(blocks_get(&b.disk.overlay, 0));
    stop(&b);
}

static void test_requests_out_of_range(void **state)
{
    static const struct {
        unsigned type, status;
        uint64_t sector;
        uint32_t len;
    } rows[] = {
        {T_IN, 1, SECTORS, 512},
        {T_IN, 1, SECTORS - 1, 1024},
        {T_IN, 1, UINT64_MAX, 512},
        {T_IN, 1, BIT(55), 512},
        {T_IN, 1, 0, 511},
        {T_OUT, 1, SECTORS, 512},
        {T_OUT, 1, UINT64_MAX, 512},
        {T_OUT, 1, 0, 100},
        {99, 2, 0, 512},
        {T_IN, 0, SECTORS, 0},
        {T_IN, 0, SECTORS - 1, 512},
    };
    struct blk b;

    (void)state;
    start(&b, DISK_SNAPSHOT);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        assert_int_equal(request(&b, rows[i].type, rows[i].sector, rows[i].len), rows[i].status);
    stop(&b);
}

static int open_second(struct disk *disk, struct blk *b, enum disk_mode mode)
{
    return disk_open(disk, &(struct disk_spec){.path = b->path, .mode = mode}, &b->d.log, NULL);
}

static void test_a_writable_disk_has_one_user(void **state)
{
    struct disk second;
    struct blk b;

    (void)state;
    start(&b, DISK_WRITABLE);
    assert_int_equal(open_second(&second, &b, DISK_READONLY), -ARM_EIO);
    stop(&b);
    start(&b, DISK_SNAPSHOT);
    assert_int_equal(open_second(&second, &b, DISK_WRITABLE), -ARM_EIO);
    assert_int_equal(open_second(&second, &b, DISK_READONLY), 0);
    disk_close(&second);
    stop(&b);
}

#define LONG_PIECES 40
#define LONG_PIECE  0x10000
#define LONG_BYTES  (LONG_PIECES * LONG_PIECE)

/* Two requests of LONG_BYTES, from and to the same small buffer. */
static void long_requests(struct blk *b, unsigned type)
{
    poke(&b->d, HEADER, 4, type);
    poke(&b->d, HEADER + 8, 8, 0);
    poke(&b->d, STATUS_AT, 1, 0xee);
    put_desc(&b->d, ring(0), 0, HEADER, 16, DESC_NEXT, 1);
    for (unsigned i = 1; i <= LONG_PIECES; i++)
        put_desc(&b->d, ring(0), i, DATA, LONG_PIECE, DESC_NEXT | (type == T_IN ? DESC_WRITE : 0),
                 i + 1);
    put_desc(&b->d, ring(0), LONG_PIECES + 1, STATUS_AT, 1, DESC_WRITE, 0);
    make_available(&b->d, 0, 0);
    make_available(&b->d, 0, 0);
    wr(driver_dev(&b->d), QUEUE_NOTIFY, 0);
}

static void start_long(struct blk *b)
{
    plug(b, DISK_WRITABLE, LONG_BYTES);
    driver_start(&b->d, BIT(VIRTIO_F_VERSION_1) | BIT(9), 1);
    driver_wait(&b->d, 1);
}

static void test_long_requests_go_on_while_the_guest_runs(void **state)
{
    static const unsigned types[] = {T_IN, T_OUT};
    struct blk b;

    (void)state;
    for (unsigned t = 0; t < ARRAY_SIZE(types); t++) {
        unsigned steps = 0;
        start_long(&b);
        memset(physmem_ram_changing(&b.d.mem, pa(DATA), LONG_PIECE), 0x5a, LONG_PIECE);
        long_requests(&b, types[t]);
        assert_int_equal(peek(&b.d, STATUS_AT, 1), 0xee);
        assert_int_equal(rd(driver_dev(&b.d), INTERRUPT_STATUS), 0);
        /* A notification in between changes nothing. */
        wr(driver_dev(&b.d), QUEUE_NOTIFY, 0);
        assert_int_equal(used_count(&b.d, 0), 0);
        for (; used_count(&b.d, 0) < 2; steps++) {
            assert_true(steps < 10);
            driver_wait(&b.d, 1);
        }
        assert_in_range(steps, 2 * LONG_BYTES / PACE_BYTES - 1, 2 * LONG_BYTES / PACE_BYTES + 1);
        assert_int_equal(peek(&b.d, STATUS_AT, 1), 0);
        assert_int_equal(used_len(&b.d, 0, 1), types[t] == T_IN ? LONG_BYTES + 1 : 1);
        assert_true(b.d.watched.level);
        assert_int_equal(file_byte(&b, LONG_BYTES - 1), types[t] == T_IN ? 0 : 0x5a);
        stop(&b);
    }
}

/* A flush may take the host milliseconds: one a microsecond of virtual time. */
static void test_many_flushes_go_on_while_the_guest_runs(void **state)
{
    struct blk b;

    (void)state;
    start(&b, DISK_WRITABLE);
    driver_wait(&b.d, 1);
    poke(&b.d, HEADER, 4, T_FLUSH);
    put_desc(&b.d, ring(0), 0, HEADER, 16, DESC_NEXT, 1);
    put_desc(&b.d, ring(0), 1, STATUS_AT, 1, DESC_WRITE, 0);
    for (unsigned i = 0; i < 10; i++)
        make_available(&b.d, 0, 0);
    wr(driver_dev(&b.d), QUEUE_NOTIFY, 0);
    for (unsigned i = 1; i <= 10; i++) {
        assert_int_equal(used_count(&b.d, 0), i);
        driver_wait(&b.d, 1);
    }
    stop(&b);
}

/* A reset, or the end of the queue, in the middle: nothing more is read or written. */
static void test_a_long_request_ends_with_its_queue(void **state)
{
    struct blk b;

    (void)state;
    for (unsigned way = 0; way < 3; way++) {
        start_long(&b);
        memset(physmem_ram_changing(&b.d.mem, pa(DATA), LONG_PIECE), 0x5a, LONG_PIECE);
        long_requests(&b, T_OUT);
        if (way == 0) {
            wr(driver_dev(&b.d), STATUS, 0);
        } else if (way == 1) {
            wr(driver_dev(&b.d), QUEUE_SEL, 0);
            wr(driver_dev(&b.d), QUEUE_READY, 0);
        } else {
            b.d.slot.dev.ops->reset(driver_dev(&b.d));
        }
        driver_wait(&b.d, 10);
        assert_int_equal(file_byte(&b, LONG_BYTES - 1), 0);
        assert_int_equal(used_count(&b.d, 0), 0);
        memset(physmem_ram_changing(&b.d.mem, pa(ring(0)), RING_STRIDE), 0, RING_STRIDE);
        driver_start(&b.d, b.dev.virtio.offered, 1);
        assert_int_equal(request(&b, T_IN, 7, 512), 0);
        stop(&b);
    }
}

/* The file shrinks, or the host's disk is full: the guest is told. */
static void test_errors_of_the_host_are_io_errors(void **state)
{
    struct blk b;
    unsigned lines;

    (void)state;
    start(&b, DISK_WRITABLE);
    assert_int_equal(truncate(b.path, 16 * 512), 0);
    lines = b.d.watched.log_lines;
    assert_int_equal(request(&b, T_IN, 15, 512), 0);
    assert_int_equal(request(&b, T_IN, 15, 1024), 1);
    assert_int_equal(used_len(&b.d, 0, 1), 0);
    assert_int_equal(b.d.watched.log_lines, lines + 1);
    memcpy(physmem_ram_changing(&b.d.mem, pa(DATA), 4), "QFI\xfb", 4);
    assert_int_equal(request(&b, T_OUT, 0, 512), 1);
    assert_int_equal(b.d.watched.log_lines, lines + 2);
    assert_int_equal(request(&b, T_OUT, 1, 512), 0);
    stop(&b);
}

/* Version 1 with ANY_LAYOUT: header, data and status in whatever pieces. */
static void test_the_legacy_interface(void **state)
{
    struct blk b;

    (void)state;
    start(&b, DISK_WRITABLE);
    driver_plug_legacy(&b.d, &b.dev.virtio);
    driver_start_legacy(&b.d, (uint32_t)b.dev.virtio.offered, 1);
    memset(physmem_ram_changing(&b.d.mem, pa(ring(0)), RING_STRIDE), 0, RING_STRIDE);
    assert_int_equal(rd(driver_dev(&b.d), CONFIG_SPACE), SECTORS);
    assert_int_equal(device_read(driver_dev(&b.d), CONFIG_SPACE, 1), SECTORS);
    assert_int_equal(request(&b, T_IN, 7, 1024), 0);
    assert_int_equal(used_len(&b.d, 0, 0), 1025);
    assert_int_equal(peek(&b.d, DATA + 1023, 1), 8);
    poke(&b.d, DATA, 4, T_OUT);
    poke(&b.d, DATA + 8, 8, 3);
    memset(physmem_ram_changing(&b.d.mem, pa(DATA + 16), 512), 0x5a, 512);
    put_desc(&b.d, ring(0), 0, DATA, 16 + 512, DESC_NEXT, 1);
    put_desc(&b.d, ring(0), 1, STATUS_AT, 1, DESC_WRITE, 0);
    make_available(&b.d, 0, 0);
    wr(driver_dev(&b.d), QUEUE_NOTIFY, 0);
    assert_int_equal(peek(&b.d, STATUS_AT, 1), 0);
    assert_int_equal(file_byte(&b, 3 * 512 + 511), 0x5a);
    driver_fuzz(&b.d, 1, 200, &(uint64_t){1});
    stop(&b);
}

static void test_garbage(void **state)
{
    uint64_t rng = test_seed(1);
    struct blk b;

    (void)state;
    start(&b, DISK_SNAPSHOT);
    driver_fuzz(&b.d, 1, 2000, &rng);
    stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_config_and_reads),
        cmocka_unit_test(test_blocks_as_they_are_wanted),
        cmocka_unit_test(test_bad_blocks_are_refused),
        cmocka_unit_test(test_several_queues),
        cmocka_unit_test(test_written_through),
        cmocka_unit_test(test_writes),
        cmocka_unit_test(test_ranges_are_discarded_and_zeroed),
        cmocka_unit_test(test_who_does_not_want_to_discard_cannot),
        cmocka_unit_test(test_what_is_zero_is_not_kept_when_it_is_discarded),
        cmocka_unit_test(test_requests_out_of_range),
        cmocka_unit_test(test_a_writable_disk_has_one_user),
        cmocka_unit_test(test_long_requests_go_on_while_the_guest_runs),
        cmocka_unit_test(test_many_flushes_go_on_while_the_guest_runs),
        cmocka_unit_test(test_a_long_request_ends_with_its_queue),
        cmocka_unit_test(test_errors_of_the_host_are_io_errors),
        cmocka_unit_test(test_the_legacy_interface),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
