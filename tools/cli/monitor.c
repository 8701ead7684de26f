#include "monitor.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "armillary.h"
#include "console.h"
#include "info.h"
#include "key_names.h"
#include "line_editor.h"
#include "parse.h"
#include "picture.h"
#include "sweep.h"
#include "trace/disasm.h"

typedef enum monitor_verdict monitor_fn(struct monitor *mon, char **words, GString *out);

#define MONITOR(name, ...) static monitor_fn do_##name;
#include "tools/cli/monitor.def"
#undef MONITOR

static enum monitor_verdict say(GString *out, const char *text)
{
    g_string_append_printf(out, "%s\n", text);
    return MONITOR_STAY;
}

static unsigned current_el(const struct monitor *mon)
{
    uint64_t pstate = 0;

    arm_reg_read(mon->m, mon->cpu, "pstate", &pstate);
    return (unsigned)(pstate >> 2) & 3;
}

/* ---- looking ---- */

static enum monitor_verdict do_info(struct monitor *mon, char **words, GString *out)
{
    info_execute(mon->m, mon->cpu, words, out);
    return MONITOR_STAY;
}

/* A CPU as the last word of a command; none is the one that is looked at. */
static bool parse_cpu(const struct monitor *mon, const char *word, uint64_t *cpu)
{
    *cpu = mon->cpu;
    return !word || parse_number(word, 0, arm_cpu_count(mon->m) - 1, cpu);
}

static enum monitor_verdict do_walk(struct monitor *mon, char **words, GString *out)
{
    uint64_t va, index;
    struct monitor of = *mon;

    if (!words[1] || !parse_hex(words[1], &va) || !parse_cpu(mon, words[2], &index))
        return say(out, "walk VA [CPU]: a hexadecimal address");
    of.cpu = (unsigned)index;
    info_walk(of.m, of.cpu, current_el(&of), va, ARM_ACCESS_READ, out);
    return MONITOR_STAY;
}

static enum monitor_verdict do_print(struct monitor *mon, char **words, GString *out)
{
    uint64_t value, index;

    if (!words[1] || !parse_cpu(mon, words[2], &index))
        return say(out, "print REGISTER [CPU]");
    if (!arm_reg_read(mon->m, (unsigned)index, words[1], &value))
        g_string_append_printf(out, "no register \"%s\"\n", words[1]);
    else
        g_string_append_printf(out, "%s = 0x%016" PRIx64 "\n", words[1], value);
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

#define EXAMINE_MAX 4096

/* What x and xp show. */
struct examine {
    uint64_t address, count;
    unsigned size; /* bytes of each */
    bool insns, physical;
};

/* "/4wx": a number, and letters of which those of a number's base say nothing. */
static bool parse_format(const char *text, struct examine *e)
{
    char *end = (char *)(uintptr_t)text;

    if (g_ascii_isdigit(*text))
        e->count = g_ascii_strtoull(text, &end, 10);
    for (; *end; end++)
        switch (*end) {
        case 'b':
            e->size = 1;
            break;
        case 'h':
            e->size = 2;
            break;
        case 'w':
            e->size = 4;
            break;
        case 'g':
            e->size = 8;
            break;
        case 'i':
            e->insns = true;
            e->size = 4;
            break;
        case 'x':
        case 'd':
        case 'u':
            break;
        default:
            return false;
        }
    return e->count > 0;
}

static bool read_memory(const struct monitor *mon, const struct examine *e, uint64_t address,
                        uint64_t *value)
{
    *value = 0;
    return e->physical ? arm_mem_read(mon->m, address, value, e->size)
                       : arm_virt_read(mon->m, mon->cpu, current_el(mon), address, value, e->size);
}

static void add_insn(struct trace_disasm *d, uint64_t address, uint32_t word, GString *out)
{
    g_string_append_printf(out, "%#012" PRIx64 ": %08x ", address, word);
    trace_disasm_text(d, address, word, out);
    g_string_append_c(out, '\n');
}

static void examine(const struct monitor *mon, const struct examine *e, GString *out)
{
    unsigned per_line = e->size == 8 ? 2 : 4;
    struct trace_disasm *d = trace_disasm_new();

    for (uint64_t k = 0; k < e->count && k < EXAMINE_MAX; k++) {
        uint64_t at = e->address + e->size * k, v;
        if (!e->insns && k % per_line == 0)
            g_string_append_printf(out, "%s%#012" PRIx64 ":", k ? "\n" : "", at);
        if (!read_memory(mon, e, at, &v)) {
            g_string_append(out, e->physical ? " not RAM" : " not RAM, or not mapped");
            break;
        }
        if (e->insns)
            add_insn(d, at, (uint32_t)v, out);
        else
            g_string_append_printf(out, " %0*" PRIx64, (int)e->size * 2, v);
    }
    if (!e->insns || (out->len && out->str[out->len - 1] != '\n'))
        g_string_append_c(out, '\n');
    trace_disasm_free(d);
}

/* x[/FORMAT] ADDR, x /FORMAT ADDR */
static enum monitor_verdict show_memory(struct monitor *mon, char **words, bool physical,
                                        GString *out)
{
    struct examine e = {.count = 1, .size = 4, .physical = physical};
    const char *format = strchr(words[0], '/');
    char **rest = words + 1;

    if (!format && *rest && **rest == '/')
        format = *rest++;
    if ((format && !parse_format(format + 1, &e)) || !*rest || !parse_hex(*rest, &e.address))
        return say(out, physical ? "xp[/COUNTFORMAT] ADDR: a hexadecimal physical address"
                                 : "x[/COUNTFORMAT] ADDR: a hexadecimal virtual address");
    examine(mon, &e, out);
    return MONITOR_STAY;
}

static enum monitor_verdict do_x(struct monitor *mon, char **words, GString *out)
{
    return show_memory(mon, words, false, out);
}

static enum monitor_verdict do_xp(struct monitor *mon, char **words, GString *out)
{
    return show_memory(mon, words, true, out);
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
    const struct command *row = find(words->pdata[0]);
    if (row)
        return row->fn(mon, (char **)words->pdata, out);
    g_string_append_printf(out, "no command \"%s\"; try help\n", (char *)words->pdata[0]);
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
