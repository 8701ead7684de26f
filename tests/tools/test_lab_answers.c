/* The answers of `armillary lab` follow from the numbers: planted ones (tools/cli/lab_answers.h).
 */
#include "tools/cli/lab_answers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_says(char *answer, const char *words)
{
    if (!strstr(answer, words))
        fail_msg("expected \"%s\" in: %s", words, answer);
    g_free(answer);
}

/* ---- deferred ---- */

static struct deferred_numbers deferred(void)
{
    return (struct deferred_numbers){
        .insns = {{10, 40, 12}, {11, 44, 13}, {3, 9, 12}},
        .site_bytes = {{8, 32, 4}, {8, 32, 4}, {40, 160, 4000}},
        .shares = 3,
        .share = {0, 50, 100},
        .moved = {{80, 80, 80}, {10, 40, 60}, {0, 60, 120}},
    };
}

static void test_the_least_form_at_constant_sites_is_named(void **state)
{
    struct deferred_numbers n = deferred();

    (void)state;
    assert_says(deferred_answer(&n), "At a constant site the header needs least");
    n.insns[DEFERRED_TABLE][DEFERRED_ONE] = 2;
    assert_says(deferred_answer(&n), "At a constant site the table needs least");
}

static void test_a_header_that_is_hardly_faster_is_not_worth_its_bytes(void **state)
{
    struct deferred_numbers n = deferred();

    (void)state;
    n.insns[DEFERRED_INLINE][DEFERRED_ANY] = 11;
    assert_says(deferred_answer(&n), "one shared function should do it");
    n.insns[DEFERRED_INLINE][DEFERRED_ANY] = 6;
    assert_says(deferred_answer(&n), "the header wins there too, for 4000 bytes");
}

static void test_deferring_pays_until_the_lines_cross(void **state)
{
    struct deferred_numbers n = deferred();

    (void)state;
    assert_float_equal(deferred_crossing(&n), 50 + 50.0 * 20 / 60, 1e-6);
    assert_says(deferred_answer(&n), "until 67 % of exits");
    n.moved[DEFERRED_DEFERRED][2] = 79;
    assert_true(deferred_crossing(&n) > 100);
    assert_says(deferred_answer(&n), "at every share");
    n.moved[DEFERRED_DEFERRED][0] = 81;
    assert_float_equal(deferred_crossing(&n), 0, 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_least_form_at_constant_sites_is_named),
        cmocka_unit_test(test_a_header_that_is_hardly_faster_is_not_worth_its_bytes),
        cmocka_unit_test(test_deferring_pays_until_the_lines_cross),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
