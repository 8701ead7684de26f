/* SCSI commands of a unit, as a transport hands them on: what they answer, move and refuse. */
#include <stdio.h>
#include <unistd.h>

#include "devices/scsi.h"
#include "tests/devices/fixture.h"

#define BLOCKS 64

struct bench {
    struct watched watched;
    struct arm_log log;
    struct disk disk;
    struct scsi_unit unit;
    struct scsi_request r;
    char path[64];
    uint8_t data[65536];
};

static void begin(struct bench *b, enum disk_mode mode, bool is_cdrom, unsigned block)
{
    uint8_t bytes[2048];

    memset(b, 0, sizeof(*b));
    snprintf(b->path, sizeof(b->path), "%s/scsi_XXXXXX", P_tmpdir);
    int fd = mkstemp(b->path);
    assert_true(fd >= 0);
    for (unsigned i = 0; i < BLOCKS; i++) {
        memset(bytes, (int)i + 1, block);
        assert_int_equal(write(fd, bytes, block), (ssize_t)block);
    }
    close(fd);
    b->log = watched_log(&b->watched);
    assert_int_equal(
        disk_open(&b->disk, &(struct disk_spec){.path = b->path, .mode = mode}, &b->log, NULL), 0);
    assert_int_equal(scsi_unit_init(&b->unit, &b->disk, is_cdrom, "S123", NULL), 0);
    b->unit.attention = false;
}

static void end(struct bench *b)
{
    disk_close(&b->disk);
    unlink(b->path);
}

/* Data goes by b->data; returns the status, and what was moved is in b->r.done. */
static unsigned command(struct bench *b, const uint8_t *cdb, size_t length)
{
    scsi_begin(&b->unit, &b->r, cdb, length);
    assert_true(b->r.bytes <= sizeof(b->data));
    if (b->r.direction == SCSI_IN)
        (void)scsi_read(&b->unit, &b->r, b->data, b->r.bytes);
    else if (b->r.direction == SCSI_OUT)
        (void)scsi_write(&b->unit, &b->r, b->data, b->r.bytes);
    scsi_end(&b->unit, &b->r);
    return b->r.status;
}
#define COMMAND(b, ...)                                                                            \
    command(b, (const uint8_t[16]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}))

/* Key, code and qualifier of what failed, in one number; taken by REQUEST SENSE. */
static unsigned sense(struct bench *b)
{
    assert_int_equal(COMMAND(b, 0x03, 0, 0, 0, 252, 0), SCSI_GOOD);
    assert_int_equal(b->r.done, 18);
    assert_int_equal(b->data[0], 0x70);
    return (unsigned)b->data[2] << 16 | (unsigned)b->data[12] << 8 | b->data[13];
}

static void test_a_disk_says_what_it_is(void **state)
{
    static const struct {
        uint8_t page, bytes;
    } pages[] = {{0x00, 6}, {0x80, 4}, {0x83, 8}, {0xb0, 0x3c}, {0xb1, 0x3c}, {0xb2, 4}};
    struct bench b;

    (void)state;
    begin(&b, DISK_READONLY, false, 512);
    assert_int_equal(COMMAND(&b, 0x12, 0, 0, 0, 36, 0), SCSI_GOOD);
    assert_int_equal(b.r.done, 36);
    assert_int_equal(b.data[0], 0);
    assert_memory_equal(b.data + 8, "ARMILLRYHARDDISK        1   ", 28);
    assert_int_equal(COMMAND(&b, 0x12, 0, 0, 0, 5, 0), SCSI_GOOD);
    assert_int_equal(b.r.done, 5);
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        assert_int_equal(COMMAND(&b, 0x12, 1, pages[i].page, 0, 255, 0), SCSI_GOOD);
        assert_int_equal(b.data[1], pages[i].page);
        assert_int_equal(b.data[3], pages[i].bytes);
        assert_int_equal(b.r.done, 4 + pages[i].bytes);
    }
    assert_int_equal(COMMAND(&b, 0x12, 1, 0x80, 0, 255, 0), SCSI_GOOD);
    assert_memory_equal(b.data + 4, "S123", 4);
    assert_int_equal(COMMAND(&b, 0x12, 1, 0x99, 0, 255, 0), SCSI_CHECK_CONDITION);
    assert_int_equal(sense(&b), 0x052400);
    assert_int_equal(sense(&b), 0); /* it is taken */
    assert_int_equal(COMMAND(&b, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), SCSI_GOOD);
    assert_memory_equal(b.data, "\0\0\0\x3f\0\0\2\0", 8);
    assert_int_equal(COMMAND(&b, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0), SCSI_GOOD);
    assert_memory_equal(b.data, "\0\0\0\0\0\0\0\x3f\0\0\2\0", 12);
    assert_int_equal(b.r.done, 32);
    assert_int_equal(COMMAND(&b, 0x1a, 0, 0x3f, 0, 255, 0), SCSI_GOOD);
    assert_int_equal(b.data[0], b.r.done - 1);
    assert_int_equal(b.data[2], 0x80); /* write-protected */
    assert_int_equal(COMMAND(&b, 0x5a, 8, 0x08, 0, 0, 0, 0, 0, 255, 0), SCSI_GOOD);
    assert_int_equal(b.r.done, 8 + 20);
    assert_int_equal(b.data[8 + 2], 4); /* there is a cache */
    assert_int_equal(COMMAND(&b, 0xa0, 0, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0), SCSI_GOOD);
    assert_int_equal(b.r.done, 16);
    end(&b);
}

