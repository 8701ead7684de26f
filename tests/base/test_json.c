#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void assert_quoted(const char *text, const char *expected)
{
    g_autoptr(GString) out = g_string_new("x");

    json_quote(out, text);
    assert_string_equal(out->str, expected);
}

static void test_what_ends_a_string_is_escaped(void **state)
{
    (void)state;
    assert_quoted("", "x\"\"");
    assert_quoted("a\"b\\c/", "x\"a\\\"b\\\\c/\"");
}

static void test_control_characters_are_numbers_and_utf_8_stays(void **state)
{
    (void)state;
    assert_quoted("\n\t\x01 ~", "x\"\\u000a\\u0009\\u0001 ~\"");
    assert_quoted("\xc3\xa9", "x\"\xc3\xa9\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_ends_a_string_is_escaped),
        cmocka_unit_test(test_control_characters_are_numbers_and_utf_8_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
