#include "qemu_process.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "qemu.h"

/* ---- its name ---- */

PROPERTY_TEXT(set_name, q->process.name)

static const struct property name_properties[] = {
    {"guest", "TEXT", set_name, NULL},
    {"debug-threads", "on|off", NULL, NULL},
    {"process", "TEXT", NULL, "the process keeps its name"},
};

bool qemu_name(struct qemu *q, const char *option, const char *value)
{
    return properties_set(q, option, value, "guest", name_properties,
                          G_N_ELEMENTS(name_properties));
}

/* ---- firmware ---- */

bool qemu_firmware_dir(struct qemu *q, const char *option, const char *value)
{
    struct qemu_process *p = &q->process;

    if (is_help(value)) {
        for (unsigned k = 0; k < p->dir_count; k++)
            printf("%s\n", p->dirs[k]);
        q->answered = true;
        return true;
    }
    if (p->dir_count == QEMU_DIRS_MAX)
        return qemu_bad("-%s: more than %d of them", option, QEMU_DIRS_MAX);
    p->dirs[p->dir_count++] = qemu_keep(q, g_strdup(value));
    return true;
}

/* @name in @dir, if it is there. */
static bool found_in(struct qemu *q, const char *dir, const char *name)
{
    char *path = g_build_filename(dir, name, NULL);

    if (access(path, R_OK) != 0) {
        g_free(path);
        return false;
    }
    q->req.config.bios = qemu_keep(q, path);
    return true;
}

bool qemu_process_connect(struct qemu *q)
{
    static const char *const own[] = {"/usr/local/share/qemu", "/usr/share/qemu"};
    const char *bios = q->req.config.bios;

    if (!bios || !*bios || access(bios, R_OK) == 0 || strchr(bios, '/'))
        return true;
    for (unsigned k = 0; k < q->process.dir_count; k++)
        if (found_in(q, q->process.dirs[k], bios))
            return true;
    for (size_t k = 0; k < G_N_ELEMENTS(own); k++)
        if (found_in(q, own[k], bios))
            return true;
    return true; /* the loader says that it is not there */
}

/* ---- -action, -display ---- */

static bool set_reboot(struct qemu *q, const char *value)
{
    q->req.config.no_reboot = !strcmp(value, "shutdown");
    return true;
}

static bool set_shutdown(struct qemu *q, const char *value)
{
    if (!strcmp(value, "pause"))
        qemu_note(q, "-action shutdown=pause: the machine ends when the guest powers it off");
    return true;
}

/* What pvpanic-pci tells of. */
static bool set_panic(struct qemu *q, const char *value)
{
    q->process.panic = !strcmp(value, "none")           ? ARM_PANIC_NONE
                       : !strcmp(value, "exit-failure") ? ARM_PANIC_FAILURE
                                                        : ARM_PANIC_SHUTDOWN;
    if (!strcmp(value, "pause"))
        qemu_note(q, "-action panic=pause: the machine ends when the guest panics");
    return true;
}

/* What i6300esb ends in. */
static bool set_watchdog(struct qemu *q, const char *value)
{
    static const char off[] = "shutdown|poweroff|pause";

    q->process.watchdog = !strcmp(value, "reset")         ? ARM_WATCHDOG_RESET
                          : properties_accept(off, value) ? ARM_WATCHDOG_POWEROFF
                                                          : ARM_WATCHDOG_NONE;
    if (!strcmp(value, "shutdown") || !strcmp(value, "pause"))
        qemu_note(q, "-action watchdog=%s: the machine ends at once", value);
    if (!strcmp(value, "inject-nmi"))
        qemu_note(q, "-action watchdog=inject-nmi: virt has no such interrupt: nothing happens");
    return true;
}

static const struct property action_properties[] = {
    {"reboot", "reset|shutdown", set_reboot, NULL},
    {"shutdown", "poweroff|pause", set_shutdown, NULL},
    {"panic", "pause|shutdown|exit-failure|none", set_panic, NULL},
    {"watchdog", "reset|shutdown|poweroff|inject-nmi|pause|debug|none", set_watchdog, NULL},
};

bool qemu_action(struct qemu *q, const char *option, const char *value)
{
    return properties_set(q, option, value, NULL, action_properties,
                          G_N_ELEMENTS(action_properties));
}

