/* Where everything goes in RAM: initrd, device tree, blobs. */
#include "tests/loader/fixture.h"

/* initrd: half-way up, at most 128 MiB, behind the kernel; device tree: the next 2
 * MiB behind it. */
static void test_initrd_and_device_tree_placement(void **state)
{
    static const struct {
        uint64_t ram, image_size, initrd_size, initrd, dtb;
    } rows[] = {
        {64 * MIB, MIB, 5000, 32 * MIB, 34 * MIB},
        {128 * MIB, MIB, 2 * MIB, 64 * MIB, 66 * MIB},
        {128 * MIB, MIB, 2 * MIB + 1, 64 * MIB, 68 * MIB},
        {256 * MIB, MIB, 1, 128 * MIB, 130 * MIB},
        {1024 * MIB, MIB, 5000, 128 * MIB, 130 * MIB},
        {1024 * MIB, 200 * MIB + 1, 5000, 202 * MIB + 0x1000, 204 * MIB},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        char *kernel = temp_file(make_image(5000, 0, rows[i].image_size));
        char *initrd = temp_file(bytes_new(rows[i].initrd_size, 0x77));
        uint64_t at = RAM_BASE + rows[i].initrd;
        struct fixture f;

        fixture_start(&f, rows[i].ram);
        f.req.kernel = kernel;
        f.req.initrd = initrd;
        f.req.append = "console=ttyAMA0 quiet";
        if (fixture_load(&f))
            fail_msg("%s", f.err.text);
        assert_int_equal(f.boot.initrd_base, at);
        assert_int_equal(f.boot.initrd_size, rows[i].initrd_size);
        assert_int_equal(f.boot.x[0], RAM_BASE + rows[i].dtb);
        assert_dtb_at(&f, RAM_BASE + rows[i].dtb);
        assert_int_equal(*physmem_ram(&f.mem, pa(at + rows[i].initrd_size - 1), 1), 0x77);
        assert_int_equal(chosen_cell(&f, "linux,initrd-start"), at);
        assert_int_equal(chosen_cell(&f, "linux,initrd-end"), at + rows[i].initrd_size);
        fixture_end(&f);
        remove_file(kernel);
        remove_file(initrd);
    }
}

static void test_too_little_memory_is_said(void **state)
{
    char *kernel = temp_file(make_image(5000, 0, 0));
    char *initrd = temp_file(bytes_new(9 * MIB, 0));
    struct fixture f;

    (void)state;
    fixture_start(&f, 16 * MIB);
    f.req.kernel = kernel;
    f.req.initrd = initrd;
    assert_int_equal(fixture_load(&f), -ARM_EFORMAT);
    assert_non_null(strstr(f.err.text, "initrd: 0x900000 bytes at 0x40800000 are not all RAM"));
    fixture_end(&f);
    fixture_start(&f, 4 * MIB);
    f.req.kernel = kernel;
    f.req.append = "x";
    assert_int_equal(fixture_load(&f), 0);
    fixture_end(&f);
    fixture_start(&f, 2 * MIB);
    f.req.kernel = kernel;
    assert_int_equal(fixture_load(&f), -ARM_EINVAL);
    assert_non_null(strstr(f.err.text, "device tree: no room"));
    fixture_end(&f);
    remove_file(kernel);
    remove_file(initrd);
}

static void test_blobs(void **state)
{
    char *raw = temp_file(bytes_new(100, 0x11)), *elf = temp_file(make_elf());
    struct load_blob blobs[] = {
        {.file = raw, .addr = RAM_BASE + 8 * MIB},
        {.file = elf, .addr = RAM_BASE + 9 * MIB},
        {.file = elf, .addr = RAM_BASE + 10 * MIB, .force_raw = true},
    };
    struct fixture f;

    (void)state;
    fixture_start(&f, 64 * MIB);
    f.req.blobs = blobs;
    f.req.blob_count = ARRAY_SIZE(blobs);
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.kind, KERNEL_NONE);
    assert_int_equal(f.boot.pc, 0);
    assert_dtb_at(&f, RAM_BASE);
    assert_int_equal(blobs[0].entry, RAM_BASE + 8 * MIB);
    assert_int_equal(blobs[1].entry, ELF_PADDR + 0x10);
    assert_int_equal(blobs[2].entry, RAM_BASE + 10 * MIB);
    assert_ram_is(&f, RAM_BASE + 10 * MIB, ELFMAG, SELFMAG);
    fixture_end(&f);

    blobs[0].addr = RAM_BASE;
    fixture_start(&f, 64 * MIB);
    f.req.blobs = blobs;
    f.req.blob_count = 1;
    assert_int_equal(fixture_load(&f), -ARM_EFORMAT);
    assert_non_null(strstr(f.err.text, "device tree: blob: "));
    assert_non_null(strstr(f.err.text, " overlap "));
    assert_non_null(strstr(f.err.text, raw));
    fixture_end(&f);
    remove_file(raw);
    remove_file(elf);
}

/* Add a node to the tree in guest RAM, in place, with a property of @bytes. */
static int add_in_place(struct fixture *f, int bytes)
{
    static uint8_t value[2 * MIB];
    void *tree = physmem_ram_changing(&f->mem, pa(f->boot.dtb_base), f->boot.dtb_size);
    int node = fdt_add_subnode(tree, 0, "added");

    return node < 0 ? node : fdt_setprop(tree, node, "p", value, bytes);
}

