/* Commands about worlds: who runs, who owns what, and what a passage does. */
#include <inttypes.h>
#include <string.h>

#include "step.h"

#define WORLDS_MOST  64
#define PASSAGE_MOST (UINT64_C(64) << 20) /* instructions that are looked for its end */

static void add_line(void *ctx, const char *line)
{
    g_string_append_printf(ctx, "%s\n", line);
}

enum step_verdict do_worlds(struct stepper *s, char **words, GString *out)
{
    (void)words;
    for (unsigned k = 0; k < arm_cpu_count(step_machine(s)); k++) {
        const char *world = step_world(s, k);
        struct arm_crossing last = {0};
        bool known = arm_checker_crossing(s->checker, k, timeline_here(s->t), false, &last);
        g_string_append_printf(out, "cpu%u: %s", k, world ? world : "EL2, or nobody seen entered");
        if (known)
            g_string_append_printf(out, "; %s %s at %" PRIu64, last.world,
                                   last.enter ? "entered" : "left", last.at.insns);
        g_string_append_c(out, '\n');
    }
    arm_checker_worlds(s->checker, add_line, out);
    return STEP_OK;
}

/* ---- owners ---- */

static void add_owner(const struct stepper *s, GString *out, const struct arm_owner *o)
{
    char name[160];

    g_string_append_printf(out, "%s %c", o->world, o->state);
    if (o->slot)
        g_string_append_printf(out, " pa:%#" PRIx64, o->slot);
    if (o->slot && arm_checker_slot(s->checker, s->cpu, o->slot, name, sizeof(name)))
        g_string_append_printf(out, " %s", name);
    if (o->trapped)
        g_string_append(out, " (trapped)");
    g_string_append_printf(out, " since %" PRIu64, o->since.insns);
}

static size_t owners(const struct stepper *s, uint32_t number, struct arm_position at,
                     struct arm_owner *list)
{
    size_t count = arm_checker_owner(s->checker, number, at, list, WORLDS_MOST);

    return count < WORLDS_MOST ? count : WORLDS_MOST;
}

static void one_owner(const struct stepper *s, uint32_t number, GString *out)
{
    struct arm_owner list[WORLDS_MOST];
    size_t count = owners(s, number, timeline_here(s->t), list);

    g_string_append_printf(out, "%s: ", arm_reg_name(number));
    for (size_t k = 0; k < count; k++) {
        g_string_append(out, k ? "; " : "");
        add_owner(s, out, &list[k]);
    }
    g_string_append(out, count ? "\n" : "no world has a value in it\n");
}

/* A cell for each world: its letter, and a mark at the one that has changed last. */
static void all_owners(const struct stepper *s, GString *out)
{
    struct arm_position here = timeline_here(s->t), latest = {0, 0};
    struct arm_owner list[WORLDS_MOST];
    const char *group;
    uint32_t number;

    for (unsigned k = 0; arm_checker_register(s->checker, k, &number, &group); k++)
        for (size_t n = owners(s, number, here, list); n-- > 0;)
            if (position_compare(latest, list[n].since) < 0)
                latest = list[n].since;
    for (unsigned k = 0; arm_checker_register(s->checker, k, &number, &group); k++) {
        size_t count = owners(s, number, here, list);
        if (!count)
            continue;
        g_string_append_printf(out, "%-18s %-6s", arm_reg_name(number), group);
        for (size_t n = 0; n < count; n++)
            g_string_append_printf(out, " %s:%c%s", list[n].world, list[n].state,
                                   position_compare(list[n].since, latest) ? "" : "*");
        g_string_append_c(out, '\n');
    }
    if (!out->len)
        g_string_append(out, "no world has been seen to leave\n");
}

enum step_verdict do_owner(struct stepper *s, char **words, GString *out)
{
    struct arm_position forgotten = arm_checker_forgotten(s->checker);
    bool stage2 = words[1] && !strcmp(words[1], "stage2");
    uint32_t number = words[1] && !stage2 ? arm_reg_number(words[1]) : 0;

