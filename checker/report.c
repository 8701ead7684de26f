#include "checker/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "checker/budget.h"
#include "checker/checker.h"

/* ---- JSON: an array, an object a finding ---- */

static void json_member(GString *out, const char *name, const char *text)
{
    if (!text)
        return;
    g_string_append_printf(out, ", \"%s\": ", name);
    json_quote(out, text);
}

/* "pc ADDRESS NAME": the name, or NULL. */
static const char *place_name(const char *place)
{
    const char *space = strchr(place + strlen("pc "), ' ');

    return space ? space + 1 : NULL;
}

static void json_callers(GString *out, char **places)
{
    if (!places[1])
        return;
    g_string_append(out, ", \"callers\": [");
    for (unsigned k = 1; places[k]; k++) {
        g_string_append(out, k > 1 ? ", " : "");
        json_quote(out, places[k] + strlen("pc "));
    }
    g_string_append_c(out, ']');
}

static void json_site(GString *out, const char *name, const struct site *s, char **places)
{
    if (!s->known)
        return;
    g_string_append_printf(out,
                           ", \"%s\": {\"cpu\": %u, \"el\": %u, \"pc\": \"%#" PRIx64
                           "\", \"count\": %" PRIu64 ", \"instruction\": %" PRIu64,
                           name, s->cpu, s->el, s->pc, s->count, s->total);
    json_member(out, "symbol", place_name(places[0]));
    json_callers(out, places);
    g_string_append_c(out, '}');
}

void report_json_finding(const struct kept_finding *kept, GString *out)
{
    const struct finding *f = &kept->finding;

    g_string_append(out, "{\"rule\": ");
    json_quote(out, rule_rows[f->rule].name);
    json_member(out, "severity", rule_severity_word(f->rule));
    json_member(out, "register", arm_reg_name(f->reg));
    json_member(out, "world", f->world ? f->world->name : NULL);
    json_member(out, "text", f->text);
    json_site(out, "at", &f->at, kept->places[0]);
    json_site(out, "other", &f->other, kept->places[1]);
    json_member(out, "other_role", f->other_role);
    if (f->has_address)
        g_string_append_printf(out, ", \"address\": \"%#" PRIx64 "\"", f->address);
    json_member(out, "slot", kept->slot);
    json_member(out, "hint", f->hint);
    g_string_append_printf(out, ", \"times\": %" PRIu64 "}", kept->times);
}

void report_json(const struct arm_checker *c, GString *out)
{
    const struct findings *fs = c->findings;

    g_string_append(out, "[");
    for (unsigned k = 0; k < fs->count; k++) {
        g_string_append(out, k ? ",\n  " : "\n  ");
        report_json_finding(&fs->list[k], out);
    }
    g_string_append(out, fs->count ? "\n]\n" : "]\n");
}

/* ---- JUnit: a test case a rule, which fails with its findings ---- */

static unsigned findings_of(const struct arm_checker *c, enum rule rule)
{
    unsigned count = 0;

    for (unsigned k = 0; k < c->findings->count; k++)
        count += c->findings->list[k].finding.rule == rule;
    return count;
}

static void junit_site(GString *out, const char *role, const struct site *s, char **places)
{
    if (!s->known)
        return;
    g_string_append_printf(out, "  %s: cpu%u EL%u %s, instruction %" PRIu64 "\n", role, s->cpu,
                           s->el, places[0], s->total);
    for (unsigned k = 1; places[k]; k++)
        g_string_append_printf(out, "    from %s\n", places[k]);
}

void report_junit_finding(const struct kept_finding *kept, GString *out)
{
    const struct finding *f = &kept->finding;

    g_string_append_printf(out, "%s%s%s%s%s: %s\n", rule_rows[f->rule].name,
                           f->reg == ARM_NO_REGISTER ? "" : " ",
                           f->reg == ARM_NO_REGISTER ? "" : arm_reg_name(f->reg),
                           f->world ? " of " : "", f->world ? f->world->name : "", f->text);
    junit_site(out, "at", &f->at, kept->places[0]);
    junit_site(out, f->other_role ? f->other_role : "other", &f->other, kept->places[1]);
    if (kept->slot)
        g_string_append_printf(out, "  slot: %s\n", kept->slot);
    if (f->hint)
        g_string_append_printf(out, "  hint: %s\n", f->hint);
}

