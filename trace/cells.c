#include "trace/cells.h"

static void free_who(void *ptr)
{
    struct trace_who *w = ptr;

    g_hash_table_unref(w->cells);
    g_free(w);
}

void trace_cells_init(struct trace_cells *c)
{
    *c = (struct trace_cells){.who = g_ptr_array_new_with_free_func(free_who)};
}

void trace_cells_clear(struct trace_cells *c)
{
    g_ptr_array_unref(c->who);
}

static bool is_who(const struct trace_who *w, const struct arm_event *e)
{
    return w && w->el == e->el && w->guest == e->guest && w->vmid == e->vmid;
}

struct trace_who *trace_cells_who(struct trace_cells *c, const struct arm_event *e)
{
    if (is_who(c->last, e))
        return c->last;
    for (unsigned k = 0; k < c->who->len; k++)
        if (is_who(c->who->pdata[k], e))
            return c->last = c->who->pdata[k];
    c->last = g_new0(struct trace_who, 1);
    c->last->guest = e->guest;
    c->last->vmid = e->vmid;
    c->last->el = e->el;
    c->last->cells = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    trace_world(e, e->el, c->last->name, sizeof(c->last->name));
    g_ptr_array_add(c->who, c->last);
    return c->last;
}

struct trace_cell *trace_cells_at(const struct trace *t, struct trace_who *who,
                                  const struct arm_event *e)
{
    struct trace_cell *cell = g_hash_table_lookup(who->cells, &e->pc);
    uint64_t offset;

    if (cell)
        return cell;
    cell = g_new0(struct trace_cell, 1);
    cell->pc = e->pc;
    cell->known = trace_names_file(t->names, e, e->pc, &cell->file, &offset);
    if (cell->known)
        cell->address = e->pc - offset;
    g_hash_table_insert(who->cells, &cell->pc, cell);
    return cell;
}

GHashTable *trace_line_counts(void)
{
    return g_hash_table_new_full(g_direct_hash, g_direct_equal, NULL, g_free);
}

uint64_t *trace_line_count(GHashTable *counts, unsigned line)
{
    uint64_t *count = g_hash_table_lookup(counts, GUINT_TO_POINTER(line));

    if (!count)
        g_hash_table_insert(counts, GUINT_TO_POINTER(line), count = g_new0(uint64_t, 1));
    return count;
}

static int by_number(const void *a, const void *b)
{
    unsigned x = GPOINTER_TO_UINT(a), y = GPOINTER_TO_UINT(b);

    return x < y ? -1 : x > y;
}

GList *trace_line_numbers(GHashTable *counts)
{
    return g_list_sort(g_hash_table_get_keys(counts), by_number);
}
