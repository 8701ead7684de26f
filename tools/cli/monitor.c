#include "monitor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "console.h"
#include "info.h"
#include "key_names.h"
#include "line_editor.h"
#include "monitor_memory.h"
#include "parse.h"
#include "picture.h"
#include "sweep.h"

typedef enum monitor_verdict monitor_fn(struct monitor *mon, char **words, GString *out);

#define MONITOR(name, ...) static monitor_fn do_##name;
#include "tools/cli/monitor.def"
#undef MONITOR

static enum monitor_verdict say(GString *out, const char *text)
{
    g_string_append_printf(out, "%s\n", text);
    return MONITOR_STAY;
}

/* ---- looking ---- */

static enum monitor_verdict do_info(struct monitor *mon, char **words, GString *out)
{
    info_execute(mon->m, mon->cpu, mon->outline, words, out);
    return MONITOR_STAY;
}

/* A CPU as the last word of a command; none is the one that is looked at. */
static bool parse_cpu(const struct monitor *mon, const char *word, uint64_t *cpu)
{
    *cpu = mon->cpu;
    return !word || parse_number(word, 0, arm_cpu_count(mon->m) - 1, cpu);
}

static enum monitor_verdict do_gva2gpa(struct monitor *mon, char **words, GString *out)
{
    struct arm_translation t;
    uint64_t va;

    if (!words[1] || !monitor_address(mon, words[1], &va))
        return say(out, "gva2gpa VA: a hexadecimal address");
    if (!arm_translate(mon->m, mon->cpu, monitor_el(mon), va, ARM_ACCESS_READ, &t))
        return say(out, "Unmapped");
    g_string_append_printf(out, "gpa: %#" PRIx64 "\n", t.pa);
    return MONITOR_STAY;
}

static enum monitor_verdict do_walk(struct monitor *mon, char **words, GString *out)
{
    uint64_t va, index;
    struct monitor of = *mon;

    if (!words[1] || !monitor_address(mon, words[1], &va) || !parse_cpu(mon, words[2], &index))
        return say(out, "walk VA [CPU]: a hexadecimal address");
    of.cpu = (unsigned)index;
    info_walk(of.m, of.cpu, monitor_el(&of), va, ARM_ACCESS_READ, out);
    return MONITOR_STAY;
}

static enum monitor_verdict do_print(struct monitor *mon, char **words, GString *out)
{
    uint64_t value, index;

    if (!words[1] || !parse_cpu(mon, words[2], &index))
        return say(out, "print REGISTER [CPU]");
    const char *name = words[1] + (*words[1] == '$'); /* as QEMU and gdb write it */
    if (!arm_reg_read(mon->m, (unsigned)index, name, &value))
        g_string_append_printf(out, "no register \"%s\"\n", name);
    else
        g_string_append_printf(out, "%s = 0x%016" PRIx64 "\n", name, value);
    return MONITOR_STAY;
}

static enum monitor_verdict do_cpu(struct monitor *mon, char **words, GString *out)
{
    uint64_t index;

    if (!parse_cpu(mon, words[1], &index))
        return say(out, "cpu [N]: there is no such CPU");
    mon->cpu = (unsigned)index;
    g_string_append_printf(out, "cpu%u\n", mon->cpu);
    return MONITOR_STAY;
}

/* ---- memory ---- */

static enum monitor_verdict do_x(struct monitor *mon, char **words, GString *out)
{
    monitor_show_memory(mon, words, false, out);
    return MONITOR_STAY;
}

static enum monitor_verdict do_xp(struct monitor *mon, char **words, GString *out)
{
    monitor_show_memory(mon, words, true, out);
    return MONITOR_STAY;
}

static enum monitor_verdict save_memory(struct monitor *mon, char **words, bool physical,
                                        GString *out)
{
    struct monitor_range r = {.physical = physical};
    g_autofree char *error = NULL;

    if (!words[1] || !words[2] || !words[3] || !monitor_address(mon, words[1], &r.address) ||
        !parse_size(words[2], 1, &r.size))
        return say(out, "memsave and pmemsave ADDR SIZE FILE: a hexadecimal address");
    return monitor_save_memory(mon, &r, words[3], &error) ? MONITOR_STAY : say(out, error);
}

static enum monitor_verdict do_memsave(struct monitor *mon, char **words, GString *out)
{
    return save_memory(mon, words, false, out);
}

static enum monitor_verdict do_pmemsave(struct monitor *mon, char **words, GString *out)
{
    return save_memory(mon, words, true, out);
}

/* ---- changing ---- */

bool monitor_may_change(struct monitor *mon, const char **why)
{
    struct arm_machine *m = mon->change ? mon->change(mon->change_ctx, why) : mon->m;

    if (m)
        mon->m = m;
    return m != NULL;
}

static enum monitor_verdict do_save(struct monitor *mon, char **words, GString *out)
{
    struct arm_error err = {0};