void report_junit_rule(enum rule rule, unsigned count, const char *findings, GString *out)
{
    bool error = rule_rows[rule].severity == RULE_ERROR;

    g_string_append_printf(out,
                           "    <testcase classname=\"armillary.check\" name=\"%s\" time=\"0\"",
                           rule_rows[rule].name);
    if (!count) {
        g_string_append(out, "/>\n");
        return;
    }
    g_autofree char *text = g_markup_escape_text(findings, -1);
    if (error)
        g_string_append_printf(out,
                               ">\n      <failure type=\"%s\" message=\"%u finding(s)\">%s"
                               "</failure>\n    </testcase>\n",
                               rule_rows[rule].name, count, text);
    else
        g_string_append_printf(out, ">\n      <system-out>%s</system-out>\n    </testcase>\n",
                               text);
}

static void junit_rule(const struct arm_checker *c, enum rule rule, GString *out)
{
    g_autoptr(GString) all = g_string_new(NULL);

    for (unsigned k = 0; k < c->findings->count; k++)
        if (c->findings->list[k].finding.rule == rule)
            report_junit_finding(&c->findings->list[k], all);
    report_junit_rule(rule, findings_of(c, rule), all->str, out);
}

/* One test case for all limits; none without a budget. */
static void junit_budget(const struct account *a, GString *out)
{
    g_autoptr(GString) all = g_string_new(NULL);

    if (!a || !budget_limits(a))
        return;
    g_string_append(out, "    <testcase classname=\"armillary.budget\" name=\"budget\" time=\"0\"");
    for (unsigned k = 0; k < budget_limits(a); k++) {
        g_autofree char *text = budget_text(a, k);
        if (text)
            g_string_append_printf(all, "%s\n", text);
    }
    g_autofree char *text = g_markup_escape_text(all->str, -1);
    if (budget_exceeded(a))
        g_string_append_printf(out,
                               ">\n      <failure type=\"budget\" message=\"%u limit(s) exceeded\">"
                               "%s</failure>\n    </testcase>\n",
                               budget_exceeded(a), text);
    else
        g_string_append(out, "/>\n");
}

void report_junit_suite(unsigned tests, unsigned failures, const char *cases, GString *out)
{
    g_string_append_printf(out,
                           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                           "<testsuites>\n  <testsuite name=\"armillary check\" tests=\"%u\" "
                           "failures=\"%u\" errors=\"0\" skipped=\"0\" time=\"0\">\n%s"
                           "  </testsuite>\n</testsuites>\n",
                           tests, failures, cases);
}

void report_junit(const struct arm_checker *c, GString *out)
{
    g_autoptr(GString) cases = g_string_new(NULL);
    bool budget = c->account && budget_limits(c->account);
    unsigned tests = budget, failures = budget && budget_exceeded(c->account);

    for (unsigned k = 0; k < RULE_COUNT; k++) {
        if (!c->rule_on[k])
            continue;
        tests++;
        failures += rule_rows[k].severity == RULE_ERROR && findings_of(c, (enum rule)k) != 0;
        junit_rule(c, (enum rule)k, cases);
    }
    junit_budget(c->account, cases);
    report_junit_suite(tests, failures, cases->str, out);
}

/* ---- SARIF 2.1.0 ---- */

static void sarif_rules(GString *out)
{
    for (unsigned k = 0; k < RULE_COUNT; k++) {
        g_string_append_printf(out, "%s\n        {\"id\": ", k ? "," : "");
        json_quote(out, rule_rows[k].name);
        g_string_append(out, ", \"shortDescription\": {\"text\": ");
        json_quote(out, rule_rows[k].meaning);
        g_string_append(out, "}, \"help\": {\"text\": ");
        json_quote(out, rule_rows[k].section);
        g_string_append(out, "}, \"defaultConfiguration\": {\"level\": ");
        json_quote(out, rule_severity_word((enum rule)k));
        g_string_append(out, "}}");
    }
}

/* A location without a file: an address, if it fits the 63 bits that readers have, and words. */
static void sarif_location(GString *out, const struct site *s, const char *place, const char *role)
{
    g_string_append_printf(out, "{");
    if (s->pc <= INT64_MAX)
        g_string_append_printf(
            out, "\"physicalLocation\": {\"address\": {\"absoluteAddress\": %" PRIu64 "}}, ",
            s->pc);
    g_string_append(out, "\"logicalLocations\": [{");
    if (place_name(place)) {
        g_string_append(out, "\"name\": ");
        json_quote(out, place_name(place));
        g_string_append(out, ", ");
    }
    g_string_append_printf(
        out, "\"fullyQualifiedName\": \"cpu%u EL%u pc %#" PRIx64 ", instruction %" PRIu64 "\"}]",
        s->cpu, s->el, s->pc, s->total);
    if (role) {
        g_string_append(out, ", \"message\": {\"text\": ");
        json_quote(out, role);
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, '}');
}

