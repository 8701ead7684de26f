#include "tests/devices/fixture.h"

#include <stdio.h>
#include <unistd.h>

#include "devices/flash.h"

#define BASE UINT64_C(0x04000000)

struct board {
    struct flash dev;
    struct physmem mem;
    struct watched watched;
    struct arm_log log;
    unsigned remapped, code_written;
};

static void note_remapped(void *ctx)
{
    ((struct board *)ctx)->remapped++;
}

static void note_code(void *ctx, pa_t where)
{
    (void)where;
    ((struct board *)ctx)->code_written++;
}

static struct device *start(struct board *b, struct disk *disk)
{
    memset(b, 0, sizeof(*b));
    b->log = watched_log(&b->watched);
    b->mem.remapped = note_remapped;
    b->mem.code_written = note_code;
    b->mem.remapped_ctx = b->mem.code_written_ctx = b;
    assert_int_equal(flash_init(&b->dev, &b->log, &b->mem, pa(BASE), disk, NULL), 0);
    return &b->dev.dev;
}

/* A command on both chips. */
static void cmd(struct device *dev, uint64_t offset, unsigned c)
{
    wr(dev, offset, c | c << 16);
}

static bool is_mapped(struct board *b)
{
    return physmem_ram(&b->mem, pa(BASE), 1) != NULL;
}

static uint32_t array(struct board *b, uint64_t offset)
{
    uint32_t v;

    assert_true(physmem_read(&b->mem, pa(BASE + offset), &v, sizeof(v)));
    return v;
}

static void test_modes(void **state)
{
    static const struct {
        unsigned cmd;
        uint32_t offset;
        uint32_t value;
    } rows[] = {
        {0x70, 0, 0x00800080},
        {0x90, 0, 0x00890089},
        {0x90, 4, 0x00180018},
        {0x90, 8, 0},
        {0x98, 0x40, 0x00510051},
        {0x98, 0x44, 0x00520052},
        {0x98, 0x48, 0x00590059},
        {0x98, 0x9c, 0x00190019},
        {0x98, 0xb4, 0x00ff00ff},
        {0x98, 0xc0, 0x00020002},
        {0x98, 0xc4, 0x00500050},
        {0x98, 0x3fc, 0},
        {0x98, 0, 0},
    };
    struct board b;
    struct device *dev = start(&b, NULL);

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        assert_true(is_mapped(&b));
        cmd(dev, 0x154, rows[i].cmd);
        assert_false(is_mapped(&b));
        assert_int_equal(rd(dev, rows[i].offset), rows[i].value);
        assert_int_equal(device_read(dev, rows[i].offset + 2, 2), rows[i].value & 0xffff);
        assert_int_equal(device_read(dev, rows[i].offset + 1, 1), 0);
        cmd(dev, 0, 0xff);
    }
    assert_int_equal(b.remapped, 2 * ARRAY_SIZE(rows));
    cmd(dev, 0, 0x98);
    dev->ops->reset(dev);
    assert_true(is_mapped(&b));
    physmem_destroy(&b.mem);
}

static void erase(struct device *dev, uint64_t offset)
{
    cmd(dev, offset, 0x20);
    cmd(dev, offset, 0xd0);
}

