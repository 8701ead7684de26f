/* Images, flat binaries, what they are packed in, and U-Boot images: where they go, and how the
 * boot CPU starts. */
#include "tests/loader/fixture.h"

/* @packed: the file; it holds a 5000-byte Image with text_offset 0. */
static void check_image(struct bytes packed)
{
    struct bytes image = make_image(5000, 0, 0x10000);
    char *path = temp_file(packed);
    struct fixture f;

    fixture_start(&f, 512 * MIB);
    *physmem_ram_changing(&f.mem, pa(RAM_BASE + 2 * MIB + 0xffff), 1) = 0xff;
    f.req.kernel = path;
    if (fixture_load(&f))
        fail_msg("%s", f.err.text);
    assert_int_equal(f.boot.kind, KERNEL_IMAGE);
    assert_int_equal(f.boot.pc, RAM_BASE + 2 * MIB);
    assert_int_equal(f.boot.x[0], RAM_BASE + 128 * MIB);
    assert_int_equal(f.boot.x[1] | f.boot.x[2] | f.boot.x[3], 0);
    assert_int_equal(f.boot.initrd_size, 0);
    assert_ram_is(&f, RAM_BASE + 2 * MIB, image.data, image.size);
    assert_ram_is(&f, RAM_BASE + 2 * MIB + 0xffff, "", 1); /* image_size is zeroed */
    assert_dtb_at(&f, RAM_BASE + 128 * MIB);
    assert_int_equal(f.warnings, 0);
    fixture_end(&f);
    remove_file(path);
    free(image.data);
}

static void test_image_raw(void **state)
{
    (void)state;
    check_image(make_image(5000, 0, 0x10000));
}

static void test_image_in_gzip(void **state)
{
    (void)state;
    check_image(make_gzip(make_image(5000, 0, 0x10000)));
}

static void test_image_in_zboot_with_gzip(void **state)
{
    (void)state;
    check_image(make_zboot(make_gzip(make_image(5000, 0, 0x10000)), "gzip"));
}

static void test_image_in_zboot_with_zstd(void **state)
{
    (void)state;
    check_image(make_zboot(make_zstd(make_image(5000, 0, 0x10000)), "zstd"));
}

static void test_image_in_zstd_xz_and_lzma(void **state)
{
    (void)state;
    check_image(make_zstd(make_image(5000, 0, 0x10000)));
    check_image(make_xz(make_image(5000, 0, 0x10000)));
    check_image(make_lzma(make_image(5000, 0, 0x10000)));
}

/* What Linux' build calls them: the payload's magic counts. */
static void test_image_in_zboot_with_the_names_of_linux(void **state)
{
    (void)state;
    check_image(make_zboot(make_zstd(make_image(5000, 0, 0x10000)), "zstd22"));
    check_image(make_zboot(make_xz(make_image(5000, 0, 0x10000)), "xzkern"));
    check_image(make_zboot(make_lzma(make_image(5000, 0, 0x10000)), "lzma"));
}

static struct bytes joined(struct bytes a, struct bytes b)
{
    struct bytes out = bytes_new(a.size + b.size, 0);

    memcpy(out.data, a.data, a.size);
    memcpy(out.data + a.size, b.data, b.size);
    free(a.data);
    free(b.data);
    return out;
}

static struct bytes slice(struct bytes in, size_t from, size_t to)
{
    struct bytes out = bytes_new(to - from, 0);

    memcpy(out.data, in.data + from, to - from);
    free(in.data);
    return out;
}

/* RFC 1952 2.2: a gzip file is a series of members. The other formats' tools write such too. */
static void test_image_in_several_streams_one_behind_the_other(void **state)
{
    struct bytes (*const makes[])(struct bytes) = {make_gzip, make_zstd, make_xz};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(makes); k++)
        check_image(joined(makes[k](slice(make_image(5000, 0, 0x10000), 0, 1000)),
                           makes[k](slice(make_image(5000, 0, 0x10000), 1000, 5000))));
}

/* Bigger than one step of the output buffer. */
static void test_image_of_9_mib_unpacks(void **state)
{
    struct bytes image = make_image(9 * MIB, 0x80000, 10 * MIB);
    char *path = temp_file(make_zboot(make_zstd(make_image(9 * MIB, 0x80000, 10 * MIB)), "zstd"));
    struct fixture f;

    (void)state;
    fixture_start(&f, 512 * MIB);
    f.req.kernel = path;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.pc, RAM_BASE + 0x80000);
    assert_ram_is(&f, RAM_BASE + 0x80000, image.data, image.size);
    fixture_end(&f);
    remove_file(path);
    free(image.data);
}

