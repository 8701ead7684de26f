/* The rows of arch/a64_simd.def against QEMU: see tests/cpu/exec_oracle.h. */
#include "tests/cpu/exec_oracle.h"

static const struct oracle_row simd_rows[] = {
#define A64(name, ...) {A64_##name, exec_##name},
#include "arch/a64_simd.def"
#undef A64
};

static void test_every_row_agrees_with_qemu(void **state)
{
    (void)state;
    oracle_check(simd_rows, ARRAY_SIZE(simd_rows), 0);
}

static void test_words_outside_the_conditions_are_undefined(void **state)
{
    (void)state;
    oracle_check_unallocated(simd_rows, ARRAY_SIZE(simd_rows));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_row_agrees_with_qemu),
        cmocka_unit_test(test_words_outside_the_conditions_are_undefined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
