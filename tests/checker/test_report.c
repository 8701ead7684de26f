/* Reports in JSON, JUnit and SARIF: well-formed, with the members that their readers require. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "checker/account.h"
#include "checker/account_state.h"
#include "checker/checker.h"
#include "checker/report.h"

/* ---- a reader of JSON (RFC 8259), strict ---- */

struct json {
    char type;        /* { [ " 0 (a number) t (true, false, null) */
    char *text;       /* of a string, or of a number */
    GPtrArray *names; /* of an object */
    GPtrArray *items; /* of an object or an array */
};

static void json_free(void *ptr)
{
    struct json *j = ptr;

    g_free(j->text);
    if (j->names)
        g_ptr_array_unref(j->names);
    if (j->items)
        g_ptr_array_unref(j->items);
    g_free(j);
}

static void skip_space(const char **p)
{
    *p += strspn(*p, " \n\t\r");
}

static char *read_string(const char **p)
{
    GString *s = g_string_new(NULL);

    assert_int_equal(*(*p)++, '"');
    for (; **p != '"'; (*p)++) {
        assert_true((unsigned char)**p >= 0x20);
        if (**p != '\\') {
            g_string_append_c(s, **p);
            continue;
        }
        (*p)++;
        if (**p == 'u') {
            assert_int_equal(strspn(*p + 1, "0123456789abcdefABCDEF") >= 4, 1);
            g_autofree char *digits = g_strndup(*p + 1, 4);
            g_string_append_unichar(s, (gunichar)g_ascii_strtoull(digits, NULL, 16));
            *p += 4;
        } else {
            assert_non_null(strchr("\"\\/bfnrt", **p));
            g_string_append_c(s, **p);
        }
    }
    (*p)++;
    return g_string_free(s, FALSE);
}

static struct json *read_value(const char **p);

static void read_members(struct json *j, const char **p, char end)
{
    j->items = g_ptr_array_new_with_free_func(json_free);
    if (end == '}')
        j->names = g_ptr_array_new_with_free_func(g_free);
    (*p)++;
    skip_space(p);
    while (**p != end) {
        if (end == '}') {
            char *name = read_string(p);
            for (unsigned k = 0; k < j->names->len; k++)
                assert_string_not_equal(g_ptr_array_index(j->names, k), name);
            g_ptr_array_add(j->names, name);
            skip_space(p);
            assert_int_equal(*(*p)++, ':');
        }
        g_ptr_array_add(j->items, read_value(p));
        skip_space(p);
        assert_true(**p == ',' || **p == end);
        if (**p == ',') {
            (*p)++;
            skip_space(p);
            assert_int_not_equal(**p, end);
        }
    }
    (*p)++;
}

static struct json *read_value(const char **p)
{
    struct json *j = g_new0(struct json, 1);

    skip_space(p);
    j->type = **p;
    if (**p == '{' || **p == '[') {
        read_members(j, p, **p == '{' ? '}' : ']');
    } else if (**p == '"') {
        j->text = read_string(p);
    } else {
        size_t size = strspn(*p, "-0123456789");
        assert_true(size != 0); /* no other kind is written */
        j->type = '0';
        j->text = g_strndup(*p, size);
        *p += size;
    }
    return j;
}

static struct json *read_json(const char *text)
{
    struct json *j = read_value(&text);

    skip_space(&text);
    assert_int_equal(*text, 0);
    return j;
}

/* The member, or NULL. */
static const struct json *member(const struct json *j, const char *name)
{
    assert_int_equal(j->type, '{');
    for (unsigned k = 0; k < j->names->len; k++)
        if (strcmp(g_ptr_array_index(j->names, k), name) == 0)
            return g_ptr_array_index(j->items, k);
    return NULL;
}

static const struct json *item(const struct json *j, unsigned k)
{
    assert_int_equal(j->type, '[');
    assert_true(k < j->items->len);
    return g_ptr_array_index(j->items, k);
}

static void assert_text(const struct json *j, const char *name, const char *wanted)
{
    const struct json *m = member(j, name);

    assert_non_null(m);
    assert_true(m->type == '"' || m->type == '0');
    assert_string_equal(m->text, wanted);
}

/* ---- a checker with findings ---- */

static const struct world guest = {.name = "vm1/vcpu0"};