    if (number == ARM_NO_REGISTER)
        return STEP_WRONG;
    if (position_compare(timeline_here(s->t), forgotten) < 0)
        g_string_append_printf(out, "not all is known before %" PRIu64 "; ", forgotten.insns);
    if (stage2) {
        step_stage2(s, out);
    } else if (words[1] && step_is_list_register(number)) {
        step_list_registers(s, number, out);
    } else if (words[1]) {
        one_owner(s, number, out);
    } else {
        all_owners(s, out);
        step_list_registers(s, ARM_NO_REGISTER, out);
        step_stage2(s, out);
    }
    return STEP_OK;
}

/* ---- passages ---- */

struct passage {
    struct arm_crossing exit, enter;
    struct stepper *s;
    unsigned gic_read, gic_written;
    GString *stage2; /* registers of stage 2 that were written */
};

static bool is_entry(void *ctx, const struct arm_event *event)
{
    (void)ctx;
    return event->world.enter;
}

/* Exit and entry around here on this CPU; of a world that runs those that led to it. */
static bool find_passage(struct stepper *s, struct passage *p)
{
    struct arm_position here = timeline_here(s->t);
    struct timeline_quest entry = {
        .filter = {.size = sizeof(struct arm_filter), .events = ARM_BIT(ARM_EVENT_WORLD)},
        .match = is_entry};

    if (!arm_checker_crossing(s->checker, s->cpu, here, false, &p->exit))
        return false;
    if (p->exit.enter) {
        p->enter = p->exit;
        return arm_checker_crossing(s->checker, s->cpu, p->enter.at, false, &p->exit) &&
               !p->exit.enter;
    }
    if (!arm_checker_crossing(s->checker, s->cpu, here, true, &p->enter)) {
        entry.filter.cpus[s->cpu / 64] = ARM_BIT(s->cpu % 64);
        timeline_next(s->t, &entry, 1, here.insns + PASSAGE_MOST, NULL);
        timeline_goto(s->t, here);
    }
    return arm_checker_crossing(s->checker, s->cpu, here, true, &p->enter) && p->enter.enter;
}

static bool collect(void *ctx, const struct arm_event *p)
{
    static const char *const stage2[] = {"VTTBR_EL2", "VTCR_EL2", "HCR_EL2", "VMPIDR_EL2"};
    bool write = p->kind == ARM_EVENT_SYSREG_WRITE;
    const char *name = arm_reg_name(write ? p->sysreg_write.sr : p->sysreg_read.sr);
    struct passage *passage = ctx;

    if (name && (g_str_has_prefix(name, "ICH_") || g_str_has_prefix(name, "ICC_"))) {
        passage->gic_read += !write;
        passage->gic_written += write;
    }
    for (size_t k = 0; write && name && k < G_N_ELEMENTS(stage2); k++)
        if (!strcmp(name, stage2[k]))
            g_string_append_printf(passage->stage2, " %s=%#" PRIx64, name, p->sysreg_write.after);
    return false;
}

/* What no world owns is told by the accesses. */
static void replay_passage(struct stepper *s, struct passage *p)
{
    struct arm_position here = timeline_here(s->t);
    struct timeline_quest all = {
        .filter = {.size = sizeof(struct arm_filter),
                   .events = ARM_BIT(ARM_EVENT_SYSREG_READ) | ARM_BIT(ARM_EVENT_SYSREG_WRITE),
                   .els = ARM_BIT(2)},
        .match = collect,
        .ctx = p};

    all.filter.cpus[s->cpu / 64] = ARM_BIT(s->cpu % 64);
    if (timeline_goto(s->t, p->exit.at) == TIMELINE_THERE)
        timeline_next(s->t, &all, 1, p->enter.at.insns, NULL);
    timeline_goto(s->t, here);
}

/* What @world has in a register; ARM_OWNED_NONE if nothing. */
static struct arm_owner owner_in(const struct stepper *s, uint32_t number, const char *world,
                                 struct arm_position at)
{
    struct arm_owner list[WORLDS_MOST];
    size_t count = owners(s, number, at, list);

    for (size_t k = 0; k < count; k++)
        if (!strcmp(list[k].world, world))
            return list[k];
    return (struct arm_owner){.state = ARM_OWNED_NONE};
}

enum fate { SAVED = 1, RESTORED = 2, UNTOUCHED = 4, LOST = 8, WAS_TRAPPED = 16 };

