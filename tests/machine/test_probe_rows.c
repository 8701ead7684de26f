/*
 * Every row of base/probe.def is fired by a program, with its fields. A row without a test here
 * does not compile.
 */
#include "tests/machine/probe_checks_insn.h"
#include "tests/machine/probe_checks_machine.h"

#define PROBE(number, NAME, ...)                                                                   \
    static void test_row_##NAME(void **state)                                                      \
    {                                                                                              \
        (void)state;                                                                               \
        check_##NAME();                                                                            \
    }
#include "base/probe.def"
#undef PROBE

int main(void)
{
    const struct CMUnitTest tests[] = {
#define PROBE(number, NAME, ...) cmocka_unit_test(test_row_##NAME),
#include "base/probe.def"
#undef PROBE
    };

    return cmocka_run_group_tests(tests, run_programs, NULL);
}
