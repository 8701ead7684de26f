/*
 * What several runs have found, as one report: each finding once, as the first of the runs has it,
 * and which runs have it. Findings are kept as the texts that reports are made of, so that they
 * outlive their checker, and a file of them is as good: shards of a sweep merge to the report that
 * one run of all would have made.
 */
#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/json.h"
#include "checker/checker.h"
#include "checker/report.h"

#define MAGIC "armillary findings 1"

/* A finding's texts. */
enum blob { BLOB_WORDS, BLOB_TEXT, BLOB_JSON, BLOB_JUNIT, BLOB_SARIF, BLOBS };

struct part {
    enum rule rule;
    char *key;    /* equal ones are the same finding */
    GArray *runs; /* that have it, ascending */
    char *blob[BLOBS];
};

/* A run that did not end well. */
struct note {
    uint64_t run;
    char *text;
};

struct arm_merge {
    GPtrArray *parts; /* by first run, and in it as found */
    GArray *notes;    /* by run */
    GArray *runs;
    bool rule_on[RULE_COUNT + 1];
};

static void part_free(void *part)
{
    struct part *p = part;

    g_free(p->key);
    g_array_free(p->runs, TRUE);
    for (unsigned k = 0; k < BLOBS; k++)
        g_free(p->blob[k]);
    g_free(p);
}

struct arm_merge *arm_merge_new(void)
{
    struct arm_merge *m = g_new0(struct arm_merge, 1);

    m->parts = g_ptr_array_new_with_free_func(part_free);
    m->notes = g_array_new(FALSE, FALSE, sizeof(struct note));
    m->runs = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    return m;
}

void arm_merge_free(struct arm_merge *m)
{
    if (!m)
        return;
    for (unsigned k = 0; k < m->notes->len; k++)
        g_free(g_array_index(m->notes, struct note, k).text);
    g_array_free(m->notes, TRUE);
    g_array_free(m->runs, TRUE);
    g_ptr_array_free(m->parts, TRUE);
    g_free(m);
}

/* ---- adding ---- */

static bool add_run(GArray *runs, uint64_t run)
{
    unsigned at = 0;

    while (at < runs->len && g_array_index(runs, uint64_t, at) < run)
        at++;
    if (at < runs->len && g_array_index(runs, uint64_t, at) == run)
        return false;
    g_array_insert_val(runs, at, run);
    return true;
}

static uint64_t first_run(const struct part *p)
{
    return g_array_index(p->runs, uint64_t, 0);
}

static unsigned find_part(const struct arm_merge *m, const char *key)
{
    unsigned k = 0;

    while (k < m->parts->len && strcmp(((struct part *)m->parts->pdata[k])->key, key) != 0)
        k++;
    return k;
}

/* Behind all of the same first run: within it they come in order. */
static void insert_part(struct arm_merge *m, struct part *p)
{
    unsigned at = m->parts->len;

    while (at && first_run(m->parts->pdata[at - 1]) > first_run(p))
        at--;
    g_ptr_array_insert(m->parts, (int)at, p);
}

/* Takes @p. Of two that are the same finding the one of the earlier run tells. */
static void add_part(struct arm_merge *m, struct part *p)
{
    unsigned k = find_part(m, p->key);

    if (k == m->parts->len) {
        insert_part(m, p);
        return;
    }
    struct part *known = m->parts->pdata[k];
    bool earlier = first_run(p) < first_run(known);
    struct part *keep = earlier ? p : known, *drop = earlier ? known : p;
    for (unsigned r = 0; r < drop->runs->len; r++)
        add_run(keep->runs, g_array_index(drop->runs, uint64_t, r));
    if (earlier) {
        g_ptr_array_remove_index(m->parts, k);
        insert_part(m, p);
    } else {
        part_free(p);
    }
}

static void collect_line(void *ctx, const char *line)
{
    g_string_append_printf(ctx, "%s\n", line);
}

