/* What passages cost: a bar and a row of numbers for each reason of an exit. */
#include <inttypes.h>

#include "checker/account.h"
#include "checker/account_state.h"
#include "checker/checker.h"
#include "checker/html.h"

struct cost {
    enum world_kind kind;
    unsigned reason;
    const struct reason *r;
};

static void collect(void *ctx, enum world_kind kind, unsigned reason, const struct reason *r)
{
    struct cost one = {kind, reason, r};

    g_array_append_val((GArray *)ctx, one);
}

static int by_total(const void *one, const void *other)
{
    const struct cost *a = one, *b = other;
    uint64_t x = a->r->sum[PHASE_TOTAL].insns, y = b->r->sum[PHASE_TOTAL].insns;

    if (x != y)
        return x < y ? 1 : -1;
    return a->kind != b->kind ? (int)a->kind - (int)b->kind : (int)a->reason - (int)b->reason;
}

static void put_name(GString *out, const struct cost *k)
{
    char buf[16];

    html_text(out, account_reason_word(k->reason, buf));
    g_string_append_printf(out, " <span class=\"of\">of a %s</span>", kind_words[k->kind]);
}

/* ---- bars ---- */

static uint64_t thousandths(uint64_t part, uint64_t whole)
{
    return whole ? (uint64_t)((double)part * 1000 / (double)whole + 0.5) : 0;
}

static void put_percent(GString *out, uint64_t share)
{
    g_string_append_printf(out, "%" PRIu64 ".%" PRIu64, share / 10, share % 10);
}

/* Names of phases that get so much of a bar fit in. */
#define LABELLED 90

static void put_part(GString *out, const struct cost *k, unsigned phase, uint64_t from,
                     uint64_t share)
{
    g_string_append(out, "<svg x=\"");
    put_percent(out, from);
    g_string_append(out, "%\" width=\"");
    put_percent(out, share);
    g_string_append_printf(out, "%%\" height=\"100%%\"><title>%s: ", phase_words[phase]);
    html_mean(out, k->r->sum[phase].insns, k->r->passages);
    g_string_append(out, " instructions, ");
    put_percent(out, share);
    g_string_append_printf(out,
                           " %%</title><rect class=\"ph-%s\" width=\"100%%\" height=\"100%%\"/>",
                           phase_words[phase]);
    if (share >= LABELLED)
        g_string_append_printf(out, "<text x=\"50%%\" y=\"14\">%s</text>", phase_words[phase]);
    g_string_append(out, "</svg>");
}

static void put_bar(GString *out, const struct cost *k)
{
    uint64_t whole = k->r->sum[PHASE_TOTAL].insns, done = 0;

    g_string_append(out,
                    "<svg class=\"bar\" width=\"100%\" height=\"20\" role=\"img\" aria-label=\"");
    for (unsigned phase = 0; phase < PHASE_TOTAL; phase++) {
        uint64_t share = thousandths(k->r->sum[phase].insns, whole);
        if (!share)
            continue;
        g_string_append_printf(out, "%s ", phase_words[phase]);
        put_percent(out, share);
        g_string_append(out, " %, ");
    }
    g_string_append(out, "of the instructions\">");
    for (unsigned phase = 0; phase < PHASE_TOTAL; phase++) {
        uint64_t before = thousandths(done, whole);
        done += k->r->sum[phase].insns;
        uint64_t after = thousandths(done, whole);
        if (after > before)
            put_part(out, k, phase, before, after - before);
    }
    g_string_append(out, "</svg>");
}

