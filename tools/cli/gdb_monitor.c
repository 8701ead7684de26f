#include "gdb_monitor.h"

#include <inttypes.h>
#include <string.h>

#include "gdb_catch.h"
#include "gdb_session.h"
#include "info.h"
#include "monitor.h"
#include "parse.h"
#include "suggest.h"
#include "trace/names.h"

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
    if (words[1] && g->catches->len == GDB_CATCHES_MAX) {
        g_string_append_printf(out, "there are %d already: monitor delete N\n", GDB_CATCHES_MAX);
        return true;
    }
    g_autoptr(GString) why = g_string_new(NULL);
    if (words[1] && !gdb_catch_add(g, cpu, words, why)) {
        if (why->len)
            g_string_append_printf(out, "%s\n", why->str);
        return false;
    }
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

static bool checked(const struct gdb_session *g, GString *out)
{
    if (!g->checker)
        g_string_append(out, "worlds are followed by `armillary check --gdb`\n");
    return g->checker != NULL;
}

static bool gdb_monitor_catch(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    if (words[1] && !strcmp(words[1], "finding") && !checked(g, out))
        return true;
    return set(g, cpu, words, out);
}

static bool gdb_monitor_delete(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    uint64_t n = 0;

    (void)cpu;
    if (!words[1])
        g_ptr_array_set_size(g->catches, 0);
    else if (!parse_number(words[1], 1, GDB_CATCHES_MAX, &n))
        return false;
    else if (!gdb_catch_remove(g, (unsigned)n))
        g_string_append_printf(out, "there is no %s\n", words[1]);
    gdb_catch_list(g, out);
    return true;
}

/* ---- looking ---- */

static void append_line(void *ctx, const char *line)
{
    g_string_append_printf(ctx, "%s\n", line);
}

static bool gdb_monitor_info(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    info_execute(timeline_machine(g->t), cpu, NULL, words, out);
    return true;
}

static bool gdb_monitor_why(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    char *info[] = {words[0], "why", NULL};

    return info_execute(timeline_machine(g->t), cpu, NULL, info, out);
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

static bool gdb_monitor_reset(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    struct arm_error err = {0};
    const char *why = NULL;

    (void)cpu, (void)words;
    if (!gdb_session_change(g, &why))
        g_string_append_printf(out, "%s\n", why);
    else if (arm_reset(timeline_machine(g->t), &err) < 0)
        g_string_append_printf(out, "%s\n", err.text);
    else
        g_string_append(out, "the machine is reset; `maintenance flush register-cache` makes gdb "
                             "look at its registers again\n");
    g->prepared = false;
    return true;
}

static bool gdb_monitor_quit(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    (void)cpu, (void)words, (void)out;
    return g->quit = true;
}

static bool gdb_monitor_symbols(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    struct arm_machine *m = timeline_machine(g->t);
    struct arm_error err = {0};
    struct arm_translation t;
    uint64_t pc = 0;

    if (!words[1])
        return false;
    arm_reg_read(m, cpu, "PC", &pc);
    if (!arm_translate(m, cpu, gdb_current_el(m, cpu), pc, ARM_ACCESS_READ, &t))
        g_string_append(out, "there is no memory at the PC\n");
    else if (trace_names_write_elf(g->names, t.pa, pc, words[1], &err) < 0)
        g_string_append_printf(out, "%s\n", err.text);
    else
        g_string_append_printf(out, "%s: written; symbol-file %s\n", words[1], words[1]);
    return true;
}

static bool gdb_monitor_walk(struct gdb_session *g, unsigned cpu, char **words, GString *out)
{
    struct arm_machine *m = timeline_machine(g->t);
    uint64_t address, el = gdb_current_el(m, cpu);

    if (!words[1] || !parse_hex(words[1], &address) ||
        (words[2] &&
         !parse_number(words[2] + (g_str_has_prefix(words[2], "el") ? 2 : 0), 0, 2, &el)))
        return false;
    info_walk(m, cpu, (unsigned)el, address, ARM_ACCESS_READ, out);
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

/* The row of @name, or the only one that begins so; negative: none. */
static int find(const char *name)
{
    int only = -1;

    for (size_t k = 0; k < G_N_ELEMENTS(commands); k++) {
        if (!strcmp(commands[k].name, name))
            return (int)k;
        if (g_str_has_prefix(commands[k].name, name))
            only = only == -1 ? (int)k : -2;
    }
    return only;
}

/* One of info.def is a command of its own too: "gic". */
static bool is_info(const char *name)
{
    const char *row;

    for (size_t k = 0; (row = info_name(k)); k++)
        if (!strcmp(row, name))
            return true;
    return false;
}

static void say_unknown(const char *word, GString *out)
{
    const char *instead = monitor_instead(word);

    if (instead) {
        g_string_append_printf(out, "%s: %s\n", word, instead);
        return;
    }
    struct suggestion near = suggest_for(word);
    const char *row;

    for (size_t k = 0; k < G_N_ELEMENTS(commands); k++)
        suggest_offer(&near, commands[k].name);
    for (size_t k = 0; (row = info_name(k)); k++)
        suggest_offer(&near, row);
    g_string_append_printf(out, "no such command: %s; ", word);
    if (near.best)
        g_string_append_printf(out, "did you mean %s? ", near.best);
    g_string_append(out, "monitor help lists them all\n");
}

void gdb_monitor_execute(struct gdb_session *g, unsigned cpu, const char *line, GString *out)
{
    g_auto(GStrv) raw = g_strsplit_set(line, " \t", -1);
    g_autoptr(GPtrArray) list = g_ptr_array_new();

    g_ptr_array_add(list, (void *)(uintptr_t) "info");
    for (char **w = raw; *w; w++)
        if (**w)
            g_ptr_array_add(list, *w);
    g_ptr_array_add(list, NULL);
    char **words = (char **)list->pdata + 1;
    const char *as = words[0] ? monitor_as(words[0]) : NULL;
    int row = as ? find(as) : words[0] ? find(words[0]) : 0; /* alone it asks for help */
    if (row < 0 && is_info(words[0]))
        info_execute(timeline_machine(g->t), cpu, NULL, words - 1, out);
    else if (row < 0)
        say_unknown(words[0], out);
    else if (!commands[row].fn(g, cpu, words, out))
        g_string_append_printf(out, "%s %s: %s\n", commands[row].name, commands[row].arguments,
                               commands[row].help);
}
