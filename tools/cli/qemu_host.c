#include "qemu_host.h"

#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "gdb_socket.h"
#include "link.h"
#include "parse.h"
#include "qemu.h"

#define PROPERTIES(q, option, value, implied, table)                                               \
    properties_set(q, option, value, implied, table, G_N_ELEMENTS(table))

/* ---- -serial, -monitor, -mon ---- */

/* The one device of the host that scripts name: null by another name. */
#define NOWHERE "/dev/null"

bool qemu_serial(struct qemu *q, const char *option, const char *value)
{
    (void)option;
    if (q->host.serial_count == QEMU_SERIALS_MAX)
        return qemu_bad("-serial: more than %d of them", QEMU_SERIALS_MAX);
    q->host.serials[q->host.serial_count++] = qemu_keep(q, g_strdup(value));
    return true;
}

static bool add_monitor(struct qemu *q, char *where, bool qmp)
{
    const char *kept = qemu_keep(q, where);

    if (q->host.monitor_count == QEMU_SERIALS_MAX)
        return qemu_bad("-monitor: more than %d of them", QEMU_SERIALS_MAX);
    q->host.qmp[q->host.monitor_count] = qmp;
    q->host.monitors[q->host.monitor_count++] = kept;
    return true;
}

bool qemu_monitor(struct qemu *q, const char *option, const char *value)
{
    g_autofree char *what = g_strdup_printf("-monitor %s", value);

    if (!properties_accept("none|null|stdio|" NOWHERE, value) &&
        !g_str_has_prefix(value, "chardev:") && !link_valid(value))
        return qemu_refuse(option, value, what, "none|null|stdio|chardev:ID|" LINK_FORMS);
    return add_monitor(q, g_strdup(value), false);
}

bool qemu_qmp(struct qemu *q, const char *option, const char *value)
{
    g_autofree char *what = g_strdup_printf("-%s %s", option, value);

    if (!properties_accept("none|null|stdio|" NOWHERE, value) &&
        !g_str_has_prefix(value, "chardev:") && !link_valid(value))
        return qemu_refuse(option, value, what, "none|null|stdio|chardev:ID|" LINK_FORMS);
    return add_monitor(q, g_strdup(value), true);
}

static bool set_mon_chardev(struct qemu *q, const char *value)
{
    return add_monitor(q, g_strdup_printf("chardev:%s", value), false);
}

static const struct property mon_properties[] = {
    {"chardev", "ID", set_mon_chardev, NULL},
    {"mode", "readline|control", NULL, NULL},
    {"pretty", "on|off", NULL, NULL},
    {"id", "ID", NULL, NULL},
};

bool qemu_mon(struct qemu *q, const char *option, const char *value)
{
    g_autofree char *mode = properties_find(value, "chardev", "mode");
    unsigned n = q->host.monitor_count;

    if (!PROPERTIES(q, option, value, "chardev", mon_properties))
        return false;
    if (n < q->host.monitor_count)
        q->host.qmp[n] = mode && !strcmp(mode, "control");
    return true;
}

/* A word of -serial that our runner has another for; others are taken as they are. */
static const char *plain_serial(struct qemu *q, const char *where)
{
    if (g_str_has_prefix(where, "mon:") && strcmp(where, "mon:stdio") != 0) {
        qemu_note(q, "-serial %s: the monitor is not there: it is at the terminal", where);
        where += strlen("mon:");
    }
    if (!strcmp(where, "vc") || g_str_has_prefix(where, "vc:")) {
        qemu_note(q, "-serial %s: there is no display that would show it: what is written is lost",
                  where);
        return "null";
    }
    return strcmp(where, NOWHERE) ? where : "null";
}

/* The first UART. @where: as -serial has it; *@stdio: it is at the terminal. */
static bool connect_serial(struct qemu *q, const char *where, bool *stdio)
{
    static const char stem[] = "chardev:";
    g_autofree char *what = g_strdup_printf("-serial %s", where);
    const char *to = plain_serial(q, where);
    bool testdev = false;

    if (g_str_has_prefix(where, stem)) {
        const struct qemu_chardev *c = qemu_find_chardev(q, where + sizeof(stem) - 1);
        to = qemu_chardev_where(q, where + sizeof(stem) - 1, &testdev);
        if (!to || testdev)
            return qemu_bad("-serial %s: expected the id of a -chardev, and not testdev", where);
        q->req.serial_log = c->logfile;
        q->req.serial_log_append = c->log_append;
    } else if (!runner_serial_valid(to)) {
        return qemu_refuse("chardev", where, what,
                           "stdio|mon:stdio|null|none|file:PATH|chardev:ID|pty|pipe:PATH|"
                           "unix:PATH|tcp:[HOST]:PORT|telnet:[HOST]:PORT|vc");
    }
    q->req.serial = to;
    *stdio = g_str_has_suffix(to, "stdio");
    return true;
}

