/* A line an event: instruction count, CPU, EL, world, PC and its name, and what happened. */
#include <inttypes.h>

#include "trace/format.h"

/* Of events that go on elsewhere: where, and at which EL. */
static bool target_of(const struct arm_event *e, unsigned *el, uint64_t *address)
{
    switch (e->kind) {
    case ARM_EVENT_ERET:
        *el = e->eret.target_el;
        *address = e->eret.target;
        return e->eret.legal;
    case ARM_EVENT_WORLD:
        *el = e->world.enter ? e->world.el : 2;
        *address = e->world.target;
        return true;
    default:
        return false;
    }
}

static void add_name(struct trace *t, unsigned el, const struct arm_event *e, uint64_t address,
                     const char *before, const char *after)
{
    char name[160];

    if (e->cpu != ARM_NO_CPU && trace_name(t->names, e->cpu, el, e, address, name, sizeof(name)))
        g_string_append_printf(t->text, "%s<%s>%s", before, name, after);
}

void trace_text_begin(struct trace *t)
{
    (void)t;
}

void trace_text_event(struct trace *t, const struct arm_event *e)
{
    char text[512];
    uint64_t target;
    unsigned el;

    g_string_append_printf(t->text, "%12" PRIu64 " cpu%u EL%u %s %#018" PRIx64 " ", e->count,
                           e->cpu, e->el, e->guest ? "guest" : "host ", e->pc);
    add_name(t, e->el, e, e->pc, "", " ");
    if (e->kind == ARM_EVENT_INSN) {
        g_string_append_printf(t->text, "%08x ", e->insn.word);
        trace_disassemble(t, e->pc, e->insn.word, t->text);
    } else {
        arm_text_event(e, text, sizeof(text));
        g_string_append(t->text, text);
        if (target_of(e, &el, &target)) {
            struct arm_event in = *e;
            if (e->el == 2)
                trace_set_world(t, &in); /* the event says EL2's */
            add_name(t, el, &in, target, " -> ", "");
        }
    }
    g_string_append_c(t->text, '\n');
    trace_sink_put(&t->sink, t->text);
}

void trace_text_end(struct trace *t)
{
    (void)t;
}
