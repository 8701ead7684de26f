/*
 * Retired instructions by function and line, and who called whom with what they took, in
 * callgrind's format. A world and level is an object ("ob="), so that what is called alike in two
 * of them is told apart.
 *
 * Calls are what the instructions do: BL and BLR, and exceptions taken to the same level of the
 * same world; a return is a RET or ERET to where one of them came from. One that goes elsewhere (a
 * scheduler's switch to another stack) ends all calls that are open.
 */
#include <inttypes.h>

#include "symbols/lines.h"
#include "trace/cells.h"

#define DEPTH_MAX 4096 /* calls within calls; deeper ones are counted as their caller's */

struct function {
    const struct trace_who *who;
    char *name, *file; /* file: "???" if no DWARF knows it */
    GHashTable *lines; /* trace_line_counts() of instructions */
    GHashTable *calls; /* struct call, by itself */
};

struct call {
    unsigned line, callee;
    uint64_t count, cost;
};

struct frame {
    unsigned caller, line, callee;
    uint64_t from, back; /* instructions of the context before; the return address */
};

/* A CPU at a level of a world: a stack of calls. */
struct context {
    const struct trace_who *who;
    unsigned cpu;
    uint64_t insns;
    uint64_t count; /* retired by the CPU before the last one */
    GArray *frames; /* struct frame */
    uint64_t back;  /* a call or exception is under way, and will return there; 0: none */
    bool called, returned;
    struct trace_cell *last;
};

struct profile {
    struct trace_cells cells;
    GPtrArray *functions, *contexts;
    GHashTable *by_name; /* "world\1name" of function: its number and 1 */
    GPtrArray *lines;    /* struct lines of each file that was asked for; NULL: it has none */
    struct context **at; /* each CPU's */
};

/* ---- functions ---- */

static void free_function(void *ptr)
{
    struct function *f = ptr;

    g_free(f->name);
    g_free(f->file);
    g_hash_table_unref(f->lines);
    g_hash_table_unref(f->calls);
    g_free(f);
}

static void free_context(void *ptr)
{
    struct context *c = ptr;

    g_array_unref(c->frames);
    g_free(c);
}

static unsigned call_hash(const void *key)
{
    const struct call *c = key;

    return c->line * 31 + c->callee;
}

static int same_call(const void *a, const void *b)
{
    const struct call *x = a, *y = b;

    return x->line == y->line && x->callee == y->callee;
}

static struct function *function(const struct profile *p, unsigned number)
{
    return p->functions->pdata[number];
}

static void free_lines(void *l)
{
    lines_free(l);
}

/* The file of @cell and its line there. NULL: no DWARF knows. */
static const char *line_of(struct trace *t, const struct trace_cell *cell, unsigned *line)
{
    struct profile *p = t->self;
    const struct symbols *symbols;
    const char *path;

    *line = 0;
    if (!cell->known)
        return NULL;
    while (p->lines->len <= cell->file && trace_names_get(t->names, p->lines->len, &path, &symbols))
        g_ptr_array_add(p->lines, lines_read(path));
    const struct lines *l = p->lines->pdata[cell->file];
    const struct line_code *code = lines_find(l, cell->address);
    if (!code)
        return NULL;
    *line = code->line;
    return l->files->pdata[code->file];
}

static unsigned line_number(struct trace *t, const struct trace_cell *cell)
{
    unsigned line;

    line_of(t, cell, &line);
    return line;
}

/* By name; what has none by its page. */
static unsigned function_of(struct trace *t, const struct trace_who *who,
                            const struct trace_cell *cell, const struct arm_event *e)
{
    struct profile *p = t->self;
    char name[160];
    const char *file;
    unsigned line;

    if (!trace_function(t->names, e, name, sizeof(name)))
        g_snprintf(name, sizeof(name), "%#" PRIx64, e->pc & ~UINT64_C(0xfff));
    g_autofree char *key = g_strdup_printf("%s\1%s", who->name, name);
    unsigned number = GPOINTER_TO_UINT(g_hash_table_lookup(p->by_name, key));
    if (number)
        return number - 1;
    struct function *f = g_new0(struct function, 1);
    f->who = who;
    f->name = g_strdup(name);
    file = line_of(t, cell, &line);
    f->file = g_strdup(file ? file : "???");
    f->lines = trace_line_counts();
    f->calls = g_hash_table_new_full(call_hash, same_call, g_free, NULL);
    g_ptr_array_add(p->functions, f);
    g_hash_table_insert(p->by_name, g_steal_pointer(&key), GUINT_TO_POINTER(p->functions->len));
    return p->functions->len - 1;
}