    if (!words[1])
        return say(out, "save FILE");
    if (arm_snapshot_save(mon->m, words[1], &err) < 0)
        return say(out, err.text);
    g_string_append_printf(out, "%s: written, for --restore\n", words[1]);
    return MONITOR_STAY;
}

static enum monitor_verdict do_screendump(struct monitor *mon, char **words, GString *out)
{
    g_autofree char *error = NULL;

    if (!words[1])
        return say(out, "screendump FILE");
    return picture_write(mon->m, words[1], &error) ? MONITOR_STAY : say(out, error);
}

static enum monitor_verdict do_sendkey(struct monitor *mon, char **words, GString *out)
{
    g_autofree char *error = NULL;
    const char *why = NULL;

    if (!words[1])
        return say(out, "sendkey KEY[-KEY...]");
    if (!monitor_may_change(mon, &why))
        return say(out, why);
    return key_names_send(mon->m, words[1], &error) ? MONITOR_STAY : say(out, error);
}

static enum monitor_verdict do_inject(struct monitor *mon, char **words, GString *out)
{
    struct sweep_request what = {0};
    const char *why = NULL;
    uint64_t index;
    g_autofree char *spec = words[1] ? g_strdup_printf("%s@0", words[1]) : NULL;

    if (!spec || !sweep_parse_injection(spec, &what) || !parse_cpu(mon, words[2], &index))
        return say(out, "inject KIND [CPU]: KIND sgi, ppi, vtimer or serror");
    if (!monitor_may_change(mon, &why))
        return say(out, why);
    what.cpu = (unsigned)index;
    sweep_inject(&what, mon->m);
    g_string_append_printf(out, "%s for cpu%u\n", words[1], what.cpu);
    return MONITOR_STAY;
}

static enum monitor_verdict do_continue(struct monitor *mon, char **words, GString *out)
{
    (void)mon, (void)words, (void)out;
    return MONITOR_CONTINUE;
}

static enum monitor_verdict do_quit(struct monitor *mon, char **words, GString *out)
{
    (void)mon, (void)words, (void)out;
    return MONITOR_QUIT;
}

static enum monitor_verdict do_reset(struct monitor *mon, char **words, GString *out)
{
    struct arm_error err;
    const char *why = NULL;

    (void)words;
    if (!monitor_may_change(mon, &why))
        return say(out, why);
    if (arm_reset(mon->m, &err) == 0)
        return MONITOR_CONTINUE;
    return say(out, err.text);
}

static enum monitor_verdict do_powerdown(struct monitor *mon, char **words, GString *out)
{
    const char *why = NULL;

    (void)words;
    if (!monitor_may_change(mon, &why))
        return say(out, why);
    arm_power_button(mon->m);
    return MONITOR_CONTINUE;
}

/* ---- the table ---- */

static const struct command {
    const char *name;
    size_t shortest;
    monitor_fn *fn;
    const char *arguments, *help;
} commands[] = {
#define MONITOR(name, shortest, arguments, help) {#name, shortest, do_##name, arguments, help},
#include "tools/cli/monitor.def"
#undef MONITOR
};

static enum monitor_verdict do_help(struct monitor *mon, char **words, GString *out)
{
    (void)mon, (void)words;
    for (size_t k = 0; k < G_N_ELEMENTS(commands); k++)
        g_string_append_printf(
            out, "  %s%s%-*s %s\n", commands[k].name, *commands[k].arguments == '[' ? "" : " ",
            (int)(28 - strlen(commands[k].name)), commands[k].arguments, commands[k].help);
    return MONITOR_STAY;
}

/* Several begin with "x": the whole name goes before a short one. */
static const struct command *find(const char *word)
{
    size_t n = strcspn(word, "/");

    for (size_t k = 0; k < G_N_ELEMENTS(commands); k++)
        if (n == strlen(commands[k].name) && !strncmp(word, commands[k].name, n))
            return &commands[k];
    for (size_t k = 0; k < G_N_ELEMENTS(commands); k++)
        if (n >= commands[k].shortest && n < strlen(commands[k].name) &&
            !strncmp(word, commands[k].name, n))
            return &commands[k];
    return NULL;
}

/* Words of QEMU's monitor that are other ones here, or that nothing can be done about. */
static const struct {
    const char *word, *command, *instead;
} of_qemu[] = {
#define MONITOR_AS(word, command)      {word, command, NULL},
#define MONITOR_INSTEAD(word, instead) {word, NULL, instead},
#define MONITOR_INFO(word, text)
#include "tools/cli/monitor_words.def"
#undef MONITOR_INFO
#undef MONITOR_AS
#undef MONITOR_INSTEAD
};

