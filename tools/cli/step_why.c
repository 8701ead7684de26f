/* `why`: where a value comes from, move by move, back to what made it. */
#include <inttypes.h>
#include <string.h>

#include "step.h"

#define MOVES_MOST 64

/* What one answer may cost, so that it comes in a fifth of a second: timeline_work(). */
#define WORK_MOST (UINT64_C(6) << 20)

/* Moves are looked for in a trace of so many instructions at first, and of so many at most. */
#define TRACE_FIRST (UINT64_C(1) << 13)
#define TRACE_MOST  (UINT64_C(1) << 18)

/* What is asked about: a register of a CPU, or 8 bytes of memory. */
struct why {
    struct stepper *s;
    struct step_target target;
    GString *out;
    unsigned moves;
    GHashTable *slots; /* addresses that the value has come through */
    struct step_trace trace;
    unsigned before; /* events of the trace that are before what has been said */
    bool at_end;     /* what was searched for is the last event of its kind in the trace */
    bool begun;
    uint64_t length; /* instructions of the next trace */
    uint64_t allowed;
};

enum why_end { WHY_ON, WHY_MADE, WHY_START, WHY_TIRED, WHY_STOPPED, WHY_HOST };

/* ---- the instruction that wrote ---- */

/* What an instruction does, told by its events. */
struct deed {
    unsigned cpu;
    uint32_t number; /* the register that is asked about, or ARM_NO_REGISTER */
    uint64_t pa;     /* the memory */
    bool seen;       /* an access was seen */
    uint32_t source; /* register that the value comes from, or ARM_NO_REGISTER */
    uint64_t from;   /* memory that it comes from; 0: none */
};

static uint32_t value_register(const struct arm_event *p, unsigned reg)
{
    return reg >= 32 || (reg == 31 && !(p->mem.kind & ARM_MEM_FP)) ? ARM_NO_REGISTER
           : p->mem.kind & ARM_MEM_FP                              ? ARM_V(reg)
                                                                   : ARM_X(reg);
}

static void access_seen(struct deed *d, const struct arm_event *p)
{
    bool write = p->mem.kind & ARM_MEM_WRITE;
    bool ours = write
                    ? d->number == ARM_NO_REGISTER && p->mem.pa < d->pa + 8 &&
                          d->pa < p->mem.pa + p->mem.size
                    : d->number != ARM_NO_REGISTER && (value_register(p, p->mem.reg) == d->number ||
                                                       value_register(p, p->mem.reg2) == d->number);

    if (!ours || p->mem.kind & ARM_MEM_ZERO)
        return;
    d->seen = true;
    if (write)
        d->source = value_register(p, p->mem.reg);
    else if (!(p->mem.kind & ARM_MEM_DEVICE))
        d->from = p->mem.pa;
}

static void watch_deed(struct deed *d, const struct arm_event *p)
{
    if (p->kind == ARM_EVENT_MEM) {
        access_seen(d, p);
    } else if (p->kind == ARM_EVENT_SYSREG_READ && d->number == ARM_X(p->sysreg_read.reg)) {
        d->seen = true;
        d->source = p->sysreg_read.sr;
    } else if (p->kind == ARM_EVENT_SYSREG_WRITE && d->number == p->sysreg_write.sr) {
        d->seen = true;
        d->source = p->sysreg_write.reg < 31 ? ARM_X(p->sysreg_write.reg) : ARM_NO_REGISTER;
    }
}

static const struct step_event *nth(const struct why *w, unsigned k)
{
    return &g_array_index(w->trace.events, struct step_event, k);
}

/* The instruction that event @k of the trace belongs to, and what it does. False: to none. */
static bool find_deed(const struct why *w, unsigned *k, struct deed *d)
{
    unsigned cpu = nth(w, *k)->event.cpu, n = *k;

    while (nth(w, n)->event.kind != ARM_EVENT_INSN || nth(w, n)->event.cpu != cpu)
        if (n-- == 0)
            return false;
    *k = n;
    while (++n < w->trace.events->len) {
        const struct arm_event *p = &nth(w, n)->event;
        if (p->cpu == cpu && p->kind == ARM_EVENT_INSN)
            break;
        if (p->cpu == cpu)
            watch_deed(d, p);
    }
    return true;
}