static void test_erase_and_program(void **state)
{
    struct board b;
    struct device *dev = start(&b, NULL);

    (void)state;
    erase(dev, FLASH_BLOCK_BYTES + 0x100);
    assert_int_equal(rd(dev, 0), 0x00800080);
    cmd(dev, 0, 0xff);
    assert_int_equal(array(&b, FLASH_BLOCK_BYTES - 4), 0);
    assert_int_equal(array(&b, FLASH_BLOCK_BYTES), 0xffffffff);
    assert_int_equal(array(&b, 2 * FLASH_BLOCK_BYTES - 4), 0xffffffff);
    assert_int_equal(array(&b, 2 * FLASH_BLOCK_BYTES), 0);
    cmd(dev, FLASH_BLOCK_BYTES, 0x40);
    wr(dev, FLASH_BLOCK_BYTES, 0x12345678);
    cmd(dev, 0, 0xff);
    assert_int_equal(array(&b, FLASH_BLOCK_BYTES), 0x12345678);
    cmd(dev, FLASH_BLOCK_BYTES, 0x10); /* bits are only cleared */
    wr(dev, FLASH_BLOCK_BYTES, 0xffff0000);
    cmd(dev, 0, 0xff);
    assert_int_equal(array(&b, FLASH_BLOCK_BYTES), 0x12340000);
    device_write(dev, FLASH_BLOCK_BYTES + 8, 2, 0x40); /* one chip's width */
    device_write(dev, FLASH_BLOCK_BYTES + 10, 2, 0xabcd);
    cmd(dev, 0, 0xff);
    assert_int_equal(array(&b, FLASH_BLOCK_BYTES + 8), 0xabcdffff);
    cmd(dev, 0, 0x20); /* not confirmed: a sequence error, until it is cleared */
    cmd(dev, 0, 0xff);
    assert_int_equal(rd(dev, 0), 0x00b000b0);
    cmd(dev, 0, 0x50);
    cmd(dev, 0, 0x70);
    assert_int_equal(rd(dev, 0), 0x00800080);
    physmem_destroy(&b.mem);
}

/* Errors outlive what succeeds after them, and every other command. */
static void test_error_status_stays_until_it_is_cleared(void **state)
{
    static const unsigned modes[] = {0xff, 0x90, 0x98, 0x70, 0xb0, 0xd0};
    struct board b;
    struct device *dev = start(&b, NULL);

    (void)state;
    cmd(dev, 0, 0x60);
    cmd(dev, 0, 0x99);
    for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
        cmd(dev, 0, modes[i]);
        cmd(dev, 0, 0x70);
        assert_int_equal(rd(dev, 0), 0x00b000b0);
    }
    erase(dev, 0);
    assert_int_equal(rd(dev, 0), 0x00b000b0);
    cmd(dev, 0, 0x40);
    wr(dev, 0, 0);
    assert_int_equal(rd(dev, 0), 0x00b000b0);
    cmd(dev, 0, 0x50);
    assert_true(is_mapped(&b));
    cmd(dev, 0, 0x70);
    assert_int_equal(rd(dev, 0), 0x00800080);
    physmem_destroy(&b.mem);
}

/* An erase is done when the suspend command comes: ready, and not suspended (SR.6). */
static void test_suspend_and_resume_find_nothing_to_do(void **state)
{
    struct board b;
    struct device *dev = start(&b, NULL);

    (void)state;
    erase(dev, 0);
    cmd(dev, 0, 0xb0);
    assert_int_equal(rd(dev, 0), 0x00800080);
    cmd(dev, 0, 0xff);
    assert_int_equal(array(&b, 0), 0xffffffff);
    cmd(dev, 0, 0xd0);
    assert_int_equal(rd(dev, 0), 0x00800080);
    cmd(dev, 0, 0x60);
    cmd(dev, 0, 0x2f);
    assert_int_equal(rd(dev, 0), 0x00800080);
    cmd(dev, 0, 0xff);
    assert_int_equal(array(&b, 0), 0xffffffff);
    assert_int_equal(b.watched.log_lines, 0);
    physmem_destroy(&b.mem);
}

static void test_buffer(void **state)
{
    const uint64_t at = 2 * FLASH_BLOCK_BYTES + 0x1000;
    struct board b;
    struct device *dev = start(&b, NULL);

    (void)state;
    erase(dev, at);
    cmd(dev, at, 0xe8);
    assert_int_equal(rd(dev, at), 0x00800080);
    cmd(dev, at, 2); /* three words */
    wr(dev, at + 8, 3);
    wr(dev, at, 1);
    wr(dev, at + 0x10, 5);
    cmd(dev, at, 0xd0);
    assert_int_equal(rd(dev, at), 0x00800080);
    cmd(dev, at, 0xff);
    assert_int_equal(array(&b, at), 1);
    assert_int_equal(array(&b, at + 4), 0xffffffff);
    assert_int_equal(array(&b, at + 8), 3);
    assert_int_equal(array(&b, at + 0x10), 5);
    cmd(dev, at, 0xe8); /* larger than the buffer */
    cmd(dev, at, 1024);
    assert_int_equal(rd(dev, at), 0x00b000b0);
    cmd(dev, at, 0x50);
    cmd(dev, at, 0xe8); /* out of the buffer's reach */
    cmd(dev, at, 1);
    wr(dev, at, 0);
    wr(dev, at + FLASH_BUFFER_BYTES, 0);
    assert_int_equal(rd(dev, at), 0x00b000b0);
    cmd(dev, at, 0xff);
    assert_int_equal(array(&b, at), 1);
    physmem_destroy(&b.mem);
}