/* As it was written before -action and -device. */
bool qemu_watchdog_action(struct qemu *q, const char *option, const char *value)
{
    g_autofree char *action = g_strdup_printf("watchdog=%s", value);

    (void)option;
    return qemu_action(q, "action", action);
}

bool qemu_watchdog(struct qemu *q, const char *option, const char *value)
{
    if (is_help(value)) {
        printf("i6300esb\n");
        q->answered = true;
        return true;
    }
    return strcmp(value, "i6300esb") == 0
               ? qemu_device(q, "device", value)
               : qemu_bad("-%s %s is not offered: expected i6300esb", option, value);
}

/* Where the sound would go is nobody's business; what the guest has for it is. */
bool qemu_audio(struct qemu *q, const char *option, const char *value)
{
    g_autofree char *model = properties_find(value, "driver", "model");

    if (is_help(value) || (model && is_help(model))) {
        printf("%s", is_help(value) ? "Available audio drivers:\nnone\n"
                                    : "Valid audio device model names:\nhda\nvirtio\n");
        q->answered = true;
        return true;
    }
    qemu_note(q, "-%s %s: nothing is heard: sound goes nowhere", option, value);
    if (!model)
        return true;
    if (!strcmp(model, "virtio"))
        return qemu_device(q, "device", "virtio-sound-pci");
    if (!strcmp(model, "hda"))
        return qemu_device(q, "device", "intel-hda") && qemu_device(q, "device", "hda-duplex");
    return qemu_bad("-%s model=%s is not offered: expected hda or virtio", option, model);
}

bool qemu_display(struct qemu *q, const char *option, const char *value)
{
    static const char kinds[] = "none|default|sdl|gtk|cocoa|curses|vnc|dbus|egl-headless|spice-app";
    g_autofree char *kind = g_strndup(value, strcspn(value, ",="));
    g_autofree char *what = g_strdup_printf("-%s %s", option, kind);

    if (is_help(value)) {
        printf("Available display backend types:\nnone\nsdl\n");
        q->answered = true;
        return true;
    }
    if (!properties_accept(kinds, kind))
        return qemu_refuse(option, kind, what, kinds);
    q->req.window = !strcmp(kind, "sdl") || !strcmp(kind, "gtk");
    if (!strcmp(kind, "gtk"))
        qemu_note(q, "-%s gtk: the window is SDL's", option);
    else if (!q->req.window && strcmp(kind, "none") != 0)
        qemu_note(q, "-%s %s: there is no such display: nothing is shown", option, kind);
    return true;
}

bool qemu_vga(struct qemu *q, const char *option, const char *value)
{
    if (is_help(value)) {
        printf("none                 no graphic card\n");
        q->answered = true;
    } else if (strcmp(value, "none") != 0) {
        qemu_note(q,
                  "-%s %s: virt makes no such card; -device virtio-gpu-pci and ramfb are displays",
                  option, value);
    }
    return true;
}

/* ---- -daemonize ---- */

/* The machine is made and begins to run: nobody waits for us any more. */
static void detach(void *ctx)
{
    struct qemu *q = ctx;
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);

    for (int fd = 0; null >= 0 && fd < 3; fd++)
        dup2(null, fd);
    if (null >= 0)
        close(null);
    while (write(q->process.parent, "", 1) < 0 && errno == EINTR)
        continue;
    close(q->process.parent);
}

/* Of who started a daemon: 0 once it runs, or what it ended with. */
static int wait_for(pid_t child, int from)
{
    char byte;
    ssize_t n;
    int status = 0;

    while ((n = read(from, &byte, 1)) < 0 && errno == EINTR)
        continue;
    close(from);
    if (n == 1)
        return 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        continue;
    return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_USAGE;
}

static int run_daemon(struct qemu *q)
{
    int ends[2];

    fflush(NULL);
    if (pipe(ends) < 0) {
        qemu_bad("-daemonize: %s", strerror(errno));
        return EXIT_USAGE;
    }
    pid_t child = fork();
    if (child < 0)
        qemu_bad("-daemonize: %s", strerror(errno));
    if (child != 0) {
        close(ends[1]);
        return child < 0 ? EXIT_USAGE : wait_for(child, ends[0]);
    }
    close(ends[0]);
    setsid();
    q->process.parent = ends[1];
    q->req.started = detach;
    q->req.started_ctx = q;
    return runner_run(&q->req);
}

int qemu_process_run(struct qemu *q)
{
    return q->process.daemonize ? run_daemon(q) : runner_run(&q->req);
}
