/* Device trees: what is written is read, and nothing in a broken one is believed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "hyp/fake.h"
#include "hyp/fdt.h"
#include "hyp/opts.h"
#include "tests/random.h"

static uint8_t blob[2048];

static uint32_t write_tree(void)
{
    struct fdt_writer w;

    fdt_begin(&w, blob, sizeof(blob));
    fdt_put(&w, "compatible", "first\0second", 13);
    fdt_node(&w, "chosen");
    fdt_put_string(&w, "bootargs", "a b");
    fdt_node(&w, "module@1000");
    fdt_put_string(&w, "compatible", "multiboot,module");
    FDT_CELLS(&w, "reg", 1, 2, 3, 4);
    fdt_end_node(&w);
    fdt_end_node(&w);
    fdt_node(&w, "cpus");
    fdt_end_node(&w);
    return fdt_finish(&w);
}

static void test_what_is_written_is_read(void **state)
{
    uint32_t size = write_tree();
    uint64_t base, bytes;
    struct fdt f;
    int node;

    (void)state;
    assert_int_not_equal(size, 0);
    assert_true(fdt_open(&f, blob, size));
    assert_true(fdt_is_compatible(&f, fdt_root(&f), "second"));
    assert_false(fdt_is_compatible(&f, fdt_root(&f), "sec"));
    assert_string_equal(fdt_string(&f, fdt_find(&f, "/chosen"), "bootargs"), "a b");
    node = fdt_find(&f, "/chosen/module");
    assert_string_equal(fdt_name(&f, node), "module@1000");
    assert_true(fdt_reg(&f, node, 0, &base, &bytes));
    assert_int_equal(base, UINT64_C(0x100000002));
    assert_int_equal(bytes, UINT64_C(0x300000004));
    assert_false(fdt_reg(&f, node, 1, &base, &bytes));
    assert_int_equal(fdt_compatible(&f, fdt_root(&f), "multiboot,module"), node);
    assert_int_equal(fdt_sibling(&f, fdt_find(&f, "/chosen")), fdt_find(&f, "/cpus"));
    assert_int_equal(fdt_find(&f, "/cpu"), FDT_NONE);
}

static void test_a_tree_that_does_not_fit_is_no_tree(void **state)
{
    struct fdt_writer w;

    (void)state;
    fdt_begin(&w, blob, 100);
    fdt_put_string(&w, "property", "a text that is longer than what is left of it");
    assert_int_equal(fdt_finish(&w), 0);
}

static void look_at_all(const struct fdt *f, int node, unsigned depth)
{
    uint64_t a, b;

    for (; node >= 0 && depth < 40; node = fdt_sibling(f, node)) {
        (void)fdt_string(f, node, "bootargs");
        (void)fdt_is_compatible(f, node, "multiboot,module");
        (void)fdt_reg(f, node, 0, &a, &b);
        look_at_all(f, fdt_child(f, node), depth + 1);
    }
}

/* ASan would say. */
static void test_broken_trees_are_read_within_their_bytes(void **state)
{
    uint32_t size = write_tree();
    uint64_t r = test_seed(1);

    (void)state;
    for (unsigned k = 0; k < 20000; k++) {
        uint8_t *copy = malloc(size);
        struct fdt f;

        memcpy(copy, blob, size);
        for (unsigned n = 0; n < 4; n++)
            copy[random_next(&r) % size] = (uint8_t)random_next(&r) % 256;
        if (fdt_open(&f, copy, size))
            look_at_all(&f, fdt_root(&f), 0);
        free(copy);
    }
}

static void test_options_are_words_of_the_command_line(void **state)
{
    (void)state;
    opts_init();
    assert_int_equal(opts.fp, OPT_fp_integrated);
    assert_int_equal(opts.memory, 192 << 20);
    opts_parse("quiet hyp.fp=lazy hyp.lr_order=reverse  hyp.memory=0x10M console=ttyAMA0");
    assert_null(opts_complaint());
    assert_int_equal(opts.fp, OPT_fp_lazy);
    assert_int_equal(opts.lr_order, OPT_lr_order_reverse);
    assert_int_equal(opts.memory, 16 << 20);
    opts_parse("hyp.fp=laz");
    assert_string_equal(opts_complaint(), "hyp.fp is one of: eager, lazy, integrated, bound");
    opts_parse("hyp.fps=lazy");
    assert_string_equal(opts_complaint(), "there is no option hyp.fps=lazy");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_written_is_read),
        cmocka_unit_test(test_a_tree_that_does_not_fit_is_no_tree),
        cmocka_unit_test(test_broken_trees_are_read_within_their_bytes),
        cmocka_unit_test(test_options_are_words_of_the_command_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
