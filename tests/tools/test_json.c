/* JSON, as much as QMP needs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "json.h"

static void assert_size(const char *text, size_t expected, bool expected_good)
{
    bool good;

    assert_int_equal(json_object_size(text, strlen(text), &good), expected);
    assert_int_equal(good, expected_good);
}

static void test_an_object_is_whole_when_its_brace_has_come(void **state)
{
    (void)state;
    assert_size("", 0, true);
    assert_size(" \n", 0, true);
    assert_size("{", 0, true);
    assert_size("{}", 2, true);
    assert_size(" {\"a\": {\"b\": [1, 2, {}]}} {", 25, true);
    assert_size("{\"a\": \"}\\\"\"", 0, true);
    assert_size("{\"a\": \"}\\\"\"}", 12, true);
    assert_size("stop\n", 0, false);
    assert_size("[1]", 0, false);
}

static void test_depth_without_end_is_no_object(void **state)
{
    (void)state;
    char text[4096];

    memset(text, '[', sizeof(text));
    text[0] = '{';
    bool good;
    assert_int_equal(json_object_size(text, sizeof(text), &good), 0);
}

static void assert_member(const char *object, const char *name, const char *expected)
{
    g_autofree char *value = json_member(object, name);

    if (expected)
        assert_string_equal(value, expected);
    else
        assert_null(value);
}

static void test_a_member_is_found_by_its_name(void **state)
{
    (void)state;
    static const char object[] = "{ \"execute\" : \"stop\", \"n\":{\"execute\":1}, \"id\": [1, "
                                 "\"a,b\"], \"\\u0061\": -2.5e3 }";

    assert_member(object, "execute", "\"stop\"");
    assert_member(object, "n", "{\"execute\":1}");
    assert_member(object, "id", "[1, \"a,b\"]");
    assert_member(object, "a", "-2.5e3");
    assert_member(object, "b", NULL);
    assert_member("{}", "a", NULL);
    assert_member("{\"a\"", "a", NULL);
    assert_member("{\"a\":}", "a", NULL);
    assert_member("{\"a\" 1}", "a", NULL);
    assert_member("7", "a", NULL);
}

static void assert_text(const char *text, const char *expected)
{
    g_autofree char *value = json_string(text);

    if (expected)
        assert_string_equal(value, expected);
    else
        assert_null(value);
}

static void test_elements_come_in_their_order(void **state)
{
    (void)state;
    const char *at = " 1, {\"a\": [2]} ,\"x\"]";
    static const char *const values[] = {"1", "{\"a\": [2]}", "\"x\""};
    char *name, *value;

    for (size_t k = 0; k < sizeof(values) / sizeof(values[0]); k++) {
        assert_true(json_next(&at, &name, &value));
        assert_null(name);
        assert_string_equal(value, values[k]);
        g_free(value);
    }
    assert_false(json_next(&at, &name, &value));
    assert_string_equal(at, "]");
    at = "\"a\": }";
    assert_false(json_next(&at, &name, &value));
    assert_null(name);
}

static void test_strings_come_back_as_they_were(void **state)
{
    (void)state;
    assert_text("\"a\\n\\\"\\\\\\/\\u00e9\\ud83d\\ude00\"", "a\n\"\\/\xc3\xa9\xf0\x9f\x98\x80");
    assert_text("\"\\u0000\\ud800x\"", "\xef\xbf\xbd\xef\xbf\xbdx");
    assert_text("\"open", NULL);
    assert_text("12", NULL);
    g_autoptr(GString) out = g_string_new(NULL);
    json_add_string(out, "a\"b\\c\n\t\x01");
    assert_string_equal(out->str, "\"a\\\"b\\\\c\\n\\t\\u0001\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_object_is_whole_when_its_brace_has_come),
        cmocka_unit_test(test_depth_without_end_is_no_object),
        cmocka_unit_test(test_a_member_is_found_by_its_name),
        cmocka_unit_test(test_elements_come_in_their_order),
        cmocka_unit_test(test_strings_come_back_as_they_were),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
