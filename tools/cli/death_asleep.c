/* CPUs that sleep though what they wait for has come, and timers that nobody has set again. */
#include <inttypes.h>
#include <string.h>

#include "death_halt.h"
#include "death_trace.h"

#define LOOP_BYTES 64 /* between the load and the WFE of one loop */

/* What @cpu has read last before its WFE, in the same loop; NULL: nothing, or not known. */
static const struct arm_event *read_before(const struct death_trace *t, uint64_t pc)
{
    const struct arm_event *p;

    for (unsigned n = 0; (p = death_trace_back(t, n)); n++) {
        if (pc - p->pc + LOOP_BYTES > 2 * LOOP_BYTES)
            return NULL;
        if (p->kind == ARM_EVENT_MEM && !(p->mem.kind & (ARM_MEM_WRITE | ARM_MEM_DEVICE)))
            return p->mem.size <= 8 ? p : NULL;
    }
    return NULL;
}

/* It was written since, and no event was sent: the exclusive monitor was not armed for it. */
static bool explain_missed(const struct corpse *c, unsigned cpu, const struct arm_event *p,
                           struct verdict *v)
{
    const struct death_stores of = {
        c->cpu, arm_cpu_position(c->m, c->cpu).insns, p->mem.pa, p->mem.size, 0, 0};
    uint64_t now = 0;
    struct death_store w;

    if (!arm_mem_read(c->m, p->mem.pa, &now, p->mem.size) || now == p->mem.value[0] ||
        !death_last_store(c, &of, &w))
        return false;
    g_autofree char *at = death_place(c, cpu, p->el, p->pc);
    g_autofree char *who = death_place(c, w.event.cpu, w.event.el, w.event.pc);
    g_string_printf(v->cause,
                    "cpu%u sleeps in WFE for what has come already: it has read %#" PRIx64
                    " from %#" PRIx64 " at %s, and that is %#" PRIx64
                    " now, as cpu%u has written it at %s, without an SEV",
                    cpu, p->mem.value[0], p->mem.va, at, now, w.event.cpu, who);
    g_string_assign(v->evidence,
                    "a plain store wakes nobody; only one to what an LDXR or LDAXR has read before "
                    "the WFE does, and SEV");
    g_string_assign(v->next, "DSB ISHST, then SEV behind the store");
    return true;
}

bool death_explain_asleep(const struct corpse *c, struct verdict *v)
{
    bool found = false;

    for (unsigned cpu = 0; c->history && !found && cpu < arm_cpu_count(c->m); cpu++) {
        if (arm_cpu_state(c->m, cpu) != ARM_CPU_WFE)
            continue;
        struct death_trace *t = death_trace_new(c, cpu, arm_cpu_position(c->m, cpu).insns);
        const struct arm_event *p = read_before(t, death_reg(c, cpu, "pc"));
        found = p && explain_missed(c, cpu, p, v);
        g_free(t);
    }
    return found;
}

bool death_add_timer_off(const struct corpse *c, GString *out)
{
    const struct death_timer *timer;

    for (unsigned n = 0; n < 32; n++) {
        const struct death_write *w =
            (timer = death_timer(n)) ? death_written(c, c->cpu, timer->ctl) : NULL;
        if (!w || w->value & 1 || !(w->before & 1))
            continue;
        g_autofree char *at = death_place(c, c->cpu, w->el, w->pc);
        g_string_append_printf(out, "%s was on, and was switched off at %s (EL%u)", timer->name, at,
                               w->el);
        return true;
    }
    return false;
}

#define BEFORE_WFE 16 /* instructions that may be between the value and its WFE */

/* Is what stands at @load looked at again behind the WFE, by the jump that follows there? Yes, if
 * none does. */
static bool is_read_again(const struct corpse *c, const struct arm_event *load)
{
    uint64_t pc = death_reg(c, c->cpu, "pc"); /* behind the WFE */
    int64_t distance;
    uint32_t word;

    for (unsigned n = 0; n < 4 && death_insn(c, c->cpu, load->el, pc + 4 * n, &word); n++)
        if (word >> 26 == 5 && death_find_branch(word, &distance)) /* B */
            return load->pc >= pc + 4 * n + (uint64_t)distance;
    return true;
}

bool death_add_wfe_value(const struct corpse *c, GString *out)
{
    const struct arm_event *p, *insn;
    unsigned insns = 0;

    for (unsigned n = 0; insns < BEFORE_WFE && (p = death_trace_back(c->trace, n)); n++) {
        insns += p->kind == ARM_EVENT_INSN;
        if (p->kind != ARM_EVENT_MEM || p->mem.kind & ARM_MEM_WRITE)
            continue;
        insn = death_trace_back(c->trace, n + 1);
        if ((insn && insn->pc == p->pc && insn->kind == ARM_EVENT_INSN &&
             death_is_literal(insn->insn.word)) ||
            !is_read_again(c, p))
            continue;
        g_autofree char *at = death_place(c, p->cpu, p->el, p->pc);
        g_string_append_printf(out,
                               "before it, at %s, it has read %#" PRIx64 " from %#" PRIx64
                               ": who writes that has to SEV, or to clear the monitor; ",
                               at, p->mem.value[0], p->mem.va);
        const struct death_stores of = {
            c->cpu, arm_cpu_position(c->m, c->cpu).insns, p->mem.pa, p->mem.size, 0, 0};
        struct death_store w;
        if (death_last_store(c, &of, &w)) {
            g_autofree char *who = death_place(c, w.event.cpu, w.event.el, w.event.pc);
            g_string_append_printf(out, "cpu%u has written it last, at %s; ", w.event.cpu, who);
        }
        return true;
    }
    return false;
}
