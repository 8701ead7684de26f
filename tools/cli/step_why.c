/* `why`: where a value comes from, move by move, back to what made it. */
#include <inttypes.h>
#include <string.h>

#include "step.h"

#define MOVES_MOST 64

/* What is asked about: a register of a CPU, or 8 bytes of memory. */
struct why {
    struct stepper *s;
    struct step_target target;
    GString *out;
    unsigned moves;
    GHashTable *slots; /* addresses that the value has come through */
};

/* ---- the instruction that wrote ---- */

/* What the instruction at which the timeline stands does, told by its events. */
struct deed {
    unsigned cpu;
    uint32_t number;  /* the register that is asked about, or ARM_NO_REGISTER */
    uint64_t pa;      /* the memory */
    bool seen, taken; /* an access was seen; an exception was taken */
    uint32_t source;  /* register that the value comes from, or ARM_NO_REGISTER */
    uint64_t from;    /* memory that it comes from; 0: none */
    unsigned size;
    bool hardware;
    struct arm_event event; /* of what the hardware did */
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
    d->size = p->mem.size;
    if (write)
        d->source = value_register(p, p->mem.reg);
    else if (!(p->mem.kind & ARM_MEM_DEVICE))
        d->from = p->mem.pa;
}

static bool watch_deed(void *ctx, const struct arm_event *p)
{
    struct deed *d = ctx;

    if (p->cpu != d->cpu)
        return false;
    switch (p->kind) {
    case ARM_EVENT_MEM:
        access_seen(d, p);
        break;
    case ARM_EVENT_SYSREG_READ:
        if (d->number == ARM_X(p->sysreg_read.reg)) {
            d->seen = true;
            d->source = p->sysreg_read.sr;
        }
        break;
    case ARM_EVENT_SYSREG_WRITE:
        if (d->number == p->sysreg_write.sr) {
            d->seen = true;
            d->source = p->sysreg_write.reg < 31 ? ARM_X(p->sysreg_write.reg) : ARM_NO_REGISTER;
        }
        break;
    case ARM_EVENT_HWREG:
    case ARM_EVENT_EXCEPTION:
        if (!d->seen) {
            d->hardware = true;
            d->event = *p;
        }
        break;
    default:
        break;
    }
    return false;
}

/* Execute the one instruction at which the timeline stands, and watch it. */
static void watch_one(struct stepper *s, struct deed *d)
{
    const struct timeline_quest q = {
        .filter = {.size = sizeof(struct arm_filter),
                   .events = ARM_BIT(ARM_EVENT_MEM) | ARM_BIT(ARM_EVENT_SYSREG_READ) |
                             ARM_BIT(ARM_EVENT_SYSREG_WRITE) | ARM_BIT(ARM_EVENT_HWREG) |
                             ARM_BIT(ARM_EVENT_EXCEPTION)},
        .match = watch_deed,
        .ctx = d};

    timeline_next(s->t, &q, 1, timeline_here(s->t).insns + 1, NULL);
}

/* ---- saying it ---- */

