/* Every cryptographic row against QEMU's user-mode emulator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/cpu/exec_oracle.h"

static const struct oracle_row rows[] = {
#define A64(name, ...) {A64_##name, exec_##name},
#include "arch/a64_crypto.def"
#undef A64
};

static void test_rows_agree_with_qemu(void **state)
{
    (void)state;
    oracle_check(rows, ARRAY_SIZE(rows), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_agree_with_qemu),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
