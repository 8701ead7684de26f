#include "gdb_monitor.h"

#include <inttypes.h>
#include <string.h>

#include "gdb_catch.h"
#include "gdb_session.h"
#include "parse.h"

typedef bool monitor_fn(struct gdb_session *g, unsigned cpu, char **words, GString *out);

#define GDB_MONITOR(name, ...) static monitor_fn gdb_monitor_##name;
#include "tools/cli/gdb_monitor.def"
#undef GDB_MONITOR

static const struct {
    const char *name;
    monitor_fn *fn;
    const char *arguments, *help;
} commands[] = {
#define GDB_MONITOR(name, arguments, help) {#name, gdb_monitor_##name, arguments, help},
#include "tools/cli/gdb_monitor.def"
#undef GDB_MONITOR
};

static bool gdb_monitor_help(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    (void)g, (void)cpu, (void)words;
    for (size_t k = 0; k < G_N_ELEMENTS(commands); k++)
        g_string_append_printf(out, "%-8s %-28s %s\n", commands[k].name, commands[k].arguments,
                               commands[k].help);
    return true;
}

static bool gdb_monitor_space(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    static const char *const names[] = {[GDB_SPACE_NOW] = "now",
                                        [GDB_SPACE_EL0] = "el0",
                                        [GDB_SPACE_EL1] = "el1",
                                        [GDB_SPACE_EL2] = "el2",
                                        [GDB_SPACE_PA] = "pa"};

    (void)cpu;
    if (words[1]) {
        size_t k = 0;
        while (k < G_N_ELEMENTS(names) && strcmp(names[k], words[1]) != 0)
            k++;
        if (k == G_N_ELEMENTS(names))
            return false;
        gdb_server_set_space(g->server, (enum gdb_space)k);
        g_string_append(out, "gdb may have kept what it has read: maintenance flush dcache\n");
    }
    g_string_append_printf(out, "addresses: %s\n", names[gdb_server_space(g->server)]);
    return true;
}

/* ---- what ends a run ---- */

static bool set(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    if (words[1] && !gdb_catch_add(g, cpu, words))
        return false;
    gdb_catch_list(g, out);
    return true;
}

static bool gdb_monitor_break(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    return set(g, cpu, words, out);
}

static bool gdb_monitor_watch(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    return set(g, cpu, words, out);
}

static bool gdb_monitor_catch(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    return set(g, cpu, words, out);
}

static bool gdb_monitor_delete(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    uint64_t n = 0;

    (void)cpu;
    if (!words[1])
        g_ptr_array_set_size(g->catches, 0);
    else if (!parse_number(words[1], 1, GDB_CATCHES_MAX, &n) || !gdb_catch_remove(g, (unsigned)n))
        return false;
    gdb_catch_list(g, out);
    return true;
}

/* ---- looking ---- */

static void append_line(void *ctx, const char *line)
{
    g_string_append_printf(ctx, "%s\n", line);
}

/* One with its fields. False: it has no value. */
static bool append_one(struct arm_machine *m, unsigned cpu, uint32_t number, GString *out)
{
    uint64_t value[2] = {0, 0};
    char text[4096];

    if (!arm_reg_get(m, cpu, number, value))
        return false;
    arm_text_register(number, value, text, sizeof(text));
    g_string_append_printf(out, "%s = 0x%016" PRIx64 "\n%s", arm_reg_name(number), value[0], text);
    return true;
}

/* All, or those whose names end so, as "el2"; or one. */
static bool append_registers(struct arm_machine *m, unsigned cpu, const char *which, GString *out)
{
    uint32_t one = which ? arm_reg_number(which) : ARM_NO_REGISTER;
    g_autofree char *end = g_ascii_strdown(which ? which : "", -1);
    size_t count = arm_reg_list(m, cpu, NULL, 0), before = out->len;
    g_autofree struct arm_register *list = g_new(struct arm_register, count);

    if (one != ARM_NO_REGISTER)
        return append_one(m, cpu, one, out);
    arm_reg_list(m, cpu, list, count);
    for (size_t k = 0; k < count; k++) {
        g_autofree char *name = g_ascii_strdown(list[k].name, -1);
        uint64_t value[2] = {0, 0};
        if (!list[k].alias && g_str_has_suffix(name, end) &&
            arm_reg_get(m, cpu, list[k].number, value))
            g_string_append_printf(out, "%-18s 0x%016" PRIx64 "\n", list[k].name, value[0]);
    }
    return out->len != before;
}

