#include "checker/html.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "checker/account.h"
#include "checker/budget.h"
#include "checker/checker.h"
#include "checker/report.h"
#include "checker/switches.h"

/* Of checker/report/, made by the build. */
enum { SCRIPT, STYLE };
static const struct {
    const char *name, *text;
} parts[] = {
#include "report.inc"
};

/* ---- text ---- */

/* What HTML may have in it, behind a decoder of UTF-8: no control characters but white space. */
static char *clean(const char *text)
{
    char *valid = g_utf8_make_valid(text ? text : "", -1);
    GString *out = g_string_new(NULL);

    for (const char *p = valid; *p; p = g_utf8_next_char(p)) {
        gunichar u = g_utf8_get_char(p);
        bool bad = (u < 0x20 && u != '\n' && u != '\t') || (u >= 0x7f && u < 0xa0) ||
                   (u & 0xfffe) == 0xfffe || (u >= 0xfdd0 && u < 0xfdf0);
        g_string_append_unichar(out, bad ? 0xfffd : u);
    }
    g_free(valid);
    return g_string_free(out, FALSE);
}

void html_text(GString *out, const char *text)
{
    g_autofree char *all = clean(text);

    for (const char *p = all; *p; p++)
        switch (*p) {
        case '&':
            g_string_append(out, "&amp;");
            break;
        case '<':
            g_string_append(out, "&lt;");
            break;
        case '>':
            g_string_append(out, "&gt;");
            break;
        case '"':
            g_string_append(out, "&quot;");
            break;
        default:
            g_string_append_c(out, *p);
        }
}

void html_json(GString *out, const char *text)
{
    g_autofree char *all = clean(text);
    g_autoptr(GString) json = g_string_new(NULL);

    json_quote(json, all);
    for (const char *p = json->str; *p; p++)
        if (strchr("<>&", *p))
            g_string_append_printf(out, "\\u%04x", *p);
        else
            g_string_append_c(out, *p);
}

void html_number(GString *out, uint64_t value)
{
    char digits[24];
    int len = g_snprintf(digits, sizeof(digits), "%" PRIu64, value);

    for (int k = 0; k < len; k++) {
        if (k && (len - k) % 3 == 0)
            g_string_append_c(out, ',');
        g_string_append_c(out, digits[k]);
    }
}

void html_mean(GString *out, uint64_t sum, uint64_t count)
{
    uint64_t tenths = count ? (sum / count) * 10 + (sum % count) * 10 / count : 0;

    html_number(out, tenths / 10);
    if (tenths % 10)
        g_string_append_printf(out, ".%" PRIu64, tenths % 10);
}

void html_section(GString *out, const char *id, const char *title)
{
    g_string_append_printf(
        out, "<section id=\"%s\" aria-labelledby=\"%s-h\">\n<h2 id=\"%s-h\">%s</h2>\n", id, id, id,
        title);
}

void html_section_end(GString *out)
{
    g_string_append(out, "</section>\n");
}

void html_command(GString *out, const char *label, const char *command)
{
    g_string_append(out, "<div class=\"command\"><pre tabindex=\"0\"><code>");
    html_text(out, command);
    g_string_append(out,
                    "</code></pre><button type=\"button\" class=\"copy\" hidden aria-label=\"");
    html_text(out, label);
    g_string_append(out, "\">Copy</button></div>\n");
}

/* ---- the page ---- */

/* As Content-Security-Policy has it: only the page's own script and style sheet are taken, and
 * nothing is fetched. */
static char *digest(const char *text)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    uint8_t bytes[32];
    size_t size = sizeof(bytes);

    g_checksum_update(sum, (const uint8_t *)text, -1);
    g_checksum_get_digest(sum, bytes, &size);
    return g_base64_encode(bytes, size);
}

static const char *base_name(const struct arm_checker *c)
{
    const char *slash = c->image ? strrchr(c->image, '/') : NULL;

    return slash ? slash + 1 : c->image ? c->image : "a machine";
}

static void plural(GString *out, uint64_t count, const char *word)
{
    html_number(out, count);
    g_string_append_printf(out, " %s%s", word, count == 1 ? "" : "s");
}

static void put_verdict(const struct arm_checker *c, GString *out)
{
    unsigned errors = findings_count(c->findings, true);
    unsigned warnings = findings_count(c->findings, false) - errors;

    plural(out, errors, "error");
    g_string_append(out, ", ");
    plural(out, warnings, "warning");
    if (budget_limits(c->account)) {
        g_string_append(out, ", ");
        plural(out, budget_exceeded(c->account), "limit");
        g_string_append(out, " exceeded");
    }
}

static void put_head(const struct arm_checker *c, GString *out)
{
    g_autofree char *style = digest(parts[STYLE].text), *script = digest(parts[SCRIPT].text);

    g_string_append_printf(
        out,
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
        "style-src 'sha256-%s'; script-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta name=\"color-scheme\" content=\"light dark\">\n"
        "<meta name=\"generator\" content=\"armillary " ARM_VERSION "\">\n<title>",
        style, script);
    html_text(out, base_name(c));
    g_string_append(out, ": ");
    put_verdict(c, out);
    g_string_append_printf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n",
                           parts[STYLE].text);
}

