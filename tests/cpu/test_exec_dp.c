/* The rows of arch/a64_dp.def against QEMU: see tests/cpu/exec_oracle.h. Pointer authentication,
 * whose keys QEMU chooses, is tests/cpu/test_pauth.c; ADR and ADRP depend on the PC. */
#include "tests/cpu/exec_oracle.h"

static const struct oracle_row dp_rows[] = {
#define A64(name, ...) {A64_##name, exec_##name},
#include "arch/a64_dp.def"
#undef A64
};

static bool can_be_compared(enum a64_op op)
{
    return op != A64_ADR && op != A64_ADRP && op != A64_UDF && a64_rows[op].feature != FEAT_PAuth;
}

static void test_every_row_agrees_with_qemu(void **state)
{
    struct oracle_row rows[ARRAY_SIZE(dp_rows)];
    size_t n = 0;

    (void)state;
    for (size_t k = 0; k < ARRAY_SIZE(dp_rows); k++)
        if (can_be_compared(dp_rows[k].op))
            rows[n++] = dp_rows[k];
    oracle_check(rows, n, 0);
}

static void test_words_outside_the_conditions_are_undefined(void **state)
{
    (void)state;
    oracle_check_unallocated(dp_rows, ARRAY_SIZE(dp_rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_agrees_with_qemu),
        cmocka_unit_test(test_words_outside_the_conditions_are_undefined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
