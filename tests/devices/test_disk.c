/* Files as disks: which are refused and in which words, and what happens to them afterwards. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "devices/disk.h"
#include "devices/disk_format.h"
#include "tests/devices/fixture.h"

#define BYTES 8192

static char path[64];

struct lines {
    char last[512];
    unsigned count;
};

static void keep_line(void *ctx, enum arm_log_category cat, enum arm_log_level level,
                      const char *line)
{
    struct lines *l = ctx;

    (void)cat, (void)level;
    snprintf(l->last, sizeof(l->last), "%s", line);
    l->count++;
}

static struct arm_log log_to(struct lines *l)
{
    struct arm_log log = {.sink = keep_line, .ctx = l};

    log.level[ARM_LOG_DEVICE] = ARM_LOG_WARN;
    return log;
}

static int make_file(void **state)
{
    (void)state;
    snprintf(path, sizeof(path), "%s/disk_XXXXXX", P_tmpdir);
    int fd = mkstemp(path);
    close(fd);
    return fd < 0;
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

/* BYTES zeros, but for @len bytes at @at. */
static void write_file(uint64_t at, const char *bytes, size_t len)
{
    int fd = open(path, O_RDWR | O_TRUNC);

    assert_true(fd >= 0 && ftruncate(fd, BYTES) == 0);
    assert_int_equal(pwrite(fd, bytes, len, (off_t)at), (ssize_t)len);
    close(fd);
}

static uint64_t place_of(const struct disk_format *f)
{
    uint64_t place;

    assert_true(disk_format_place(f, BYTES, &place));
    return place;
}

static void test_the_table_is_well_formed(void **state)
{
    (void)state;
    for (const struct disk_format *f = disk_formats; f->name; f++) {
        assert_in_range(f->magic_bytes, 2, DISK_FORMAT_MAGIC_MAX);
        assert_true(f->from == DISK_FORMAT_END
                        ? f->offset >= f->magic_bytes && f->offset <= DISK_FORMAT_EDGE
                        : f->offset + f->magic_bytes <= DISK_FORMAT_EDGE);
        assert_true(f->command[0] != '\0');
        for (const struct disk_format *g = disk_formats; g != f; g++) {
            assert_string_not_equal(f->name, g->name);
            if (f->from == g->from && f->offset == g->offset && f->magic_bytes >= g->magic_bytes)
                assert_memory_not_equal(f->magic, g->magic, g->magic_bytes);
        }
    }
}

static void test_another_format_is_refused_by_its_name_unless_it_is_said_to_be_raw(void **state)
{
    struct lines lines = {0};
    struct arm_log log = log_to(&lines);
    struct arm_error err;
    struct disk disk;
    char text[64];

    (void)state;
    for (const struct disk_format *f = disk_formats; f->name; f++) {
        if (!strcmp(f->name, "qcow2"))
            continue; /* taken: test_qcow2.c */
        write_file(place_of(f), f->magic, f->magic_bytes);
        for (int mode = DISK_SNAPSHOT; mode <= DISK_WRITABLE; mode++) {
            struct disk_spec spec = {.path = path, .mode = (enum disk_mode)mode};
            assert_int_equal(disk_open(&disk, &spec, &log, &err), -ARM_EFORMAT);
            snprintf(text, sizeof(text), "which is %s, expected a raw disk", f->name);
            assert_non_null(strstr(err.text, text));
            assert_non_null(strstr(err.text, path));
            assert_non_null(strstr(err.text, f->command));
            snprintf(text, sizeof(text), "found %02x %02x", (uint8_t)f->magic[0],
                     (uint8_t)f->magic[1]);
            assert_non_null(strstr(err.text, text));
            snprintf(text, sizeof(text), "at offset %#llx,", (unsigned long long)place_of(f));
            assert_non_null(strstr(err.text, text));
            spec.format = "raw";
            assert_int_equal(disk_open(&disk, &spec, &log, &err), 0);
            disk_close(&disk);
        }
    }
}

static void test_a_disk_encrypted_as_a_whole_is_a_raw_disk(void **state)
{
    struct lines lines = {0};
    struct arm_log log = log_to(&lines);
    struct disk disk;

    (void)state;
    write_file(0, "LUKS\xba\xbe\0\1", 8);
    assert_int_equal(
        disk_open(&disk, &(struct disk_spec){.path = path, .mode = DISK_WRITABLE}, &log, NULL), 0);
    disk_close(&disk);
}

/* One write that completes the magic of @f. */
static bool write_magic(const struct disk_format *f, enum disk_mode mode, const char *format)
{
    struct lines lines = {0};
    struct arm_log log = log_to(&lines);
    uint8_t sector[512] = {0};
    uint64_t place = place_of(f), base = align_down(place, sizeof(sector));
    struct disk disk;
    bool done;

    write_file(0, "", 0);
    assert_int_equal(disk_open(&disk,
                               &(struct disk_spec){.path = path, .mode = mode, .format = format},
                               &log, NULL),
                     0);
    memcpy(sector + (place - base), f->magic, f->magic_bytes);
    /* All but the last byte; then, as flash memory does, that one too. */
    sector[place - base + f->magic_bytes - 1] = 0xee;
    assert_true(disk_write(&disk, base, sector, sizeof(sector)));
    done = disk_write(&disk, place + f->magic_bytes - 1, f->magic + f->magic_bytes - 1, 1);
    assert_int_equal(lines.count, !done);
    if (!done) {
        assert_non_null(strstr(lines.last, path));
        assert_non_null(strstr(lines.last, f->name));
    }
    disk_close(&disk);
    return done;
}