/* ---- calls ---- */

static void end_call(const struct profile *p, const struct context *c, const struct frame *frame)
{
    const struct function *caller = function(p, frame->caller);
    struct call key = {frame->line, frame->callee, 0, 0},
                *call = g_hash_table_lookup(caller->calls, &key);

    if (!call) {
        call = g_memdup2(&key, sizeof(key));
        g_hash_table_add(caller->calls, call);
    }
    call->count++;
    call->cost += c->insns - frame->from;
}

/* Down to @depth calls. */
static void unwind(const struct profile *p, struct context *c, unsigned depth)
{
    while (c->frames->len > depth) {
        end_call(p, c, &g_array_index(c->frames, struct frame, c->frames->len - 1));
        g_array_set_size(c->frames, c->frames->len - 1);
    }
}

static void go_back(const struct profile *p, struct context *c, uint64_t pc)
{
    unsigned depth = c->frames->len;

    while (depth && g_array_index(c->frames, struct frame, depth - 1).back != pc)
        depth--;
    unwind(p, c, depth ? depth - 1 : 0);
}

static struct context *context_of(struct profile *p, const struct trace_who *who, unsigned cpu)
{
    struct context *c = p->at[cpu];

    if (c && c->who == who)
        return c;
    for (unsigned k = 0; k < p->contexts->len; k++) {
        c = p->contexts->pdata[k];
        if (c->who == who && c->cpu == cpu)
            return p->at[cpu] = c;
    }
    c = g_new0(struct context, 1);
    c->who = who;
    c->cpu = cpu;
    c->frames = g_array_new(FALSE, FALSE, sizeof(struct frame));
    g_ptr_array_add(p->contexts, c);
    return p->at[cpu] = c;
}

/* The first instruction behind a call or exception: the callee's. */
static void enter(struct trace *t, struct context *c, const struct trace_cell *callee)
{
    struct frame f = {.callee = callee->function, .from = c->insns, .back = c->back};

    if (c->last && c->frames->len < DEPTH_MAX) {
        f.caller = c->last->function;
        f.line = line_number(t, c->last);
        g_array_append_val(c->frames, f);
    }
    c->called = false;
}

/* C4.1.94, "Unconditional branch (register)" and "(immediate)": BL, BLR, BLRAA and others; RET,
 * RETAA, RETAB. */
static bool is_call(uint32_t word)
{
    return (word & 0xfc000000) == 0x94000000 || (word & 0xfefff000) == 0xd63f0000;
}

static bool is_return(uint32_t word)
{
    return (word & 0xfffff000) == 0xd65f0000;
}

static void insn(struct trace *t, const struct arm_event *e)
{
    struct profile *p = t->self;
    struct trace_who *who = trace_cells_who(&p->cells, e);
    struct trace_cell *cell = trace_cells_at(t, who, e);
    struct context *c = context_of(p, who, e->cpu);

    if (cell->count++ == 0)
        cell->function = function_of(t, who, cell, e);
    if (c->returned)
        go_back(p, c, e->pc);
    else if (c->called)
        enter(t, c, cell);
    c->returned = is_return(e->insn.word);
    c->called = is_call(e->insn.word);
    c->back = e->pc + 4;
    c->last = cell;
    c->count = e->count;
    c->insns++;
}

/* To the same level it is a call; to another one it is that level's beginning. */
static void exception(struct trace *t, const struct arm_event *e)
{
    struct profile *p = t->self;
    struct context *c = p->at[e->cpu];

    if (!c || c->who->el != e->el)
        return;
    if (c->last && c->count == e->count && c->last->pc == e->pc) {
        c->last->count--; /* it has not retired */
        c->insns--;
    }
    if (e->exception.target_el != e->el)
        return;
    c->called = true;
    c->returned = false;
    c->back = e->pc;
}

