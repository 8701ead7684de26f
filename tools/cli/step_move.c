/* Commands that move. */
#include <inttypes.h>
#include <string.h>

#include "parse.h"
#include "step.h"

#define STEPS_MOST 100000

/* ---- registers before and after ---- */

static void read_all(const struct stepper *s, uint64_t (*values)[2])
{
    for (size_t k = 0; k < s->reg_count; k++) {
        values[k][0] = values[k][1] = 0;
        arm_reg_get(step_machine(s), s->cpu, s->regs[k].number, values[k]);
    }
}

void step_remember(struct stepper *s)
{
    size_t count = arm_reg_list(step_machine(s), s->cpu, NULL, 0);

    if (count != s->reg_count) {
        s->reg_count = count;
        s->regs = g_renew(struct arm_register, s->regs, count);
        s->was = g_realloc(s->was, count * sizeof(*s->was));
        s->now = g_realloc(s->now, count * sizeof(*s->now));
    }
    arm_reg_list(step_machine(s), s->cpu, s->regs, count);
    read_all(s, s->was);
    read_all(s, s->now);
}

static void compare(struct stepper *s)
{
    read_all(s, s->now);
}

/* ---- answers ---- */

static const char *end_text(enum arm_stop_reason why)
{
    static const char *const texts[] = {
        [ARM_STOP_POWEROFF] = "the guest has switched the machine off",
        [ARM_STOP_RESET] = "the guest has reset the machine",
        [ARM_STOP_EXIT] = "the guest has ended the run",
        [ARM_STOP_IDLE] = "every CPU waits for ever",
        [ARM_STOP_FAULT_LOOP] = "the same exception for ever",
        [ARM_STOP_DIVERGED] = "it is not the run that was recorded",
        [ARM_STOP_ERROR] = "the host has failed",
    };

    return (size_t)why < G_N_ELEMENTS(texts) && texts[why] ? texts[why] : "the limit is reached";
}

static enum step_verdict arrived(struct stepper *s, enum timeline_result r, GString *out)
{
    compare(s);
    if (r == TIMELINE_ERROR) {
        g_string_append_printf(out, "error: %s\n", timeline_error(s->t));
        return STEP_HOST;
    }
    if (r == TIMELINE_END)
        g_string_append_printf(out, "end: %s; ", end_text(timeline_end(s->t)));
    else if (r == TIMELINE_START)
        g_string_append(out, "start: nothing of that before; ");
    else if (r == TIMELINE_STOPPED)
        g_string_append(out, "stopped; ");
    step_where(s, out);
    return STEP_OK;
}

/* What has been found is of the CPU that came here. */
static void look_at_last_cpu(struct stepper *s, enum timeline_result r)
{
    struct arm_end end;

    arm_last_end(step_machine(s), &end);
    if (r != TIMELINE_THERE || end.cpu == s->cpu)
        return;
    s->cpu = end.cpu;
    step_remember(s);
}

static enum step_verdict search(struct stepper *s, const struct timeline_quest *quests,
                                unsigned count, bool back, bool any_cpu, GString *out)
{
    step_remember(s);
    enum timeline_result r = back ? timeline_previous(s->t, quests, count, NULL)
                                  : timeline_next(s->t, quests, count, s->limit, NULL);
    if (any_cpu)
        look_at_last_cpu(s, r);
    return arrived(s, r, out);
}

/* ---- instructions ---- */

static enum step_verdict steps(struct stepper *s, const char *text, bool back, GString *out)
{
    enum timeline_result r = TIMELINE_THERE;
    uint64_t count = 1;

    if (text && !parse_number(text, 1, STEPS_MOST, &count))
        return STEP_WRONG;
    step_remember(s);
    for (; count && r == TIMELINE_THERE; count--)
        r = back ? timeline_back(s->t, s->cpu) : timeline_step(s->t, s->cpu);
    return arrived(s, r, out);
}

enum step_verdict do_step(struct stepper *s, char **words, GString *out)
{
    return steps(s, words[1], false, out);
}

enum step_verdict do_where(struct stepper *s, char **words, GString *out)
{
    (void)words;
    step_where(s, out);
    return STEP_OK;
}

static bool calls(uint32_t word)
{
    const char *name = arm_insn_name(word);

    return g_str_has_prefix(name, "BL") || !strcmp(name, "SVC") || !strcmp(name, "HVC") ||
           !strcmp(name, "SMC");
}

/* Where a call returns: the same stack of the same EL, on the same CPU. */
struct frame {
    uint64_t pc, sp;
    unsigned el;
};

