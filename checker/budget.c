#include "checker/budget.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "checker/account_state.h"
#include "checker/checker.h"
#include "checker/finding.h"

/* ---- the file ---- */

static bool find_word(const char *const *words, size_t count, const char *word, size_t *found)
{
    for (size_t k = 0; k < count; k++)
        if (!strcmp(words[k], word)) {
            *found = k;
            return true;
        }
    return false;
}

static bool find_reason(const char *word, unsigned *reason)
{
    char buf[16];

    for (*reason = 0; *reason < REASON_COUNT; ++*reason)
        if (!strcmp(account_reason_word(*reason, buf), word))
            return true;
    return false;
}

static bool parse_number(const char *word, uint64_t *value)
{
    char *end;

    errno = 0;
    *value = g_ascii_strtoull(word, &end, 10);
    return g_ascii_isdigit(*word) && !*end && errno == 0;
}

/* NULL: it is a limit. Else what the first word that is wrong should be. */
static const char *parse_limit(char **words, struct limit *l, const char **wrong)
{
    size_t kind, phase;

    *wrong = NULL;
    if (g_strv_length(words) != 5)
        return "five words";
    *wrong = words[0];
    if (!find_word(kind_words, G_N_ELEMENTS(kind_words), words[0], &kind))
        return "a world, \"guest\" or \"host\"";
    *wrong = words[1];
    if (!find_reason(words[1], &l->reason))
        return "a reason as the report prints it: HVC64, IRQ";
    *wrong = words[2];
    if (!find_word(phase_words, PHASE_COUNT, words[2], &phase))
        return "a phase as the report prints it, or \"total\"";
    *wrong = words[3];
    if (!find_word(metric_words, METRIC_COUNT, words[3], &l->metric))
        return "insns, reads, writes, barriers, tlbis, traps or bytes";
    *wrong = words[4];
    if (!parse_number(words[4], &l->most))
        return "a decimal number of 64 bits";
    l->kind = (enum world_kind)kind;
    l->phase = (unsigned)phase;
    return NULL;
}

static bool same_limit(const struct limit *a, const struct limit *b)
{
    return a->kind == b->kind && a->reason == b->reason && a->phase == b->phase &&
           a->metric == b->metric;
}

static int add_line(struct account *a, const char *path, unsigned number, char *line,
                    struct arm_error *err)
{
    struct limit l = {0};
    const char *wrong, *expected;

    line[strcspn(line, "#")] = '\0';
    g_strstrip(line);
    if (!*line)
        return 0;
    g_auto(GStrv) words = g_regex_split_simple("[ \t]+", line, 0, 0);
    expected = parse_limit(words, &l, &wrong);
    if (expected)
        return error_set(err, ARM_EFORMAT,
                         "%s:%u: \"%s\" is no limit: \"%s\": expected %s; a limit is WORLD REASON "
                         "PHASE METRIC LIMIT, as \"guest HVC64 total insns 1200\"",
                         path, number, line, wrong ? wrong : line, expected);
    for (unsigned k = 0; k < a->limits->len; k++)
        if (same_limit(&g_array_index(a->limits, struct limit, k), &l))
            return error_set(err, ARM_EFORMAT, "%s:%u: \"%s\": there is a limit for this already",
                             path, number, line);
    a->exact |= l.metric == METRIC_BYTES;
    g_array_append_val(a->limits, l);
    return 0;
}

int budget_read(struct account *a, const char *path, struct arm_error *err)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    gsize length;
    int rc = 0;

    if (!g_file_get_contents(path, &text, &length, &error))
        return error_set(err, ARM_EIO, "%s: cannot read the budget: %s", path, error->message);
    if (strlen(text) != length || !g_utf8_validate(text, -1, NULL))
        return error_set(err, ARM_EFORMAT, "%s: is no text: expected lines of limits", path);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (unsigned k = 0; lines[k] && rc == 0; k++)
        rc = add_line(a, path, k + 1, lines[k], err);
    return rc;
}

static void write_reason(void *ctx, enum world_kind kind, unsigned reason, const struct reason *r)
{
    char buf[16];

    for (unsigned phase = 0; phase < PHASE_COUNT; phase++)
        for (size_t k = 0; k < METRIC_COUNT; k++)
            if (phase == PHASE_TOTAL || account_metric(&r->max[phase], k))
                fprintf(ctx, "%s %s %s %s %" PRIu64 "\n", kind_words[kind],
                        account_reason_word(reason, buf), phase_words[phase], metric_words[k],
                        account_metric(&r->max[phase], k));
}

int budget_write(const struct account *a, const char *path, struct arm_error *err)
{
    FILE *f = fopen(path, "wb");
    bool written = f != NULL;

    if (f) {
        fputs("# WORLD REASON PHASE METRIC LIMIT: what one run has needed at most\n", f);
        account_each_reason(a, write_reason, f);
        written = !ferror(f);
    }
    if (f && fclose(f) != 0)
        written = false;
    return written
               ? 0
               : error_set(err, ARM_EIO, "%s: cannot write the budget: %s", path, strerror(errno));
}

/* ---- limits ---- */

void budget_check(struct account *a, const struct arm_checker *c, const struct passage *o,
                  const struct arm_event *p)
{
    for (unsigned k = 0; k < a->limits->len; k++) {
        struct limit *l = &g_array_index(a->limits, struct limit, k);
        if (l->kind != o->kind || l->reason != o->reason)
            continue;
        uint64_t seen = account_metric(&o->tally[l->phase], l->metric);
        if (seen <= l->most)
            continue;
        if (!l->passages++) {
            l->first = seen;
            l->left = o->left;
            l->back = site_of(c, p);
        }
        l->worst = MAX(l->worst, seen);
    }
}

unsigned budget_limits(const struct account *a)
{
    return a->limits->len;
}

unsigned budget_exceeded(const struct account *a)
{
    unsigned count = 0;

    for (unsigned k = 0; k < a->limits->len; k++)
        count += g_array_index(a->limits, struct limit, k).passages != 0;
    return count;
}

char *budget_text(const struct account *a, unsigned k)
{
    const struct limit *l = &g_array_index(a->limits, struct limit, k);
    char buf[16];

    if (!l->passages)
        return NULL;
    return g_strdup_printf("%s %s %s %s: %" PRIu64 ", expected at most %" PRIu64 "; so in %" PRIu64
                           " passage(s), the worst %" PRIu64,
                           kind_words[l->kind], account_reason_word(l->reason, buf),
                           phase_words[l->phase], metric_words[l->metric], l->first, l->most,
                           l->passages, l->worst);
}

void budget_print(const struct arm_checker *c, arm_line_fn *line, void *ctx)
{
    const struct account *a = c->account;

    for (unsigned k = 0; k < a->limits->len; k++) {
        const struct limit *l = &g_array_index(a->limits, struct limit, k);
        g_autofree char *text = budget_text(a, k);
        if (!text)
            continue;
        say(line, ctx, "budget: %s", text);
        say(line, ctx,
            "  first    cpu%u EL%u pc %#" PRIx64 " left, instruction %" PRIu64 ", to pc %#" PRIx64
            ", instruction %" PRIu64,
            l->left.cpu, l->left.el, l->left.pc, l->left.total, l->back.pc, l->back.total);
        if (c->rerun)
            say(line, ctx, "  replay   armillary run --max-insns %" PRIu64 " %s", l->left.total,
                c->rerun);
    }
    if (a->limits->len)
        say(line, ctx, "budget: %u of %u limit(s) exceeded", budget_exceeded(a), a->limits->len);
}
