#include <inttypes.h>
#include <string.h>

#include "call.h"

static const char *barrier_name(uint32_t kind)
{
    const char *word = arm_event_word("BARRIER", kind);

    return word ? word : "barrier";
}

static void print_stub(const struct call *c, const struct call_event *e, FILE *f)
{
    const struct program_symbol *s = program_stub_at(c->program, e->address);

    fprintf(f, "stub  %s(", s ? s->name : "?");
    for (unsigned k = 0; k < CALL_ARGUMENTS; k++)
        fprintf(f, "%s%#" PRIx64, k ? ", " : "", e->x[k]);
    fprintf(f, ") = %#" PRIx64 "\n", e->value[0]);
}

static void print_event(const struct call *c, const struct call_event *e, FILE *f)
{
    char place[128];

    call_place(c, e->pc, place, sizeof(place));
    fprintf(f, "  %-32s ", place);
    switch (e->kind) {
    case CALL_READ:
    case CALL_WRITE:
        fprintf(f, "%s %s", e->kind == CALL_READ ? "read " : "write", arm_reg_name(e->number));
        if (e->name != e->number)
            fprintf(f, " (as %s)", arm_reg_name(e->name));
        fprintf(f, " = %#" PRIx64 "\n", e->value[0]);
        break;
    case CALL_OPERATION:
        fprintf(f, "op    %s %#" PRIx64 "\n", arm_reg_name(e->number), e->value[0]);
        break;
    case CALL_BARRIER:
        fprintf(f, "%s\n", barrier_name(e->number));
        break;
    default:
        print_stub(c, e, f);
        break;
    }
}

void call_print_events(const struct call *c, FILE *f)
{
    bool any = false;

    for (unsigned k = 0; k < c->events->len; k++) {
        const struct call_event *e = &g_array_index(c->events, struct call_event, k);
        if (e->kind == CALL_LOAD || e->kind == CALL_STORE)
            continue;
        if (!any)
            fprintf(f, "system registers, barriers and stubs, in order:\n");
        any = true;
        print_event(c, e, f);
    }
}

static gint by_address(gconstpointer a, gconstpointer b)
{
    const struct call_event *x = *(const struct call_event *const *)a,
                            *y = *(const struct call_event *const *)b;

    return x->address != y->address ? (x->address < y->address ? -1 : 1) : (x < y ? -1 : x > y);
}

static void print_store(const struct call *c, const struct call_event *e, FILE *f)
{
    char to[128], from[128];

    call_place(c, e->address, to, sizeof(to));
    call_place(c, e->pc, from, sizeof(from));
    fprintf(f, "  %-24s %2u bytes = ", to, e->size);
    if (e->size > 8)
        fprintf(f, "0x%016" PRIx64 "%016" PRIx64, e->value[1], e->value[0]);
    else
        fprintf(f, "%#" PRIx64,
                e->size == 8 ? e->value[0] : e->value[0] & (ARM_BIT(8 * e->size) - 1));
    fprintf(f, "  (%s)\n", from);
}

/* The last store to each place; of those to the stack only how many there were. */
void call_print_memory(const struct call *c, FILE *f)
{
    g_autoptr(GPtrArray) stores = g_ptr_array_new();
    unsigned on_stack = 0;

    for (unsigned k = 0; k < c->events->len; k++) {
        struct call_event *e = &g_array_index(c->events, struct call_event, k);
        if (e->kind == CALL_STORE && call_on_stack(e->address))
            on_stack++;
        else if (e->kind == CALL_STORE)
            g_ptr_array_add(stores, e);
    }
    g_ptr_array_sort(stores, by_address);
    if (stores->len)
        fprintf(f, "memory written:\n");
    for (unsigned k = 0; k < stores->len; k++) {
        struct call_event *const *e = (struct call_event *const *)stores->pdata + k;
        if (k + 1 == stores->len || e[1]->address != e[0]->address || e[1]->size < e[0]->size)
            print_store(c, e[0], f);
    }
    if (on_stack)
        fprintf(f, "stores to the stack: %u\n", on_stack);
}