static bool gdb_monitor_info(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    struct arm_machine *m = timeline_machine(g->t);

    if (words[1] && !strcmp(words[1], "registers"))
        return append_registers(m, cpu, words[2], out);
    return words[1] && arm_describe(m, words[1], append_line, out);
}

static bool checked(const struct gdb_session *g, GString *out)
{
    if (!g->checker)
        g_string_append(out, "worlds are followed by `armillary check --gdb`\n");
    return g->checker != NULL;
}

static bool gdb_monitor_worlds(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    (void)cpu, (void)words;
    if (checked(g, out))
        arm_checker_worlds(g->checker, append_line, out);
    return true;
}

static bool gdb_monitor_findings(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    (void)cpu, (void)words;
    if (checked(g, out))
        arm_checker_findings(g->checker, append_line, out);
    return true;
}

static bool gdb_monitor_snapshot(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    struct arm_error err = {0};

    (void)cpu;
    if (!words[1])
        return false;
    if (arm_snapshot_save(timeline_machine(g->t), words[1], &err) < 0)
        g_string_append_printf(out, "%s\n", err.text);
    else
        g_string_append_printf(out, "%s: written, for --restore\n", words[1]);
    return true;
}

static void append_step(void *ctx, const struct arm_walk_step *step)
{
    g_string_append_printf(ctx,
                           "  stage %u level %d: descriptor 0x%016" PRIx64 " at 0x%" PRIx64
                           ", for %s0x%" PRIx64 "\n",
                           step->stage, step->level, step->descriptor, step->pa,
                           step->stage == 2 ? "IPA " : "VA ", step->address);
}

static bool gdb_monitor_walk(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    struct arm_machine *m = timeline_machine(g->t);
    uint64_t address, el = gdb_current_el(m, cpu);
    struct arm_translation t;

    if (!words[1] || !parse_hex(words[1], &address) ||
        (words[2] && !parse_number(words[2], 0, 2, &el)))
        return false;
    if (arm_walk(m, cpu, (unsigned)el, address, ARM_ACCESS_READ, append_step, out, &t))
        g_string_append_printf(out,
                               "PA 0x%" PRIx64 ", attributes %#04x, privileged %c%c%c, "
                               "unprivileged %c%c%c\n",
                               t.pa, t.attr, t.perms & ARM_PERM_PR ? 'r' : '-',
                               t.perms & ARM_PERM_PW ? 'w' : '-', t.perms & ARM_PERM_PX ? 'x' : '-',
                               t.perms & ARM_PERM_UR ? 'r' : '-', t.perms & ARM_PERM_UW ? 'w' : '-',
                               t.perms & ARM_PERM_UX ? 'x' : '-');
    else
        g_string_append_printf(out, "%s fault, stage %u, level %d%s\n",
                               t.fault ? t.fault : "no such EL:", t.stage, t.level,
                               t.on_walk ? ", on the stage-1 table walk" : "");
    return true;
}

static bool gdb_monitor_where(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    struct arm_position here = timeline_here(g->t), start = timeline_start(g->t),
                        end = timeline_farthest(g->t);

    (void)cpu, (void)words;
    g_string_append_printf(out, "here %" PRIu64 ".%" PRIu64, here.insns, here.exceptions);
    if (timeline_has_past(g->t))
        g_string_append_printf(out, ", back to %" PRIu64 ".%" PRIu64, start.insns,
                               start.exceptions);
    g_string_append_printf(out, ", farthest %" PRIu64 ".%" PRIu64 "\n", end.insns, end.exceptions);
    return true;
}

void gdb_monitor_execute(struct gdb_session *g, unsigned cpu, const char *line, GString *out)
{
    g_auto(GStrv) raw = g_strsplit_set(line, " \t", -1);
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    for (char **w = raw; *w; w++)
        if (**w)
            g_ptr_array_add(words, *w);
    g_ptr_array_add(words, NULL);
    for (size_t k = 0; words->pdata[0] && k < G_N_ELEMENTS(commands); k++)
        if (!strcmp(commands[k].name, words->pdata[0])) {
            if (!commands[k].fn(g, cpu, (char **)words->pdata, out))
                g_string_append_printf(out, "%s %s: %s\n", commands[k].name, commands[k].arguments,
                                       commands[k].help);
            return;
        }
    g_string_append(out, "no such command; try help\n");
}
