/* Findings: what is wrong, where, and how to get there again. */
#include <inttypes.h>
#include <string.h>

#include "checker/account_state.h"
#include "checker/budget.h"
#include "checker/checker.h"
#include "checker/html.h"
#include "checker/report.h"

/* "pc ADDRESS NAME (FILE:LINE)" in its parts; @place is cut up. */
struct place {
    const char *address, *name, *line; /* NULL: not known */
};

static struct place parts_of(char *place)
{
    struct place p = {.address = place + strlen("pc ")};
    char *name = strchr(p.address, ' ');

    if (!name)
        return p;
    *name++ = '\0';
    p.name = name;
    char *line = strrchr(name, '(');
    if (line && line > name && line[-1] == ' ' && line[strlen(line) - 1] == ')') {
        line[-1] = '\0';
        line[strlen(line + 1)] = '\0';
        p.line = line + 1;
    }
    return p;
}

static void put_place(GString *out, const char *text)
{
    g_autofree char *copy = g_strdup(text);
    struct place p = parts_of(copy);

    g_string_append(out, "<span class=\"symbol\">");
    html_text(out, p.name ? p.name : p.address);
    g_string_append(out, "</span>");
    if (p.line) {
        g_string_append(out, " <span class=\"line\">");
        html_text(out, p.line);
        g_string_append(out, "</span>");
    }
    if (p.name) {
        g_string_append(out, " <span class=\"address\">");
        html_text(out, p.address);
        g_string_append(out, "</span>");
    }
}

static void put_callers(GString *out, char **places)
{
    if (!places[1])
        return;
    g_string_append(out, "<ol class=\"callers\" aria-label=\"Called from\">\n");
    for (unsigned k = 1; places[k]; k++) {
        g_string_append(out, "<li>");
        put_place(out, places[k]);
        g_string_append(out, "</li>\n");
    }
    g_string_append(out, "</ol>\n");
}

static void put_side(GString *out, const char *title, const struct site *s, char **places,
                     const char *insn)
{
    if (!s->known)
        return;
    g_string_append(out, "<div class=\"side\"><h4>");
    html_text(out, title);
    g_string_append(out, "</h4>\n<p class=\"where\">");
    put_place(out, places[0]);
    g_string_append(out, "</p>\n");
    if (insn) {
        g_string_append(out, "<p class=\"insn\"><code>");
        html_text(out, insn);
        g_string_append(out, "</code></p>\n");
    }
    g_string_append_printf(out, "<p class=\"when\">cpu%u, EL%u, instruction ", s->cpu, s->el);
    html_number(out, s->total);
    g_string_append(out, "</p>\n");
    put_callers(out, places);
    g_string_append(out, "</div>\n");
}

/* "RULE REGISTER of WORLD" */
static void put_name(GString *out, const struct finding *f)
{
    g_string_append(out, rule_rows[f->rule].name);
    if (f->reg != ARM_NO_REGISTER) {
        g_string_append(out, " <code>");
        html_text(out, arm_reg_name(f->reg));
        g_string_append(out, "</code>");
    }
    if (!f->world)
        return;
    g_string_append(out, " <span class=\"of\">of ");
    html_text(out, f->world->name);
    g_string_append(out, "</span>");
}

static void put_title(GString *out, unsigned number, const struct finding *f)
{
    const char *word = rule_severity_word(f->rule);

    g_string_append_printf(out,
                           "<article class=\"finding %s\" id=\"f%u\" aria-labelledby=\"f%u-h\">\n"
                           "<h3 id=\"f%u-h\"><span class=\"tag\">%s</span> ",
                           word, number, number, number, word);
    put_name(out, f);
    g_string_append_printf(out, " <a class=\"self\" href=\"#f%u\">#%u</a></h3>\n<p class=\"text\">",
                           number, number);
    html_text(out, f->text);
    g_string_append(out, "</p>\n");
}

static void put_fact(GString *out, const char *name, const char *text)
{
    g_string_append_printf(out, "<div><dt>%s</dt><dd>", name);
    html_text(out, text);
    g_string_append(out, "</dd></div>\n");
}

static void put_facts(GString *out, const struct kept_finding *kept)
{
    const struct finding *f = &kept->finding;

    g_string_append(out, "<dl>\n");
    if (f->hint)
        put_fact(out, "Hint", f->hint);
    if (f->has_address) {
        g_autofree char *slot =
            g_strdup_printf("PA %#" PRIx64 "%s%s", f->address, kept->slot ? ", " : "",
                            kept->slot ? kept->slot : "");
        put_fact(out, "Slot", slot);
    }
    g_string_append(out, "<div><dt>Seen</dt><dd>");
    html_number(out, kept->times);
    g_string_append_printf(
        out,
        " time%s</dd></div>\n<div><dt>Rule</dt><dd><a href=\"#rule-%s\">what %s means"
        "</a></dd></div>\n</dl>\n",
        kept->times == 1 ? "" : "s", rule_rows[f->rule].name, rule_rows[f->rule].name);
}

