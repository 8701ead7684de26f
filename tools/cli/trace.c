#include "trace.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "check.h"
#include "output.h"
#include "trace/trace.h"

struct traces {
    struct arm_machine *m;
    struct trace_names *names;
    struct outputs *outputs;
    GPtrArray *list; /* struct trace */
};

static void say_wrong(FILE *out, const char *spec, const char *why)
{
    fprintf(out, "armillary: --trace=%s: %s\n", spec, why);
}

bool traces_check(const char *const *specs)
{
    struct trace_spec spec;
    char why[2000];

    for (; specs && *specs; specs++) {
        if (!trace_spec_parse(&spec, *specs, why, sizeof(why))) {
            say_wrong(stderr, *specs, why);
            return false;
        }
        trace_filter_clear(&spec.filter);
    }
    return true;
}

bool traces_help(const char *const *specs)
{
    const char *word, *argument, *help;

    if (!specs || !g_strv_contains(specs, "help"))
        return false;
    printf("Events, by word (docs/probes.md has their fields):\n");
    for (unsigned k = 0; (word = arm_event_topic((enum arm_event_kind)k)) != NULL; k++)
        printf("  %-12s %s\n", word, arm_event_name((enum arm_event_kind)k));
    printf("Formats (docs/tracing.md):\n");
    for (unsigned k = 0; trace_format_describe(k, &word, &help); k++)
        printf("  %-12s %s\n", word, help);
    printf("Filters:\n");
    for (unsigned k = 0; trace_filter_describe(k, &word, &argument, &help); k++)
        printf("  %s=%-*s %s\n", word, (int)(24 - strlen(word)), argument, help);
    return true;
}

/* ---- names ---- */

struct trace_names *traces_names(struct arm_machine *m, const struct trace_request *req, FILE *say)
{
    struct trace_names *names = trace_names_new(m);
    struct arm_error err = {0};
    bool good = true;

    for (const char *const *s = req->symbols; s && *s && good; s++)
        good = trace_names_add(names, *s, &err) == 0;
    if (!req->symbols && req->image && check_has_symbols(req->image))
        good = trace_names_add(names, req->image, &err) == 0;
    if (good) {
        trace_names_begin(names);
        return names;
    }
    fprintf(say, "armillary: --symbols: %s\n", err.text);
    trace_names_free(names);
    return NULL;
}

/* ---- files ---- */

/* NULL: a message has been printed. */
static FILE *open_file(struct traces *t, const char *text, const char *file)
{
    g_autofree char *option = g_strdup_printf("--trace=%s", text);
    struct output *o = file ? output_file(t->outputs, file, option) : NULL;

    return !file ? t->outputs->say : o ? output_stream(o, false) : NULL;
}

static bool open_one(struct traces *t, const char *text, struct trace_spec *spec, const char *file)
{
    FILE *out = open_file(t, text, file);

    if (out)
        g_ptr_array_add(t->list, trace_open(t->m, spec, t->names, out));
    else
        trace_filter_clear(&spec->filter);
    return out != NULL;
}

/* A format whose files have one CPU each: FILE.cpu0, FILE.cpu1, ... where a machine has several. */
static bool open_each(struct traces *t, const char *text, struct trace_spec *spec)
{
    bool good = true;

    for (unsigned cpu = 0; cpu < arm_cpu_count(t->m) && good; cpu++) {
        g_autofree char *file = g_strdup_printf("%s.cpu%u", spec->file, cpu);
        struct trace_spec one;
        char why[200];
        good = trace_spec_parse(&one, text, why, sizeof(why));
        one.filter.basic.cpus[cpu / 64] = ARM_BIT(cpu % 64);
        good = good && open_one(t, text, &one, file);
    }
    trace_filter_clear(&spec->filter);
    return good;
}

static bool open_spec(struct traces *t, const char *text)
{
    struct trace_spec spec;
    const struct symbols *symbols;
    const char *path;
    char why[2000];

    if (!trace_spec_parse(&spec, text, why, sizeof(why))) {
        say_wrong(t->outputs->say, text, why);
        return false;
    }
    if (trace_needs_files(&spec) && !trace_names_get(t->names, 0, &path, &symbols)) {
        say_wrong(t->outputs->say, text,
                  "expected --symbols, or an IMAGE that is an ELF file with symbols");
        trace_filter_clear(&spec.filter);
        return false;
    }
    if (!trace_is_of_one_cpu(&spec) || arm_cpu_count(t->m) == 1 || spec.filter.basic.cpus[0] ||
        spec.filter.basic.cpus[1])
        return open_one(t, text, &spec, spec.file);
    if (spec.file)
        return open_each(t, text, &spec);
    say_wrong(t->outputs->say, text, "expected a file, which is one for each CPU, or cpu=N");
    trace_filter_clear(&spec.filter);
    return false;
}

struct traces *traces_open(struct arm_machine *m, const struct trace_request *req,
                           struct outputs *outputs)
{
    struct traces *t = g_new0(struct traces, 1);
    bool good = true;

    t->m = m;
    t->outputs = outputs;
    t->list = g_ptr_array_new();
    if (!req->specs || !*req->specs)
        return t;
    t->names = traces_names(m, req, outputs->say);
    good = t->names != NULL;
    if (good)
        trace_names_follow(t->names);
    for (const char *const *s = req->specs; *s && good; s++)
        good = open_spec(t, *s);
    if (good)
        return t;
    traces_close(t);
    return NULL;
}

void traces_close(struct traces *t)
{
    if (!t)
        return;
    for (unsigned k = 0; k < t->list->len; k++)
        trace_close(t->list->pdata[k]);
    g_ptr_array_unref(t->list);
    trace_names_free(t->names);
    g_free(t);
}

/* ---- when ---- */

uint64_t traces_left(const struct traces *t)
{
    uint64_t next = UINT64_MAX, done = arm_machine_position(t->m).insns;

    for (unsigned k = 0; k < t->list->len; k++)
        next = MIN(next, trace_starts_at(t->list->pdata[k]));
    return next == UINT64_MAX ? UINT64_MAX : next > done ? next - done : 0;
}

bool traces_begin(struct traces *t, bool all)
{
    uint64_t done = arm_machine_position(t->m).insns;

    for (unsigned k = 0; k < t->list->len; k++) {
        uint64_t at = trace_starts_at(t->list->pdata[k]);
        if (at == UINT64_MAX || (at > done && !all) || trace_begin(t->list->pdata[k]))
            continue;
        fprintf(t->outputs->say, "armillary: --trace: more subscribers than %d\n",
                ARM_SUBSCRIBERS_MAX);
        return false;
    }
    return true;
}
