#include "checker/report.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "checker/checker.h"

/* ---- JSON: an array, an object a finding ---- */

static void json_text(GString *out, const char *text)
{
    g_string_append_c(out, '"');
    for (const unsigned char *p = (const unsigned char *)text; *p; p++)
        if (*p == '"' || *p == '\\')
            g_string_append_printf(out, "\\%c", *p);
        else if (*p < 0x20)
            g_string_append_printf(out, "\\u%04x", *p);
        else
            g_string_append_c(out, (char)*p);
    g_string_append_c(out, '"');
}

static void json_member(GString *out, const char *name, const char *text)
{
    if (!text)
        return;
    g_string_append_printf(out, ", \"%s\": ", name);
    json_text(out, text);
}

static void json_site(GString *out, const char *name, const struct site *s)
{
    if (s->known)
        g_string_append_printf(out,
                               ", \"%s\": {\"cpu\": %u, \"el\": %u, \"pc\": \"%#" PRIx64
                               "\", \"count\": %" PRIu64 ", \"instruction\": %" PRIu64 "}",
                               name, s->cpu, s->el, s->pc, s->count, s->total);
}

void report_json(const struct arm_checker *c, GString *out)
{
    const struct findings *fs = c->findings;

    g_string_append(out, "[");
    for (unsigned k = 0; k < fs->count; k++) {
        const struct finding *f = &fs->list[k].finding;
        g_string_append_printf(out, "%s\n  {\"rule\": ", k ? "," : "");
        json_text(out, rule_rows[f->rule].name);
        json_member(out, "severity", rule_severity_word(f->rule));
        json_member(out, "register", arm_reg_name(f->reg));
        json_member(out, "world", f->world ? f->world->name : NULL);
        json_member(out, "text", f->text);
        json_site(out, "at", &f->at);
        json_site(out, "other", &f->other);
        json_member(out, "other_role", f->other_role);
        if (f->has_address)
            g_string_append_printf(out, ", \"address\": \"%#" PRIx64 "\"", f->address);
        json_member(out, "hint", f->hint);
        g_string_append_printf(out, ", \"times\": %" PRIu64 "}", fs->list[k].times);
    }
    g_string_append(out, fs->count ? "\n]\n" : "]\n");
}

/* ---- JUnit: a test case a rule, which fails with its findings ---- */

static void junit_rule(const struct arm_checker *c, enum rule rule, GString *out)
{
    const struct findings *fs = c->findings;

    g_string_append_printf(out, "  <testcase classname=\"armillary.check\" name=\"%s\">",
                           rule_rows[rule].name);
    for (unsigned k = 0; k < fs->count; k++) {
        const struct finding *f = &fs->list[k].finding;
        if (f->rule != rule)
            continue;
        g_autofree char *text = g_markup_escape_text(f->text, -1);
        bool error = rule_rows[rule].severity == RULE_ERROR;
        g_string_append_printf(
            out, "\n    <%s%s>%s at pc %#" PRIx64 "</%s>", error ? "failure" : "system-out",
            error ? " message=\"finding\"" : "", text, f->at.pc, error ? "failure" : "system-out");
    }
    g_string_append(out, "</testcase>\n");
}

static unsigned rules_wanted(const struct arm_checker *c)
{
    unsigned count = 0;

    for (unsigned k = 0; k < RULE_COUNT; k++)
        count += c->rule_on[k];
    return count;
}

void report_junit(const struct arm_checker *c, GString *out)
{
    g_string_append_printf(out,
                           "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
                           "<testsuite name=\"armillary check\" tests=\"%u\" failures=\"%u\">\n",
                           rules_wanted(c), findings_count(c->findings, true));
    for (unsigned k = 0; k < RULE_COUNT; k++)
        if (c->rule_on[k])
            junit_rule(c, (enum rule)k, out);
    g_string_append(out, "</testsuite>\n");
}

/* ---- SARIF 2.1.0 ---- */

static void sarif_rules(GString *out)
{
    for (unsigned k = 0; k < RULE_COUNT; k++) {
        g_string_append_printf(out, "%s\n        {\"id\": ", k ? "," : "");
        json_text(out, rule_rows[k].name);
        g_string_append(out, ", \"shortDescription\": {\"text\": ");
        json_text(out, rule_rows[k].meaning);
        g_string_append(out, "}}");
    }
}

static void sarif_result(const struct finding *f, GString *out)
{
    g_string_append(out, "\n      {\"ruleId\": ");
    json_text(out, rule_rows[f->rule].name);
    json_member(out, "level", rule_severity_word(f->rule));
    g_string_append(out, ", \"message\": {\"text\": ");
    json_text(out, f->text);
    g_string_append_printf(out,
                           "}, \"locations\": [{\"physicalLocation\": {\"address\": "
                           "{\"absoluteAddress\": %" PRIu64 "}}}]}",
                           f->at.pc);
}

void report_sarif(const struct arm_checker *c, GString *out)
{
    const struct findings *fs = c->findings;

    g_string_append(out, "{\"version\": \"2.1.0\",\n"
                         " \"$schema\": \"https://json.schemastore.org/sarif-2.1.0.json\",\n"
                         " \"runs\": [{\n    \"tool\": {\"driver\": {\"name\": \"armillary\", "
                         "\"version\": \"" ARM_VERSION "\", \"rules\": [");
    sarif_rules(out);
    g_string_append(out, "]}},\n    \"results\": [");
    for (unsigned k = 0; k < fs->count; k++) {
        g_string_append(out, k ? "," : "");
        sarif_result(&fs->list[k].finding, out);
    }
    g_string_append(out, "]}]}\n");
}

int report_write(const struct arm_checker *c, const char *path, report_fn *fn,
                 struct arm_error *err)
{
    if (!path)
        return 0;
    g_autoptr(GString) out = g_string_new(NULL);
    FILE *f = fopen(path, "wb");

    fn(c, out);
    bool written = f && fwrite(out->str, 1, out->len, f) == out->len;
    if (f && fclose(f) != 0)
        written = false;
    return written
               ? 0
               : error_set(err, ARM_EIO, "%s: cannot write the report: %s", path, strerror(errno));
}
