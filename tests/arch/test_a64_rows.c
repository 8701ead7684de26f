/* The decoder's table by itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "arch/insn.h"
#include "base/bits.h"
#include "tests/random.h"

static void test_every_row_can_be_reached(void **state)
{
    uint64_t random = test_seed(1);
    unsigned unreachable = 0;

    (void)state;
    for (unsigned op = 0; op < A64_UNALLOCATED; op++) {
        bool found = false;
        for (unsigned k = 0; k < 200000 && !found; k++) {
            uint32_t r = (uint32_t)random_next(&random) & ~a64_rows[op].mask;
            found = a64_lookup(r | a64_rows[op].value) == op;
        }
        if (!found)
            print_message("%s: no word decodes to this row\n", a64_rows[op].name);
        unreachable += !found;
    }
    assert_int_equal(unreachable, 0);
}

static void test_half_precision_complex_rows_need_two_features(void **state)
{
    static const enum a64_op ops[] = {A64_FCMLA_vec_h, A64_FCADD_vec_h, A64_FCMLA_elem_h};

    (void)state;
    for (unsigned k = 0; k < ARRAY_SIZE(ops); k++) {
        struct features f = {0};

        set_feature(&f, FEAT_FP16, true);
        assert_int_equal(a64_missing_feature(ops[k], &f), FEAT_FCMA);
        set_feature(&f, FEAT_FCMA, true);
        assert_int_equal(a64_missing_feature(ops[k], &f), FEAT_BASE);
        set_feature(&f, FEAT_FP16, false);
        assert_int_equal(a64_missing_feature(ops[k], &f), FEAT_FP16);
    }
}

static void test_row_names_are_unique(void **state)
{
    (void)state;
    for (unsigned a = 0; a < A64_UNALLOCATED; a++)
        for (unsigned b = a + 1; b < A64_UNALLOCATED; b++)
            if (!strcmp(a64_rows[a].name, a64_rows[b].name))
                fail_msg("two rows are called %s", a64_rows[a].name);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_row_names_are_unique),
        cmocka_unit_test(test_every_row_can_be_reached),
        cmocka_unit_test(test_half_precision_complex_rows_need_two_features),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