static void add(struct arm_checker *c, enum rule rule, uint64_t pc, uint64_t other,
                const char *text)
{
    struct finding f = {.rule = rule,
                        .world = &guest,
                        .reg = ARM_X(19),
                        .at = {.known = true, .cpu = 1, .el = 2, .pc = pc, .count = 5, .total = 9},
                        .hint = "<hint> & more"};

    f.other = (struct site){.known = other != 0, .el = 1, .pc = other};
    f.other_role = other ? "left" : NULL;
    g_strlcpy(f.text, text, sizeof(f.text));
    finding_report(c, &f);
}

static struct arm_checker *checker(bool with_findings)
{
    struct arm_checker *c = g_new0(struct arm_checker, 1);

    c->findings = findings_new();
    for (unsigned k = 0; k < RULE_COUNT; k++)
        c->rule_on[k] = true;
    if (with_findings) {
        add(c, RULE_CLOBBER, 0x40080000, 0x1000, "says \"1\" \\ and <2> & 3\n");
        add(c, RULE_CLOBBER, 0x40080000, 0x1000, "the same, once more");
        add(c, RULE_CLOBBER, 0x40080010, 0, "another");
        add(c, RULE_GIC_STATE, UINT64_C(0xffff800008000000), 0x2000, "high up");
        add(c, RULE_NODSB_WALK, 0x40080020, 0, "a warning");
    }
    return c;
}

/* Its first finding has a name and two callers. */
static void name_first(struct arm_checker *c)
{
    char ***places = &c->findings->list[0].places[0];

    g_strfreev(*places);
    *places = g_new0(char *, 4);
    (*places)[0] = g_strdup("pc 0x40080000 restore<1>+0x10");
    (*places)[1] = g_strdup("pc 0x40090000 run+0x4");
    (*places)[2] = g_strdup("pc 0x400a0000 main+0");
}

static void done(struct arm_checker *c)
{
    findings_free(c->findings);
    g_free(c);
}

/* ---- tests ---- */

static void test_json_has_an_object_a_finding(void **state)
{
    (void)state;
    struct arm_checker *c = checker(true);
    g_autoptr(GString) out = g_string_new(NULL);

    report_json(c, out);
    struct json *all = read_json(out->str);
    assert_int_equal(all->items->len, 4);
    const struct json *first = item(all, 0);
    assert_text(first, "rule", "CLOBBER");
    assert_text(first, "severity", "error");
    assert_text(first, "register", "x19");
    assert_text(first, "world", "vm1/vcpu0");
    assert_text(first, "text", "says \"1\" \\ and <2> & 3\n");
    assert_text(first, "hint", "<hint> & more");
    assert_text(first, "times", "2");
    assert_text(first, "other_role", "left");
    assert_text(member(first, "at"), "cpu", "1");
    assert_text(member(first, "at"), "el", "2");
    assert_text(member(first, "at"), "pc", "0x40080000");
    assert_text(member(first, "at"), "count", "5");
    assert_text(member(first, "at"), "instruction", "9");
    assert_text(member(first, "other"), "pc", "0x1000");
    assert_null(member(member(first, "at"), "symbol"));
    assert_null(member(member(first, "at"), "callers"));
    assert_null(member(item(all, 1), "other"));
    assert_text(item(all, 3), "severity", "warning");
    json_free(all);
    done(c);
}

/* OASIS SARIF 2.1.0: what 3.13, 3.14, 3.18, 3.19, 3.27, 3.29 and 3.32 require, and the words that
 * they allow. */
static void check_sarif_result(const struct json *r, const struct json *rules)
{
    const struct json *where = item(member(r, "locations"), 0);
    unsigned index = (unsigned)g_ascii_strtoull(member(r, "ruleIndex")->text, NULL, 10);

    assert_text(item(rules, index), "id", member(r, "ruleId")->text);
    assert_true(strcmp(member(r, "level")->text, "error") == 0 ||
                strcmp(member(r, "level")->text, "warning") == 0);
    assert_true(*member(member(r, "message"), "text")->text != 0);
    assert_true(g_ascii_strtoull(member(r, "occurrenceCount")->text, NULL, 10) >= 1);
    assert_non_null(member(item(member(where, "logicalLocations"), 0), "fullyQualifiedName"));
    const struct json *physical = member(where, "physicalLocation");
    if (physical)
        assert_true(g_ascii_strtoull(member(member(physical, "address"), "absoluteAddress")->text,
                                     NULL, 10) <= INT64_MAX);
}