/* ---- saying it ---- */

static void say_place(struct why *w, const struct step_event *one)
{
    const struct arm_event *p = &one->event;
    const char *world = step_world_at(w->s, p->cpu, one->at);
    char symbol[128], text[160];

    g_string_append_printf(w->out, "%" PRIu64 " cpu%u EL%u %s %#" PRIx64, one->at.insns, p->cpu,
                           p->el, world ? world : "-", p->pc);
    if (*step_symbol_of(w->s, p->cpu, p->el, world, p->pc, symbol, sizeof(symbol)))
        g_string_append_printf(w->out, " %s", symbol);
    if (p->kind == ARM_EVENT_INSN) {
        step_disassemble(w->s, p->pc, p->insn.word, text, sizeof(text));
        g_string_append_printf(w->out, ": %s", text);
    }
}

static void say_target(struct why *w)
{
    if (w->target.number == ARM_NO_REGISTER)
        g_string_append_printf(w->out, "pa:%#" PRIx64, w->target.pa);
    else
        g_string_append(w->out, arm_reg_name(w->target.number));
}

static void say_hardware(struct why *w, const struct arm_event *p)
{
    char text[400];

    arm_text_event(p, text, sizeof(text));
    g_string_append_printf(w->out, ": made by hardware: %s\n", text);
}

/* What the instruction made it of, with the values of the registers before. */
static void say_made(struct why *w, const struct step_event *insn, const struct arm_insn_use *use)
{
    const char *what = ", of";

    g_string_append(w->out, ": made here");
    if (use->reads && timeline_goto(w->s->t, insn->at) == TIMELINE_THERE) {
        w->s->cpu = insn->event.cpu;
        for (unsigned n = 0; n < 32; n++)
            if (use->reads >> n & 1) {
                g_string_append_printf(w->out, "%s %s=%#" PRIx64, what,
                                       n == 31 ? "sp" : arm_reg_name(ARM_X(n)),
                                       step_reg(w->s, n == 31 ? ARM_SP : ARM_X(n)));
                what = "";
            }
    }
    g_string_append_c(w->out, '\n');
}

/* ---- the chain ---- */

static void to_register(struct why *w, uint32_t number, unsigned cpu)
{
    w->target = (struct step_target){.s = w->s, .number = number, .cpu = cpu};
}

/* A value that has come through the same slot before has been saved and restored over and over:
 * from there on only what gave the slot another value counts. */
static void to_memory(struct why *w, uint64_t pa)
{
    w->target = (struct step_target){.s = w->s, .number = ARM_NO_REGISTER, .pa = pa & ~UINT64_C(7)};
    gint64 key = (gint64)w->target.pa;
    w->target.changes = !g_hash_table_add(w->slots, g_memdup2(&key, sizeof(key)));
}

/* Event @k of the trace has written what is asked about: say it, and find what it wrote. */
static enum why_end follow(struct why *w, unsigned k)
{
    struct deed d = {.number = w->target.number, .pa = w->target.pa, .source = ARM_NO_REGISTER};
    const struct arm_event *p = &nth(w, k)->event;
    bool hardware =
        p->kind != ARM_EVENT_INSN && p->kind != ARM_EVENT_MEM && p->kind != ARM_EVENT_SYSREG_WRITE;
    struct arm_insn_use use = {0};