static void test_device_tree_has_room_for_what_a_guest_adds(void **state)
{
    char *kernel = temp_file(make_image(5000, 0, 0)), *elf = temp_file(make_elf());
    char *const files[] = {kernel, elf, NULL};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(files); i++) {
        struct fixture f;

        fixture_start(&f, 64 * MIB);
        f.req.kernel = files[i];
        f.req.append = "a command line";
        assert_int_equal(fixture_load(&f), 0);
        assert_int_equal(f.boot.dtb_size, MIB);
        assert_int_equal(fdt_totalsize(f.dt.blob), MIB);
        assert_int_equal(fdt_check_full(f.dt.blob, MIB), 0);
        assert_dtb_at(&f, f.boot.dtb_base);
        assert_int_equal(add_in_place(&f, MIB - 0x10000), 0);
        assert_int_equal(add_in_place(&f, MIB), -FDT_ERR_EXISTS);
        fixture_end(&f);
    }
    remove_file(kernel);
    remove_file(elf);
}

/* Twice what a big tree needs, but not more than a kernel takes; more only if the tree
 * is so big. */
static void test_room_in_a_big_device_tree(void **state)
{
    static const struct {
        uint64_t property, min, max;
    } rows[] = {
        {0x80000 + 0x1000, MIB + 1, MIB + 0x10000},
        {MIB, 2 * MIB, 2 * MIB},
        {2 * MIB + 0x1000, 2 * MIB + 0x1000, 2 * MIB + 0x4000},
    };
    char *kernel = temp_file(make_image(5000, 0, 0));

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        uint8_t *value = calloc(1, rows[i].property);
        struct fixture f;

        fixture_start(&f, 64 * MIB);
        dt_edit(&f.dt, rows[i].property);
        dt_set(&f.dt, 0, "big", value, rows[i].property);
        assert_int_equal(dt_pack(&f.dt, NULL), 0);
        f.req.kernel = kernel;
        assert_int_equal(fixture_load(&f), 0);
        assert_in_range(f.boot.dtb_size, rows[i].min, rows[i].max);
        assert_dtb_at(&f, f.boot.dtb_base);
        fixture_end(&f);
        free(value);
    }
    remove_file(kernel);
}

/* What else is loaded comes first: the room ends where it begins. */
static void test_room_in_the_device_tree_ends_before_what_else_is_loaded(void **state)
{
    char *raw = temp_file(bytes_new(100, 0x11));
    struct load_blob blob = {.file = raw, .addr = RAM_BASE + 0x80004};
    struct fixture f;

    (void)state;
    fixture_start(&f, 64 * MIB);
    f.req.blobs = &blob;
    f.req.blob_count = 1;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(f.boot.dtb_size, 0x80000);
    assert_dtb_at(&f, RAM_BASE);
    fixture_end(&f);
    remove_file(raw);
}

static void test_blobs_of_other_formats(void **state)
{
    char *uimage = temp_file(make_uimage(bytes_new(100, 0x33), &linux_uimage));
    struct bytes hex = bytes_new(45, 0);
    struct load_blob blobs[] = {{.addr = RAM_BASE + 8 * MIB}};
    struct fixture f;

    (void)state;
    memcpy(hex.data, ":0400000001020304F2\n:00000001FF\n", 33);
    char *ihex = temp_file(hex);
    blobs[0].file = uimage;
    fixture_start(&f, 64 * MIB);
    f.req.blobs = blobs;
    f.req.blob_count = 1;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(blobs[0].entry, linux_uimage.entry);
    assert_int_equal(ram_byte(&f, linux_uimage.load), 0x33);
    fixture_end(&f);
    blobs[0].file = ihex;
    fixture_start(&f, 64 * MIB);
    f.req.blobs = blobs;
    f.req.blob_count = 1;
    assert_int_equal(fixture_load(&f), -ARM_ENOTSUP);
    assert_non_null(strstr(f.err.text, "an Intel HEX file, expected"));
    fixture_end(&f);
    blobs[0].force_raw = true;
    fixture_start(&f, 64 * MIB);
    f.req.blobs = blobs;
    f.req.blob_count = 1;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(ram_byte(&f, RAM_BASE + 8 * MIB), ':');
    fixture_end(&f);
    remove_file(uimage);
    remove_file(ihex);
}

static void test_nothing_is_loaded_over_firmware(void **state)
{
    char *raw = temp_file(bytes_new(100, 0x11));
    struct load_blob blob = {.file = raw, .addr = 0x1000};
    struct fixture f;

    (void)state;
    fixture_start(&f, 64 * MIB);
    assert_int_equal(physmem_add_rom(&f.mem, pa(0), MIB, NULL, NULL), 0);
    f.req.blobs = &blob;
    f.req.blob_count = 1;
    f.req.firmware_size = 0x1000;
    assert_int_equal(fixture_load(&f), 0);
    assert_int_equal(ram_byte(&f, 0x1000), 0x11);
    f.req.firmware_size = 0x1001;
    assert_int_equal(fixture_load(&f), -ARM_EFORMAT);
    assert_non_null(strstr(f.err.text, "overlap firmware: contents, 0x1001 bytes at 0"));
    fixture_end(&f);
    remove_file(raw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_initrd_and_device_tree_placement),
        cmocka_unit_test(test_too_little_memory_is_said),
        cmocka_unit_test(test_blobs),
        cmocka_unit_test(test_device_tree_has_room_for_what_a_guest_adds),
        cmocka_unit_test(test_room_in_a_big_device_tree),
        cmocka_unit_test(test_room_in_the_device_tree_ends_before_what_else_is_loaded),
        cmocka_unit_test(test_blobs_of_other_formats),
        cmocka_unit_test(test_nothing_is_loaded_over_firmware),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
