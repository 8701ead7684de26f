/* Building and editing device trees. */
#include "tests/loader/fixture.h"

/* Every value of every kind, as libfdt reads it back. */
static void test_built_tree_reads_back(void **state)
{
    struct arm_error err = {0};
    struct dt dt;
    int node, size;
    const fdt32_t *cells;

    (void)state;
    dt_create(&dt);
    dt_begin(&dt, "");
    dt_begin(&dt, "uart@9000000");
    DT_CELLS(&dt, "reg", 0, 0x9000000, 0, 0x1000);
    DT_STRINGS(&dt, "compatible", "arm,pl011\0arm,primecell");
    dt_string(&dt, "status", "okay");
    dt_empty(&dt, "dma-coherent");
    dt_end(&dt);
    dt_end(&dt);
    assert_int_equal(dt_finish(&dt, &err), 0);
    assert_int_equal(fdt_check_full(dt.blob, dt_size(&dt)), 0);
    node = fdt_path_offset(dt.blob, "/uart@9000000");
    assert_true(node > 0);
    cells = fdt_getprop(dt.blob, node, "reg", &size);
    assert_int_equal(size, 16);
    assert_int_equal(fdt32_ld(&cells[1]), 0x9000000);
    assert_string_equal(fdt_stringlist_get(dt.blob, node, "compatible", 1, NULL), "arm,primecell");
    assert_int_equal(fdt_stringlist_count(dt.blob, node, "compatible"), 2);
    assert_string_equal(fdt_getprop(dt.blob, node, "status", NULL), "okay");
    assert_non_null(fdt_getprop(dt.blob, node, "dma-coherent", &size));
    assert_int_equal(size, 0);
    dt_free(&dt);
}

static void test_first_error_sticks_and_is_reported_once(void **state)
{
    struct arm_error err = {0};
    struct dt dt;

    (void)state;
    make_dt(&dt);
    dt_string(&dt, "late", "a tree that is finished takes no more");
    dt_begin(&dt, "later");
    assert_int_equal(dt_finish(&dt, &err), -ARM_EFORMAT);
    assert_non_null(strstr(err.text, "device tree: at late: "));
    dt_free(&dt);
}

/* Whatever it is that needs more room: a node, its end, a property's name or value. */
static void test_tree_grows_as_it_is_built(void **state)
{
    struct arm_error err = {0};
    char name[32];
    struct dt dt;
    size_t first;

    (void)state;
    dt_create(&dt);
    first = dt.room;
    dt_begin(&dt, "");
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "node%u", i);
        dt_begin(&dt, name);
        dt_string(&dt, name, name);
        DT_CELLS(&dt, "reg", i, ~i);
        dt_end(&dt);
    }
    dt_end(&dt);
    assert_int_equal(dt_finish(&dt, &err), 0);
    assert_true(dt.room > 2 * first);
    assert_int_equal(fdt_check_full(dt.blob, dt_size(&dt)), 0);
    for (unsigned i = 0; i < 1000; i++) {
        snprintf(name, sizeof(name), "/node%u", i);
        int node = fdt_path_offset(dt.blob, name);
        assert_string_equal(fdt_getprop(dt.blob, node, name + 1, NULL), name + 1);
        const fdt32_t *cells = fdt_getprop(dt.blob, node, "reg", NULL);
        assert_int_equal(fdt32_ld(&cells[0]), i);
        assert_int_equal(fdt32_ld(&cells[1]), ~i);
    }
    dt_free(&dt);
}

static void test_tree_larger_than_the_buffer_is_an_error(void **state)
{
    struct arm_error err = {0};
    struct dt dt;

    (void)state;
    dt_create(&dt);
    dt_begin(&dt, "");
    for (unsigned i = 0; i < 100000; i++)
        DT_CELLS(&dt, "reg", i, i);
    dt_end(&dt);
    assert_int_equal(dt_finish(&dt, &err), -ARM_ENOMEM);
    dt_free(&dt);
}

/* A tree with cells of the given sizes, two memory nodes, and one that only sounds like it. */
static void make_memory_tree(struct dt *dt, uint32_t acells, uint32_t scells)
{
    static const char *const names[] = {"memory@0", "memory", "memory-controller@1000"};

    dt_create(dt);
    dt_begin(dt, "");
    DT_CELLS(dt, "#address-cells", acells);
    DT_CELLS(dt, "#size-cells", scells);
    for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
        dt_begin(dt, names[i]);
        dt_string(dt, "device_type", "memory");
        dt_end(dt);
    }
    dt_end(dt);
    assert_int_equal(dt_finish(dt, NULL), 0);
}