static void test_image_without_size_goes_where_old_kernels_want(void **state)
{
    char *path = temp_file(make_image(5000, UINT64_MAX, 0));
    struct fixture f;

    (void)state;
    fixture_start(&f, 512 * MIB);
    f.req.kernel = path;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.pc, RAM_BASE + 0x80000);
    fixture_end(&f);
    remove_file(path);
}

/* booting.rst: "text_offset bytes from a 2MB aligned base address"; initrd and device tree follow
 * the kernel where it reaches behind their usual place. */
static void test_image_goes_to_any_text_offset(void **state)
{
    static const struct {
        uint64_t ram, text_offset, image_size, at, dtb;
    } rows[] = {
        {256 * MIB, 0, 0x100000, 0x200000, 128 * MIB},
        {256 * MIB, 0xfff, 0x100000, 0x200fff, 128 * MIB},
        {256 * MIB, 0x1000, 0x100000, 0x1000, 128 * MIB},
        {256 * MIB, 0x80000, 0x100000, 0x80000, 128 * MIB},
        {256 * MIB, 0x200000, 0x100000, 0x200000, 128 * MIB},
        {256 * MIB, 0x480000, 0x100000, 0x480000, 128 * MIB},
        {256 * MIB, 0x1080000, 0x100000, 0x1080000, 128 * MIB},
        {256 * MIB, 128 * MIB, 0x100000, 128 * MIB, 130 * MIB},
        {256 * MIB, 200 * MIB + 0x80000, 40 * MIB, 200 * MIB + 0x80000, 242 * MIB},
        {256 * MIB, 0x80000, 250 * MIB, 0x80000, 252 * MIB},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        char *path = temp_file(make_image(5000, rows[i].text_offset, rows[i].image_size));
        struct fixture f;

        fixture_start(&f, rows[i].ram);
        f.req.kernel = path;
        if (fixture_load(&f))
            fail_msg("%s", f.err.text);
        assert_int_equal(f.boot.pc, RAM_BASE + rows[i].at);
        assert_int_equal(f.boot.x[0], RAM_BASE + rows[i].dtb);
        fixture_end(&f);
        remove_file(path);
    }
}

static void test_flat_binary_is_loaded_at_512_kib_and_gets_the_device_tree(void **state)
{
    char *path = temp_file(bytes_new(100, 0x1f));
    struct fixture f;
    uint8_t expected[100];

    (void)state;
    memset(expected, 0x1f, sizeof(expected));
    fixture_start(&f, 128 * MIB);
    f.req.kernel = path;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.kind, KERNEL_FLAT);
    assert_int_equal(f.boot.pc, RAM_BASE + 0x80000);
    assert_ram_is(&f, f.boot.pc, expected, sizeof(expected));
    assert_int_equal(f.boot.x[0], RAM_BASE + 64 * MIB);
    assert_dtb_at(&f, RAM_BASE + 64 * MIB);
    fixture_end(&f);
    remove_file(path);
}

static void check_uimage(struct bytes in, const struct uimage *h, uint64_t pc, uint64_t at,
                         bool told)
{
    struct bytes image = make_image(5000, 0, 0x10000);
    char *path = temp_file(make_uimage(in, h));
    struct fixture f;

    fixture_start(&f, 512 * MIB);
    memset(physmem_ram_changing(&f.mem, pa(at + 5000), 0x10000), 0xff, 0x10000);
    f.req.kernel = path;
    if (fixture_load(&f))
        fail_msg("%s", f.err.text);
    assert_int_equal(f.boot.pc, pc);
    assert_ram_is(&f, at, image.data, image.size);
    assert_int_equal(ram_byte(&f, at + 0xffff), 0); /* image_size counts here too */
    assert_int_equal(f.boot.x[0], told ? RAM_BASE + 128 * MIB : 0);
    assert_dtb_at(&f, told ? RAM_BASE + 128 * MIB : RAM_BASE);
    fixture_end(&f);
    remove_file(path);
    free(image.data);
}