static void put_summary(const GArray *costs, GString *out)
{
    uint64_t all = 0;

    for (unsigned k = 0; k < costs->len; k++)
        all += g_array_index(costs, struct cost, k).r->sum[PHASE_TOTAL].insns;
    g_string_append(
        out,
        "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Cost by reason\"><table>\n"
        "<thead><tr><th scope=\"col\">Left for</th><th scope=\"col\" class=\"n\">Passages</th>"
        "<th scope=\"col\" class=\"n\">Least</th><th scope=\"col\" class=\"n\">Mean</th>"
        "<th scope=\"col\" class=\"n\">Most</th><th scope=\"col\" class=\"n\">of all, %</th>"
        "<th scope=\"col\" class=\"bars\">Instructions by phase</th></tr></thead>\n<tbody>\n");
    for (unsigned k = 0; k < costs->len; k++) {
        const struct cost *one = &g_array_index(costs, struct cost, k);
        g_string_append(out, "<tr><th scope=\"row\">");
        put_name(out, one);
        g_string_append(out, "</th><td class=\"n\">");
        html_number(out, one->r->passages);
        g_string_append(out, "</td><td class=\"n\">");
        html_number(out, one->r->min_insns);
        g_string_append(out, "</td><td class=\"n\">");
        html_mean(out, one->r->sum[PHASE_TOTAL].insns, one->r->passages);
        g_string_append(out, "</td><td class=\"n\">");
        html_number(out, one->r->max[PHASE_TOTAL].insns);
        g_string_append(out, "</td><td class=\"n\">");
        put_percent(out, thousandths(one->r->sum[PHASE_TOTAL].insns, all));
        g_string_append(out, "</td><td class=\"bars\">");
        put_bar(out, one);
        g_string_append(out, "</td></tr>\n");
    }
    g_string_append(out, "</tbody></table></div>\n");
}

/* ---- numbers ---- */

static void put_metrics(GString *out, const struct cost *one, unsigned phase)
{
    const struct tally *t = &one->r->sum[phase];

    g_string_append_printf(out, "<tr><th scope=\"row\">%s</th>", phase_words[phase]);
    for (size_t m = 0; m < METRIC_COUNT; m++) {
        g_string_append(out, "<td class=\"n\">");
        if (m == METRIC_BYTES && !one->r->measured)
            g_string_append(out, "–");
        else
            html_mean(out, account_metric(t, m),
                      m == METRIC_BYTES ? one->r->measured : one->r->passages);
        g_string_append(out, "</td>");
    }
    g_string_append(out, "</tr>\n");
}

static bool is_empty(const struct tally *t)
{
    for (size_t m = 0; m < METRIC_COUNT; m++)
        if (account_metric(t, m))
            return false;
    return true;
}

static void put_reason(GString *out, const struct cost *one)
{
    g_string_append(out, "<details><summary>");
    put_name(out, one);
    g_string_append(
        out, ": means of a passage</summary>\n<div class=\"wide\" tabindex=\"0\" role=\"region\" "
             "aria-label=\"Means by phase\"><table>\n<thead><tr><th scope=\"col\">Phase</th>");
    for (size_t m = 0; m < METRIC_COUNT; m++)
        g_string_append_printf(out, "<th scope=\"col\" class=\"n\">%s</th>", metric_words[m]);
    g_string_append(out, "</tr></thead>\n<tbody>\n");
    for (unsigned phase = 0; phase < PHASE_COUNT; phase++)
        if (!is_empty(&one->r->sum[phase]))
            put_metrics(out, one, phase);
    g_string_append(out, "</tbody></table></div></details>\n");
}

static void put_phases(GString *out)
{
    static const char *const texts[PHASE_TOTAL] = {
#define PHASE(name, word, text) text,
#include "checker/phases.def"
#undef PHASE
    };

    g_string_append(out,
                    "<details><summary>What the phases are</summary>\n<dl class=\"phases\">\n");
    for (unsigned phase = 0; phase < PHASE_TOTAL; phase++) {
        g_string_append_printf(
            out,
            "<div><dt><svg class=\"key\" width=\"14\" height=\"14\" aria-hidden=\"true\">"
            "<rect class=\"ph-%s\" width=\"14\" height=\"14\"/></svg> %s</dt><dd>",
            phase_words[phase], phase_words[phase]);
        html_text(out, texts[phase]);
        g_string_append(out, "</dd></div>\n");
    }
    g_string_append(out, "</dl></details>\n");
}

void html_cost(const struct arm_checker *c, GString *out)
{
    g_autoptr(GArray) costs = g_array_new(FALSE, FALSE, sizeof(struct cost));

    account_each_reason(c->account, collect, costs);
    g_array_sort(costs, by_total);
    html_section(out, "cost", "Cost of a passage");
    g_string_append(
        out, "<p class=\"note\">A passage is from the exit of a world to the next entry of one on "
             "that CPU. In instructions, which are exact; bars are shares, and numbers of each "
             "phase stand below.</p>\n");
    if (costs->len)
        put_summary(costs, out);
    else
        g_string_append(out, "<p class=\"none\">No world was left and another entered.</p>\n");
    if (costs->len)
        put_phases(out);
    for (unsigned k = 0; k < costs->len; k++)
        put_reason(out, &g_array_index(costs, struct cost, k));
    html_section_end(out);
}