static void test_a_guest_cannot_make_a_probed_disk_look_like_an_image(void **state)
{
    (void)state;
    for (const struct disk_format *f = disk_formats; f->name; f++) {
        if (f->magic_bytes == 8 && f->magic[0] == 'Q')
            continue; /* qcow: its last byte comes behind qcow2's magic */
        assert_int_equal(write_magic(f, DISK_WRITABLE, NULL), f->kind == DISK_FORMAT_PACKED);
        assert_true(write_magic(f, DISK_WRITABLE, "raw"));
        assert_true(write_magic(f, DISK_SNAPSHOT, NULL));
    }
}

static void test_every_refusal_names_the_file(void **state)
{
    static const struct {
        const char *format, *says;
        enum { MISSING, DIRECTORY, EMPTY, PIPE, WHOLE } kind;
        int rc;
    } rows[] = {
        {NULL, "No such file", MISSING, -ARM_EIO},
        {NULL, "a directory, expected a regular file", DIRECTORY, -ARM_EFORMAT},
        {NULL, "an empty file", EMPTY, -ARM_EFORMAT},
        {"raw", "an empty file", EMPTY, -ARM_EFORMAT},
        {NULL, "pipe or socket, expected a regular file", PIPE, -ARM_EFORMAT},
        {"qcow2", "qcow2: expected version 2 or 3", WHOLE, -ARM_EFORMAT},
        {"", "format=: expected raw or qcow2", WHOLE, -ARM_ENOTSUP},
        {"vmdk", "format=vmdk: expected raw or qcow2", WHOLE, -ARM_ENOTSUP},
    };
    struct lines lines = {0};
    struct arm_log log = log_to(&lines);
    char name[80];

    (void)state;
    snprintf(name, sizeof(name), "%s.other", path);
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arm_error err = {0};
        struct disk disk;
        if (rows[i].kind == DIRECTORY)
            assert_int_equal(mkdir(name, 0700), 0);
        else if (rows[i].kind == PIPE)
            assert_int_equal(mkfifo(name, 0600), 0);
        else if (rows[i].kind != MISSING)
            close(creat(name, 0600));
        if (rows[i].kind == WHOLE)
            assert_int_equal(truncate(name, BYTES), 0);
        assert_int_equal(disk_open(&disk,
                                   &(struct disk_spec){.path = name, .format = rows[i].format},
                                   &log, &err),
                         rows[i].rc);
        assert_non_null(strstr(err.text, rows[i].says));
        assert_non_null(strstr(err.text, name));
        assert_int_equal(disk.fd, -1);
        assert_true(rows[i].kind == MISSING || remove(name) == 0);
    }
}

/* What was there when it was opened is not zeros now: it is lost, and the guest must know. */
static void test_a_file_that_became_shorter_is_an_error_that_is_said_once(void **state)
{
    struct lines lines = {0};
    struct arm_log log = log_to(&lines);
    uint8_t sector[512];
    struct disk disk;

    (void)state;
    for (int mode = DISK_SNAPSHOT; mode <= DISK_WRITABLE; mode++) {
        write_file(0, "abc", 3);
        assert_int_equal(disk_open(&disk,
                                   &(struct disk_spec){.path = path, .mode = (enum disk_mode)mode},
                                   &log, NULL),
                         0);
        assert_int_equal(truncate(path, 4096), 0);
        lines.count = 0;
        assert_true(disk_read(&disk, 0, sector, sizeof(sector)));
        assert_false(disk_read(&disk, 4096, sector, sizeof(sector)));
        assert_false(disk_read(&disk, 3584, sector, 2 * sizeof(sector)));
        assert_int_equal(lines.count, 1);
        assert_non_null(strstr(lines.last, path));
        assert_non_null(strstr(lines.last, "behind the end of the file, which had 8192 bytes"));
        disk_close(&disk);
    }
}

static void test_a_write_that_the_host_refuses_is_said_with_file_and_reason(void **state)
{
    struct lines lines = {0};
    struct arm_log log = log_to(&lines);
    uint8_t sector[512] = {1};
    struct rlimit old, small;
    struct disk disk;

    (void)state;
    write_file(0, "abc", 3);
    assert_int_equal(
        disk_open(&disk, &(struct disk_spec){.path = path, .mode = DISK_WRITABLE}, &log, NULL), 0);
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){4096, old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_true(disk_write(&disk, 0, sector, sizeof(sector)));
    assert_false(disk_write(&disk, 4096, sector, sizeof(sector)));
    assert_false(disk_write(&disk, 4608, sector, sizeof(sector)));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_int_equal(lines.count, 1);
    assert_non_null(strstr(lines.last, path));
    assert_non_null(strstr(lines.last, "write at byte 4096: File too large"));
    disk_close(&disk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_table_is_well_formed),
        cmocka_unit_test(test_another_format_is_refused_by_its_name_unless_it_is_said_to_be_raw),
        cmocka_unit_test(test_a_disk_encrypted_as_a_whole_is_a_raw_disk),
        cmocka_unit_test(test_a_guest_cannot_make_a_probed_disk_look_like_an_image),
        cmocka_unit_test(test_every_refusal_names_the_file),
        cmocka_unit_test(test_a_file_that_became_shorter_is_an_error_that_is_said_once),
        cmocka_unit_test(test_a_write_that_the_host_refuses_is_said_with_file_and_reason),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