static bool returned(const struct stepper *s, const struct frame *f)
{
    return step_reg(s, ARM_PC) == f->pc && step_reg(s, ARM_SP) == f->sp && step_el(s) == f->el;
}

enum step_verdict do_over(struct stepper *s, char **words, GString *out)
{
    const struct frame f = {step_reg(s, ARM_PC) + 4, step_reg(s, ARM_SP), step_el(s)};
    const struct timeline_quest q = {.pcs = &f.pc, .pc_count = 1};
    enum timeline_result r = TIMELINE_THERE;
    char text[160];
    uint32_t word;

    (void)words;
    if (!step_insn(s, f.pc - 4, &word, text, sizeof(text)) || !calls(word))
        return steps(s, NULL, false, out);
    step_remember(s);
    do {
        r = timeline_next(s->t, &q, 1, s->limit, NULL);
    } while (r == TIMELINE_THERE && !returned(s, &f));
    return arrived(s, r, out);
}

/* ---- searches ---- */

static enum step_verdict switch_world(struct stepper *s, bool back, GString *out)
{
    const struct timeline_quest q = {
        .filter = {.size = sizeof(struct arm_filter), .events = ARM_BIT(ARM_EVENT_WORLD)}};

    return search(s, &q, 1, back, true, out);
}

enum step_verdict do_switch(struct stepper *s, char **words, GString *out)
{
    (void)words;
    return switch_world(s, false, out);
}

static enum step_verdict find_write(struct stepper *s, const char *text, bool back, GString *out)
{
    struct step_target target = {.s = s, .number = text ? arm_reg_number(text) : 0, .cpu = s->cpu};

    if (!text || (target.number == ARM_NO_REGISTER && !step_memory(s, text, &target.pa)))
        return STEP_WRONG;
    const struct timeline_quest q = step_write_quest(&target);
    return search(s, &q, 1, back, target.number == ARM_NO_REGISTER, out);
}

enum step_verdict do_write(struct stepper *s, char **words, GString *out)
{
    return find_write(s, words[1], false, out);
}

static uint64_t events_of(const char *topic)
{
    uint64_t events = 0;

    for (unsigned k = 0; topic && k < ARM_EVENT_COUNT; k++)
        if (!strcmp(arm_event_topic((enum arm_event_kind)k), topic))
            events |= ARM_BIT(k);
    return events;
}

static enum step_verdict find_event(struct stepper *s, const char *topic, bool back, GString *out)
{
    const struct timeline_quest q = {
        .filter = {.size = sizeof(struct arm_filter), .events = events_of(topic)}};

    return q.filter.events ? search(s, &q, 1, back, true, out) : STEP_WRONG;
}

enum step_verdict do_event(struct stepper *s, char **words, GString *out)
{
    return find_event(s, words[1], false, out);
}

/* ---- breakpoints ---- */

static bool is_world(void *ctx, const struct arm_event *event)
{
    const struct step_break *b = ctx;

    if (!strcmp(b->world, "enter") || !strcmp(b->world, "exit"))
        return event->world.enter == !strcmp(b->world, "enter");
    /* The checker has seen this crossing on the live machine, or sees it now. */
    struct arm_position behind = arm_machine_position(timeline_machine(b->s->t));
    struct arm_crossing c;
    behind.insns++;
    return arm_checker_crossing(b->s->checker, event->cpu, behind, false, &c) &&
           !strcmp(b->world, c.world);
}

static bool parse_break(struct stepper *s, char **words, struct step_break *b)
{
    if (!words[1] || !words[2])
        return false;
    if (!strcmp(words[1], "pc") || !strcmp(words[1], "symbol")) {
        b->kind = BREAK_PC;
        return step_number(s, words[2], &b->pc);
    }
    if (!strcmp(words[1], "world")) {
        b->kind = BREAK_WORLD;
        b->events = ARM_BIT(ARM_EVENT_WORLD);
        b->world = g_strdup(words[2]);
        return true;
    }
    b->kind = BREAK_EVENT;
    b->events = strcmp(words[1], "event") ? 0 : events_of(words[2]);
    return b->events != 0;
}

static void list_breaks(const struct stepper *s, GString *out)
{
    for (unsigned k = 0; k < s->breaks->len; k++)
        g_string_append_printf(out, "%u: %s\n", k + 1,
                               ((struct step_break *)s->breaks->pdata[k])->text);
    if (!s->breaks->len)
        g_string_append(out, "no breakpoints\n");
}

enum step_verdict do_break(struct stepper *s, char **words, GString *out)
{
    struct step_break *b;