static void put_replay(const struct arm_checker *c, GString *out, const struct finding *f)
{
    if (!c->rerun)
        return;
    g_autofree char *run =
        g_strdup_printf("armillary run --max-insns %" PRIu64 " %s", f->at.total, c->rerun);
    g_string_append(out, "<p class=\"label\">Run to this instruction</p>\n");
    html_command(out, "Copy the command that runs to this instruction", run);
    g_autofree char *step = g_strdup_printf("armillary step %s", c->rerun);
    g_string_append_printf(out,
                           "<p class=\"label\">Step from here, forwards and back: run this, then "
                           "<code>cpu %u</code>, <code>goto %" PRIu64 "</code></p>\n",
                           f->at.cpu, f->at.total);
    html_command(out, "Copy the command that steps", step);
}

static void put_finding(const struct arm_checker *c, GString *out, unsigned number,
                        const struct kept_finding *kept)
{
    const struct finding *f = &kept->finding;
    g_autofree char *role = g_strdup_printf("Other side: %s", f->other_role ? f->other_role : "");

    put_title(out, number, f);
    g_string_append(out, "<div class=\"sides\">\n");
    put_side(out, "First bad instruction", &f->at, kept->places[0], kept->insn[0]);
    put_side(out, role, &f->other, kept->places[1], kept->insn[1]);
    g_string_append(out, "</div>\n");
    put_facts(out, kept);
    put_replay(c, out, f);
    g_string_append(out, "</article>\n");
}

/* All of them in short, where they do not fit on the first screen. */
static void put_index(const struct findings *fs, GString *out)
{
    g_string_append(out, "<ol class=\"index\">\n");
    for (unsigned k = 0; k < fs->count; k++) {
        const struct finding *f = &fs->list[k].finding;
        g_autofree char *copy = g_strdup(fs->list[k].places[0] ? fs->list[k].places[0][0] : "pc ");
        struct place p = parts_of(copy);
        g_string_append_printf(out,
                               "<li class=\"%s\"><span class=\"tag\">%s</span> <a href=\"#f%u\">",
                               rule_severity_word(f->rule), rule_severity_word(f->rule), k + 1);
        put_name(out, f);
        g_string_append(out, "</a> at <span class=\"symbol\">");
        html_text(out, p.name ? p.name : p.address);
        g_string_append(out, "</span></li>\n");
    }
    g_string_append(out, "</ol>\n");
}

/* What the rules that have found something mean. */
static void put_meanings(const struct arm_checker *c, GString *out)
{
    bool found[RULE_COUNT] = {false};

    for (unsigned k = 0; k < c->findings->count; k++)
        found[c->findings->list[k].finding.rule] = true;
    g_string_append(out, "<h3>What these rules mean</h3>\n<dl class=\"rules\">\n");
    for (unsigned k = 0; k < RULE_COUNT; k++) {
        const struct rule_row *row = &rule_rows[k];
        if (!found[k])
            continue;
        g_string_append_printf(out, "<div id=\"rule-%s\"><dt>%s</dt><dd>", row->name, row->name);
        html_text(out, row->meaning);
        g_string_append(out, ". <span class=\"manual\">Manual: ");
        html_text(out, row->section);
        g_string_append_printf(out, ". Page: <code>docs/rules/%s.md</code></span></dd></div>\n",
                               row->name);
    }
    g_string_append(out, "</dl>\n");
}

static void put_budget(const struct account *a, GString *out)
{
    if (!budget_exceeded(a))
        return;
    g_string_append(out, "<h3>Limits exceeded</h3>\n<ul>\n");
    for (unsigned k = 0; k < budget_limits(a); k++) {
        g_autofree char *text = budget_text(a, k);
        if (!text)
            continue;
        g_string_append(out, "<li>");
        html_text(out, text);
        g_string_append(out, "</li>\n");
    }
    g_string_append(out, "</ul>\n");
}

void html_findings(const struct arm_checker *c, GString *out)
{
    const struct findings *fs = c->findings;

    html_section(out, "findings", "Findings");
    if (!fs->count)
        g_string_append(out,
                        "<p class=\"none\">No finding: each world was entered with what it had "
                        "left, or with what its exit justifies.</p>\n");
    if (fs->count > 1)
        put_index(fs, out);
    for (unsigned k = 0; k < fs->count; k++)
        put_finding(c, out, k + 1, &fs->list[k]);
    if (fs->dropped) {
        g_string_append(out, "<p>");
        html_number(out, fs->dropped);
        g_string_append(out, " more came up and are not kept.</p>\n");
    }
    put_budget(c->account, out);
    if (fs->count)
        put_meanings(c, out);
    html_section_end(out);
}