static void test_sarif_has_what_its_standard_requires(void **state)
{
    (void)state;
    struct arm_checker *c = checker(true);
    g_autoptr(GString) out = g_string_new(NULL);

    report_sarif(c, out);
    struct json *log = read_json(out->str);
    assert_text(log, "version", "2.1.0");
    assert_int_equal(member(log, "runs")->items->len, 1);
    const struct json *run = item(member(log, "runs"), 0);
    const struct json *driver = member(member(run, "tool"), "driver");
    assert_text(driver, "name", "armillary");
    const struct json *rules = member(driver, "rules");
    assert_int_equal(rules->items->len, RULE_COUNT);
    for (unsigned k = 0; k < RULE_COUNT; k++) {
        assert_text(item(rules, k), "id", rule_rows[k].name);
        assert_text(member(item(rules, k), "shortDescription"), "text", rule_rows[k].meaning);
    }
    const struct json *results = member(run, "results");
    assert_int_equal(results->items->len, 4);
    for (unsigned k = 0; k < 4; k++)
        check_sarif_result(item(results, k), rules);
    assert_text(item(results, 0), "occurrenceCount", "2");
    assert_text(member(item(results, 1), "message"), "text", "x19 of vm1/vcpu0: another");
    assert_int_equal(member(item(results, 0), "relatedLocations")->items->len, 1);
    assert_null(member(item(results, 1), "relatedLocations"));
    assert_non_null(member(item(member(item(results, 0), "locations"), 0), "physicalLocation"));
    assert_null(member(item(member(item(results, 2), "locations"), 0), "physicalLocation"));
    json_free(log);
    done(c);
}

static void test_names_and_callers_are_in_every_report(void **state)
{
    (void)state;
    struct arm_checker *c = checker(true);
    g_autoptr(GString) out = g_string_new(NULL);

    name_first(c);
    report_json(c, out);
    struct json *all = read_json(out->str);
    const struct json *at = member(item(all, 0), "at");
    assert_text(at, "symbol", "restore<1>+0x10");
    assert_int_equal(member(at, "callers")->items->len, 2);
    assert_string_equal(item(member(at, "callers"), 1)->text, "0x400a0000 main+0");
    json_free(all);

    g_string_truncate(out, 0);
    report_sarif(c, out);
    all = read_json(out->str);
    const struct json *result = item(member(item(member(all, "runs"), 0), "results"), 0);
    const struct json *where = item(member(result, "locations"), 0);
    assert_text(item(member(where, "logicalLocations"), 0), "name", "restore<1>+0x10");
    const struct json *frames = member(item(member(result, "stacks"), 0), "frames");
    assert_int_equal(frames->items->len, 3);
    where = member(item(frames, 2), "location");
    assert_text(item(member(where, "logicalLocations"), 0), "fullyQualifiedName",
                "pc 0x400a0000 main+0");
    json_free(all);

    g_string_truncate(out, 0);
    report_junit(c, out);
    assert_non_null(strstr(out->str, "at: cpu1 EL2 pc 0x40080000 restore&lt;1&gt;+0x10,"));
    assert_non_null(strstr(out->str, "    from pc 0x40090000 run+0x4\n"));
    done(c);
}

/* What a reader of JUnit sees. */
struct junit {
    unsigned cases, failures, outputs, told_cases, told_failures;
    GString *clobber; /* the text of its failure */
    bool in_clobber;
};

static void element(GMarkupParseContext *context, const char *name, const char **names,
                    const char **values, void *ctx, GError **err)
{
    struct junit *j = ctx;

    (void)context, (void)err;
    j->cases += strcmp(name, "testcase") == 0;
    j->outputs += strcmp(name, "system-out") == 0;
    j->failures += strcmp(name, "failure") == 0;
    for (unsigned k = 0; names[k]; k++) {
        if (strcmp(name, "testsuite") == 0 && strcmp(names[k], "tests") == 0)
            j->told_cases = (unsigned)g_ascii_strtoull(values[k], NULL, 10);
        if (strcmp(name, "testsuite") == 0 && strcmp(names[k], "failures") == 0)
            j->told_failures = (unsigned)g_ascii_strtoull(values[k], NULL, 10);
        if (strcmp(name, "failure") == 0 && strcmp(names[k], "type") == 0)
            j->in_clobber = strcmp(values[k], "CLOBBER") == 0;
    }
}

static void characters(GMarkupParseContext *context, const char *text, gsize size, void *ctx,
                       GError **err)
{
    struct junit *j = ctx;

    (void)context, (void)err;
    if (j->in_clobber)
        g_string_append_len(j->clobber, text, (gssize)size);
}

static void element_ends(GMarkupParseContext *context, const char *name, void *ctx, GError **err)
{
    struct junit *j = ctx;

    (void)context, (void)err, (void)name;
    j->in_clobber = false;
}