static void exception_return(const struct profile *p, const struct arm_event *e)
{
    struct context *c = p->at[e->cpu];

    if (c && e->eret.target_el == e->el)
        c->returned = true;
}

void trace_callgrind_begin(struct trace *t)
{
    struct profile *p = g_new0(struct profile, 1);

    t->self = p;
    trace_cells_init(&p->cells);
    p->functions = g_ptr_array_new_with_free_func(free_function);
    p->contexts = g_ptr_array_new_with_free_func(free_context);
    p->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    p->lines = g_ptr_array_new_with_free_func(free_lines);
    p->at = g_new0(struct context *, arm_cpu_count(t->m));
}

void trace_callgrind_event(struct trace *t, const struct arm_event *e)
{
    if (e->kind == ARM_EVENT_INSN)
        insn(t, e);
    else if (e->kind == ARM_EVENT_EXCEPTION)
        exception(t, e);
    else
        exception_return(t->self, e);
}

/* ---- the file ---- */

static int by_line(const void *a, const void *b)
{
    const struct call *x = a, *y = b;

    return x->line != y->line      ? (x->line < y->line ? -1 : 1)
           : x->callee < y->callee ? -1
                                   : x->callee > y->callee;
}

/* Instructions of each line of each function. */
static uint64_t add_up(struct trace *t)
{
    struct profile *p = t->self;
    uint64_t total = 0;

    for (unsigned k = 0; k < p->cells.who->len; k++) {
        const struct trace_who *who = p->cells.who->pdata[k];
        GHashTableIter i;
        void *value;
        g_hash_table_iter_init(&i, who->cells);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
            const struct trace_cell *cell = value;
            *trace_line_count(function(p, cell->function)->lines, line_number(t, cell)) +=
                cell->count;
            total += cell->count;
        }
    }
    return total;
}

static void write_function(struct trace *t, const struct function *f)
{
    const struct profile *p = t->self;
    g_autoptr(GList) lines = trace_line_numbers(f->lines);
    g_autoptr(GList) calls = g_list_sort(g_hash_table_get_keys(f->calls), by_line);

    g_string_append_printf(t->text, "\nob=%s\nfl=%s\nfn=%s\n", f->who->name, f->file, f->name);
    for (GList *l = lines; l; l = l->next)
        g_string_append_printf(t->text, "%u %" PRIu64 "\n", GPOINTER_TO_UINT(l->data),
                               *trace_line_count(f->lines, GPOINTER_TO_UINT(l->data)));
    for (GList *l = calls; l; l = l->next) {
        const struct call *call = l->data;
        const struct function *callee = function(p, call->callee);
        g_string_append_printf(
            t->text, "cob=%s\ncfi=%s\ncfn=%s\ncalls=%" PRIu64 " 0\n%u %" PRIu64 "\n",
            callee->who->name, callee->file, callee->name, call->count, call->line, call->cost);
    }
    trace_sink_put(&t->sink, t->text);
}

void trace_callgrind_end(struct trace *t)
{
    struct profile *p = t->self;

    for (unsigned k = 0; k < p->contexts->len; k++)
        unwind(p, p->contexts->pdata[k], 0);
    uint64_t total = add_up(t);
    g_string_append_printf(
        t->text,
        "# callgrind format\nversion: 1\ncreator: armillary %s\npositions: line\n"
        "event: Ir : Retired instructions\nevents: Ir\nsummary: %" PRIu64 "\n",
        arm_version(), total);
    trace_sink_put(&t->sink, t->text);
    for (unsigned k = 0; k < p->functions->len; k++)
        write_function(t, function(p, k));
    g_string_append_printf(t->text, "\ntotals: %" PRIu64 "\n", total);
    trace_sink_put(&t->sink, t->text);
    trace_cells_clear(&p->cells);
    g_ptr_array_unref(p->functions);
    g_ptr_array_unref(p->contexts);
    g_ptr_array_unref(p->lines);
    g_hash_table_unref(p->by_name);
    g_free(p->at);
    g_free(p);
}