    w->at_end = false;
    hardware |= !find_deed(w, &k, &d);
    const struct step_event *insn = nth(w, k);
    bool known = insn->event.kind == ARM_EVENT_INSN && arm_insn_uses(insn->event.insn.word, &use);
    say_target(w);
    g_string_append(w->out, w->target.changes
                                ? " <- (after being saved and restored again and again) "
                                : " <- ");
    if (hardware) {
        g_string_append_printf(w->out, "%" PRIu64 " cpu%u", nth(w, k)->at.insns, p->cpu);
        say_hardware(w, p);
        return WHY_MADE;
    }
    say_place(w, insn);
    if (use.kind == ARM_INSN_MOVE && use.to == w->target.number)
        d.source = use.from;
    if (known && use.kind == ARM_INSN_ATOMIC)
        d.source = ARM_NO_REGISTER;
    w->before = k;
    if (d.source == ARM_NO_REGISTER && !d.from) {
        say_made(w, insn, &use);
        return WHY_MADE;
    }
    g_string_append_c(w->out, '\n');
    if (d.from)
        to_memory(w, d.from);
    else
        to_register(w, d.source, insn->event.cpu);
    return WHY_ON;
}

/* The last event of the trace before what has been said that writes what is asked about. */
static bool find_in_trace(const struct why *w, unsigned *k)
{
    for (*k = w->before; (w->at_end || !w->target.changes) && (*k)-- > 0;)
        if (step_writes(&w->target, &nth(w, *k)->event))
            return true;
    return false;
}

static enum why_end end_of(enum timeline_result r)
{
    return r == TIMELINE_START     ? WHY_START
           : r == TIMELINE_TIRED   ? WHY_TIRED
           : r == TIMELINE_STOPPED ? WHY_STOPPED
           : r == TIMELINE_THERE   ? WHY_ON
                                   : WHY_HOST;
}

/* Go on before @from. */
static void forget_trace(struct why *w, struct arm_position from)
{
    g_array_set_size(w->trace.events, 0);
    w->before = 0;
    w->trace.from = from;
}

/* A trace of what is before @to. */
static enum why_end trace(struct why *w, struct arm_position to, uint64_t insns)
{
    if (timeline_work(w->s->t) >= w->allowed) {
        forget_trace(w, to);
        return WHY_TIRED;
    }
    enum why_end e = end_of(step_trace(&w->trace, to, insns));
    w->before = w->trace.events->len;
    return e;
}

/* What is asked about was written before the trace: have one with that at its end. Writes of
 * general registers are seen by observing each instruction alone; of others there are indexes. */
static enum why_end trace_before(struct why *w)
{
    struct arm_position from =
        w->target.changes && w->before ? nth(w, w->before)->at : w->trace.from;
    const struct timeline_quest q = step_write_quest(&w->target);

    if (position_compare(from, timeline_start(w->s->t)) <= 0)
        return WHY_START;
    if (w->target.number != ARM_NO_REGISTER && w->target.number >= ARM_X(0)) {
        w->length = MIN(w->length * 4, TRACE_MOST);
        return trace(w, from, w->length);
    }
    enum timeline_result r = timeline_goto(w->s->t, from);
    if (r == TIMELINE_THERE)
        r = timeline_last(w->s->t, &q, 1, NULL);
    if (r == TIMELINE_TIRED)
        forget_trace(w, timeline_looked(w->s->t));
    if (r != TIMELINE_THERE)
        return end_of(r);
    w->length = TRACE_FIRST;
    w->at_end = true;
    return trace(w, timeline_here(w->s->t), TRACE_FIRST);
}

static enum why_end chain(struct why *w)
{
    enum why_end e = WHY_ON;
    unsigned k;

    while (e == WHY_ON && w->moves < MOVES_MOST)
        if (find_in_trace(w, &k)) {
            e = follow(w, k);
            w->moves++;
        } else {
            e = trace_before(w);
        }
    return e;
}

