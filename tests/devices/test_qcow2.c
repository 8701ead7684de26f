/* qcow2 images, made and looked at by qemu-img. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/random.h"
#include "devices/disk.h"

#define BYTES  (UINT64_C(3) << 20)
#define SECTOR 512

#define QCOW2_COPIED_HEADER (UINT64_C(1) << 63) /* an entry that names the file's start */

static char dir[] = "/tmp/armillary-qcow2-XXXXXX";
static const struct arm_log quiet;

static int make_dir(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chdir(dir), 0);
    return 0;
}

static int remove_dir(void **state)
{
    char command[64];

    (void)state;
    snprintf(command, sizeof(command), "rm -rf %s", dir);
    return chdir("/") || system(command);
}

static void shell(const char *command)
{
    if (system(command) != 0)
        fail_msg("%s", command);
}

/* "raw": sectors of noise, and of zeros between. */
static void make_raw(uint8_t *bytes, uint64_t seed)
{
    FILE *f = fopen("raw", "wb");

    for (uint64_t k = 0; k < BYTES; k += 8) {
        uint64_t v = k / 65536 % 3 == 1 ? 0 : random_next(&seed) & 0x0f0f0f0f0f0f0f0f;
        memcpy(bytes + k, &v, 8);
    }
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, BYTES, f), BYTES);
    assert_int_equal(fclose(f), 0);
}

static void open_disk(struct disk *disk, const char *path, enum disk_mode mode)
{
    struct arm_error err = {0};

    if (disk_open(disk, &(struct disk_spec){.path = path, .mode = mode}, &quiet, &err))
        fail_msg("%s", err.text);
}

/* All of the disk is @bytes, read in pieces that cross clusters. */
static void assert_holds(const char *path, const uint8_t *bytes)
{
    static uint8_t got[BYTES];
    struct disk disk;

    open_disk(&disk, path, DISK_READONLY);
    assert_int_equal(disk.size, BYTES);
    for (uint64_t at = 0; at < BYTES; at += 100 * SECTOR)
        assert_true(
            disk_read(&disk, at, got + at, BYTES - at < 100 * SECTOR ? BYTES - at : 100 * SECTOR));
    assert_memory_equal(got, bytes, BYTES);
    disk_close(&disk);
}

/* Write at random places, here and in @bytes. */
static void write_some(const char *path, enum disk_mode mode, uint8_t *bytes, uint64_t seed)
{
    static uint8_t noise[300 * SECTOR];
    struct disk disk;

    open_disk(&disk, path, mode);
    for (unsigned k = 0; k < 60; k++) {
        uint64_t sectors = 1 + random_next(&seed) % (k % 8 ? 20 : 300);
        uint64_t at = random_next(&seed) % (BYTES / SECTOR - sectors) * SECTOR;
        memset(noise, (int)(random_next(&seed) & 0xff), sectors * SECTOR);
        assert_true(disk_write(&disk, at, noise, sectors * SECTOR));
        memcpy(bytes + at, noise, sectors * SECTOR);
    }
    assert_true(disk_flush(&disk));
    if (mode == DISK_SNAPSHOT) {
        static uint8_t got[BYTES];
        assert_true(disk_read(&disk, 0, got, BYTES));
        assert_memory_equal(got, bytes, BYTES);
    }
    disk_close(&disk);
}

static const char *const kinds[] = {
    "-o compat=1.1",
    "-o compat=0.10",
    "-o cluster_size=512",
    "-o cluster_size=2M",
    "-c",
    "-c -o compression_type=zstd,compat=1.1",
    "-o refcount_bits=8",
    "-o refcount_bits=64,cluster_size=4k",
    "-o preallocation=metadata",
};

