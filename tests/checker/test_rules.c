/* The table of rules, and lists of their names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "checker/rules.h"

static unsigned wanted(const char *text)
{
    bool on[RULE_COUNT];
    unsigned count = 0;

    assert_int_equal(rules_parse(text, on, NULL), 0);
    for (unsigned k = 0; k < RULE_COUNT; k++)
        count += on[k];
    return count;
}

static void test_rules_have_a_name_of_their_own_a_meaning_and_a_source(void **state)
{
    (void)state;
    const char *meaning;
    bool warning;

    for (unsigned k = 0; k < RULE_COUNT; k++) {
        assert_string_equal(arm_check_rule(k, &meaning, &warning), rule_rows[k].name);
        assert_true(*meaning && *rule_rows[k].section);
        assert_int_equal(strspn(rule_rows[k].name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789"),
                         strlen(rule_rows[k].name));
        for (unsigned n = 0; n < k; n++)
            assert_string_not_equal(rule_rows[k].name, rule_rows[n].name);
    }
    assert_null(arm_check_rule(RULE_COUNT, &meaning, &warning));
}

static void test_every_rule_has_a_page_that_says_what_is_wrong_and_when_it_is_right(void **state)
{
    (void)state;
    static const char *const parts[] = {"**What is wrong.**", "**When it is right.**",
                                        "**The manual.**"};
    char path[256], text[16384];

    for (unsigned k = 0; k < RULE_COUNT; k++) {
        snprintf(path, sizeof(path), "%s/docs/rules/%s.md", ARMILLARY_SOURCES, rule_rows[k].name);
        FILE *f = fopen(path, "rb");
        if (!f)
            fail_msg("%s: no such page", path);
        text[fread(text, 1, sizeof(text) - 1, f)] = '\0';
        fclose(f);
        for (unsigned n = 0; n < 3; n++)
            if (!strstr(text, parts[n]))
                fail_msg("%s: no %s", path, parts[n]);
    }
}

static void test_a_list_names_rules_or_takes_them_away(void **state)
{
    (void)state;
    assert_int_equal(wanted(NULL), RULE_COUNT);
    assert_int_equal(wanted("all"), RULE_COUNT);
    assert_int_equal(wanted("none"), 0);
    assert_int_equal(wanted("CLOBBER"), 1);
    assert_int_equal(wanted("clobber"), 1);
    assert_int_equal(wanted("-CLOBBER"), RULE_COUNT - 1);
    assert_int_equal(wanted("all,-CLOBBER"), RULE_COUNT - 1);
    assert_int_equal(wanted("none,CLOBBER"), 1);
}

static void test_an_unknown_name_is_refused_by_name(void **state)
{
    (void)state;
    bool on[RULE_COUNT];
    struct arm_error err = {0};

    assert_int_equal(rules_parse("CLOBBER,FLY", on, &err), -ARM_EINVAL);
    assert_non_null(strstr(err.text, "\"FLY\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules_have_a_name_of_their_own_a_meaning_and_a_source),
        cmocka_unit_test(test_every_rule_has_a_page_that_says_what_is_wrong_and_when_it_is_right),
        cmocka_unit_test(test_a_list_names_rules_or_takes_them_away),
        cmocka_unit_test(test_an_unknown_name_is_refused_by_name),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