static struct part *make_part(const struct arm_checker *c, const struct kept_finding *kept,
                              uint64_t run, const char *words)
{
    const struct finding *f = &kept->finding;
    struct part *p = g_new0(struct part, 1);
    GString *text[BLOBS];

    for (unsigned k = 0; k < BLOBS; k++)
        text[k] = g_string_new(NULL);
    g_string_append(text[BLOB_WORDS], words);
    finding_print(c, kept, words, collect_line, text[BLOB_TEXT]);
    report_json_finding(kept, text[BLOB_JSON]);
    report_junit_finding(kept, text[BLOB_JUNIT]);
    report_sarif_finding(kept, text[BLOB_SARIF]);
    for (unsigned k = 0; k < BLOBS; k++)
        p->blob[k] = g_string_free(text[k], FALSE);
    p->rule = f->rule;
    p->key = g_strdup_printf("%s:%x:%" PRIx64 ":%d:%" PRIx64, rule_rows[f->rule].name, f->reg,
                             f->at.pc, f->other.known, f->other.pc);
    p->runs = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    add_run(p->runs, run);
    return p;
}

void arm_merge_add(struct arm_merge *m, struct arm_checker *c, uint64_t run, const char *words)
{
    struct findings *fs = c->findings;

    for (unsigned k = 0; k < RULE_COUNT; k++)
        m->rule_on[k] |= c->rule_on[k];
    add_run(m->runs, run);
    for (; fs->merged < fs->count; fs->merged++)
        add_part(m, make_part(c, &fs->list[fs->merged], run, words));
}

void arm_merge_note(struct arm_merge *m, uint64_t run, const char *text)
{
    struct note n = {run, g_strdup(text)};
    unsigned at = 0;

    add_run(m->runs, run);
    while (at < m->notes->len && g_array_index(m->notes, struct note, at).run < run)
        at++;
    if (at < m->notes->len && g_array_index(m->notes, struct note, at).run == run)
        g_free(n.text);
    else
        g_array_insert_val(m->notes, at, n);
}

/* ---- a file of them ---- */

static void put_runs(GString *out, const GArray *runs)
{
    for (unsigned k = 0; k < runs->len; k++)
        g_string_append_printf(out, "%s%" PRIu64, k ? "," : "", g_array_index(runs, uint64_t, k));
    g_string_append(out, runs->len ? "\n" : "-\n");
}

static void put_blob(GString *out, const char *blob)
{
    g_string_append_printf(out, "%zu\n%s\n", strlen(blob), blob);
}

int arm_merge_save(const struct arm_merge *m, const char *path, struct arm_error *err)
{
    g_autoptr(GString) out = g_string_new(MAGIC "\nrules");

    for (unsigned k = 0; k < RULE_COUNT; k++)
        if (m->rule_on[k])
            g_string_append_printf(out, " %s", rule_rows[k].name);
    g_string_append(out, "\nruns ");
    put_runs(out, m->runs);
    for (unsigned k = 0; k < m->notes->len; k++) {
        const struct note *n = &g_array_index(m->notes, struct note, k);
        g_string_append_printf(out, "note %" PRIu64 "\n", n->run);
        put_blob(out, n->text);
    }
    for (unsigned k = 0; k < m->parts->len; k++) {
        const struct part *p = m->parts->pdata[k];
        g_string_append_printf(out, "finding %s %s ", rule_rows[p->rule].name, p->key);
        put_runs(out, p->runs);
        for (unsigned b = 0; b < BLOBS; b++)
            put_blob(out, p->blob[b]);
    }
    g_string_append(out, "end\n");
    return report_write_text(path, out, err);
}

struct reader {
    char *at, *end;
    bool bad;
};

/* The next line, cut off. */
static char *take_line(struct reader *r)
{
    char *line = r->at, *nl = memchr(r->at, '\n', (size_t)(r->end - r->at));

    if (!nl) {
        r->bad = true;
        return r->end; /* which is "" */
    }
    *nl = '\0';
    r->at = nl + 1;
    return line;
}

static char *take_blob(struct reader *r)
{
    char *line = take_line(r), *rest;
    uint64_t size = g_ascii_strtoull(line, &rest, 10);

    if (r->bad || rest == line || *rest || size >= (uint64_t)(r->end - r->at) ||
        r->at[size] != '\n') {
        r->bad = true;
        return g_strdup("");
    }
    char *blob = g_strndup(r->at, size);
    r->at += size + 1;
    return blob;
}

