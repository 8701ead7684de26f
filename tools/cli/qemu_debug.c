#include "qemu_debug.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "qemu.h"

/* One row an item of QEMU's. */
static const struct {
    const char *name;
    const char *trace, *log; /* as --trace and --log take them, or NULL */
    const char *note;        /* what differs, or NULL */
    const char *help;
} items[] = {
    {"in_asm", "insn", NULL, "every executed instruction, not each translated block once",
     "instructions (--trace insn)"},
    {"exec", "insn", NULL, "every executed instruction, not each block",
     "instructions (--trace insn)"},
    {"int", "exception", NULL, NULL, "exceptions and their returns (--trace exception)"},
    {"mmu", NULL, "mmu=debug", NULL, "translation (--log mmu=debug)"},
    {"unimp", NULL, "guest", NULL, "what is not implemented (--log guest)"},
    {"guest_errors", NULL, "guest", NULL, "what the guest does wrong (--log guest)"},
    {"invalid_mem", NULL, "guest", NULL, "accesses to nothing (--log guest)"},
    {"cpu", NULL, NULL, "no counterpart; the monitor shows registers", "nothing"},
    {"fpu", NULL, NULL, "no counterpart; the monitor shows registers", "nothing"},
    {"vpu", NULL, NULL, "no counterpart; the monitor shows registers", "nothing"},
    {"cpu_reset", NULL, NULL, "no counterpart; the monitor shows registers", "nothing"},
    {"out_asm", NULL, NULL, "no counterpart: nothing is translated", "nothing"},
    {"op", NULL, NULL, "no counterpart: nothing is translated", "nothing"},
    {"op_opt", NULL, NULL, "no counterpart: nothing is translated", "nothing"},
    {"op_ind", NULL, NULL, "no counterpart: nothing is translated", "nothing"},
    {"op_plugin", NULL, NULL, "no counterpart: nothing is translated", "nothing"},
    {"plugin", NULL, NULL, "no counterpart: there are no plugins", "nothing"},
    {"nochain", NULL, NULL, NULL, "nothing is chained"},
    {"pcall", NULL, NULL, NULL, "of x86 only"},
    {"page", NULL, NULL, NULL, "of user mode only"},
    {"strace", NULL, NULL, NULL, "of user mode only"},
    {"tid", NULL, NULL, NULL, "there is one thread"},
};

static void add_trace(struct qemu_debug *d, const char *event)
{
    if (!event || (d->trace && strstr(d->trace->str, event)))
        return;
    if (!d->trace)
        d->trace = g_string_new(NULL);
    g_string_append_printf(d->trace, "%s%s", d->trace->len ? "," : "", event);
}

/* A level for all categories must come before one for a single category. */
static void add_log(struct qemu_debug *d, const char *log)
{
    if (!log)
        return;
    if (!d->logs)
        d->logs = g_ptr_array_new();
    g_ptr_array_insert(d->logs, strchr(log, '=') ? -1 : 0, (char *)log);
}

static void add_item(struct qemu *q, size_t k)
{
    add_trace(&q->debug, items[k].trace);
    add_log(&q->debug, items[k].log);
    if (items[k].note)
        qemu_note(q, "-d %s: %s", items[k].name, items[k].note);
}

static bool set_item(struct qemu *q, const char *name)
{
    g_autofree char *what = g_strdup_printf("-d %s", name);
    GString *known = g_string_new(NULL);

    for (size_t k = 0; k < G_N_ELEMENTS(items); k++) {
        g_string_append_printf(known, "%s%s", k ? "|" : "", items[k].name);
        if (strcmp(items[k].name, name))
            continue;
        add_item(q, k);
        g_string_free(known, TRUE);
        return true;
    }
    qemu_refuse("d", name, what, known->str);
    g_string_free(known, TRUE);
    return false;
}

static void set_all(struct qemu *q)
{
    for (size_t k = 0; k < G_N_ELEMENTS(items); k++) {
        add_trace(&q->debug, items[k].trace);
        add_log(&q->debug, items[k].log);
    }
}

bool qemu_d(struct qemu *q, const char *option, const char *value)
{
    g_auto(GStrv) words = g_strsplit(value, ",", -1);
    bool good = true;

    if (is_help(value)) {
        printf("Log items (comma separated):\n");
        for (size_t k = 0; k < G_N_ELEMENTS(items); k++)
            printf("%-15s %s\n", items[k].name, items[k].help);
        q->answered = true;
        return true;
    }
    for (char **w = words; *w; w++) {
        if (!strcmp(*w, "all"))
            set_all(q);
        else if (g_str_has_prefix(*w, "trace:"))
            qemu_trace(q, option, *w + strlen("trace:"));
        else if (strcmp(*w, "none") && **w)
            good &= set_item(q, *w);
    }
    return good;
}

/* QEMU puts its process number for %d. */
bool qemu_log_file(struct qemu *q, const char *option, const char *value)
{
    const char *number = strstr(value, "%d");

    (void)option;
    q->req.log_file = qemu_keep(q, number ? g_strdup_printf("%.*s%d%s", (int)(number - value),
                                                            value, (int)getpid(), number + 2)
                                          : g_strdup(value));
    return true;
}

bool qemu_trace(struct qemu *q, const char *option, const char *value)
{
    qemu_note(q, "-%s %s: QEMU's trace events have no counterpart; see --trace", option, value);
    return true;
}

/* A NULL-ended list of @more and our own @list, which has the last word. */
static const char *const *joined(struct qemu *q, const char *const *list, char *const *more,
                                 size_t count)
{
    size_t own = list ? g_strv_length((char **)list) : 0;
    const char **all = g_new0(const char *, own + count + 1);

    for (size_t k = 0; k < own; k++)
        all[count + k] = list[k];
    for (size_t k = 0; k < count; k++)
        all[k] = more[k];
    qemu_keep(q, (char *)all);
    return all;
}

/* -D is for all of it; without it, standard error. */
void qemu_debug_connect(struct qemu *q)
{
    struct qemu_debug *d = &q->debug;
    char *trace = NULL;

    if (d->trace && q->req.log_file)
        g_string_append_printf(d->trace, ":%s", q->req.log_file);
    if (d->trace)
        trace = d->trace->str;
    q->req.traces = joined(q, q->req.traces, &trace, trace ? 1 : 0);
    q->req.logs = joined(q, q->req.logs, d->logs ? (char *const *)d->logs->pdata : NULL,
                         d->logs ? d->logs->len : 0);
}

void qemu_debug_free(struct qemu_debug *d)
{
    if (d->trace)
        g_string_free(d->trace, TRUE);
    if (d->logs)
        g_ptr_array_free(d->logs, TRUE);
}