static struct junit read_junit(const char *text)
{
    static const GMarkupParser parser = {
        .start_element = element, .end_element = element_ends, .text = characters};
    struct junit j = {.clobber = g_string_new(NULL)};
    GMarkupParseContext *context = g_markup_parse_context_new(&parser, 0, &j, NULL);

    assert_true(g_markup_parse_context_parse(context, text, -1, NULL));
    assert_true(g_markup_parse_context_end_parse(context, NULL));
    g_markup_parse_context_free(context);
    return j;
}

static void test_junit_has_a_case_a_rule_and_one_failure_for_all_its_findings(void **state)
{
    (void)state;
    struct arm_checker *c = checker(true);
    g_autoptr(GString) out = g_string_new(NULL);

    c->rule_on[RULE_PC] = false;
    report_junit(c, out);
    struct junit j = read_junit(out->str);
    assert_int_equal(j.cases, RULE_COUNT - 1);
    assert_int_equal(j.told_cases, j.cases);
    assert_int_equal(j.failures, 2);
    assert_int_equal(j.told_failures, j.failures);
    assert_int_equal(j.outputs, 1); /* of the warning */
    assert_non_null(strstr(j.clobber->str, "CLOBBER x19 of vm1/vcpu0: says \"1\" \\ and <2> & 3"));
    assert_non_null(strstr(j.clobber->str, "another"));
    assert_non_null(strstr(j.clobber->str, "left: cpu0 EL1 pc 0x1000"));
    assert_non_null(strstr(j.clobber->str, "hint: <hint> & more"));
    g_string_free(j.clobber, TRUE);
    done(c);
}

static void test_junit_has_one_case_for_a_budget(void **state)
{
    (void)state;
    struct arm_checker *c = checker(false);
    g_autoptr(GString) out = g_string_new(NULL);
    struct limit kept = {.kind = WORLD_GUEST, .reason = REASON_IRQ, .most = 9};
    struct limit exceeded = {.kind = WORLD_GUEST,
                             .phase = PHASE_TOTAL,
                             .most = 5,
                             .passages = 2,
                             .first = 6,
                             .worst = 8};

    c->account = account_new(NULL, 1);
    report_junit(c, out);
    struct junit j = read_junit(out->str);
    assert_int_equal(j.cases, RULE_COUNT);
    g_string_free(j.clobber, TRUE);

    g_string_truncate(out, 0);
    g_array_append_val(c->account->limits, kept);
    report_junit(c, out);
    j = read_junit(out->str);
    assert_int_equal(j.cases, RULE_COUNT + 1);
    assert_int_equal(j.told_cases, RULE_COUNT + 1);
    assert_int_equal(j.failures + j.told_failures, 0);
    g_string_free(j.clobber, TRUE);

    g_string_truncate(out, 0);
    g_array_append_val(c->account->limits, exceeded);
    report_junit(c, out);
    j = read_junit(out->str);
    assert_int_equal(j.failures, 1);
    assert_int_equal(j.told_failures, 1);
    assert_non_null(strstr(out->str, "total insns: 6, expected at most 5; so in 2 passage(s), the "
                                     "worst 8"));
    g_string_free(j.clobber, TRUE);
    account_free(c->account);
    done(c);
}

static void test_without_findings_reports_are_whole_too(void **state)
{
    (void)state;
    struct arm_checker *c = checker(false);
    g_autoptr(GString) out = g_string_new(NULL);

    report_json(c, out);
    struct json *j = read_json(out->str);
    assert_int_equal(j->items->len, 0);
    json_free(j);
    g_string_truncate(out, 0);
    report_sarif(c, out);
    j = read_json(out->str);
    assert_int_equal(member(item(member(j, "runs"), 0), "results")->items->len, 0);
    json_free(j);
    g_string_truncate(out, 0);
    report_junit(c, out);
    struct junit x = read_junit(out->str);
    assert_int_equal(x.cases, RULE_COUNT);
    assert_int_equal(x.failures + x.told_failures, 0);
    g_string_free(x.clobber, TRUE);
    done(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json_has_an_object_a_finding),
        cmocka_unit_test(test_sarif_has_what_its_standard_requires),
        cmocka_unit_test(test_names_and_callers_are_in_every_report),
        cmocka_unit_test(test_junit_has_a_case_a_rule_and_one_failure_for_all_its_findings),
        cmocka_unit_test(test_junit_has_one_case_for_a_budget),
        cmocka_unit_test(test_without_findings_reports_are_whole_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