static GArray *take_runs(struct reader *r, const char *text)
{
    GArray *runs = g_array_new(FALSE, FALSE, sizeof(uint64_t));
    char *rest;

    if (!strcmp(text, "-"))
        return runs;
    do {
        uint64_t run = g_ascii_strtoull(text, &rest, 10);
        r->bad |= rest == text || (*rest && *rest != ',');
        add_run(runs, run);
        text = rest + 1;
    } while (!r->bad && *rest);
    return runs;
}

static bool rule_named(const char *name, enum rule *rule)
{
    for (unsigned k = 0; k < RULE_COUNT; k++)
        if (!strcmp(rule_rows[k].name, name)) {
            *rule = (enum rule)k;
            return true;
        }
    return false;
}

static void take_finding(struct reader *r, struct arm_merge *m, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 4);
    struct part *p = g_new0(struct part, 1);

    r->bad |= g_strv_length(words) != 4 || !rule_named(words[1], &p->rule);
    p->key = g_strdup(r->bad ? "" : words[2]);
    p->runs = take_runs(r, r->bad ? "-" : words[3]);
    for (unsigned b = 0; b < BLOBS; b++)
        p->blob[b] = take_blob(r);
    r->bad |= p->runs->len == 0;
    if (r->bad)
        part_free(p);
    else
        add_part(m, p);
}

static void take_rules(struct arm_merge *m, char **names)
{
    enum rule rule;

    for (char **name = names; *name; name++)
        if (rule_named(*name, &rule))
            m->rule_on[rule] = true;
}

static void take_all(struct reader *r, struct arm_merge *m)
{
    r->bad |= strcmp(take_line(r), MAGIC) != 0;
    while (!r->bad) {
        char *line = take_line(r);
        g_auto(GStrv) words = g_strsplit(line, " ", -1);
        const char *first = words[0] ? words[0] : "";
        if (!strcmp(first, "end"))
            return;
        if (!strcmp(first, "rules")) {
            take_rules(m, words + 1);
        } else if (!strcmp(first, "runs") && words[1]) {
            g_autoptr(GArray) runs = take_runs(r, words[1]);
            for (unsigned k = 0; k < runs->len; k++)
                add_run(m->runs, g_array_index(runs, uint64_t, k));
        } else if (!strcmp(first, "note") && words[1]) {
            g_autofree char *text = take_blob(r);
            arm_merge_note(m, g_ascii_strtoull(words[1], NULL, 10), text);
        } else if (!strcmp(first, "finding")) {
            take_finding(r, m, line);
        } else {
            r->bad = true;
        }
    }
}

int arm_merge_load(struct arm_merge *m, const char *path, struct arm_error *err)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) failed = NULL;
    gsize size;

    if (!g_file_get_contents(path, &text, &size, &failed))
        return error_set(err, ARM_EIO, "%s: %s", path, failed->message);
    struct reader r = {text, text + size, false};
    take_all(&r, m);
    return r.bad ? error_set(err, ARM_EINVAL,
                             "%s: not a whole file of findings, as `--report parts=FILE` writes it",
                             path)
                 : 0;
}

/* ---- the report ---- */

static unsigned count_errors(const struct arm_merge *m)
{
    unsigned count = 0;

    for (unsigned k = 0; k < m->parts->len; k++)
        count += rule_rows[((struct part *)m->parts->pdata[k])->rule].severity == RULE_ERROR;
    return count;
}

static void print_lines(const char *text, arm_line_fn *line, void *ctx)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **l = lines; *l && (*l)[0]; l++)
        line(ctx, *l);
}