/* 3.44: the innermost frame first. */
static void sarif_stack(GString *out, const struct kept_finding *kept)
{
    char **places = kept->places[0];

    if (!places[1])
        return;
    g_string_append(out, ", \"stacks\": [{\"frames\": [");
    for (unsigned k = 0; places[k]; k++) {
        g_string_append_printf(
            out,
            "%s{\"location\": {\"logicalLocations\": [{\"fullyQualifiedName\": ", k ? ", " : "");
        json_quote(out, places[k]);
        g_string_append(out, "}]}}");
    }
    g_string_append(out, "]}]");
}

static void sarif_properties(const struct kept_finding *kept, GString *out)
{
    const struct finding *f = &kept->finding;

    g_string_append_printf(out, ", \"properties\": {\"instruction\": %" PRIu64, f->at.total);
    json_member(out, "register", arm_reg_name(f->reg));
    json_member(out, "world", f->world ? f->world->name : NULL);
    json_member(out, "slot", kept->slot);
    json_member(out, "hint", f->hint);
    g_string_append_c(out, '}');
}

/* Readers show the message alone: it says whose register is meant. */
static void sarif_message(const struct finding *f, GString *out)
{
    g_autoptr(GString) text = g_string_new(NULL);

    if (f->reg != ARM_NO_REGISTER)
        g_string_append(text, arm_reg_name(f->reg));
    if (f->world)
        g_string_append_printf(text, "%s%s", text->len ? " of " : "", f->world->name);
    g_string_append_printf(text, "%s%s", text->len ? ": " : "", f->text);
    g_string_append(out, ", \"message\": {\"text\": ");
    json_quote(out, text->str);
    g_string_append_c(out, '}');
}

void report_sarif_finding(const struct kept_finding *kept, GString *out)
{
    const struct finding *f = &kept->finding;

    g_string_append(out, "\n      {\"ruleId\": ");
    json_quote(out, rule_rows[f->rule].name);
    g_string_append_printf(out, ", \"ruleIndex\": %d", (int)f->rule);
    json_member(out, "level", rule_severity_word(f->rule));
    sarif_message(f, out);
    g_string_append(out, ", \"locations\": [");
    sarif_location(out, &f->at, kept->places[0][0], NULL);
    g_string_append(out, "]");
    if (f->other.known) {
        g_string_append(out, ", \"relatedLocations\": [");
        sarif_location(out, &f->other, kept->places[1][0], f->other_role ? f->other_role : "other");
        g_string_append(out, "]");
    }
    g_string_append_printf(
        out,
        ", \"occurrenceCount\": %" PRIu64
        ", \"partialFingerprints\": {\"ruleRegisterAddresses/v1\": \"%s:%x:%" PRIx64 ":%" PRIx64
        "\"}",
        kept->times, rule_rows[f->rule].name, f->reg, f->at.pc, f->other.pc);
    sarif_stack(out, kept);
    sarif_properties(kept, out);
    g_string_append_c(out, '}');
}

void report_sarif_begin(GString *out)
{
    g_string_append(out, "{\"version\": \"2.1.0\",\n"
                         " \"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\",\n"
                         " \"runs\": [{\n    \"tool\": {\"driver\": {\"name\": \"armillary\", "
                         "\"version\": \"" ARM_VERSION "\", \"rules\": [");
    sarif_rules(out);
    g_string_append(out, "]}},\n    \"results\": [");
}

void report_sarif_end(GString *out)
{
    g_string_append(out, "]}]}\n");
}

void report_sarif(const struct arm_checker *c, GString *out)
{
    const struct findings *fs = c->findings;

    report_sarif_begin(out);
    for (unsigned k = 0; k < fs->count; k++) {
        g_string_append(out, k ? "," : "");
        report_sarif_finding(&fs->list[k], out);
    }
    report_sarif_end(out);
}

int report_write_text(const char *path, const GString *text, struct arm_error *err)
{
    FILE *f = fopen(path, "wb");
    bool written = f && fwrite(text->str, 1, text->len, f) == text->len;

    if (f && fclose(f) != 0)
        written = false;
    return written
               ? 0
               : error_set(err, ARM_EIO, "%s: cannot write the report: %s", path, strerror(errno));
}

int report_write(const struct arm_checker *c, const char *path, report_fn *fn,
                 struct arm_error *err)
{
    g_autoptr(GString) out = g_string_new(NULL);

    if (!path)
        return 0;
    fn(c, out);
    return report_write_text(path, out, err);
}