static void test_uimage_goes_where_its_header_says(void **state)
{
    const struct uimage other_os = {0x48000000, 0x48000040, 2, 22, 2, 0};
    const struct uimage gzip = {0x40080000, 0x40080004, 5, 22, 2, 1};
    const struct uimage zstd = {0x40080000, 0x40080000, 5, 22, 2, 6};
    const struct uimage noload = {0, 0, 5, 22, 14, 0};

    (void)state;
    check_uimage(make_image(5000, 0, 0x10000), &linux_uimage, 0x40080000, 0x40080000, true);
    check_uimage(make_image(5000, 0, 0x10000), &other_os, 0x48000040, 0x48000000, false);
    check_uimage(make_gzip(make_image(5000, 0, 0x10000)), &gzip, 0x40080004, 0x40080000, true);
    check_uimage(make_zstd(make_image(5000, 0, 0x10000)), &zstd, 0x40080000, 0x40080000, true);
    check_uimage(make_image(5000, 0, 0x10000), &noload, 0x40200000, 0x40200000, true);
}

static void check_uimage_refused(struct bytes in, const struct uimage *h, const char *expected)
{
    char *path = temp_file(make_uimage(in, h));
    struct fixture f;

    fixture_start(&f, 64 * MIB);
    f.req.kernel = path;
    assert_true(fixture_load(&f) < 0);
    if (!strstr(f.err.text, expected))
        fail_msg("%s", f.err.text);
    fixture_end(&f);
    remove_file(path);
}

static void test_uimage_of_something_else_is_refused(void **state)
{
    const struct uimage arm = {0x40008000, 0x40008000, 5, 2, 2, 0};
    const struct uimage multi = {0x40080000, 0x40080000, 5, 22, 4, 0};
    const struct uimage ramdisk = {0x40080000, 0x40080000, 5, 22, 3, 0};
    const struct uimage lzo = {0x40080000, 0x40080000, 5, 22, 2, 4};
    const struct uimage nowhere = {0x20000000, 0x20000000, 5, 22, 2, 0};

    (void)state;
    check_uimage_refused(bytes_new(100, 1), &arm, "for 32-bit Arm (2 at offset 29)");
    check_uimage_refused(bytes_new(100, 1), &multi, "type 4 (multi-file image)");
    check_uimage_refused(bytes_new(100, 1), &ramdisk, "type 3 (RAM disk), expected a kernel");
    check_uimage_refused(bytes_new(100, 1), &lzo, "data at offset 64: of no known compression");
    check_uimage_refused(bytes_new(100, 1), &nowhere, "0x64 bytes at 0x20000000 are not all RAM");
    check_uimage_refused(make_elf(), &linux_uimage, "its data is an ELF file");
    check_uimage_refused(bytes_new(0, 0), &linux_uimage, "its data is empty");
}

static void test_uinitrd_is_taken_out_of_its_header(void **state)
{
    const struct uimage ramdisk = {0, 0, 5, 22, 3, 1};
    char *kernel = temp_file(make_image(5000, 0, 0x10000));
    char *initrd = temp_file(make_uimage(bytes_new(300, 0x77), &ramdisk));
    uint8_t expected[300];
    struct fixture f;

    (void)state;
    memset(expected, 0x77, sizeof(expected));
    fixture_start(&f, 64 * MIB);
    f.req.kernel = kernel;
    f.req.initrd = initrd;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.initrd_size, 300);
    assert_ram_is(&f, f.boot.initrd_base, expected, sizeof(expected));
    fixture_end(&f);
    remove_file(kernel);
    remove_file(initrd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_image_raw),
        cmocka_unit_test(test_image_in_gzip),
        cmocka_unit_test(test_image_in_zboot_with_gzip),
        cmocka_unit_test(test_image_in_zboot_with_zstd),
        cmocka_unit_test(test_image_in_zstd_xz_and_lzma),
        cmocka_unit_test(test_image_in_zboot_with_the_names_of_linux),
        cmocka_unit_test(test_image_in_several_streams_one_behind_the_other),
        cmocka_unit_test(test_image_of_9_mib_unpacks),
        cmocka_unit_test(test_image_without_size_goes_where_old_kernels_want),
        cmocka_unit_test(test_image_goes_to_any_text_offset),
        cmocka_unit_test(test_flat_binary_is_loaded_at_512_kib_and_gets_the_device_tree),
        cmocka_unit_test(test_uimage_goes_where_its_header_says),
        cmocka_unit_test(test_uimage_of_something_else_is_refused),
        cmocka_unit_test(test_uinitrd_is_taken_out_of_its_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
