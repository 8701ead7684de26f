/* A loop that follows pointers through memory and comes back to where it was: a list that is a
 * ring, though whoever walks it looks for its end. */
#include <inttypes.h>

#include "death_trace.h"

#define STEPS_MIN 6 /* so many are no accident */
#define PAGE      UINT64_C(4096)

struct chase {
    uint64_t pc, first; /* the load, and the address that it has come back to */
    uint64_t low, high; /* physical: the words that it reads, all in one page, */
    uint64_t va;        /* and the last of them */
    unsigned nodes;
};

/* Each address is what was loaded before, at the same distance; and the last one has been there
 * already. @n: an event of that load. */
static bool follows(const struct death_trace *t, unsigned n, struct chase *out)
{
    const struct arm_event *last = death_trace_back(t, n), *next = last, *p;
    uint64_t distance = 0;
    unsigned steps = 0, back = 0;

    *out = (struct chase){last->pc, last->mem.va, last->mem.pa, last->mem.pa, last->mem.va, 0};
    while ((p = death_trace_back(t, ++n))) {
        if (p->kind != ARM_EVENT_MEM || p->pc != last->pc || p->mem.reg != last->mem.reg ||
            p->mem.kind & ARM_MEM_WRITE)
            continue;
        if (steps++ && next->mem.va - p->mem.value[0] != distance)
            return false;
        distance = next->mem.va - p->mem.value[0];
        next = p;
        out->low = MIN(out->low, p->mem.pa);
        out->high = MAX(out->high, p->mem.pa);
        if (!back && p->mem.va == last->mem.va)
            back = steps;
    }
    out->nodes = back;
    return back && steps >= STEPS_MIN && distance + PAGE < 2 * PAGE;
}

/* Is the address that the load before has loaded what it goes by, as in `ldr x1, [x1]`, or moved
 * there? @n: an event of that load. */
static bool goes_by_it(const struct death_trace *t, unsigned n)
{
    const struct arm_event *access = death_trace_back(t, n), *p;
    uint32_t base = 31;
    struct arm_insn_use use;

    while ((p = death_trace_back(t, ++n)) && p->kind != ARM_EVENT_INSN)
        ;
    if (p)
        base = p->insn.word >> 5 & 31;
    while (base < 31 && base != access->mem.reg && (p = death_trace_back(t, ++n)) &&
           (p->kind == ARM_EVENT_MEM || p->pc != access->pc))
        if (p->kind == ARM_EVENT_INSN && arm_insn_uses(p->insn.word, &use) &&
            use.writes >> base & 1) {
            if (use.kind != ARM_INSN_MOVE || !use.reads)
                return false;
            base = (uint32_t)__builtin_ctz(use.reads);
        }
    return base < 31 && base == access->mem.reg;
}

static bool find_chase(const struct death_trace *t, struct chase *out)
{
    const struct arm_event *p;

    for (unsigned n = 0; n < death_trace_length(t) / 2 && (p = death_trace_back(t, n)); n++)
        if (p->kind == ARM_EVENT_MEM && p->mem.size >= 8 &&
            !(p->mem.kind & (ARM_MEM_WRITE | ARM_MEM_FP | ARM_MEM_DEVICE)) && goes_by_it(t, n) &&
            follows(t, n, out))
            return true;
    return false;
}

bool death_explain_chase(const struct corpse *c, struct verdict *v)
{
    unsigned el = death_el(c, c->cpu);
    struct death_store w;
    struct chase l;

    if (c->kind != DEATH_SPIN || !find_chase(c->trace, &l))
        return false;
    g_autofree char *at = death_place(c, c->cpu, el, l.pc);
    if (l.nodes > 1)
        g_string_printf(v->cause,
                        "the loop at %s follows pointers in a ring of %u, and comes back to "
                        "%#" PRIx64 " again and again: the list has no end",
                        at, l.nodes, l.va);
    else
        g_string_printf(v->cause,
                        "the loop at %s follows a pointer, at %#" PRIx64
                        ", that leads to itself: the list has no end",
                        at, l.va);
    bool one_page = (l.low & ~(PAGE - 1)) == (l.high & ~(PAGE - 1));
    const struct death_stores of = {c->cpu,
                                    arm_cpu_position(c->m, c->cpu).insns,
                                    one_page ? l.low : l.high,
                                    one_page ? l.high - l.low + 8 : 8,
                                    0,
                                    0};
    if (death_last_store(c, &of, &w)) {
        g_autofree char *who = death_place(c, w.event.cpu, w.event.el, w.event.pc);
        g_string_printf(v->evidence, "the last of its pointers was written by cpu%u, at %s",
                        w.event.cpu, who);
    }
    g_string_assign(v->next,
                    "was something put in that was in it already, or freed and used again?");
    return true;
}