static void test_every_form_of_read_and_write_moves_its_blocks(void **state)
{
    static const struct {
        uint8_t read[16], write[16], bytes;
    } rows[] = {
        {{0x08, 0, 0, 5, 2, 0}, {0x0a, 0, 0, 5, 2, 0}, 6},
        {{0x28, 0, 0, 0, 0, 5, 0, 0, 2, 0}, {0x2a, 0, 0, 0, 0, 5, 0, 0, 2, 0}, 10},
        {{0xa8, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0}, {0xaa, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0}, 12},
        {{0x88, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0},
         {0x8a, 0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 2, 0, 0},
         16},
    };
    struct bench b;

    (void)state;
    begin(&b, DISK_SNAPSHOT, false, 512);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        if (i == 0) {
            assert_int_equal(command(&b, rows[i].read, rows[i].bytes), SCSI_GOOD);
            assert_int_equal(b.data[0], 6);
            assert_int_equal(b.data[1023], 7);
        }
        memset(b.data, 0x50 + (int)i, 1024);
        assert_int_equal(command(&b, rows[i].write, rows[i].bytes), SCSI_GOOD);
        assert_int_equal(b.r.done, 1024);
        memset(b.data, 0, 1024);
        assert_int_equal(command(&b, rows[i].read, rows[i].bytes), SCSI_GOOD);
        assert_int_equal(b.data[1023], 0x50 + i);
        assert_int_equal(COMMAND(&b, 0x35, 0, 0, 0, 0, 0, 0, 0, 0, 0), SCSI_GOOD);
        /* A command that is cut off is none. */
        assert_int_equal(command(&b, rows[i].read, rows[i].bytes - 1u), SCSI_CHECK_CONDITION);
    }
    end(&b);
}

static void test_blocks_may_be_of_4096_bytes(void **state)
{
    static const struct arm_blocks refused[] = {
        {.logical = 8192},       {.logical = 1536},
        {.physical = 256},       {.logical = 4096, .physical = 512},
        {.physical = 64u << 20},
    };
    const struct arm_blocks blocks = {.logical = 4096, .physical = 16384};
    struct bench b;

    (void)state;
    begin(&b, DISK_SNAPSHOT, false, 512);
    for (unsigned i = 0; i < ARRAY_SIZE(refused); i++)
        assert_int_equal(scsi_unit_set_blocks(&b.unit, &refused[i], NULL), -ARM_EINVAL);
    assert_int_equal(scsi_unit_set_blocks(&b.unit, &blocks, NULL), 0);
    assert_int_equal(COMMAND(&b, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), SCSI_GOOD);
    assert_memory_equal(b.data, "\0\0\0\7\0\0\x10\0", 8);
    assert_int_equal(COMMAND(&b, 0x9e, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0), SCSI_GOOD);
    assert_memory_equal(b.data, "\0\0\0\0\0\0\0\7\0\0\x10\0\0\2", 14);
    assert_int_equal(COMMAND(&b, 0x28, 0, 0, 0, 0, 7, 0, 0, 1, 0), SCSI_GOOD);
    assert_int_equal(b.r.done, 4096);
    assert_int_equal(b.data[0], 57);
    assert_int_equal(COMMAND(&b, 0x28, 0, 0, 0, 0, 8, 0, 0, 1, 0), SCSI_CHECK_CONDITION);
    /* WRITE SAME: the block is the command's data. */
    memset(b.data, 0x5a, 4096);
    assert_int_equal(COMMAND(&b, 0x41, 0, 0, 0, 0, 2, 0, 0, 1, 0), SCSI_GOOD);
    assert_int_equal(b.r.done, 4096);
    assert_int_equal(COMMAND(&b, 0x28, 0, 0, 0, 0, 1, 0, 0, 2, 0), SCSI_GOOD);
    assert_int_equal(b.data[4095], 16);
    assert_int_equal(b.data[4096], 0x5a);
    assert_int_equal(b.data[8191], 0x5a);
    end(&b);
    begin(&b, DISK_READONLY, true, 2048);
    assert_int_equal(scsi_unit_set_blocks(&b.unit, &blocks, NULL), -ARM_EINVAL);
    assert_int_equal(scsi_unit_set_blocks(&b.unit, &(struct arm_blocks){.logical = 2048}, NULL), 0);
    end(&b);
}

