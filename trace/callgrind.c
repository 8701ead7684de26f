/* A profile in callgrind's format. A world and level is an object ("ob="), so that what is called
 * alike in two of them is told apart. */
#include <inttypes.h>

#include "trace/profile.h"

void trace_callgrind_begin(struct trace *t)
{
    t->self = profile_new(t, false);
}

void trace_callgrind_event(struct trace *t, const struct arm_event *e)
{
    profile_event(t, e);
}

static int by_line(const void *a, const void *b)
{
    const struct profile_call *x = a, *y = b;

    return x->line != y->line      ? (x->line < y->line ? -1 : 1)
           : x->callee < y->callee ? -1
                                   : x->callee > y->callee;
}

static void write_function(struct trace *t, const struct profile_function *f)
{
    const struct profile *p = t->self;
    g_autoptr(GList) lines = trace_line_numbers(f->lines);
    g_autoptr(GList) calls = g_list_sort(g_hash_table_get_keys(f->calls), by_line);

    g_string_append_printf(t->text, "\nob=%s\nfl=%s\nfn=%s\n", f->who->name, f->file, f->name);
    for (GList *l = lines; l; l = l->next)
        g_string_append_printf(t->text, "%u %" PRIu64 "\n", GPOINTER_TO_UINT(l->data),
                               *trace_line_count(f->lines, GPOINTER_TO_UINT(l->data)));
    for (GList *l = calls; l; l = l->next) {
        const struct profile_call *call = l->data;
        const struct profile_function *callee = profile_function(p, call->callee);
        g_string_append_printf(
            t->text, "cob=%s\ncfi=%s\ncfn=%s\ncalls=%" PRIu64 " 0\n%u %" PRIu64 "\n",
            callee->who->name, callee->file, callee->name, call->count, call->line, call->cost);
    }
    trace_sink_put(&t->sink, t->text);
}

void trace_callgrind_end(struct trace *t)
{
    struct profile *p = t->self;
    uint64_t total = profile_add_up(t);

    g_string_append_printf(
        t->text,
        "# callgrind format\nversion: 1\ncreator: armillary %s\npositions: line\n"
        "event: Ir : Retired instructions\nevents: Ir\nsummary: %" PRIu64 "\n",
        arm_version(), total);
    trace_sink_put(&t->sink, t->text);
    for (unsigned k = 0; k < p->functions->len; k++)
        write_function(t, profile_function(p, k));
    g_string_append_printf(t->text, "\ntotals: %" PRIu64 "\n", total);
    trace_sink_put(&t->sink, t->text);
    profile_free(p);
}
