#include "qmp.h"

#include <string.h>
#include <unistd.h>

#include "control_state.h"
#include "json.h"
#include "monitor_memory.h"
#include "picture.h"
#include "qmp_input.h"
#include "qmp_state.h"

static const struct command {
    const char *name;
    qmp_fn *fn;
    const char *answer; /* instead of it */
} commands[] = {
#define QMP(name, function)      {name, qmp_##function, NULL},
#define QMP_ALWAYS(name, answer) {name, NULL, answer},
#include "tools/cli/qmp.def"
#undef QMP
#undef QMP_ALWAYS
};

#define VERSION "{\"qemu\": {\"micro\": 0, \"minor\": 2, \"major\": 7}, \"package\": \"armillary\"}"

void qmp_greet(GString *out)
{
    g_string_append(out, "{\"QMP\": {\"version\": " VERSION ", \"capabilities\": []}}\r\n");
}

/* The host's time: it is not the guest's to see. */
void qmp_event(GString *out, const char *name, const char *data)
{
    gint64 now = g_get_real_time();

    g_string_append_printf(out,
                           "{\"timestamp\": {\"seconds\": %" G_GINT64_FORMAT
                           ", \"microseconds\": %" G_GINT64_FORMAT "}, \"event\": \"%s\"%s%s}\r\n",
                           now / G_USEC_PER_SEC, now % G_USEC_PER_SEC, name,
                           data ? ", \"data\": " : "", data ? data : "");
}

void qmp_fail(GString *out, const char *class, const char *text)
{
    g_string_printf(out, "\"error\": {\"class\": \"%s\", \"desc\": ", class);
    json_add_string(out, text);
    g_string_append_c(out, '}');
}

/* ---- commands: the member of the answer ---- */

void qmp_capabilities(struct control *c, const char *arguments, GString *out)
{
    (void)arguments;
    if (c->negotiated)
        qmp_fail(out, "CommandNotFound",
                 "Capabilities negotiation is already complete, command ignored");
    else
        g_string_assign(out, "\"return\": {}");
    c->negotiated = true;
}

void qmp_status(struct control *c, const char *arguments, GString *out)
{
    bool stopped = c->all->stopped;

    (void)arguments;
    g_string_printf(out, "\"return\": {\"status\": \"%s\", \"singlestep\": false, \"running\": %s}",
                    stopped ? "paused" : "running", stopped ? "false" : "true");
}

void qmp_version(struct control *c, const char *arguments, GString *out)
{
    (void)c, (void)arguments;
    g_string_assign(out, "\"return\": " VERSION);
}

void qmp_commands(struct control *c, const char *arguments, GString *out)
{
    (void)c, (void)arguments;
    g_string_assign(out, "\"return\": [");
    for (size_t k = 0; k < G_N_ELEMENTS(commands); k++)
        g_string_append_printf(out, "%s{\"name\": \"%s\"}", k ? ", " : "", commands[k].name);
    g_string_append_c(out, ']');
}

/* Each CPU runs in a thread of this process, or all in one. */
void qmp_cpus(struct control *c, const char *arguments, GString *out)
{
    (void)arguments;
    g_string_assign(out, "\"return\": [");
    for (unsigned k = 0; k < arm_cpu_count(c->monitor.m); k++)
        g_string_append_printf(
            out,
            "%s{\"cpu-index\": %u, \"qom-path\": \"/machine/unattached/device[%u]\","
            " \"thread-id\": %d, \"target\": \"aarch64\"}",
            k ? ", " : "", k, k, (int)getpid());
    g_string_append_c(out, ']');
}

void qmp_kvm(struct control *c, const char *arguments, GString *out)
{
    (void)c, (void)arguments;
    g_string_assign(out, "\"return\": {\"enabled\": false, \"present\": false}");
}

void qmp_nothing(struct control *c, const char *arguments, GString *out)
{
    (void)c, (void)arguments;
    g_string_assign(out, "\"return\": {}");
}

void qmp_stop(struct control *c, const char *arguments, GString *out)
{
    qmp_nothing(c, arguments, out);
    control_set_stopped(c->all, true);
}

void qmp_cont(struct control *c, const char *arguments, GString *out)
{
    qmp_nothing(c, arguments, out);
    if (!control_set_stopped(c->all, false))
        qmp_fail(out, "GenericError", CONTROL_HELD);
}

void qmp_reset(struct control *c, const char *arguments, GString *out)
{
    struct arm_error err = {0};
    const char *why = NULL;

    (void)arguments;
    if (!monitor_may_change(&c->monitor, &why) || arm_reset(c->monitor.m, &err) < 0)
        qmp_fail(out, "GenericError", why ? why : err.text);
    else
        g_string_assign(out, "\"return\": {}");
    if (!why && !err.code)
        control_tell(c->all, "RESET", "{\"guest\": false, \"reason\": \"host-qmp-system-reset\"}");
}

void qmp_powerdown(struct control *c, const char *arguments, GString *out)
{
    const char *why = NULL;

    if (!monitor_may_change(&c->monitor, &why)) {
        qmp_fail(out, "GenericError", why);
        return;
    }
    qmp_nothing(c, arguments, out);
    arm_power_button(c->monitor.m);
    control_tell(c->all, "POWERDOWN", NULL);
}