static void test_images_of_qemu_img_are_read_and_written_and_it_reads_them(void **state)
{
    static uint8_t bytes[BYTES], written[BYTES];
    char command[256];

    (void)state;
    make_raw(bytes, 1);
    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++) {
        snprintf(command, sizeof(command), "qemu-img convert -f raw -O qcow2 %s raw image",
                 kinds[k]);
        shell(command);
        assert_holds("image", bytes);
        memcpy(written, bytes, BYTES);
        write_some("image", DISK_SNAPSHOT, written, k);
        assert_holds("image", bytes); /* as it was */
        memcpy(written, bytes, BYTES);
        write_some("image", DISK_WRITABLE, written, k);
        assert_holds("image", written);
        shell("qemu-img check -q image");
        FILE *f = fopen("raw2", "wb");
        assert_int_equal(fwrite(written, 1, BYTES, f), BYTES);
        fclose(f);
        shell("qemu-img compare -q -f qcow2 -F raw image raw2");
    }
}

static void test_an_empty_image_grows_as_it_is_written(void **state)
{
    static uint8_t bytes[BYTES];
    struct stat st;

    (void)state;
    memset(bytes, 0, BYTES);
    shell("qemu-img create -q -f qcow2 -o cluster_size=512 image 3M");
    for (unsigned k = 0; k < 8; k++)
        write_some("image", DISK_WRITABLE, bytes, 100 + k); /* the table of counts grows, too */
    assert_holds("image", bytes);
    shell("qemu-img check -q image");
    assert_int_equal(stat("image", &st), 0);
    assert_in_range(st.st_size, BYTES / 2, 2 * BYTES);
}

static void test_what_an_image_has_not_is_its_backing_files(void **state)
{
    static uint8_t bytes[BYTES];

    (void)state;
    make_raw(bytes, 2);
    assert_int_equal(mkdir("sub", 0777), 0);
    shell("qemu-img convert -f raw -O qcow2 -c raw sub/base");
    shell("qemu-img create -q -f qcow2 -b base -F qcow2 sub/middle");
    shell("cd sub && qemu-img create -q -f qcow2 -b middle -F qcow2 top");
    assert_holds("sub/top", bytes);
    write_some("sub/top", DISK_WRITABLE, bytes, 3);
    assert_holds("sub/top", bytes);
    shell("cd sub && qemu-img check -q top && qemu-img check -q base");
    shell("cd sub && qemu-img rebase -q -u -b top -F qcow2 base");
    struct disk disk;
    struct arm_error err = {0};
    assert_int_not_equal(disk_open(&disk, &(struct disk_spec){.path = "sub/top"}, &quiet, &err), 0);
    assert_non_null(strstr(err.text, "too many backing files"));
}

static void test_what_a_snapshot_in_the_image_shares_is_kept(void **state)
{
    static uint8_t bytes[BYTES], before[BYTES];

    (void)state;
    make_raw(bytes, 4);
    memcpy(before, bytes, BYTES);
    shell("qemu-img convert -f raw -O qcow2 raw image && qemu-img snapshot -c one image");
    write_some("image", DISK_WRITABLE, bytes, 5);
    assert_holds("image", bytes);
    shell("qemu-img check -q image && qemu-img snapshot -a one image");
    assert_holds("image", before);
}

/* Set @size bytes of "image" at @at, highest first. */
static void poke(uint64_t at, unsigned size, uint64_t value)
{
    int fd = open("image", O_RDWR);
    uint8_t raw[8];

    for (unsigned k = 0; k < size; k++)
        raw[k] = (uint8_t)(value >> 8 * (size - 1 - k));
    assert_int_equal(pwrite(fd, raw, size, (off_t)at), size);
    close(fd);
}