    if (!words[1]) {
        list_breaks(s, out);
        return STEP_OK;
    }
    b = g_new0(struct step_break, 1);
    b->s = s;
    if (s->breaks->len == ARM_SUBSCRIBERS_MAX / 2 || !parse_break(s, words, b)) {
        g_free(b->world);
        g_free(b);
        return STEP_WRONG;
    }
    b->text = g_strdup_printf("%s %s", words[1], words[2]);
    g_ptr_array_add(s->breaks, b);
    g_string_append_printf(out, "%u: %s\n", s->breaks->len, b->text);
    return STEP_OK;
}

enum step_verdict do_delete(struct stepper *s, char **words, GString *out)
{
    uint64_t n;

    if (!words[1] || !parse_number(words[1], 1, s->breaks->len, &n))
        return STEP_WRONG;
    g_ptr_array_remove_index(s->breaks, (unsigned)n - 1);
    list_breaks(s, out);
    return STEP_OK;
}

/* To a breakpoint, or as far as it goes. */
static enum step_verdict travel(struct stepper *s, bool back, uint64_t most, GString *out)
{
    struct timeline_quest quests[ARM_SUBSCRIBERS_MAX] = {0};
    unsigned count = s->breaks->len;

    for (unsigned k = 0; k < count; k++) {
        struct step_break *b = s->breaks->pdata[k];
        quests[k].pcs = &b->pc;
        quests[k].pc_count = b->kind == BREAK_PC;
        quests[k].filter = (struct arm_filter){.size = b->events ? sizeof(struct arm_filter) : 0,
                                               .events = b->events};
        quests[k].match = b->kind == BREAK_WORLD ? is_world : NULL;
        quests[k].ctx = b;
    }
    step_remember(s);
    uint64_t limit = most ? timeline_here(s->t).insns + most : s->limit;
    enum timeline_result r = !back   ? timeline_next(s->t, quests, count, limit, NULL)
                             : count ? timeline_previous(s->t, quests, count, NULL)
                                     : timeline_goto(s->t, timeline_start(s->t));
    look_at_last_cpu(s, r);
    if (r == TIMELINE_START) {
        g_string_append(out, "start: no breakpoint before; ");
        r = timeline_goto(s->t, timeline_start(s->t));
    }
    return arrived(s, r, out);
}

enum step_verdict do_continue(struct stepper *s, char **words, GString *out)
{
    uint64_t most = 0;

    if (words[1] && !parse_size(words[1], 1, &most))
        return STEP_WRONG;
    return travel(s, false, most, out);
}

enum step_verdict do_reverse(struct stepper *s, char **words, GString *out)
{
    (void)words;
    return travel(s, true, 0, out);
}

enum step_verdict do_back(struct stepper *s, char **words, GString *out)
{
    const char *what = words[1];

    if (what && !strcmp(what, "switch"))
        return switch_world(s, true, out);
    if (what && !strcmp(what, "write"))
        return find_write(s, words[2], true, out);
    if (what && !strcmp(what, "event"))
        return find_event(s, words[2], true, out);
    return steps(s, what && !strcmp(what, "step") ? words[2] : what, true, out);
}

/* ---- to a point ---- */

enum step_verdict do_goto(struct stepper *s, char **words, GString *out)
{
    struct arm_position to = {0, 0};
    char *dot = words[1] ? strchr(words[1], '.') : NULL;

    if (!words[1])
        return STEP_WRONG;
    if (dot)
        *dot = '\0';
    if (!strcmp(words[1], "start"))
        to = timeline_start(s->t);
    else if (!strcmp(words[1], "end"))
        to = timeline_farthest(s->t);
    else if (!parse_size(words[1], 1, &to.insns) ||
             (dot && !parse_number(dot + 1, 0, UINT64_MAX, &to.exceptions)))
        return STEP_WRONG;
    step_remember(s);
    return arrived(s, timeline_goto(s->t, to), out);
}

enum step_verdict do_cpu(struct stepper *s, char **words, GString *out)
{
    uint64_t n;

    if (words[1]) {
        if (!parse_number(words[1], 0, arm_cpu_count(step_machine(s)) - 1, &n))
            return STEP_WRONG;
        s->cpu = (unsigned)n;
        step_remember(s);
    }
    step_where(s, out);
    return STEP_OK;
}

enum step_verdict do_type(struct stepper *s, char **words, GString *out)
{
    g_autofree char *line = g_strdup_printf("%s\n", words[1]);

    timeline_type(s->t, line, strlen(line));
    g_string_append_printf(out, "typed %zu characters\n", strlen(line));
    return STEP_OK;
}
