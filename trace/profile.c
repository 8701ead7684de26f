#include "trace/profile.h"

#include <inttypes.h>

#include "symbols/lines.h"

#define DEPTH_MAX 4096 /* calls within calls; deeper ones are counted as their caller's */
#define STACK_MAX 256  /* likewise, where stacks are told apart */

struct frame {
    unsigned caller, line, callee;
    unsigned stack;      /* before the call */
    uint64_t from, back; /* instructions of the context before; the return address */
};

/* A CPU at a level of a world: a stack of calls. */
struct profile_context {
    const struct trace_who *who;
    unsigned cpu;
    uint64_t insns;
    uint64_t count; /* retired by the CPU before the last one */
    GArray *frames; /* struct frame */
    unsigned stack; /* profile_stack of them */
    uint64_t back;  /* a call or exception is under way, and will return there; 0: none */
    bool called, returned;
    struct trace_cell *last;
    struct profile_sample *sample; /* that the last one was counted in; NULL: none */
};

/* ---- functions ---- */

static void free_function(void *ptr)
{
    struct profile_function *f = ptr;

    g_free(f->name);
    g_free(f->file);
    g_hash_table_unref(f->lines);
    g_hash_table_unref(f->calls);
    g_free(f);
}

static void free_context(void *ptr)
{
    struct profile_context *c = ptr;

    g_array_unref(c->frames);
    g_free(c);
}

static unsigned call_hash(const void *key)
{
    const struct profile_call *c = key;

    return c->line * 31 + c->callee;
}

static int same_call(const void *a, const void *b)
{
    const struct profile_call *x = a, *y = b;

    return x->line == y->line && x->callee == y->callee;
}

const struct profile_function *profile_function(const struct profile *p, unsigned number)
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

/* By name; what has none by its page. */
static unsigned function_of(struct trace *t, const struct trace_who *who,
                            const struct trace_cell *cell, const char *file,
                            const struct arm_event *e)
{
    struct profile *p = t->self;
    char name[160];

    if (!trace_function(t->names, e, name, sizeof(name)))
        g_snprintf(name, sizeof(name), "%#" PRIx64, e->pc & ~UINT64_C(0xfff));
    g_autofree char *key = g_strdup_printf("%s\1%s", who->name, name);
    unsigned number = GPOINTER_TO_UINT(g_hash_table_lookup(p->by_name, key));
    if (number)
        return number - 1;
    struct profile_function *f = g_new0(struct profile_function, 1);
    f->who = who;
    f->name = g_strdup(name);
    f->file = g_strdup(file ? file : "???");
    f->address = cell->pc;
    f->lines = trace_line_counts();
    f->calls = g_hash_table_new_full(call_hash, same_call, g_free, NULL);
    g_ptr_array_add(p->functions, f);
    g_hash_table_insert(p->by_name, g_steal_pointer(&key), GUINT_TO_POINTER(p->functions->len));
    return p->functions->len - 1;
}

/* ---- stacks ---- */

static unsigned stack_hash(const void *key)
{
    const struct profile_stack *s = key;

    return (s->parent * 31 + s->function) * 31 + s->line + g_direct_hash(s->who);
}

static int same_stack(const void *a, const void *b)
{
    const struct profile_stack *x = a, *y = b;

    return x->who == y->who && x->parent == y->parent && x->function == y->function &&
           x->line == y->line && x->depth == y->depth;
}

static unsigned sample_hash(const void *key)
{
    const struct profile_sample *s = key;

    return (s->stack * 31 + s->function) * 31 + s->line;
}

static int same_sample(const void *a, const void *b)
{
    const struct profile_sample *x = a, *y = b;

    return x->stack == y->stack && x->function == y->function && x->line == y->line;
}

/* The number of what is @key; new or not. */
static unsigned stack_number(struct profile *p, const struct profile_stack *key)
{
    unsigned number = GPOINTER_TO_UINT(g_hash_table_lookup(p->by_place, key));

    if (number)
        return number - 1;
    g_array_append_val(p->stacks, *key);
    g_hash_table_insert(p->by_place, g_memdup2(key, sizeof(*key)),
                        GUINT_TO_POINTER(p->stacks->len));
    return p->stacks->len - 1;
}

/* The stack of what @f calls. */
static unsigned stack_within(struct profile *p, const struct frame *f)
{
    const struct profile_stack *parent = &g_array_index(p->stacks, struct profile_stack, f->stack);

    if (parent->depth == STACK_MAX)
        return f->stack;
    return stack_number(p, &(struct profile_stack){.who = parent->who,
                                                   .parent = f->stack,
                                                   .function = f->caller,
                                                   .line = f->line,
                                                   .depth = parent->depth + 1});
}

static void count_sample(struct profile *p, struct profile_context *c,
                         const struct trace_cell *cell)
{
    const struct profile_sample key = {c->stack, cell->function, cell->line, 1};

    if (!p->has_stacks)
        return;
    if (!c->sample || !same_sample(c->sample, &key))
        c->sample = g_hash_table_lookup(p->by_line, &key);
    if (c->sample) {
        c->sample->count++;
        return;
    }
    c->sample = g_memdup2(&key, sizeof(key));
    g_ptr_array_add(p->samples, c->sample);
    g_hash_table_add(p->by_line, c->sample);
}

/* ---- calls ---- */

static void end_call(const struct profile *p, struct profile_context *c, const struct frame *frame)
{
    const struct profile_function *caller = profile_function(p, frame->caller);
    struct profile_call key = {frame->line, frame->callee, 0, 0},
                        *call = g_hash_table_lookup(caller->calls, &key);

    if (!call) {
        call = g_memdup2(&key, sizeof(key));
        g_hash_table_add(caller->calls, call);
    }
    call->count++;
    call->cost += c->insns - frame->from;
    c->stack = frame->stack;
}