static void test_what_is_wrong_is_refused_by_its_sense(void **state)
{
    static const struct {
        uint8_t cdb[16];
        unsigned sense;
    } rows[] = {
        {{0xff}, 0x052000},
        {{0x43, 0, 0, 0, 0, 0, 0, 0, 12, 0}, 0x052000}, /* of CD-ROM drives */
        {{0x28, 0, 0, 0, 0, 63, 0, 0, 2, 0}, 0x052100},
        {{0x28, 0, 255, 255, 255, 255, 0, 0, 1, 0}, 0x052100},
        {{0x88, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 0, 0, 2, 0, 0}, 0x052100},
        {{0x08, 0, 0, 0, 0, 0}, 0x052100}, /* 256 of 64 blocks */
        {{0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0}, 0x072700},
        {{0x41, 8, 0, 0, 0, 0, 0, 0, 1, 0}, 0x072700},
        {{0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0}, 0x072700},
        {{0x1a, 0, 0x1c, 0, 255, 0}, 0x052400},
        {{0x12, 0, 1, 0, 255, 0}, 0x052400},
        {{0x2f, 2, 0, 0, 0, 0, 0, 0, 1, 0}, 0x052400},
        {{0x9e, 0x11, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0}, 0x052400},
    };
    struct bench b;

    (void)state;
    begin(&b, DISK_READONLY, false, 512);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_int_equal(command(&b, rows[i].cdb, 16), SCSI_CHECK_CONDITION);
        assert_int_equal(b.r.done, 0);
        assert_int_equal(sense(&b), rows[i].sense);
    }
    assert_int_equal(COMMAND(&b, 0x28, 0, 0, 0, 0, 63, 0, 0, 1, 0), SCSI_GOOD);
    end(&b);
}

static void test_a_reset_is_told_of_once(void **state)
{
    struct bench b;

    (void)state;
    begin(&b, DISK_READONLY, false, 512);
    scsi_unit_reset(&b.unit);
    assert_int_equal(COMMAND(&b, 0x12, 0, 0, 0, 36, 0), SCSI_GOOD);
    assert_int_equal(COMMAND(&b, 0x00, 0, 0, 0, 0, 0), SCSI_CHECK_CONDITION);
    assert_int_equal(sense(&b), 0x062900);
    assert_int_equal(COMMAND(&b, 0x00, 0, 0, 0, 0, 0), SCSI_GOOD);
    end(&b);
}

static void test_unmapped_blocks_read_as_zeros(void **state)
{
    static const uint8_t list[24] = {0, 22, 0, 16, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 2};
    struct bench b;

    (void)state;
    for (enum disk_mode mode = DISK_SNAPSHOT; mode <= DISK_WRITABLE; mode += 2) {
        begin(&b, mode, false, 512);
        memcpy(b.data, list, sizeof(list));
        assert_int_equal(COMMAND(&b, 0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0), SCSI_GOOD);
        assert_int_equal(COMMAND(&b, 0x28, 0, 0, 0, 0, 2, 0, 0, 4, 0), SCSI_GOOD);
        assert_int_equal(b.data[511], 3);
        for (unsigned i = 512; i < 3 * 512; i++)
            assert_int_equal(b.data[i], 0);
        assert_int_equal(b.data[3 * 512], 6);
        memcpy(b.data, list, sizeof(list));
        b.data[8 + 7] = 63;
        assert_int_equal(COMMAND(&b, 0x42, 0, 0, 0, 0, 0, 0, 0, 24, 0), SCSI_CHECK_CONDITION);
        assert_int_equal(sense(&b), 0x052100);
        memset(b.data, 0x77, 512);
        assert_int_equal(COMMAND(&b, 0x93, 0, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 3, 0, 0), SCSI_GOOD);
        assert_int_equal(b.r.done, 512);
        assert_int_equal(COMMAND(&b, 0x93, 9, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 1, 0, 0), SCSI_GOOD);
        assert_int_equal(b.r.done, 0); /* without data */
        assert_int_equal(COMMAND(&b, 0x28, 0, 0, 0, 0, 8, 0, 0, 4, 0), SCSI_GOOD);
        assert_int_equal(b.data[0], 0x77);
        assert_int_equal(b.data[512], 0);
        assert_int_equal(b.data[1024], 0x77);
        assert_int_equal(b.data[1536], 12);
        end(&b);
    }
}