static const struct command *find_of_qemu(const char *word, const char **instead)
{
    for (size_t k = 0; k < G_N_ELEMENTS(of_qemu); k++)
        if (!strcmp(of_qemu[k].word, word)) {
            *instead = of_qemu[k].instead;
            return of_qemu[k].command ? find(of_qemu[k].command) : NULL;
        }
    return NULL;
}

const char *monitor_as(const char *word)
{
    for (size_t k = 0; k < G_N_ELEMENTS(of_qemu); k++)
        if (!strcmp(of_qemu[k].word, word))
            return of_qemu[k].command;
    return NULL;
}

const char *monitor_instead(const char *word)
{
    g_autofree char *other = g_strdelimit(g_strdup(word), "-", '_');
    const char *instead = NULL;

    if (!find_of_qemu(word, &instead) && !instead)
        find_of_qemu(other, &instead);
    return instead;
}

enum monitor_verdict monitor_execute(struct monitor *mon, const char *line, GString *out)
{
    g_autofree char *copy = g_strdup(line);
    g_auto(GStrv) raw = g_strsplit_set(g_strstrip(copy), " \t", -1);
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    for (char **w = raw; *w; w++)
        if (**w)
            g_ptr_array_add(words, *w);
    g_ptr_array_add(words, NULL);
    if (!words->pdata[0])
        return MONITOR_STAY;
    const char *word = words->pdata[0], *instead = NULL;
    const struct command *row = find_of_qemu(word, &instead);
    if (!row && !instead)
        row = find(word);
    if (row)
        return row->fn(mon, (char **)words->pdata, out);
    if (instead)
        g_string_append_printf(out, "%s: %s\n", word, instead);
    else
        g_string_append_printf(out, "no command \"%s\"; try help\n", word);
    return MONITOR_STAY;
}

/* ---- at a terminal ---- */

typedef void names_fn(const struct monitor *mon, GPtrArray *names);

static void command_names(const struct monitor *mon, GPtrArray *names)
{
    (void)mon;
    for (size_t k = 0; k < G_N_ELEMENTS(commands); k++)
        g_ptr_array_add(names, (char *)(uintptr_t)commands[k].name);
}

static void info_names(const struct monitor *mon, GPtrArray *names)
{
    (void)mon;
    for (size_t k = 0; info_name(k); k++)
        g_ptr_array_add(names, (char *)(uintptr_t)info_name(k));
}

static void register_names(const struct monitor *mon, GPtrArray *names)
{
    size_t count = arm_reg_list(mon->m, mon->cpu, NULL, 0);
    g_autofree struct arm_register *list = g_new(struct arm_register, count);

    arm_reg_list(mon->m, mon->cpu, list, count);
    for (size_t k = 0; k < count; k++)
        g_ptr_array_add(names, (char *)(uintptr_t)list[k].name);
}

/* What may stand where a row of monitor.def says so. */
static const struct {
    const char *argument;
    names_fn *names;
} arguments[] = {
    {"WHAT", info_names},
    {"REGISTER", register_names},
};

/* What may follow @words, of which the first is a command. */
static names_fn *names_behind(GPtrArray *words)
{
    const struct command *row = find(words->pdata[0]);

    if (!row)
        return NULL;
    if (words->len == 2 && row->fn == do_info && !strcmp(words->pdata[1], "registers"))
        return register_names;
    for (size_t k = 0; k < G_N_ELEMENTS(arguments) && words->len == 1; k++)
        if (g_str_has_prefix(row->arguments, arguments[k].argument))
            return arguments[k].names;
    return NULL;
}

void monitor_complete(void *ctx, const char *line, GPtrArray *out)
{
    const struct monitor *mon = ctx;
    const char *space = strrchr(line, ' '), *last = space ? space + 1 : line;
    g_autofree char *before = g_strndup(line, (gsize)(last - line));
    g_autoptr(GPtrArray) words = g_ptr_array_new(), names = g_ptr_array_new();
    g_auto(GStrv) raw = g_strsplit(before, " ", -1);

    for (char **w = raw; *w; w++)
        if (**w)
            g_ptr_array_add(words, *w);
    names_fn *add = words->len ? names_behind(words) : command_names;
    if (add)
        add(mon, names);
    for (guint k = 0; k < names->len; k++)
        if (!g_ascii_strncasecmp(names->pdata[k], last, strlen(last)))
            g_ptr_array_add(out, g_strdup(names->pdata[k]));
}

bool monitor_run(struct monitor *mon, struct console *con)
{
    const struct line_editor_host host = {
        .prompt = "(armillary) ", .complete = monitor_complete, .complete_ctx = mon};

    for (;;) {
        g_autofree char *line = console_line(con, &host);
        if (!line) {
            printf("\n");
            return false;
        }
        g_autoptr(GString) out = g_string_new(NULL);
        enum monitor_verdict v = monitor_execute(mon, line, out);
        fputs(out->str, stdout);
        if (v != MONITOR_STAY)
            return v == MONITOR_CONTINUE;
    }
}
