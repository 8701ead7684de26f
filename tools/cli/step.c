/* A session: made of a run's options, and told what to do. */
#include "step.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "check.h"
#include "command.h"
#include "parse.h"
#include "runner.h"
#include "saves.h"
#include "trace/disasm.h"

#define CONSOLE_KEPT 65536

static const struct {
    const char *name;
    step_fn *fn;
    const char *arguments, *help;
} commands[] = {
#define STEP(name, arguments, help) {#name, do_##name, arguments, help},
#include "tools/cli/step.def"
#undef STEP
};

/* ---- opening ---- */

static void keep_console(void *ctx, const uint8_t *data, size_t size)
{
    struct stepper *s = ctx;

    g_string_append_len(s->console, (const char *)data, (gssize)size);
    if (s->console->len > 2 * CONSOLE_KEPT)
        g_string_erase(s->console, 0, (gssize)(s->console->len - CONSOLE_KEPT));
}

/* What each of the two machines needs before its first run. */
static int prepare(void *ctx, struct arm_machine *m, struct arm_error *err)
{
    const struct run_request *req = ctx;
    int rc = req->restore ? arm_snapshot_load(m, req->restore, err) : 0;

    return rc == 0 && req->replay ? arm_replay(m, req->replay, err) : rc;
}

static bool is_possible(const struct run_request *req)
{
    const char *drive = saves_obstacle(&req->config), *option = NULL;
    const struct {
        bool asked;
        const char *option;
    } others[] = {
        {req->record, "--record"},
        {req->save_count, "--save"},
        {req->gdb, "--gdb"},
        {req->control_count, "--monitor or --qmp"},
        {req->inject.one, "--inject"},
        {req->on_death == DEATH_STOP, "--on-death=stop"},
        {req->death_reports != NULL, "--death-report"},
        {req->traces.specs && *req->traces.specs, "--trace"},
        {req->trace_irq, "--trace-irq"},
    };

    for (size_t k = 0; !option && k < G_N_ELEMENTS(others); k++)
        option = others[k].asked ? others[k].option : NULL;
    if (option)
        fprintf(stderr, "armillary step: %s is for armillary run\n", option);
    else if (drive)
        fprintf(stderr,
                "armillary step: the guest writes %s itself, and going back would not undo that: "
                "expected a drive in snapshot mode or read-only\n",
                drive);
    return !option && !drive;
}

static bool start(struct stepper *s, const struct check_request *check)
{
    struct arm_check_config config = check->config;
    struct arm_error err = {0};

    s->machine->size = sizeof(*s->machine);
    s->machine->console_write = keep_console;
    s->machine->console_ctx = s;
    s->t = timeline_new(&(struct timeline_config){.machine = s->machine,
                                                  .prepare = prepare,
                                                  .ctx = (void *)(uintptr_t)s->req},
                        &err);
    config.size = sizeof(config);
    config.history = true;
    if (s->t)
        s->checker = arm_checker_new(timeline_live(s->t), &config, &err);
    if (!s->checker)
        fprintf(stderr, "armillary step: %s\n", err.text);
    return s->checker != NULL;
}

static void free_break(void *one)
{
    struct step_break *b = one;

    g_free(b->text);
    g_free(b->world);
    g_free(b);
}

struct stepper *step_open(const struct run_request *req, const struct check_request *check)
{
    struct stepper *s;

    if (!is_possible(req))
        return NULL;
    s = g_new0(struct stepper, 1);
    s->req = req;
    s->limit = req->max_insns;
    s->breaks = g_ptr_array_new_with_free_func(free_break);
    s->console = g_string_new(NULL);
    s->last = g_string_new(NULL);
    s->disasm = trace_disasm_new();
    /* The timeline makes a second machine of it later. */
    s->machine = g_memdup2(&req->config, sizeof(req->config));
    if (!start(s, check)) {
        step_close(s);
        return NULL;
    }
    step_remember(s);
    return s;
}

void step_close(struct stepper *s)
{
    step_why_free(s->why);
    arm_checker_free(s->checker);
    timeline_free(s->t);
    trace_disasm_free(s->disasm);
    g_ptr_array_unref(s->breaks);
    g_string_free(s->console, TRUE);
    g_string_free(s->last, TRUE);
    g_free(s->machine);
    g_free(s->regs);
    g_free(s->was);
    g_free(s->now);
    g_free(s);
}

/* ---- commands ---- */

static step_fn *find(const char *word)
{
    static const struct {
        const char *shortest, *name;
    } aliases[] = {{"s", "step"}, {"b", "back"}, {"c", "continue"}, {"r", "reverse"}, {"q", "quit"},
                   {"h", "help"}, {"o", "over"}, {"w", "where"},    {"p", "print"}};

    for (size_t k = 0; k < G_N_ELEMENTS(aliases); k++)
        if (!strcmp(word, aliases[k].shortest))
            word = aliases[k].name;
    for (size_t k = 0; k < G_N_ELEMENTS(commands); k++)
        if (!strcmp(word, commands[k].name))
            return commands[k].fn;
    return NULL;
}

enum step_verdict do_help(struct stepper *s, char **words, GString *out)
{
    (void)s, (void)words;
    for (size_t k = 0; k < G_N_ELEMENTS(commands); k++)
        g_string_append_printf(out, "%-9s %-20s %s\n", commands[k].name, commands[k].arguments,
                               commands[k].help);
    return STEP_OK;
}

enum step_verdict do_quit(struct stepper *s, char **words, GString *out)
{
    (void)words, (void)out;
    s->quit = true;
    return STEP_OK;
}

/* The answer is kept for `says`, which asks of it. */
static enum step_verdict execute(struct stepper *s, char **words, const char *line, GString *out)
{
    step_fn *fn = find(words[0]);
    uint64_t work = timeline_work(s->t);
    enum step_verdict v;

    if (!fn) {
        g_string_append_printf(out, "no command \"%s\"; try help\n", words[0]);
        return STEP_WRONG;
    }
    if (fn == do_says || fn == do_type) { /* they take the rest of the line as it is */
        char *rest[] = {words[0],
                        g_strstrip((char *)(uintptr_t)strstr(line, words[0]) + strlen(words[0])),
                        NULL};
        v = fn(s, rest, out);
    } else {
        v = fn(s, words, out);
    }
    if (v == STEP_WRONG && !out->len)
        for (size_t k = 0; k < G_N_ELEMENTS(commands); k++)
            if (commands[k].fn == fn)
                g_string_append_printf(out, "%s %s: %s\n", commands[k].name, commands[k].arguments,
                                       commands[k].help);
    if (fn != do_says && fn != do_expect && fn != do_print) {
        g_string_assign(s->last, out->str);
        s->work = timeline_work(s->t) - work;
    }
    s->failed |= v == STEP_UNMET;
    return v;
}

enum step_verdict step_execute(struct stepper *s, const char *line, GString *out)
{
    g_autofree char *copy = g_strdup(line);
    g_auto(GStrv) raw = g_strsplit_set(g_strstrip(copy), " \t", -1);
    g_autoptr(GPtrArray) words = g_ptr_array_new();
    g_autofree char *whole = g_strdup(line);

    for (char **w = raw; *w; w++)
        if (**w)
            g_ptr_array_add(words, *w);
    g_ptr_array_add(words, NULL);
    if (!words->pdata[0] || *(char *)words->pdata[0] == '#')
        return STEP_OK;
    return execute(s, (char **)words->pdata, whole, out);
}
