/* Descriptions of cores: what a file may say, and what is said about one that is wrong. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <string.h>

#include "model/params.h"
#include "model/shipped.h"

static char *write_file(const char *text)
{
    char *path = g_strdup("/tmp/armillary-XXXXXX.model");
    int fd = g_mkstemp(path);

    assert_true(fd >= 0);
    g_close(fd, NULL);
    assert_true(g_file_set_contents(path, text, -1, NULL));
    return path;
}

/* The core of @text, which is freed; NULL and *err. */
static struct arm_core *load(const char *text, struct arm_error *err)
{
    char *path = write_file(text);
    struct arm_core *core = arm_core_new(path, err);

    g_unlink(path);
    g_free(path);
    return core;
}

static void test_every_shipped_model_loads_and_is_labelled(void **state)
{
    (void)state;
    unsigned count = 0;

    for (const char *name; (name = arm_core_model(count)); count++) {
        struct arm_error err = {0};
        struct arm_core *core = arm_core_new(name, &err);
        assert_string_equal(err.text, "");
        assert_non_null(core);
        g_autofree char *label = g_strdup_printf("modelled, %s-like", name);
        assert_string_equal(arm_core_label(core), label);
        arm_core_free(core);
    }
    assert_true(count >= 2);
}

/* A number without one is somebody's whim. */
static void test_every_number_of_a_shipped_model_has_its_source(void **state)
{
    (void)state;
    for (unsigned k = 0; k < shipped_count; k++) {
        g_auto(GStrv) lines = g_strsplit(shipped_models[k].text, "\n", -1);
        unsigned set = 0;
        for (char **l = lines; *l; l++) {
            if (**l == '#' || !**l || g_str_has_prefix(*l, "name"))
                continue;
            set++;
            if (!strstr(*l, "# source: ") && !strstr(*l, "# assumed: "))
                fail_msg("%s: \"%s\" has no source", shipped_models[k].name, *l);
        }
        assert_int_equal(set, PARAM_COUNT);
    }
}

static void test_a_file_sets_what_it_names_and_nothing_else(void **state)
{
    (void)state;
    struct arm_core *core =
        load("# a core\nname = mine\n\nwidth = 3   # source: none\n predictor=static\n", NULL);

    assert_non_null(core);
    assert_string_equal(arm_core_label(core), "modelled, mine");
    for (unsigned k = 0; k < PARAM_COUNT; k++) {
        struct arm_core_parameter row;
        assert_true(arm_core_describe(k, &row));
        uint64_t want = k == P_width ? 3 : k == P_predictor ? PREDICT_STATIC : row.def;
        assert_int_equal(arm_core_value(core, k), want);
        assert_in_range(row.def, row.min, row.max);
    }
    arm_core_free(core);
}

static void test_an_error_names_file_line_and_what_was_expected(void **state)
{
    (void)state;
    static const struct {
        const char *text, *said;
    } wrong[] = {
        {"\nwidht = 2\n", ":2: \"widht\": expected a parameter"},
        {"width = 9\n", ":1: width = 9: expected a number, 1 to 8 insns/cycle"},
        {"width = two\n", ":1: width = two: expected a number"},
        {"width\n", ":1: \"width\": expected NAME = VALUE"},
        {"predictor = perceptron\n", "expected static or bimodal or gshare"},
        {"l1d_size = 48\n", "l1d_size = 48: expected a power of two, 1 to 1024 KiB"},
        {"width = 2\nwidth = 2\n", ":2: width: is set twice"},
        {"l1d_size = 1\nl1d_ways = 32\n", "l1d_size = 1 KiB: expected room for l1d_ways = 32"},
        {"tlb2_entries = 1280\n", "expected a power of two times tlb2_ways = 4"},
        {"lat_alu = -1\n", "expected a number, 1 to 64 cycles"},
        {"lat_alu = 99999999999999999999\n", "expected a number, 1 to 64 cycles"},
        {"name =\n", "expected 1 to 31 characters"},
    };

    for (size_t k = 0; k < G_N_ELEMENTS(wrong); k++) {
        struct arm_error err = {0};
        assert_null(load(wrong[k].text, &err));
        if (!strstr(err.text, wrong[k].said))
            fail_msg("\"%s\" was said, not \"%s\"", err.text, wrong[k].said);
        assert_non_null(strstr(err.text, ".model:"));
    }
}