static void test_contents_of_a_file(void **state)
{
    char path[64];
    struct board b;
    struct disk disk;
    struct arm_log log = {0};
    struct device *dev;
    uint32_t word = 0;

    (void)state;
    snprintf(path, sizeof(path), "%s/flash_XXXXXX", P_tmpdir);
    int fd = mkstemp(path);
    assert_true(fd >= 0 && ftruncate(fd, FLASH_BANK_BYTES) == 0);
    assert_int_equal(pwrite(fd, "flash", 5, 0x40000), 5);
    assert_int_equal(
        disk_open(&disk, &(struct disk_spec){.path = path, .mode = DISK_WRITABLE}, &log, NULL), 0);
    dev = start(&b, &disk);
    assert_memory_equal(physmem_ram(&b.mem, pa(BASE + 0x40000), 5), "flash", 5);
    b.mem.banks[0].flags[0x40] |= PAGE_HAS_CODE;
    erase(dev, 0x40000);
    assert_int_equal(b.code_written, 1);
    assert_int_equal(pread(fd, &word, 4, 0x40000), 4);
    assert_int_equal(word, 0xffffffff);
    physmem_destroy(&b.mem);
    disk_close(&disk);
    assert_int_equal(
        disk_open(&disk, &(struct disk_spec){.path = path, .mode = DISK_READONLY}, &log, NULL), 0);
    dev = start(&b, &disk);
    erase(dev, 0);
    assert_int_equal(rd(dev, 0), 0x00a000a0);
    physmem_destroy(&b.mem);
    disk_close(&disk);
    assert_int_equal(ftruncate(fd, 4096), 0);
    assert_int_equal(
        disk_open(&disk, &(struct disk_spec){.path = path, .mode = DISK_READONLY}, &log, NULL), 0);
    memset(&b, 0, sizeof(b));
    assert_int_equal(flash_init(&b.dev, &b.log, &b.mem, pa(BASE), &disk, NULL), -ARM_EFORMAT);
    disk_close(&disk);
    close(fd);
    unlink(path);
}

/* The ROM is there exactly in read-array mode, and programming stays inside the bank. */
static void check(struct device *dev, void *ctx)
{
    struct board *b = ctx;

    assert_int_equal(is_mapped(b), ((struct flash *)dev)->mode == FLASH_READ_ARRAY);
}

static void test_garbage(void **state)
{
    static const unsigned cmds[] = {0xff, 0x90, 0x98, 0x70, 0x50, 0x40,
                                    0x10, 0x20, 0x60, 0xe8, 0xd0, 0x01};
    uint64_t rng = test_seed(1);
    struct board b;
    struct device *dev = start(&b, NULL);

    (void)state;
    for (unsigned i = 0; i < 2000; i++) {
        uint64_t offset = align_down(random_next(&rng) % FLASH_BANK_BYTES, 4);
        if (random_next(&rng) % 4 == 0)
            offset = FLASH_BANK_BYTES - 4;
        cmd(dev, offset, cmds[random_next(&rng) % ARRAY_SIZE(cmds)]);
        random_accesses(dev, FLASH_BANK_BYTES, 3, &rng, check, &b);
    }
    physmem_destroy(&b.mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modes),
        cmocka_unit_test(test_erase_and_program),
        cmocka_unit_test(test_error_status_stays_until_it_is_cleared),
        cmocka_unit_test(test_suspend_and_resume_find_nothing_to_do),
        cmocka_unit_test(test_buffer),
        cmocka_unit_test(test_contents_of_a_file),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