static bool in_cpu(char state)
{
    return state == ARM_OWNED_LIVE || state == ARM_OWNED_BOTH;
}

/* From what the owners were when the one world had left, and when the other was entered. Whose cell
 * has changed in between and is in the CPU again, has been restored. */
static unsigned fate_of(const struct stepper *s, const struct passage *p, uint32_t number)
{
    const struct arm_position left = {p->exit.at.insns, p->exit.at.exceptions + 1};
    const struct arm_position entered = {p->enter.at.insns + 1, 0};
    struct arm_owner before = owner_in(s, number, p->exit.world, left);
    struct arm_owner after = owner_in(s, number, p->exit.world, p->enter.at);
    struct arm_owner stored = owner_in(s, number, p->enter.world, left);
    struct arm_owner ready = owner_in(s, number, p->enter.world, entered);
    bool moved = position_compare(after.since, p->exit.at) > 0;
    bool same_world = !strcmp(p->exit.world, p->enter.world);
    unsigned fate = 0;

    if (before.state == ARM_OWNED_NONE && ready.state == ARM_OWNED_NONE)
        return 0;
    if (ready.trapped)
        return WAS_TRAPPED;
    if (moved)
        fate |= after.state == ARM_OWNED_LOST ? LOST : SAVED;
    if (in_cpu(ready.state) &&
        ((!in_cpu(stored.state) && stored.state != ARM_OWNED_NONE) || (same_world && fate)))
        fate |= RESTORED;
    return fate ? fate : UNTOUCHED;
}

static void add_fates(GString *out, const char *what, unsigned fates, const GString *names)
{
    static const char *const words[] = {"saved", "restored", "untouched", "lost", "trapped"};

    for (unsigned k = 0; k < G_N_ELEMENTS(words); k++)
        if (fates >> k & 1)
            g_string_append_printf(out, "%s%s", what, words[k]), what = "+";
    g_string_append_printf(out, " (%s)", names->str + 1);
}

/* The registers of @group, gathered by what became of them. */
static void add_group(const struct stepper *s, const struct passage *p, const char *group,
                      GString *out)
{
    GString *names[32] = {NULL};
    const char *what = " ", *its;
    uint32_t number;

    for (unsigned k = 0; arm_checker_register(s->checker, k, &number, &its); k++) {
        unsigned fate = strcmp(its, group) ? 0 : fate_of(s, p, number);
        if (!fate)
            continue;
        if (!names[fate])
            names[fate] = g_string_new(NULL);
        g_string_append_printf(names[fate], " %s", arm_reg_name(number));
    }
    g_string_append_printf(out, "%-7s", group);
    for (unsigned fate = 1; fate < G_N_ELEMENTS(names); fate++)
        if (names[fate]) {
            add_fates(out, what, fate, names[fate]);
            what = "; ";
            g_string_free(names[fate], TRUE);
        }
    g_string_append(out, *what == ' ' ? " nothing of a world\n" : "\n");
}

enum step_verdict do_passage(struct stepper *s, char **words, GString *out)
{
    static const char *const groups[] = {"GPR", "EL0",   "EL1",   "PAUTH",
                                         "FP",  "TIMER", "DEBUG", "PMU"};
    struct passage p = {.s = s};

    (void)words;
    if (!find_passage(s, &p)) {
        g_string_append(out, "no passage: no exit and entry seen on this CPU around here\n");
        return STEP_OK;
    }
    p.stage2 = g_string_new(NULL);
    replay_passage(s, &p);
    g_string_append_printf(out, "passage %s -> %s, %" PRIu64 " to %" PRIu64 "\n", p.exit.world,
                           p.enter.world, p.exit.at.insns, p.enter.at.insns);
    for (size_t k = 0; k < G_N_ELEMENTS(groups); k++)
        add_group(s, &p, groups[k], out);
    g_string_append_printf(out, "GIC     %u registers read, %u written\n", p.gic_read,
                           p.gic_written);
    g_string_append_printf(out, "stage 2%s\n", p.stage2->len ? p.stage2->str : " untouched");
    g_string_free(p.stage2, TRUE);
    return STEP_OK;
}
