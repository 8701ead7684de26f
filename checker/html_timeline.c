/* Who ran when. The script draws it (checker/report/script.js). */
#include <inttypes.h>

#include "checker/account_state.h"
#include "checker/checker.h"
#include "checker/html.h"
#include "checker/report.h"
#include "checker/switches.h"

void html_timeline(const struct arm_checker *c, GString *out)
{
    html_section(out, "timeline", "Timeline of switches");
    g_string_append(
        out,
        "<p class=\"note\">Each CPU: below, the worlds that ran on it; above, EL2, by what the "
        "last world was left for. ");
    if (switches_grain(c->switches)) {
        g_string_append(out, "There were ");
        html_number(out, switches_count(c->switches));
        g_string_append(out, " entries: those closer together than ");
        html_number(out, switches_grain(c->switches));
        g_string_append(out, " instructions are drawn as one, by the world that ran longest. ");
    }
    g_string_append(out,
                    "</p>\n<div id=\"tl\"></div>\n<noscript><p>The timeline is drawn by a script; "
                    "all other parts of this page are there without.</p></noscript>\n");
    html_section_end(out);
}

/* For each stretch: instructions since the one before, its own, world, reason (-1:
 * it still runs). */
static void put_lane(const GArray *list, GString *out)
{
    uint64_t at = 0;

    g_string_append(out, "{\"s\":[");
    for (unsigned k = 0; k < list->len; k++) {
        const struct stretch *s = &g_array_index(list, struct stretch, k);
        g_string_append_printf(out, "%s%" PRIu64 ",%" PRIu64 ",%u,%d", k ? "," : "", s->from - at,
                               s->to - s->from, s->world,
                               s->reason == REASON_COUNT ? -1 : (int)s->reason);
        at = s->to;
    }
    /* Which of them stand for several, how many, and how long these ran. */
    g_string_append(out, "],\"m\":[");
    const char *comma = "";
    for (unsigned k = 0; k < list->len; k++) {
        const struct stretch *s = &g_array_index(list, struct stretch, k);
        if (s->passages == 1)
            continue;
        g_string_append_printf(out, "%s%u,%u,%" PRIu64, comma, k, s->passages, s->inside);
        comma = ",";
    }
    g_string_append(out, "]}");
}

static void put_marks(const struct arm_checker *c, GString *out)
{
    const struct findings *fs = c->findings;

    g_string_append(out, "],\n\"findings\":[");
    for (unsigned k = 0; k < fs->count; k++) {
        const struct finding *f = &fs->list[k].finding;
        g_string_append_printf(
            out, "%s{\"n\":%u,\"cpu\":%u,\"at\":%" PRIu64 ",\"error\":%d,\"text\":", k ? "," : "",
            k + 1, f->at.cpu, f->at.total, rule_rows[f->rule].severity == RULE_ERROR);
        g_autofree char *text =
            g_strdup_printf("%s%s%s", rule_rows[f->rule].name, f->reg == ARM_NO_REGISTER ? "" : " ",
                            f->reg == ARM_NO_REGISTER ? "" : arm_reg_name(f->reg));
        html_json(out, text);
        g_string_append_c(out, '}');
    }
    g_string_append_c(out, ']');
}

void html_timeline_data(const struct arm_checker *c, GString *out)
{
    uint64_t end = arm_retired(c->m);
    char buf[16];

    g_string_append_printf(out, "{\"end\":%" PRIu64 ",\n\"worlds\":[", end);
    for (unsigned k = 0; k < c->worlds.count; k++) {
        g_string_append(out, k ? "," : "");
        html_json(out, c->worlds.list[k]->name);
    }
    g_string_append(out, "],\n\"reasons\":[");
    for (unsigned k = 0; k < REASON_COUNT; k++) {
        g_string_append(out, k ? "," : "");
        html_json(out, account_reason_word(k, buf));
    }
    g_string_append(out, "],\n\"cpus\":[");
    for (unsigned k = 0; k < c->cpu_count; k++) {
        g_string_append(out, k ? ",\n" : "\n");
        put_lane(switches_of(c->switches, k, end), out);
    }
    put_marks(c, out);
    g_string_append_c(out, '}');
}