static bool add_control(struct qemu *q, const char *where, bool qmp)
{
    struct run_request *req = &q->req;

    if (req->control_count == CONTROLS_MAX)
        return qemu_bad("-monitor: more than %d of them", CONTROLS_MAX);
    req->controls[req->control_count++] = (struct control_spec){.where = where, .qmp = qmp};
    return true;
}

/* Our monitor is at the terminal that the UART is connected to, has standard input to itself, or is
 * at a link. */
static bool connect_monitor(struct qemu *q, const char *where, bool qmp, bool serial_stdio)
{
    static const char stem[] = "chardev:";
    bool stdio = !strcmp(where, "stdio"), mux = false, testdev;

    if (link_valid(where))
        return add_control(q, where, qmp);

    if (g_str_has_prefix(where, stem)) {
        struct qemu_chardev *c = qemu_find_chardev(q, where + sizeof(stem) - 1);
        if (!c)
            return qemu_bad("-mon %s: expected chardev=ID with the id of a -chardev", where);
        const char *text = qemu_chardev_where(q, c->id, &testdev);
        stdio = !strcmp(c->backend, "stdio");
        mux = c->mux;
        if (text && link_valid(text))
            return add_control(q, text, qmp);
        if (text &&
            !strcmp(text, "null")) /* which qemu_chardev_where() has said, if it is not so */
            return true;
        if (c->path)
            return qemu_bad("-mon %s is not offered: the monitor is at the terminal", where);
    }
    if (stdio && serial_stdio && (!mux || qmp))
        return qemu_bad("%s stdio: standard input is the UART's; expected another -serial%s",
                        qmp ? "-qmp" : "-monitor", qmp ? "" : ", or -serial mon:stdio");
    if (stdio && qmp)
        return add_control(q, NULL, true);
    if (stdio && !serial_stdio)
        q->req.monitor_first = true;
    return true;
}

static bool check_chardevs(const struct qemu_host *h)
{
    bool good = true;

    for (unsigned n = 0; n < h->chardev_count; n++)
        if (h->chardevs[n].users > 1 && !h->chardevs[n].mux)
            good = qemu_bad("-chardev id=%s: connected twice; expected mux=on", h->chardevs[n].id);
    return good;
}

/* Of a mux, Ctrl-A c reaches the monitor, and other devices only write there. */
static bool check_mux(struct qemu *q)
{
    const struct device_options *d = &q->devices.options;
    bool uart = q->req.serial && g_str_has_suffix(q->req.serial, "stdio");

    for (unsigned n = 0; n < d->port_count; n++)
        if (uart && !strcmp(d->where[n], "stdio"))
            qemu_note(q, "-chardev stdio: the UART and a virtio port share it: what is typed goes "
                         "to the UART");
    for (unsigned n = 0; n < d->serial_count; n++)
        if (uart && !strcmp(d->serials[n].where, "stdio"))
            qemu_note(q, "-chardev stdio: the UART and a pci-serial share it: what is typed goes "
                         "to the UART");
    return true;
}

/* Standard input and output are not a daemon's. */
static bool check_daemon(const struct qemu *q, bool serial_stdio)
{
    return !q->process.daemonize || (!serial_stdio && !q->req.monitor_first) ||
           qemu_bad("-daemonize: the UART or the monitor is at the terminal; expected "
                    "-serial file:FILE, none or another");
}

/* ---- -rtc ---- */

static bool set_base(struct qemu *q, const char *value)
{
    struct tm tm = {0};
    time_t now = time(NULL);
    int length = 0;

    if (!strcmp(value, "utc") || !strcmp(value, "localtime")) {
        if (!strcmp(value, "localtime") && localtime_r(&now, &tm))
            now += tm.tm_gmtoff;
        qemu_note(q, "-rtc base=%s: the clock starts at the host's time, not the same in every run",
                  value);
    } else {
        int n = sscanf(value, "%4d-%2d-%2d%nT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
                       &length, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &length);
        tm.tm_year -= 1900;
        tm.tm_mon--;
        bool date = (n == 3 || n == 6) && !value[length] && tm.tm_mon <= 11 && tm.tm_mday <= 31;
        now = date ? timegm(&tm) : -1;
        if (now < 1 || now > UINT32_MAX)
            return qemu_bad("-rtc base=%s: expected utc, localtime or a date as "
                            "2006-06-17T16:01:21 or 2006-06-17",
                            value);
    }
    q->req.config.rtc_epoch_s = (uint32_t)now;
    return true;
}