static void test_set_memory_replaces_memory_nodes(void **state)
{
    static const struct {
        uint32_t acells, scells;
        uint64_t size;
        int rc;
        uint8_t reg[16];
    } rows[] = {
        {2, 2, UINT64_C(5) << 30, 0, {0, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 1, 0x40, 0, 0, 0}},
        {1, 1, UINT64_C(1) << 30, 0, {0x40, 0, 0, 0, 0x40, 0, 0, 0}},
        {2, 1, UINT64_C(1) << 30, 0, {0, 0, 0, 0, 0x40, 0, 0, 0, 0x40, 0, 0, 0}},
        {2, 1, UINT64_C(5) << 30, -ARM_EFORMAT, {0}},
        {1, 2, UINT64_C(4) << 30, -ARM_EFORMAT, {0}},
        {3, 2, UINT64_C(1) << 30, -ARM_EFORMAT, {0}},
        {2, 0, UINT64_C(1) << 30, -ARM_EFORMAT, {0}},
    };

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        struct arm_error err = {0};
        struct dt dt;
        int node, size;

        make_memory_tree(&dt, rows[i].acells, rows[i].scells);
        assert_int_equal(dt_set_memory(&dt, RAM_BASE, rows[i].size, &err), rows[i].rc);
        if (rows[i].rc == 0) {
            assert_int_equal(fdt_path_offset(dt.blob, "/memory@0"), -FDT_ERR_NOTFOUND);
            node = fdt_path_offset(dt.blob, "/memory@40000000");
            assert_true(node > 0);
            const void *reg = fdt_getprop(dt.blob, node, "reg", &size);
            assert_int_equal(size, 4 * (rows[i].acells + rows[i].scells));
            assert_memory_equal(reg, rows[i].reg, (size_t)size);
            assert_true(fdt_path_offset(dt.blob, "/memory-controller@1000") > 0);
        } else {
            assert_non_null(strstr(err.text, "device tree: /: "));
        }
        dt_free(&dt);
    }
}

static void test_set_chosen_keeps_what_it_is_not_told(void **state)
{
    struct dt dt;
    int node, size;
    char *longest = malloc(100000);

    (void)state;
    make_dt(&dt);
    assert_int_equal(dt_set_chosen(&dt, "first", 0, 0, NULL), 0);
    node = fdt_path_offset(dt.blob, "/chosen");
    assert_null(fdt_getprop(dt.blob, node, "linux,initrd-start", NULL));
    assert_int_equal(dt_set_chosen(&dt, NULL, UINT64_C(0x1ffffff00), 0x200, NULL), 0);
    node = fdt_path_offset(dt.blob, "/chosen");
    assert_string_equal(fdt_getprop(dt.blob, node, "bootargs", NULL), "first");
    const fdt64_t *start = fdt_getprop(dt.blob, node, "linux,initrd-start", &size);
    assert_int_equal(size, 8);
    assert_int_equal(fdt64_ld(start), 0x1ffffff00);
    memset(longest, 'a', 99999);
    longest[99999] = 0;
    assert_int_equal(dt_set_chosen(&dt, longest, 0, 0, NULL), 0);
    node = fdt_path_offset(dt.blob, "/chosen");
    assert_string_equal(fdt_getprop(dt.blob, node, "bootargs", NULL), longest);
    assert_non_null(fdt_getprop(dt.blob, node, "linux,initrd-end", NULL));
    free(longest);
    dt_free(&dt);
}

static void test_tree_is_loaded_from_a_file(void **state)
{
    struct bytes b = make_dtb(), copy = make_dtb();
    char *path = temp_file(b);
    struct dt dt;

    (void)state;
    assert_int_equal(dt_load(&dt, path, NULL), 0);
    assert_int_equal(dt_size(&dt), copy.size);
    assert_memory_equal(dt.blob, copy.data, copy.size);
    dt_free(&dt);
    free(copy.data);
    remove_file(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_built_tree_reads_back),
        cmocka_unit_test(test_first_error_sticks_and_is_reported_once),
        cmocka_unit_test(test_tree_grows_as_it_is_built),
        cmocka_unit_test(test_tree_larger_than_the_buffer_is_an_error),
        cmocka_unit_test(test_set_memory_replaces_memory_nodes),
        cmocka_unit_test(test_set_chosen_keeps_what_it_is_not_told),
        cmocka_unit_test(test_tree_is_loaded_from_a_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
