/* Boot modules and domains: where their files go, and the nodes that describe them. */
#include "tests/loader/fixture.h"

static const char *text(const struct fixture *f, const char *path, const char *name)
{
    int size;

    return fdt_getprop(f->dt.blob, fdt_path_offset(f->dt.blob, path), name, &size);
}

static void assert_reg(const struct fixture *f, const char *path, const char *compatible,
                       uint64_t base, uint64_t size)
{
    int length;
    const uint8_t *reg = fdt_getprop(f->dt.blob, fdt_path_offset(f->dt.blob, path), "reg", &length);

    if (!reg)
        fail_msg("%s is not there", path);
    assert_int_equal(length, 16);
    assert_int_equal(fdt64_ld((const fdt64_t *)(const void *)reg), base);
    assert_int_equal(fdt64_ld((const fdt64_t *)(const void *)(reg + 8)), size);
    assert_string_equal(text(f, path, "compatible"), compatible);
}

static void test_modules_and_domains(void **state)
{
    char *kernel = temp_file(make_image(5000, 0, 0x10000));
    char *first = temp_file(bytes_new(3 * MIB, 0x11)), *second = temp_file(bytes_new(100, 0x22));
    struct bytes dtb = make_dtb();
    size_t tree_size = dtb.size;
    char *tree = temp_file(dtb);
    struct load_module modules[] = {
        {.kind = MODULE_KERNEL, .file = first, .args = "console=hvc0"},
        {.kind = MODULE_RAMDISK, .file = second},
        {.kind = MODULE_KERNEL, .file = second, .args = "quiet", .domain = 2},
        {.kind = MODULE_DTB, .file = tree, .domain = 1},
    };
    const struct load_domain domains[] = {
        {.name = "a", .memory = 128 * MIB, .cpus = 1},
        {.name = "b", .memory = UINT64_C(5) << 40, .cpus = 2, .console = true},
    };
    /* Behind the device tree's 2 MiB at 128 MiB. */
    uint64_t at = RAM_BASE + 130 * MIB;
    struct fixture f;

    (void)state;
    fixture_start(&f, 512 * MIB);
    f.req.kernel = kernel;
    f.req.append = "xen's";
    f.req.modules = (struct load_modules){modules, ARRAY_SIZE(modules), domains, 2};
    if (fixture_load(&f))
        fail_msg("%s", f.err.text);
    assert_int_equal(f.boot.dtb_base, RAM_BASE + 128 * MIB);
    assert_int_equal(*physmem_ram(&f.mem, pa(at + 3 * MIB - 1), 1), 0x11);
    assert_int_equal(*physmem_ram(&f.mem, pa(at + 4 * MIB), 1), 0x22);
    assert_reg(&f, "/chosen/module@48200000", "multiboot,kernel", at, 3 * MIB);
    assert_reg(&f, "/chosen/module@48600000", "multiboot,ramdisk", at + 4 * MIB, 100);
    assert_reg(&f, "/chosen/b/module@48800000", "multiboot,kernel", at + 6 * MIB, 100);
    assert_reg(&f, "/chosen/a/module@48a00000", "multiboot,device-tree", at + 8 * MIB, tree_size);
    assert_string_equal(text(&f, "/chosen", "xen,xen-bootargs"), "xen's");
    assert_null(text(&f, "/chosen", "bootargs"));
    assert_string_equal(text(&f, "/chosen/module@48200000", "bootargs"), "console=hvc0");
    assert_null(text(&f, "/chosen/module@48600000", "bootargs"));
    assert_string_equal(text(&f, "/chosen/b", "compatible"), "xen,domain");
    assert_memory_equal(text(&f, "/chosen/b", "memory"), "\0\0\0\1\x40\0\0\0", 8);
    assert_memory_equal(text(&f, "/chosen/b", "cpus"), "\0\0\0\2", 4);
    assert_non_null(text(&f, "/chosen/b", "vpl011"));
    assert_null(text(&f, "/chosen/a", "vpl011"));
    fixture_end(&f);
    remove_file(kernel);
    remove_file(first);
    remove_file(second);
    remove_file(tree);
}

static void check_refused(uint64_t ram, const char *kernel, enum module_kind kind,
                          struct bytes module, const char *expected)
{
    char *path = temp_file(module);
    struct load_module modules[] = {{.kind = kind, .file = path}};
    struct fixture f;

    fixture_start(&f, ram);
    f.req.kernel = kernel;
    f.req.modules = (struct load_modules){modules, 1, NULL, 0};
    assert_int_equal(fixture_load(&f) != 0, 1);
    if (!strstr(f.err.text, expected))
        fail_msg("%s", f.err.text);
    fixture_end(&f);
    remove_file(path);
}

static void test_refused(void **state)
{
    char *kernel = temp_file(make_image(5000, 0, 0x10000));

    (void)state;
    check_refused(512 * MIB, kernel, MODULE_KERNEL, bytes_new(0, 0), "is empty");
    check_refused(64 * MIB, kernel, MODULE_KERNEL, bytes_new(40 * MIB, 0), "are not all RAM");
    check_refused(512 * MIB, NULL, MODULE_KERNEL, bytes_new(100, 0), "needs a kernel");
    check_refused(512 * MIB, kernel, MODULE_DTB, bytes_new(100, 0), "magic at offset 0 is 0");
    check_refused(512 * MIB, kernel, MODULE_DTB, make_image(5000, 0, 0),
                  "an arm64 Image, expected a device tree");
    check_refused(512 * MIB, kernel, MODULE_RAMDISK, make_uimage(bytes_new(100, 1), &linux_uimage),
                  "type 2 (kernel), expected a RAM disk");
    remove_file(kernel);
}

/* @packed: of a 5000-byte Image. */
static void check_kernel_module(struct bytes packed, bool unpacked)
{
    char *kernel = temp_file(make_image(5000, 0, 0x10000)), *path;
    struct bytes image = make_image(5000, 0, 0x10000);
    uint64_t at = RAM_BASE + 130 * MIB, size = unpacked ? 5000 : packed.size;
    struct fixture f;

    path = temp_file(packed);
    struct load_module modules[] = {{.kind = MODULE_KERNEL, .file = path}};
    fixture_start(&f, 512 * MIB);
    f.req.kernel = kernel;
    f.req.modules = (struct load_modules){modules, 1, NULL, 0};
    if (fixture_load(&f))
        fail_msg("%s", f.err.text);
    assert_reg(&f, "/chosen/module@48200000", "multiboot,kernel", at, size);
    if (unpacked)
        assert_ram_is(&f, at, image.data, image.size);
    fixture_end(&f);
    remove_file(path);
    remove_file(kernel);
    free(image.data);
}

static void test_a_domains_kernel_is_unpacked_unless_xen_does_it(void **state)
{
    (void)state;
    check_kernel_module(make_image(5000, 0, 0x10000), false);
    check_kernel_module(make_gzip(make_image(5000, 0, 0x10000)), false);
    check_kernel_module(make_xz(make_image(5000, 0, 0x10000)), true);
    check_kernel_module(make_zboot(make_gzip(make_image(5000, 0, 0x10000)), "gzip"), true);
    check_kernel_module(make_uimage(make_image(5000, 0, 0x10000), &linux_uimage), false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_modules_and_domains),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_a_domains_kernel_is_unpacked_unless_xen_does_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