static const struct property rtc_properties[] = {
    {"base", "utc|localtime|DATE", set_base, NULL},
    {"clock", "vm", NULL, NULL},
    {"driftfix", "none|slew", NULL, NULL},
};

static const struct property rtc_clock_of_host[] = {
    {"clock", "host|rt", NULL, "the clock follows the machine's virtual time"},
};

bool qemu_rtc(struct qemu *q, const char *option, const char *value)
{
    struct property table[G_N_ELEMENTS(rtc_properties)];
    g_autofree char *clock = properties_find(value, NULL, "clock");

    memcpy(table, rtc_properties, sizeof(table));
    if (clock && properties_accept(rtc_clock_of_host[0].accepts, clock))
        table[1] = rtc_clock_of_host[0];
    return PROPERTIES(q, option, value, NULL, table);
}

/* ---- -fw_cfg ---- */

static struct arm_fw_cfg *file(struct qemu *q)
{
    return &q->host.files[q->host.file_count];
}

#define TEXT(property, member) PROPERTY_TEXT(set_##property, file(q)->member)
TEXT(file_name, name)
TEXT(file_path, path)
TEXT(file_string, string)
#undef TEXT

static const struct property fw_cfg_properties[] = {
    {"name", "TEXT", set_file_name, NULL},
    {"file", "FILE", set_file_path, NULL},
    {"string", "TEXT", set_file_string, NULL},
};

bool qemu_fw_cfg(struct qemu *q, const char *option, const char *value)
{
    if (q->host.file_count == QEMU_FILES_MAX)
        return qemu_bad("-fw_cfg: more than %d of them", QEMU_FILES_MAX);
    *file(q) = (struct arm_fw_cfg){0};
    if (!PROPERTIES(q, option, value, "name", fw_cfg_properties))
        return false;
    if (!file(q)->name || !file(q)->path == !file(q)->string)
        return qemu_bad("-fw_cfg %s: expected name=opt/NAME and file=FILE or string=TEXT", value);
    if (!g_str_has_prefix(file(q)->name, "opt/"))
        qemu_note(q, "-fw_cfg %s: names that users give begin with opt/", file(q)->name);
    q->host.file_count++;
    return true;
}

/* ---- -global, semihosting ---- */

PROPERTY_FLAG(set_legacy, q->req.config.virtio_legacy, true)

static const struct property globals[] = {
    {"virtio-mmio.force-legacy", "on|off", set_legacy, NULL},
    {"arm-smmuv3.stage", "1|2|nested", NULL, "it has both stages"},
    {"virtio-mmio.ioeventfd", "on|off", NULL, NULL}, /* how QEMU is told of a notification */
};

/* DRIVER.PROPERTY=VALUE, or driver=DRIVER,property=PROPERTY,value=VALUE. Of a driver that -device
 * has, it is what each of them has if it does not say otherwise; a driver of none is no device. */
bool qemu_global(struct qemu *q, const char *option, const char *value)
{
    g_autofree char *driver = properties_find(value, NULL, "driver");
    g_autofree char *property = properties_find(value, NULL, "property");
    g_autofree char *to = properties_find(value, NULL, "value");
    g_autofree char *word = driver && property && to
                                ? g_strdup_printf("%s.%s=%s", driver, property, to)
                                : g_strdup(value);
    const char *dot = strchr(word, '.'), *eq = strchr(word, '=');

    if (!dot || !eq || dot > eq)
        return qemu_bad("-global %s: expected DRIVER.PROPERTY=VALUE", value);
    if (g_str_has_prefix(word, "virtio-mmio."))
        return PROPERTIES(q, option, word, NULL, globals);
    return qemu_device_default(q, word);
}

PROPERTY_FLAG(set_enable, q->req.config.semihosting, true)
PROPERTY_FLAG(set_userspace, q->req.config.semihosting_el0, true)

static bool set_argument(struct qemu *q, const char *value)
{
    if (!q->host.arguments)
        q->host.arguments = g_string_new(NULL);
    else
        g_string_append_c(q->host.arguments, ' ');
    g_string_append(q->host.arguments, value);
    return true;
}

static const struct property semihosting_properties[] = {
    {"enable", "on|off", set_enable, NULL},
    {"target", "native|auto", NULL, NULL},
    {"chardev", "ID", NULL, "what the guest writes by semihosting goes to standard output"},
    {"userspace", "on|off", set_userspace, NULL},
    {"arg", "TEXT", set_argument, NULL},
};

bool qemu_semihosting(struct qemu *q, const char *option, const char *value)
{
    (void)option, (void)value;
    q->req.config.semihosting = true;
    return true;
}