static void test_a_cdrom_has_a_table_of_contents(void **state)
{
    struct scsi_unit empty;
    struct bench b;

    (void)state;
    begin(&b, DISK_READONLY, true, 2048);
    assert_int_equal(COMMAND(&b, 0x12, 0, 0, 0, 36, 0), SCSI_GOOD);
    assert_int_equal(b.data[0], 5);
    assert_int_equal(b.data[1], 0x80);
    assert_int_equal(COMMAND(&b, 0x25, 0, 0, 0, 0, 0, 0, 0, 0, 0), SCSI_GOOD);
    assert_memory_equal(b.data, "\0\0\0\x3f\0\0\x8\0", 8);
    assert_int_equal(COMMAND(&b, 0x28, 0, 0, 0, 0, 5, 0, 0, 1, 0), SCSI_GOOD);
    assert_int_equal(b.data[2047], 6);
    assert_int_equal(COMMAND(&b, 0x43, 2, 0, 0, 0, 0, 0, 0, 20, 0), SCSI_GOOD);
    assert_memory_equal(b.data, "\0\x12\1\1\0\x14\1\0\0\0\2\0\0\x16\xaa\0\0\0\2\x40", 20);
    assert_int_equal(COMMAND(&b, 0x2a, 0, 0, 0, 0, 0, 0, 0, 1, 0), SCSI_CHECK_CONDITION);
    assert_int_equal(sense(&b), 0x052000);
    end(&b);
    assert_int_equal(scsi_unit_init(&empty, NULL, true, NULL, NULL), 0);
    empty.attention = false;
    scsi_begin(&empty, &b.r, (const uint8_t[16]){0x25}, 10);
    assert_int_equal(b.r.status, SCSI_CHECK_CONDITION);
    assert_int_equal(empty.sense.code, 0x3a);
}

/* Any command, in pieces of any size, with a transport that has less room or less data. */
static void test_garbage(void **state)
{
    uint64_t rng = test_seed(1);

    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        struct bench b;
        begin(&b, DISK_SNAPSHOT, kind, kind ? 2048 : 512);
        for (unsigned k = 0; k < 20000; k++) {
            static const uint8_t first[] = {0x12, 0x1a, 0x28, 0x2a, 0x41, 0x42, 0x43, 0x5a, 0x93};
            uint8_t cdb[16];
            for (unsigned i = 0; i < 16; i++)
                cdb[i] = random_next(&rng) & 1 ? (uint8_t)(random_next(&rng) & 3)
                                               : (uint8_t)random_next(&rng);
            if (random_next(&rng) & 1)
                cdb[0] = first[random_next(&rng) % sizeof(first)];
            scsi_begin(&b.unit, &b.r, cdb, random_next(&rng) % 17);
            for (unsigned i = 0; i < 64; i++)
                b.data[i] = (uint8_t)(random_next(&rng) & 31);
            for (unsigned piece = 0; piece < 4 && b.r.done < b.r.bytes; piece++) {
                uint32_t n = (uint32_t)(random_next(&rng) % 4096);
                n = n < b.r.bytes - b.r.done ? n : b.r.bytes - b.r.done;
                (void)(b.r.direction == SCSI_IN ? scsi_read(&b.unit, &b.r, b.data, n)
                                                : scsi_write(&b.unit, &b.r, b.data, n));
            }
            scsi_end(&b.unit, &b.r);
            assert_true(b.r.status == SCSI_GOOD || b.unit.sense.key);
            b.unit.sense.key = 0;
        }
        end(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_disk_says_what_it_is),
        cmocka_unit_test(test_every_form_of_read_and_write_moves_its_blocks),
        cmocka_unit_test(test_blocks_may_be_of_4096_bytes),
        cmocka_unit_test(test_what_is_wrong_is_refused_by_its_sense),
        cmocka_unit_test(test_a_reset_is_told_of_once),
        cmocka_unit_test(test_unmapped_blocks_read_as_zeros),
        cmocka_unit_test(test_a_cdrom_has_a_table_of_contents),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