static void print(const struct arm_merge *m, arm_line_fn *line, void *ctx)
{
    unsigned errors = count_errors(m);

    for (unsigned k = 0; k < m->parts->len; k++) {
        const struct part *p = m->parts->pdata[k];
        print_lines(p->blob[BLOB_TEXT], line, ctx);
        g_autofree char *who = g_strdup_printf("  runs     %u; the first is %" PRIu64 " %s",
                                               p->runs->len, first_run(p), p->blob[BLOB_WORDS]);
        line(ctx, who);
    }
    for (unsigned k = 0; k < m->notes->len; k++) {
        const struct note *n = &g_array_index(m->notes, struct note, k);
        g_autofree char *text = g_strdup_printf("run %" PRIu64 ": %s", n->run, n->text);
        line(ctx, text);
    }
    g_autofree char *sum = g_strdup_printf(
        "findings: %u error(s), %u warning(s) in %u run(s), %u of which ended badly", errors,
        m->parts->len - errors, m->runs->len, m->notes->len);
    line(ctx, sum);
}

static void json(const struct arm_merge *m, GString *out)
{
    g_string_append_c(out, '[');
    for (unsigned k = 0; k < m->parts->len; k++) {
        const struct part *p = m->parts->pdata[k];
        size_t length = strlen(p->blob[BLOB_JSON]);
        g_string_append(out, k ? ",\n  " : "\n  ");
        g_string_append_len(out, p->blob[BLOB_JSON], (gssize)length - 1); /* less the brace */
        g_string_append_printf(out, ", \"run\": %" PRIu64 ", \"run_words\": ", first_run(p));
        json_quote(out, p->blob[BLOB_WORDS]);
        g_string_append_printf(out, ", \"runs\": %u}", p->runs->len);
    }
    g_string_append(out, m->parts->len ? "\n]\n" : "]\n");
}

static unsigned junit_text(const struct arm_merge *m, enum rule rule, GString *out)
{
    unsigned count = 0;

    for (unsigned k = 0; k < m->parts->len; k++) {
        const struct part *p = m->parts->pdata[k];
        if (p->rule != rule)
            continue;
        count++;
        g_string_append_printf(out, "%s  runs: %u; the first is %" PRIu64 " %s\n",
                               p->blob[BLOB_JUNIT], p->runs->len, first_run(p),
                               p->blob[BLOB_WORDS]);
    }
    return count;
}

static void junit(const struct arm_merge *m, GString *out)
{
    g_autoptr(GString) cases = g_string_new(NULL);
    unsigned tests = 0, failures = 0;

    for (unsigned k = 0; k < RULE_COUNT; k++) {
        if (!m->rule_on[k])
            continue;
        g_autoptr(GString) text = g_string_new(NULL);
        unsigned count = junit_text(m, (enum rule)k, text);
        report_junit_rule((enum rule)k, count, text->str, cases);
        tests++;
        failures += count && rule_rows[k].severity == RULE_ERROR;
    }
    report_junit_suite(tests, failures, cases->str, out);
}

static void sarif(const struct arm_merge *m, GString *out)
{
    report_sarif_begin(out);
    for (unsigned k = 0; k < m->parts->len; k++) {
        g_string_append(out, k ? "," : "");
        g_string_append(out, ((struct part *)m->parts->pdata[k])->blob[BLOB_SARIF]);
    }
    report_sarif_end(out);
}

static int write_one(const struct arm_merge *m, const char *path,
                     void (*fn)(const struct arm_merge *m, GString *out), struct arm_error *err)
{
    g_autoptr(GString) out = g_string_new(NULL);

    if (!path)
        return 0;
    fn(m, out);
    return report_write_text(path, out, err);
}

int arm_merge_end(const struct arm_merge *m, const struct arm_check_config *config,
                  arm_line_fn *line, void *ctx, struct arm_error *err)
{
    int rc = write_one(m, config->json, json, err);

    print(m, line, ctx);
    if (rc == 0 && config->html)
        rc = error_set(err, ARM_EINVAL, "%s: an HTML report is of one run, not of several",
                       config->html);
    if (rc == 0)
        rc = write_one(m, config->junit, junit, err);
    if (rc == 0)
        rc = write_one(m, config->sarif, sarif, err);
    if (rc == 0 && config->parts)
        rc = arm_merge_save(m, config->parts, err);
    return rc ? rc : (int)count_errors(m);
}