/* Of the one display that there is; QEMU's default is PPM, whatever the name. */
void qmp_screendump(struct control *c, const char *arguments, GString *out)
{
    g_autofree char *file_text = json_member(arguments, "filename");
    g_autofree char *file = file_text ? json_string(file_text) : NULL;
    g_autofree char *format_text = json_member(arguments, "format");
    g_autofree char *format = format_text ? json_string(format_text) : g_strdup("ppm");
    g_autofree char *error = NULL;

    if (!file)
        qmp_fail(out, "GenericError", "Parameter 'filename' is missing");
    else if (!format || (strcmp(format, "ppm") != 0 && strcmp(format, "png") != 0))
        qmp_fail(out, "GenericError",
                 "Parameter 'format' does not accept value: expected ppm or png");
    else if (!picture_write_as(c->monitor.m, file, format, &error))
        qmp_fail(out, "GenericError", error);
    else
        g_string_assign(out, "\"return\": {}");
}

/* A number among the arguments, or @other if there is none. */
static uint64_t number_of(const char *arguments, const char *name, uint64_t other)
{
    g_autofree char *text = json_member(arguments, name);

    return text ? g_ascii_strtoull(text, NULL, 10) : other;
}

static void save_memory(struct control *c, const char *arguments, bool physical, GString *out)
{
    const struct monitor_range r = {number_of(arguments, "val", 0), number_of(arguments, "size", 0),
                                    physical};
    g_autofree char *file_text = json_member(arguments, "filename");
    g_autofree char *file = file_text ? json_string(file_text) : NULL;
    g_autofree char *error = file ? NULL : g_strdup("Parameter 'filename' is missing");
    struct monitor of = c->monitor;

    of.cpu = (unsigned)MIN(number_of(arguments, "cpu-index", of.cpu), arm_cpu_count(of.m) - 1);
    if (file && monitor_save_memory(&of, &r, file, &error))
        g_string_assign(out, "\"return\": {}");
    else
        qmp_fail(out, "GenericError", error);
}

void qmp_memsave(struct control *c, const char *arguments, GString *out)
{
    save_memory(c, arguments, false, out);
}

void qmp_pmemsave(struct control *c, const char *arguments, GString *out)
{
    save_memory(c, arguments, true, out);
}

/* Does @send with the member @name of the arguments. */
static void send_input(struct control *c, const char *arguments, const char *name,
                       bool (*send)(struct arm_machine *m, const char *list, char **error),
                       GString *out)
{
    g_autofree char *list = json_member(arguments, name), *error = NULL;
    const char *why = NULL;

    if (!list)
        error = g_strdup_printf("Parameter '%s' is missing", name);
    else if (!monitor_may_change(&c->monitor, &why))
        error = g_strdup(why);
    else if (send(c->monitor.m, list, &error))
        g_string_assign(out, "\"return\": {}");
    if (error)
        qmp_fail(out, "GenericError", error);
}

void qmp_send_key(struct control *c, const char *arguments, GString *out)
{
    send_input(c, arguments, "keys", qmp_input_keys, out);
}

void qmp_send_event(struct control *c, const char *arguments, GString *out)
{
    send_input(c, arguments, "events", qmp_input_events, out);
}

void qmp_quit(struct control *c, const char *arguments, GString *out)
{
    qmp_nothing(c, arguments, out);
    c->all->quit = true;
}

void qmp_monitor(struct control *c, const char *arguments, GString *out)
{
    g_autofree char *text = json_member(arguments, "command-line");
    g_autofree char *line = text ? json_string(text) : NULL;
    g_autoptr(GString) answer = g_string_new(NULL);

    if (!line) {
        qmp_fail(out, "GenericError", "Parameter 'command-line' is missing");
        return;
    }
    control_command(c, line, answer);
    g_string_assign(out, "\"return\": ");
    json_add_string(out, answer->str);
}

/* ---- a request ---- */

static const struct command *find(const char *name)
{
    for (size_t k = 0; k < G_N_ELEMENTS(commands); k++)
        if (!strcmp(commands[k].name, name))
            return &commands[k];
    return NULL;
}

/* What a command that there is not could be told to do otherwise, as the monitor's words have it.
 */
static char *not_found(const char *name)
{
    const char *instead = monitor_instead(name);

    return instead ? g_strdup_printf("The command %s is not offered: %s", name, instead)
                   : g_strdup_printf("The command %s has not been found", name);
}

static void execute(struct control *c, const char *name, const char *arguments, GString *out)
{
    const struct command *row = find(name);
    g_autofree char *text = NULL;

    if (row && row->fn && (c->negotiated || row->fn == qmp_capabilities)) {
        row->fn(c, arguments, out);
    } else if (row && c->negotiated) {
        g_string_printf(out, "\"return\": %s", row->answer);
    } else {
        text = row ? g_strdup("Expecting capabilities negotiation with 'qmp_capabilities'")
                   : not_found(name);
        qmp_fail(out, "CommandNotFound", text);
    }
}

void qmp_execute(struct control *c, const char *request, GString *out)
{
    g_autofree char *name_text = json_member(request, "execute"), *id = json_member(request, "id");
    g_autofree char *name = name_text ? json_string(name_text) : NULL;
    g_autofree char *arguments = json_member(request, "arguments");
    g_autoptr(GString) member = g_string_new(NULL);

    if (name)
        execute(c, name, arguments ? arguments : "{}", member);
    else
        qmp_fail(member, "GenericError", "QMP input lacks member 'execute'");
    g_string_append_printf(out, "{%s%s%s}\r\n", member->str, id ? ", \"id\": " : "", id ? id : "");
}