static void test_a_model_that_there_is_not_is_answered_with_those_that_there_are(void **state)
{
    (void)state;
    struct arm_error err = {0};

    assert_null(arm_core_new("a54", &err));
    assert_string_equal(err.text, "\"a54\": expected a53, n1 or a file (NAME.model)");
    assert_null(arm_core_new("no/such.model", &err));
    assert_non_null(strstr(err.text, "no/such.model"));
}

static void test_a_changed_core_says_so_in_its_label(void **state)
{
    (void)state;
    struct arm_core *core = arm_core_new("a53", NULL);
    struct arm_error err = {0};

    assert_int_equal(arm_core_set(core, "prefetcher", "none", &err), 0);
    assert_string_equal(arm_core_label(core), "modelled, a53-like with prefetcher=none");
    assert_int_equal(arm_core_set(core, "prefetcher", "all", &err), -ARM_EINVAL);
    assert_string_equal(arm_core_label(core), "modelled, a53-like with prefetcher=none");
    arm_core_free(core);
}

static void test_variants_differ_in_one_parameter_each_and_every_parameter_has_one(void **state)
{
    (void)state;
    struct arm_core *core = arm_core_new("a53", NULL), **list;
    unsigned count = arm_core_variants(core, &list), of[PARAM_COUNT] = {0};

    for (unsigned k = 0; k < PARAM_COUNT; k++)
        assert_int_equal(list[0]->v[k], core->v[k]);
    for (unsigned v = 1; v < count; v++) {
        unsigned differences = 0;
        for (unsigned k = 0; k < PARAM_COUNT; k++)
            if (list[v]->v[k] != core->v[k]) {
                differences++;
                of[k]++;
            }
        assert_int_equal(differences, 1);
    }
    for (unsigned k = 0; k < PARAM_COUNT; k++)
        assert_in_range(of[k], 1, 2);
    arm_core_variants_free(list, count);
    arm_core_free(core);
}

static void test_the_parameter_that_moves_a_result_most_comes_first(void **state)
{
    (void)state;
    struct arm_core *core = arm_core_new("a53", NULL), **list;
    unsigned count = arm_core_variants(core, &list);
    g_autofree double *result = g_new(double, count);
    struct arm_influence out[3];

    /* A result that is made of two latencies and nothing else. */
    for (unsigned k = 0; k < count; k++)
        result[k] = 1000 + 10 * list[k]->v[P_isb] + 100 * list[k]->v[P_exception_entry];
    assert_int_equal(arm_core_influences(list, count, result, out, 3), 2);
    assert_string_equal(out[0].parameter, "exception_entry");
    assert_string_equal(out[1].parameter, "isb");
    assert_int_equal(out[0].from, core->v[P_exception_entry]);
    double moved = 100.0 * ((double)out[0].to - (double)out[0].from) / result[0];
    assert_true(out[0].change - moved < 1e-9 && moved - out[0].change < 1e-9);
    arm_core_variants_free(list, count);
    arm_core_free(core);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_shipped_model_loads_and_is_labelled),
        cmocka_unit_test(test_every_number_of_a_shipped_model_has_its_source),
        cmocka_unit_test(test_a_file_sets_what_it_names_and_nothing_else),
        cmocka_unit_test(test_an_error_names_file_line_and_what_was_expected),
        cmocka_unit_test(test_a_model_that_there_is_not_is_answered_with_those_that_there_are),
        cmocka_unit_test(test_a_changed_core_says_so_in_its_label),
        cmocka_unit_test(test_variants_differ_in_one_parameter_each_and_every_parameter_has_one),
        cmocka_unit_test(test_the_parameter_that_moves_a_result_most_comes_first),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