/* Down to @depth calls. */
static void unwind(const struct profile *p, struct profile_context *c, unsigned depth)
{
    while (c->frames->len > depth) {
        end_call(p, c, &g_array_index(c->frames, struct frame, c->frames->len - 1));
        g_array_set_size(c->frames, c->frames->len - 1);
    }
}

static void go_back(const struct profile *p, struct profile_context *c, uint64_t pc)
{
    unsigned depth = c->frames->len;

    while (depth && g_array_index(c->frames, struct frame, depth - 1).back != pc)
        depth--;
    unwind(p, c, depth ? depth - 1 : 0);
}

static struct profile_context *context_of(struct profile *p, const struct trace_who *who,
                                          unsigned cpu)
{
    struct profile_context *c = p->at[cpu];

    if (c && c->who == who)
        return c;
    for (unsigned k = 0; k < p->contexts->len; k++) {
        c = p->contexts->pdata[k];
        if (c->who == who && c->cpu == cpu)
            return p->at[cpu] = c;
    }
    c = g_new0(struct profile_context, 1);
    c->who = who;
    c->cpu = cpu;
    c->frames = g_array_new(FALSE, FALSE, sizeof(struct frame));
    c->stack = stack_number(p, &(struct profile_stack){.who = who});
    g_ptr_array_add(p->contexts, c);
    return p->at[cpu] = c;
}

/* The first instruction behind a call or exception: the callee's. */
static void enter(struct profile *p, struct profile_context *c, const struct trace_cell *callee)
{
    struct frame f = {
        .callee = callee->function, .stack = c->stack, .from = c->insns, .back = c->back};

    if (c->last && c->frames->len < DEPTH_MAX) {
        f.caller = c->last->function;
        f.line = c->last->line;
        g_array_append_val(c->frames, f);
        if (p->has_stacks)
            c->stack = stack_within(p, &f);
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
    struct profile_context *c = context_of(p, who, e->cpu);

    if (cell->count++ == 0) {
        const char *file = line_of(t, cell, &cell->line);
        cell->function = function_of(t, who, cell, file, e);
    }
    if (c->returned)
        go_back(p, c, e->pc);
    else if (c->called)
        enter(p, c, cell);
    c->returned = is_return(e->insn.word);
    c->called = is_call(e->insn.word);
    c->back = e->pc + 4;
    c->last = cell;
    c->count = e->count;
    c->insns++;
    count_sample(p, c, cell);
}

/* To the same level it is a call; to another one it is that level's beginning. */
static void exception(struct trace *t, const struct arm_event *e)
{
    struct profile *p = t->self;
    struct profile_context *c = p->at[e->cpu];

    if (!c || c->who->el != e->el)
        return;
    if (c->last && c->count == e->count && c->last->pc == e->pc) {
        c->last->count--; /* it has not retired */
        c->insns--;
        if (c->sample)
            c->sample->count--;
    }
    if (e->exception.target_el != e->el)
        return;
    c->called = true;
    c->returned = false;
    c->back = e->pc;
}

static void exception_return(const struct profile *p, const struct arm_event *e)
{
    struct profile_context *c = p->at[e->cpu];

    if (c && e->eret.target_el == e->el)
        c->returned = true;
}

/* ---- all of it ---- */

struct profile *profile_new(const struct trace *t, bool has_stacks)
{
    struct profile *p = g_new0(struct profile, 1);

    trace_cells_init(&p->cells);
    p->functions = g_ptr_array_new_with_free_func(free_function);
    p->contexts = g_ptr_array_new_with_free_func(free_context);
    p->by_name = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    p->lines = g_ptr_array_new_with_free_func(free_lines);
    p->at = g_new0(struct profile_context *, arm_cpu_count(t->m));
    p->has_stacks = has_stacks;
    p->stacks = g_array_new(FALSE, FALSE, sizeof(struct profile_stack));
    p->by_place = g_hash_table_new_full(stack_hash, same_stack, g_free, NULL);
    p->samples = g_ptr_array_new_with_free_func(g_free);
    p->by_line = g_hash_table_new(sample_hash, same_sample);
    return p;
}

void profile_free(struct profile *p)
{
    g_hash_table_unref(p->by_line);
    g_ptr_array_unref(p->samples);
    g_hash_table_unref(p->by_place);
    g_array_unref(p->stacks);
    trace_cells_clear(&p->cells);
    g_ptr_array_unref(p->functions);
    g_ptr_array_unref(p->contexts);
    g_ptr_array_unref(p->lines);
    g_hash_table_unref(p->by_name);
    g_free(p->at);
    g_free(p);
}

void profile_event(struct trace *t, const struct arm_event *e)
{
    if (e->kind == ARM_EVENT_INSN)
        insn(t, e);
    else if (e->kind == ARM_EVENT_EXCEPTION)
        exception(t, e);
    else
        exception_return(t->self, e);
}

uint64_t profile_add_up(struct trace *t)
{
    struct profile *p = t->self;
    uint64_t total = 0;

    for (unsigned k = 0; k < p->contexts->len; k++)
        unwind(p, p->contexts->pdata[k], 0);
    for (unsigned k = 0; k < p->cells.who->len; k++) {
        const struct trace_who *who = p->cells.who->pdata[k];
        GHashTableIter i;
        void *value;
        g_hash_table_iter_init(&i, who->cells);
        while (g_hash_table_iter_next(&i, NULL, &value)) {
            const struct trace_cell *cell = value;
            *trace_line_count(profile_function(p, cell->function)->lines, cell->line) +=
                cell->count;
            total += cell->count;
        }
    }
    return total;
}
