/* Files as drives of `armillary run` and `armillary qemu`: what is refused, and in which words. */
#include "process.h"
#include "tests/guests.h"

#define BYTES 4096

static char dir[] = "/tmp/armillary-test-XXXXXX";
static char image[64], off[64], off_at[80];

static int make_files(void **state)
{
    (void)state;
    assert_non_null(mkdtemp(dir));
    snprintf(image, sizeof(image), "%s/disk", dir);
    snprintf(off, sizeof(off), "%s/off", dir);
    FILE *f = fopen(off, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(guest_off, 1, sizeof(guest_off), f), sizeof(guest_off));
    fclose(f);
    snprintf(off_at, sizeof(off_at), "%s@0x40080000", off);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    unlink(image);
    unlink(off);
    return rmdir(dir);
}

static void write_image(const char *start, size_t len, off_t bytes)
{
    int fd = open(image, O_RDWR | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0 && ftruncate(fd, bytes) == 0);
    assert_int_equal(write(fd, start, len), (ssize_t)len);
    close(fd);
}

static void assert_refused(const struct result *r, const char *text)
{
    assert_int_equal(r->code, 2);
    assert_contains(r->err, image);
    assert_contains(r->err, text);
}

/* @format with the file's name: "" or ",format=...". */
static struct result *run_drive(const char *mode, const char *format)
{
    char drive[128];

    snprintf(drive, sizeof(drive), "--drive=%s%s%s", image, mode, format);
    return RUN("run", "--timeout=20", drive, "--load", off_at);
}

static struct result *qemu_drive(const char *interface, const char *format)
{
    char drive[128];

    snprintf(drive, sizeof(drive), "file=%s,if=%s%s", image, interface, format);
    return RUN("qemu", "-M", "virt,virtualization=on,gic-version=3", "-cpu", "max", "-nographic",
               "-drive", drive, "-kernel", off);
}

static void test_an_image_in_another_format_is_refused_by_name_and_left_alone(void **state)
{
    static const char *const modes[] = {"", ",snapshot", ",readonly", ",writable"};
    char start[8] = "";

    (void)state;
    write_image("KDMV\1\0\0\0", 8, BYTES);
    for (unsigned i = 0; i < 4; i++) {
        assert_refused(run_drive(modes[i], ""), "found 4b 44 4d 56 at offset 0, which is vmdk");
        assert_int_equal(run_drive(modes[i], ",format=raw")->code, 0);
        assert_refused(run_drive(modes[i], ",format=qcow2"), "qcow2: expected version 2 or 3");
        assert_refused(run_drive(",format=qcow2", modes[i]), "qcow2: expected version 2 or 3");
    }
    assert_refused(qemu_drive("virtio", ""), "which is vmdk");
    assert_refused(qemu_drive("pflash", ""), "which is vmdk");
    assert_int_equal(qemu_drive("virtio", ",format=raw")->code, 0);
    FILE *f = fopen(image, "rb");
    assert_non_null(f);
    assert_int_equal(fread(start, 1, 8, f), 8);
    fclose(f);
    assert_memory_equal(start, "KDMV\1\0\0\0", 8);
}

static void test_a_packed_disk_is_refused_with_the_command_that_unpacks_it(void **state)
{
    (void)state;
    write_image("\xfd"
                "7zXZ\0",
                6, BYTES);
    assert_refused(run_drive("", ""), "which is xz, expected a raw disk: make one with 'xz -d'");
}

static void test_a_disk_of_a_wrong_size_is_refused_by_name(void **state)
{
    (void)state;
    write_image("", 0, BYTES + 1);
    assert_refused(run_drive("", ""), "a disk of 4097 bytes, expected a multiple of 512");
    assert_refused(qemu_drive("pflash", ""), "flash memory of 4097 bytes, expected 67108864");
    write_image("", 0, 0);
    assert_refused(run_drive("", ""), "an empty file");
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_image_in_another_format_is_refused_by_name_and_left_alone),
        cmocka_unit_test(test_a_packed_disk_is_refused_with_the_command_that_unpacks_it),
        cmocka_unit_test(test_a_disk_of_a_wrong_size_is_refused_by_name),
    };

    program = argv[argc - 1];
    return cmocka_run_group_tests(tests, make_files, remove_files);
}