static void put_rules(const struct arm_checker *c, GString *out)
{
    unsigned on = 0;

    for (unsigned k = 0; k < RULE_COUNT; k++)
        on += c->rule_on[k];
    g_string_append_printf(out, "%u of %u rules", on, RULE_COUNT);
}

static unsigned guests(const struct arm_checker *c)
{
    unsigned count = 0;

    for (unsigned k = 0; k < c->worlds.count; k++)
        count += c->worlds.list[k]->kind == WORLD_GUEST;
    return count;
}

static void put_facts(const struct arm_checker *c, GString *out)
{
    g_string_append(out, "<dl class=\"facts\">\n<div><dt>Ran</dt><dd>");
    plural(out, arm_retired(c->m), "instruction");
    g_string_append(out, " on ");
    plural(out, c->cpu_count, "CPU");
    g_string_append(out, "</dd></div>\n<div><dt>Hypervisor</dt><dd>");
    html_text(out, worlds_design(&c->worlds));
    g_string_append(out, "</dd></div>\n<div><dt>Worlds</dt><dd>");
    plural(out, guests(c), "virtual CPU");
    g_string_append(out, ", ");
    html_number(out, switches_count(c->switches));
    g_string_append(out, " entries");
    g_string_append(out, "</dd></div>\n<div><dt>Looked for</dt><dd>");
    put_rules(c, out);
    g_string_append(out, "</dd></div>\n</dl>\n");
}

static void put_header(const struct arm_checker *c, GString *out)
{
    bool bad = findings_count(c->findings, true) || budget_exceeded(c->account);
    g_autofree char *command = g_strdup_printf("armillary check %s", c->rerun ? c->rerun : "");

    g_string_append_printf(
        out, "<a class=\"skip\" href=\"#findings\">Skip to the findings</a>\n<header>\n"
             "<p class=\"tool\">armillary check</p>\n<h1>");
    html_text(out, base_name(c));
    g_string_append_printf(out,
                           "</h1>\n<p class=\"verdict %s\"><span aria-hidden=\"true\">%s</span> ",
                           bad ? "bad" : "good", bad ? "✗" : "✓");
    put_verdict(c, out);
    g_string_append(out, "</p>\n");
    put_facts(c, out);
    if (c->rerun) {
        g_string_append(out, "<details class=\"run\"><summary>Command of the run</summary>\n");
        html_command(out, "Copy the command of the run", command);
        g_string_append(out, "</details>\n");
    }
    g_string_append(out, "</header>\n<nav aria-label=\"Sections\"><ul>\n"
                         "<li><a href=\"#findings\">Findings</a></li>\n"
                         "<li><a href=\"#timeline\">Timeline</a></li>\n"
                         "<li><a href=\"#cost\">Cost</a></li>\n"
                         "<li><a href=\"#moves\">Save and restore</a></li>\n"
                         "<li><a href=\"#worlds\">Worlds</a></li>\n</ul></nav>\n<main>\n");
}

static void worlds_section(const struct arm_checker *c, GString *out)
{
    html_section(out, "worlds", "Worlds");
    g_string_append(out,
                    "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Worlds\">"
                    "<table>\n<thead><tr><th scope=\"col\">World</th>"
                    "<th scope=\"col\">VTTBR_EL2.BADDR</th><th scope=\"col\" class=\"n\">VMID</th>"
                    "<th scope=\"col\">VMPIDR_EL2</th><th scope=\"col\" class=\"n\">Entered</th>"
                    "<th scope=\"col\" class=\"n\">Instructions</th></tr></thead>\n<tbody>\n");
    for (unsigned k = 0; k < c->worlds.count; k++) {
        const struct world *w = c->worlds.list[k];
        g_string_append(out, "<tr><th scope=\"row\">");
        html_text(out, w->name);
        g_string_append_printf(out,
                               "</th><td><code>%#" PRIx64 "</code></td><td class=\"n\">%u</td>"
                               "<td><code>%#" PRIx64 "</code></td><td class=\"n\">",
                               w->root, w->vmid, w->vmpidr);
        html_number(out, w->entries);
        g_string_append(out, "</td><td class=\"n\">");
        html_number(out, w->insns);
        g_string_append(out, "</td></tr>\n");
    }
    g_string_append(out, "</tbody></table></div>\n");
    html_section_end(out);
}

void report_html(const struct arm_checker *c, GString *out)
{
    put_head(c, out);
    put_header(c, out);
    html_findings(c, out);
    html_timeline(c, out);
    html_cost(c, out);
    html_moves(c, out);
    worlds_section(c, out);
    g_string_append(out,
                    "</main>\n<footer><p>Made by armillary " ARM_VERSION
                    ". The same run writes the same bytes. Numbers are of instructions of all CPUs "
                    "unless they say otherwise.</p></footer>\n"
                    "<script type=\"application/json\" id=\"data\">");
    html_timeline_data(c, out);
    g_string_append_printf(out, "</script>\n<script>%s</script>\n</body>\n</html>\n",
                           parts[SCRIPT].text);
}
