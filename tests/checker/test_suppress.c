/* Findings that are known. */
#include "checker/suppress.h"
#include "tests/temp_file.h"

static void test_a_suppression_takes_its_rule_register_and_place(void **state)
{
    (void)state;
    struct suppressions *s = suppressions_load(temp_file("# known\n"
                                                         "LOST TPIDR_EL1 restore it is meant so\n"
                                                         "LEAK * 0x1000 the same\n"),
                                               NULL);
    struct finding f = {.rule = RULE_LOST, .reg = arm_reg_number("TPIDR_EL1")};

    assert_non_null(s);
    assert_true(suppressions_take(s, &f, "restore+0x10"));
    assert_false(suppressions_take(s, &f, "restored+0x10"));
    assert_false(suppressions_take(s, &f, NULL));
    f.reg = arm_reg_number("TPIDR_EL0");
    assert_false(suppressions_take(s, &f, "restore+0x10"));
    f.rule = RULE_LEAK;
    assert_false(suppressions_take(s, &f, NULL));
    f.at.pc = 0x1000;
    assert_true(suppressions_take(s, &f, NULL));
    suppressions_free(s);
}

static void test_a_suppression_needs_a_rule_and_a_reason(void **state)
{
    (void)state;
    struct arm_error err = {0};

    assert_null(suppressions_load(temp_file("LOST TPIDR_EL1 restore\n"), &err));
    assert_non_null(strstr(err.text, "a reason"));
    assert_null(suppressions_load(temp_file("FLY * * because\n"), &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_suppression_takes_its_rule_register_and_place),
        cmocka_unit_test(test_a_suppression_needs_a_rule_and_a_reason),
    };

    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