/* It is on unless it says off. */
bool qemu_semihosting_config(struct qemu *q, const char *option, const char *value)
{
    q->req.config.semihosting = true;
    return PROPERTIES(q, option, value, "enable", semihosting_properties);
}

bool qemu_semihosting_dir(struct qemu *q, const char *option, const char *value)
{
    (void)option;
    q->req.config.semihosting = true;
    q->req.config.semihosting_dir = qemu_keep(q, g_strdup(value));
    return true;
}

/* ---- debuggers ---- */

bool qemu_stopped(struct qemu *q, const char *option, const char *value)
{
    (void)option, (void)value;
    q->host.stopped = true;
    return true;
}

/* "tcp:[HOST]:PORT[,server...]" or "unix:PATH[,server...]", of which we serve one client
 * at a time. */
bool qemu_gdb(struct qemu *q, const char *option, const char *value)
{
    g_autofree char *where = g_strndup(value, strcspn(value, ","));
    const char *own = g_str_has_prefix(where, "tcp:") ? where + 4 : where;

    own += *own == ':';
    if (!strcmp(where, "none"))
        return true;
    if (!gdb_where_valid(own))
        return qemu_bad("-%s %s: expected tcp:[HOST]:PORT, unix:PATH or none", option, value);
    q->req.gdb = qemu_keep(q, g_strdup(own));
    return true;
}

bool qemu_shorthand_gdb(struct qemu *q, const char *option, const char *value)
{
    (void)value;
    return qemu_gdb(q, option, "tcp::1234");
}

/* -S: the monitor can go on, if somebody is at it. */
static void connect_stopped(struct qemu *q, bool serial_stdio)
{
    q->req.stopped = q->host.stopped && q->req.control_count && !q->req.monitor_first;
    q->req.gdb_wait = q->host.stopped && q->req.gdb && !q->req.stopped;
    if (!q->host.stopped || q->req.monitor_first || q->req.gdb || q->req.stopped)
        return;
    q->req.monitor_first = serial_stdio && isatty(STDIN_FILENO);
    if (!q->req.monitor_first)
        qemu_note(q, "-S: the machine runs at once: there is neither a terminal for the monitor "
                     "nor a gdb server that could go on");
}

/* Does a monitor have the terminal, and not by way of a multiplexer? */
static bool monitor_has_terminal(struct qemu *q)
{
    const struct qemu_host *h = &q->host;
    bool has = false;

    for (unsigned n = 0; n < h->monitor_count; n++) {
        bool named = g_str_has_prefix(h->monitors[n], "chardev:");
        const struct qemu_chardev *c = named ? qemu_find_chardev(q, h->monitors[n] + 8) : NULL;
        has |= c ? !c->mux && !strcmp(c->backend, "stdio") : !strcmp(h->monitors[n], "stdio");
    }
    return has;
}

/* Where the UART is without -serial: on QEMU in a window, unless -nographic says that there is
 * none. Here it is at the terminal, if the monitor leaves it that. */
static const char *default_serial(struct qemu *q)
{
    if (q->host.nodefaults || q->process.daemonize)
        return "none";
    return !q->host.nographic && monitor_has_terminal(q) ? "vc" : "stdio";
}

/* Only what the first UART says is written twice. */
static void note_logs(struct qemu *q)
{
    for (unsigned n = 0; n < q->host.chardev_count; n++) {
        const struct qemu_chardev *c = &q->host.chardevs[n];
        if (c->logfile && c->logfile != q->req.serial_log)
            qemu_note(q, "-chardev logfile=%s: only of the first UART: nothing is written to it",
                      c->logfile);
    }
}

bool qemu_host_connect(struct qemu *q)
{
    struct qemu_host *h = &q->host;
    const char *first = h->serial_count ? h->serials[0] : default_serial(q);
    bool stdio = false, good = connect_serial(q, first, &stdio);

    for (unsigned n = 1; n < h->serial_count; n++)
        qemu_note(q,
                  "-serial %s goes nowhere: as on QEMU 7.2 the board has one UART without "
                  "secure=on, and that of the Secure world is not connected",
                  h->serials[n]);
    for (unsigned n = 0; good && n < h->monitor_count; n++)
        good &= connect_monitor(q, h->monitors[n], h->qmp[n], stdio);
    good &= check_chardevs(h) && check_mux(q) && check_daemon(q, stdio);
    connect_stopped(q, stdio);
    note_logs(q);
    q->req.config.fw_cfg = h->files;
    q->req.config.fw_cfg_count = h->file_count;
    if (h->arguments)
        q->req.config.semihosting_cmdline = h->arguments->str;
    return good;
}