static void test_what_is_damaged_or_not_offered_is_refused_by_its_reason(void **state)
{
    static const struct {
        unsigned at, size;
        uint64_t value;
        const char *says;
    } rows[] = {
        {4, 4, 4, "version 2 or 3"},
        {20, 4, 8, "512 bytes to 2 MiB"},
        {20, 4, 60, "512 bytes to 2 MiB"},
        {24, 8, 0, "a size of 0"},
        {24, 8, UINT64_C(1) << 40, "L1 table is too small"},
        {32, 4, 1, "encrypted"},
        {40, 8, 0x10001, "tables are not where they can be"},
        {40, 8, UINT64_C(1) << 50, "tables are not where they can be"},
        {48, 8, 3, "tables are not where they can be"},
        {72, 8, 2, "marked corrupt"},
        {72, 8, 4, "a feature that there is not"},
        {72, 8, 16, "a feature that there is not"},
        {72, 8, 1, "its reference counts are old"},
        {96, 4, 7, "more than 64 bits"},
        {96, 4, 0, "less than a byte"},
    };

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(rows); k++) {
        struct arm_error err = {0};
        struct disk disk;
        shell("qemu-img create -q -f qcow2 image 3M");
        poke(rows[k].at, rows[k].size, rows[k].value);
        assert_int_not_equal(
            disk_open(
                &disk,
                &(struct disk_spec){.path = "image", .mode = DISK_WRITABLE, .format = "qcow2"},
                &quiet, &err),
            0);
        if (!strstr(err.text, rows[k].says))
            fail_msg("%s, expected %s", err.text, rows[k].says);
    }
}

/* L1 entry 0 is the header: its words would be L2 entries, and a write would be one
 * of the header. */
static void test_tables_cannot_be_written_as_the_disk(void **state)
{
    struct disk disk;
    uint8_t sector[SECTOR] = {0};

    (void)state;
    shell("qemu-img convert -f raw -O qcow2 raw image");
    poke(0x40000, 8, QCOW2_COPIED_HEADER);
    open_disk(&disk, "image", DISK_WRITABLE);
    assert_false(disk_write(&disk, 0, sector, SECTOR));
    disk_close(&disk);
    shell("qemu-img info image >/dev/null");
}

/* Bytes of an image's tables are changed at random: whatever is read or refused, nothing of it may
 * leave the program's memory (run under the sanitizers). */
static void test_damaged_images_do_no_harm(void **state)
{
    static uint8_t image[1 << 20], buf[200 * SECTOR];
    uint64_t seed = 6;

    (void)state;
    shell("qemu-img convert -f raw -O qcow2 -c -o cluster_size=4k raw whole");
    FILE *f = fopen("whole", "rb");
    size_t size = fread(image, 1, sizeof(image), f);
    fclose(f);
    for (unsigned round = 0; round < 300; round++) {
        struct arm_error err;
        struct disk disk;
        f = fopen("image", "wb");
        assert_int_equal(fwrite(image, 1, size, f), size);
        fclose(f);
        for (unsigned k = 0; k < 4; k++)
            poke(random_next(&seed) % (k % 2 ? 112 : 0x6000), 1, random_next(&seed) & 0xff);
        if (disk_open(&disk,
                      &(struct disk_spec){.path = "image", .mode = round % 3, .format = "qcow2"},
                      &quiet, &err))
            continue;
        for (unsigned k = 0; k < 10 && disk.size > sizeof(buf); k++) {
            uint64_t at = random_next(&seed) % (disk.size - sizeof(buf));
            if (random_next(&seed) % 2)
                disk_read(&disk, at, buf, sizeof(buf));
            else
                disk_write(&disk, at, buf, SECTOR * (1 + random_next(&seed) % 9));
        }
        disk_close(&disk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_images_of_qemu_img_are_read_and_written_and_it_reads_them),
        cmocka_unit_test(test_an_empty_image_grows_as_it_is_written),
        cmocka_unit_test(test_what_an_image_has_not_is_its_backing_files),
        cmocka_unit_test(test_what_a_snapshot_in_the_image_shares_is_kept),
        cmocka_unit_test(test_what_is_damaged_or_not_offered_is_refused_by_its_reason),
        cmocka_unit_test(test_tables_cannot_be_written_as_the_disk),
        cmocka_unit_test(test_damaged_images_do_no_harm),
    };

    return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