static void say_place(struct why *w, unsigned cpu)
{
    struct stepper *s = w->s;
    const char *world = step_world(s, cpu);
    uint64_t pc = step_reg(s, ARM_PC);
    char symbol[128];

    g_string_append_printf(w->out, "%" PRIu64 " cpu%u EL%u %s %#" PRIx64, timeline_here(s->t).insns,
                           cpu, step_el(s), world ? world : "-", pc);
    if (*step_symbol(s, pc, symbol, sizeof(symbol)))
        g_string_append_printf(w->out, " %s", symbol);
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

/* ---- the chain ---- */

/* Where the value of what is asked about comes from: a register of the CPU that is looked at. */
static void to_register(struct why *w, uint32_t number)
{
    w->target = (struct step_target){.s = w->s, .number = number, .cpu = w->s->cpu};
}

/* A value that has come through the same slot before has been saved and restored over and over:
 * from there on only what gave the slot another value counts. */
static void to_memory(struct why *w, uint64_t pa)
{
    w->target = (struct step_target){
        .s = w->s, .number = ARM_NO_REGISTER, .pa = pa & ~UINT64_C(7), .cpu = w->s->cpu};
    gint64 key = (gint64)w->target.pa;
    w->target.changes = !g_hash_table_add(w->slots, g_memdup2(&key, sizeof(key)));
}

static void say_made(struct why *w, const struct arm_insn_use *use)
{
    const char *what = ", of";

    g_string_append(w->out, ": made here");
    for (unsigned n = 0; n < 32; n++)
        if (use->reads >> n & 1) {
            g_string_append_printf(w->out, "%s %s=%#" PRIx64, what,
                                   n == 31 ? "sp" : arm_reg_name(ARM_X(n)),
                                   step_reg(w->s, n == 31 ? ARM_SP : ARM_X(n)));
            what = "";
        }
    g_string_append_c(w->out, '\n');
}

/* The instruction at which the timeline stands has written what is asked about: say it, and find
 * what it wrote. False: the chain ends. */
static bool follow(struct why *w)
{
    struct stepper *s = w->s;
    struct arm_position here = timeline_here(s->t);
    struct deed d = {
        .cpu = s->cpu, .number = w->target.number, .pa = w->target.pa, .source = ARM_NO_REGISTER};
    struct arm_insn_use use = {0};
    char text[160];
    uint32_t word = 0;
    bool known =
        step_insn(s, step_reg(s, ARM_PC), &word, text, sizeof(text)) && arm_insn_uses(word, &use);

    say_target(w);
    g_string_append(w->out, w->target.changes
                                ? " <- (after being saved and restored again and again) "
                                : " <- ");
    say_place(w, s->cpu);
    g_string_append_printf(w->out, ": %s", text);
    watch_one(s, &d);
    if (timeline_goto(s->t, here) != TIMELINE_THERE)
        return false;
    if (d.hardware && !d.seen) {
        say_hardware(w, &d.event);
        return false;
    }
    if (use.kind == ARM_INSN_MOVE && use.to == w->target.number)
        d.source = use.from;
    if (known && use.kind == ARM_INSN_ATOMIC)
        d.source = ARM_NO_REGISTER;
    if (d.source == ARM_NO_REGISTER && !d.from) {
        say_made(w, &use);
        return false;
    }
    g_string_append_c(w->out, '\n');
    if (d.from)
        to_memory(w, d.from);
    else
        to_register(w, d.source);
    return true;
}

/* Go back to before the write of what is asked about. */
static enum timeline_result go_to_write(struct why *w)
{
    const struct timeline_quest q = step_write_quest(&w->target);
    struct arm_end end;

    enum timeline_result r = timeline_last(w->s->t, &q, 1, NULL);
    if (r != TIMELINE_THERE)
        return r;
    arm_last_end(step_machine(w->s), &end);
    w->s->cpu = w->target.number == ARM_NO_REGISTER ? end.cpu : w->target.cpu;
    return timeline_back(w->s->t, w->s->cpu);
}

static void say_start(struct why *w)
{
    say_target(w);
    if (w->target.changes) {
        g_string_append(w->out, ": has had this value since the start\n");
        return;
    }
    g_string_append(w->out, ": not written since the start: ");
    g_string_append(w->out,
                    w->target.number == ARM_NO_REGISTER ? "loaded, or zero\n" : "of the reset\n");
}

enum step_verdict do_why(struct stepper *s, char **words, GString *out)
{
    g_autoptr(GHashTable) slots = g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, NULL);
    struct why w = {.s = s, .out = out, .slots = slots};
    struct arm_position here = timeline_here(s->t);
    enum timeline_result r = TIMELINE_THERE;
    unsigned cpu = s->cpu;
    uint64_t pa;

    if (!words[1])
        return STEP_WRONG;
    if (arm_reg_number(words[1]) != ARM_NO_REGISTER)
        to_register(&w, arm_reg_number(words[1]));
    else if (step_memory(s, words[1], &pa))
        to_memory(&w, pa);
    else
        return STEP_WRONG;
    while (w.moves++ < MOVES_MOST && (r = go_to_write(&w)) == TIMELINE_THERE && follow(&w))
        ;
    if (r == TIMELINE_START)
        say_start(&w);
    else if (r == TIMELINE_STOPPED)
        g_string_append(out, "stopped\n");
    s->cpu = cpu;
    enum timeline_result back = timeline_goto(s->t, here);
    return r == TIMELINE_ERROR || back != TIMELINE_THERE ? STEP_HOST : STEP_OK;
}
