#include "gdb_findings.h"

#include "gdb_session.h"

static void on_line(void *ctx, const char *line)
{
    struct gdb_session *g = ctx;

    g_string_append_printf(g->finding, "%s\n", line);
    timeline_interrupt(g->t);
}

static void clear(void *one)
{
    struct gdb_finding *f = one;

    g_free(f->text);
}

void gdb_findings_begin(struct gdb_session *g)
{
    g->finding = g_string_new(NULL);
    g->found = g_array_new(FALSE, FALSE, sizeof(struct gdb_finding));
    g_array_set_clear_func(g->found, clear);
    if (g->checker)
        arm_checker_tell(g->checker, on_line, g);
}

void gdb_findings_end(struct gdb_session *g)
{
    if (g->checker)
        arm_checker_tell(g->checker, NULL, NULL);
    g_string_free(g->finding, TRUE);
    g_array_unref(g->found);
}

static const struct gdb_finding *one(const struct gdb_session *g, guint k)
{
    return &g_array_index(g->found, struct gdb_finding, k);
}

const struct gdb_finding *gdb_findings_note(struct gdb_session *g)
{
    struct gdb_finding f = {.at = timeline_farthest(g->t)};
    struct arm_end end;

    if (!g->finding->len)
        return NULL;
    arm_last_end(timeline_live(g->t), &end);
    f.cpu = end.cpu;
    f.text = g_strndup(g->finding->str, g->finding->len - 1);
    g_array_append_val(g->found, f);
    g_string_truncate(g->finding, 0);
    return one(g, g->found->len - 1);
}

const struct gdb_finding *gdb_findings_next(const struct gdb_session *g, struct arm_position here)
{
    for (guint k = 0; k < g->found->len; k++)
        if (position_compare(one(g, k)->at, here) > 0)
            return one(g, k);
    return NULL;
}

const struct gdb_finding *gdb_findings_previous(const struct gdb_session *g,
                                                struct arm_position here)
{
    struct arm_position start = timeline_start(g->t);

    for (guint k = g->found->len; k > 0; k--)
        if (position_compare(one(g, k - 1)->at, here) < 0)
            return position_compare(one(g, k - 1)->at, start) < 0 ? NULL : one(g, k - 1);
    return NULL;
}
