/* Findings that are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "checker/suppress.h"

static char path[64];

static const char *file(const char *text)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
    fclose(f);
    return path;
}

static int make_name(void **state)
{
    (void)state;
    strcpy(path, "/tmp/armillary-test-XXXXXX");
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void test_a_suppression_takes_its_rule_register_and_place(void **state)
{
    (void)state;
    struct suppressions *s = suppressions_load(file("# known\n"
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

    assert_null(suppressions_load(file("LOST TPIDR_EL1 restore\n"), &err));
    assert_non_null(strstr(err.text, "a reason"));
    assert_null(suppressions_load(file("FLY * * because\n"), &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_suppression_takes_its_rule_register_and_place),
        cmocka_unit_test(test_a_suppression_needs_a_rule_and_a_reason),
    };

    return cmocka_run_group_tests(tests, make_name, remove_file);
}