static void say_end(struct why *w, enum why_end e)
{
    bool memory = w->target.number == ARM_NO_REGISTER;

    if (e == WHY_STOPPED)
        g_string_append(w->out, "stopped; why more goes on\n");
    if ((e != WHY_START && e != WHY_TIRED) || w->moves == MOVES_MOST)
        return;
    say_target(w);
    if (e == WHY_TIRED)
        g_string_append_printf(w->out,
                               ": nothing more found in reasonable time, back to %" PRIu64
                               "; why more goes on\n",
                               w->trace.from.insns);
    else if (w->target.changes)
        g_string_append(w->out, ": has had this value since the start\n");
    else
        g_string_append_printf(w->out, ": not written since the start: %s\n",
                               memory ? "loaded, or zero" : "of the reset");
}

/* ---- the command ---- */

static struct why *why_new(struct stepper *s)
{
    struct why *w = g_new0(struct why, 1);

    w->s = s;
    w->slots = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    w->trace =
        (struct step_trace){.s = s, .events = g_array_new(FALSE, FALSE, sizeof(struct step_event))};
    w->length = TRACE_FIRST;
    return w;
}

void step_why_free(struct why *w)
{
    if (!w)
        return;
    g_hash_table_unref(w->slots);
    g_array_unref(w->trace.events);
    g_free(w);
}

/* REG[:WORLD]: where that world's value of it is saved, or where the last one was that
 * has a slot. */
static bool slot_of(const struct stepper *s, const char *text, uint64_t *pa)
{
    g_auto(GStrv) parts = g_strsplit(text, ":", 2);
    uint32_t number = arm_reg_number(parts[0] ? parts[0] : "");
    struct arm_owner list[64];
    struct arm_position latest = {0, 0};

    *pa = 0;
    if (number == ARM_NO_REGISTER)
        return false;
    size_t count =
        arm_checker_owner(s->checker, number, timeline_here(s->t), list, G_N_ELEMENTS(list));
    for (size_t k = 0; k < count && k < G_N_ELEMENTS(list); k++) {
        bool named = parts[1] && !strcmp(parts[1], list[k].world);
        if (!list[k].slot || (parts[1] && !named) ||
            (*pa && position_compare(list[k].since, latest) < 0))
            continue;
        *pa = list[k].slot;
        latest = list[k].since;
    }
    return *pa != 0;
}

static bool begin(struct why *w, const char *what)
{
    uint64_t pa;

    if (g_str_has_prefix(what, "slot:")) {
        if (!slot_of(w->s, what + 5, &pa))
            return false;
        to_memory(w, pa);
    } else if (arm_reg_number(what) != ARM_NO_REGISTER)
        to_register(w, arm_reg_number(what), w->s->cpu);
    else if (step_memory(w->s, what, &pa))
        to_memory(w, pa);
    else
        return false;
    w->trace.from = timeline_here(w->s->t);
    return true;
}

static enum step_verdict answer(struct why *w, GString *out)
{
    struct stepper *s = w->s;
    struct arm_position here = timeline_here(s->t);
    unsigned cpu = s->cpu;
    enum why_end e = WHY_ON;

    w->out = out;
    w->moves = 0;
    w->allowed = timeline_work(s->t) + WORK_MOST;
    timeline_allow(s->t, w->allowed);
    if (!w->begun)
        e = trace(w, w->trace.from, w->length);
    w->begun = true;
    if (e == WHY_ON)
        e = chain(w);
    say_end(w, e);
    timeline_allow(s->t, 0);
    s->cpu = cpu;
    if (e == WHY_MADE || e == WHY_START) { /* there is no more */
        step_why_free(w);
        s->why = NULL;
    }
    return timeline_goto(s->t, here) != TIMELINE_THERE || e == WHY_HOST ? STEP_HOST : STEP_OK;
}

enum step_verdict do_why(struct stepper *s, char **words, GString *out)
{
    bool more = words[1] && !strcmp(words[1], "more");

    if (!words[1] || (more && !s->why))
        return STEP_WRONG;
    if (!more) {
        step_why_free(s->why);
        s->why = why_new(s);
        if (!begin(s->why, words[1])) {
            step_why_free(s->why);
            s->why = NULL;
            return STEP_WRONG;
        }
    }
    return answer(s->why, out);
}
