#include "qemu_debug.h"

#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "qemu.h"

/* One row an item of QEMU's. Traces come in this order where several are of
 * the same instruction. */
static const struct {
    const char *name;
    const char *trace, *log; /* as --trace and --log take them, or NULL */
    bool ranged;             /* -dfilter is for it */
    const char *note;        /* what differs, or NULL */
    const char *help;
} items[] = {
    {"in_asm", "qemu-in_asm", NULL, true, NULL, "each block once, before it is executed first"},
    {"exec", "qemu-exec", NULL, true, NULL, "each block that is entered"},
    {"cpu", "qemu-cpu", NULL, true, NULL, "registers at each block that is entered"},
    {"int", "qemu-int", NULL, false, NULL, "exceptions and their returns"},
    {"mmu", NULL, "mmu=debug", false, NULL, "translation (--log mmu=debug)"},
    {"unimp", NULL, "guest", false, NULL, "what is not implemented (--log guest)"},
    {"guest_errors", NULL, "guest", false, NULL, "what the guest does wrong (--log guest)"},
    {"invalid_mem", NULL, "guest", false, NULL, "accesses to nothing (--log guest)"},
    {"fpu", NULL, NULL, false, "no counterpart; the monitor shows registers", "nothing"},
    {"vpu", NULL, NULL, false, "no counterpart; the monitor shows registers", "nothing"},
    {"cpu_reset", NULL, NULL, false, "no counterpart; the monitor shows registers", "nothing"},
    {"out_asm", NULL, NULL, false, "no counterpart: host code is not shown", "nothing"},
    {"op", NULL, NULL, false, "no counterpart: host code is not shown", "nothing"},
    {"op_opt", NULL, NULL, false, "no counterpart: host code is not shown", "nothing"},
    {"op_ind", NULL, NULL, false, "no counterpart: host code is not shown", "nothing"},
    {"op_plugin", NULL, NULL, false, "no counterpart: host code is not shown", "nothing"},
    {"plugin", NULL, NULL, false, "no counterpart: there are no plugins", "nothing"},
    {"nochain", NULL, NULL, false, NULL, "exec is as with it"},
    {"pcall", NULL, NULL, false, NULL, "of x86 only"},
    {"page", NULL, NULL, false, NULL, "of user mode only"},
    {"strace", NULL, NULL, false, NULL, "of user mode only"},
    {"tid", NULL, NULL, false, NULL, "there is one thread"},
};

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
    q->debug.items |= UINT64_C(1) << k;
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
        q->debug.items |= UINT64_C(1) << k;
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

/* "A..B", "A+SIZE" or "A-SIZE", of which A is the last: added to @out as pc= takes it. */
static bool add_range(GString *out, const char *text)
{
    char *end, *rest;
    uint64_t first = g_ascii_strtoull(text, &end, 0), last;
    size_t sign = g_str_has_prefix(end, "..") ? 2 : 1;

    if (!g_ascii_isdigit(text[0]) || !strchr("+-.", *end) || !g_ascii_isdigit(end[*end ? sign : 0]))
        return false;
    last = g_ascii_strtoull(end + sign, &rest, 0);
    if (*rest || (sign == 1 && !last))
        return false;
    if (*end == '+')
        last = first + last - 1;
    if (*end == '-') {
        uint64_t size = last;
        last = first;
        first = last - size + 1;
    }
    g_string_append_printf(out, "%s%#" PRIx64 "..%#" PRIx64, out->len ? "+" : ",pc=", first, last);
    return first <= last;
}

bool qemu_dfilter(struct qemu *q, const char *option, const char *value)
{
    g_auto(GStrv) ranges = g_strsplit(value, ",", -1);

    if (!q->debug.ranges)
        q->debug.ranges = g_string_new(NULL);
    for (char **r = ranges; *r; r++) {
        if (add_range(q->debug.ranges, *r))
            continue;
        qemu_refuse(option, value, "-dfilter",
                    "RANGE[,RANGE...], RANGE as 0x1000..0x1fff, 0x1000+0x100 or 0x1fff-0x100");
        return false;
    }
    return true;
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

static const char *spec_of(struct qemu *q, const char *trace, bool ranged)
{
    const char *ranges = ranged && q->debug.ranges ? q->debug.ranges->str : "",
               *file = q->req.log_file;

    return qemu_keep(q,
                     g_strdup_printf("%s%s%s%s", trace, ranges, file ? ":" : "", file ? file : ""));
}

/* -D is for all of it; without it, standard error. */
void qemu_debug_connect(struct qemu *q)
{
    struct qemu_debug *d = &q->debug;
    g_autoptr(GPtrArray) traces = g_ptr_array_new();

    for (size_t k = 0; k < G_N_ELEMENTS(items); k++)
        if (items[k].trace && (d->items >> k & 1))
            g_ptr_array_add(traces, (char *)spec_of(q, items[k].trace, items[k].ranged));
    q->req.traces.specs = joined(q, q->req.traces.specs, (char *const *)traces->pdata, traces->len);
    q->req.traces.image = q->req.config.kernel;
    q->req.logs = joined(q, q->req.logs, d->logs ? (char *const *)d->logs->pdata : NULL,
                         d->logs ? d->logs->len : 0);
}

void qemu_debug_free(struct qemu_debug *d)
{
    if (d->ranges)
        g_string_free(d->ranges, TRUE);
    if (d->logs)
        g_ptr_array_free(d->logs, TRUE);
}
