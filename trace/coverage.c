/*
 * Coverage as lcov's tracefiles have it (geninfo(1), "FILES"): for each world and level a test
 * name, for each source file a record with its functions and lines. A line has been executed as
 * often as that instruction of it that was executed most; those that DWARF knows and nobody has
 * executed are there with 0. Of a file without DWARF line N is its N-th function.
 */
#include <inttypes.h>

#include "symbols/lines.h"
#include "symbols/symbols.h"
#include "trace/cells.h"

void trace_lcov_begin(struct trace *t)
{
    struct trace_cells *c = g_new0(struct trace_cells, 1);

    trace_cells_init(c);
    t->self = c;
}

void trace_lcov_event(struct trace *t, const struct arm_event *e)
{
    trace_cells_at(t, trace_cells_who(t->self, e), e)->count++;
}

/* ---- what a source file has ---- */

struct record {
    GString *functions; /* FN and FNDA lines */
    unsigned found, hit;
    GHashTable *lines; /* trace_line_counts() of executions */
};

static void clear_record(void *ptr)
{
    struct record *r = ptr;

    g_string_free(r->functions, TRUE);
    g_hash_table_unref(r->lines);
}

static GArray *records_new(unsigned count)
{
    GArray *all = g_array_sized_new(FALSE, TRUE, sizeof(struct record), count);

    g_array_set_clear_func(all, clear_record);
    g_array_set_size(all, count);
    for (unsigned k = 0; k < count; k++) {
        struct record *r = &g_array_index(all, struct record, k);
        r->functions = g_string_new(NULL);
        r->lines = trace_line_counts();
    }
    return all;
}

static void add_line(struct record *r, unsigned line, uint64_t count)
{
    uint64_t *most = trace_line_count(r->lines, line);

    *most = MAX(*most, count);
}

static void add_function(struct record *r, unsigned line, const char *name, uint64_t count)
{
    g_string_append_printf(r->functions, "FN:%u,%s\nFNDA:%" PRIu64 ",%s\n", line, name, count,
                           name);
    r->found++;
    r->hit += count != 0;
}

/* "vm3 EL1" is "vm3_EL1": a test's name has letters, digits and "_". */
static void write_record(struct trace *t, const struct trace_who *who, const char *path,
                         const struct record *r)
{
    g_autoptr(GList) lines = trace_line_numbers(r->lines);
    g_autofree char *name = g_strdelimit(g_strdup(who->name), " ", '_');
    unsigned hit = 0;

    if (!lines && !r->found)
        return;
    g_string_append_printf(t->text, "TN:%s\nSF:%s\n%sFNF:%u\nFNH:%u\n", name, path,
                           r->functions->str, r->found, r->hit);
    for (GList *l = lines; l; l = l->next) {
        uint64_t count = *trace_line_count(r->lines, GPOINTER_TO_UINT(l->data));
        g_string_append_printf(t->text, "DA:%u,%" PRIu64 "\n", GPOINTER_TO_UINT(l->data), count);
        hit += count != 0;
    }
    g_string_append_printf(t->text, "LF:%u\nLH:%u\nend_of_record\n", g_list_length(lines), hit);
    trace_sink_put(&t->sink, t->text);
}

/* ---- counts by the file's addresses ---- */

/* Executions of a file's code in a world: address to count. */
static GHashTable *counts_of(const struct trace_who *who, unsigned file)
{
    GHashTable *counts = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, NULL);
    GHashTableIter i;
    void *value;

    g_hash_table_iter_init(&i, who->cells);
    while (g_hash_table_iter_next(&i, NULL, &value)) {
        struct trace_cell *cell = value;
        if (cell->known && cell->file == file)
            g_hash_table_insert(counts, &cell->address, cell);
    }
    return counts;
}

static uint64_t count_at(GHashTable *counts, uint64_t address)
{
    const struct trace_cell *cell = g_hash_table_lookup(counts, &address);

    return cell ? cell->count : 0;
}

static uint64_t most_in(GHashTable *counts, uint64_t from, uint64_t to)
{
    uint64_t most = 0;

    for (uint64_t address = from; address < to; address += 4)
        most = MAX(most, count_at(counts, address));
    return most;
}

static void by_lines(struct trace *t, const struct trace_who *who, GHashTable *counts,
                     const struct lines *l)
{
    g_autoptr(GArray) records = records_new(l->files->len);

    for (unsigned k = 0; k < l->code->len; k++) {
        const struct line_code *c = &g_array_index(l->code, struct line_code, k);
        add_line(&g_array_index(records, struct record, c->file), c->line,
                 most_in(counts, c->address, c->end));
    }
    for (unsigned k = 0; k < l->functions->len; k++) {
        const struct line_function *f = &g_array_index(l->functions, struct line_function, k);
        add_function(&g_array_index(records, struct record, f->file), f->line, f->name,
                     count_at(counts, f->address));
    }
    for (unsigned k = 0; k < records->len; k++)
        write_record(t, who, l->files->pdata[k], &g_array_index(records, struct record, k));
}

static void by_symbols(struct trace *t, const struct trace_who *who, GHashTable *counts,
                       const char *path, const struct symbols *s)
{
    g_autoptr(GArray) records = records_new(1);
    struct record *r = &g_array_index(records, struct record, 0);
    uint64_t address, size;
    const char *name;

    for (unsigned k = 0; symbols_get(s, k, &address, &size, &name); k++) {
        uint64_t count = count_at(counts, address);
        add_function(r, k + 1, name, count);
        add_line(r, k + 1, MAX(count, most_in(counts, address, address + size)));
    }
    write_record(t, who, path, r);
}

/* A world has what it has executed something of. */
static void write_file(struct trace *t, unsigned file, const char *path,
                       const struct symbols *symbols)
{
    const struct trace_cells *c = t->self;
    struct lines *lines = lines_read(path);

    for (unsigned k = 0; k < c->who->len; k++) {
        const struct trace_who *who = c->who->pdata[k];
        g_autoptr(GHashTable) counts = counts_of(who, file);
        if (!g_hash_table_size(counts))
            continue;
        if (lines)
            by_lines(t, who, counts, lines);
        else
            by_symbols(t, who, counts, path, symbols);
    }
    lines_free(lines);
}

void trace_lcov_end(struct trace *t)
{
    const struct symbols *symbols;
    const char *path;

    for (unsigned k = 0; trace_names_get(t->names, k, &path, &symbols); k++) {
        g_autofree char *full = g_canonicalize_filename(path, NULL);
        write_file(t, k, full, symbols);
    }
    trace_cells_clear(t->self);
    g_free(t->self);
}
