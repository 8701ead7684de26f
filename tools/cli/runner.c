#include "runner.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "command.h"
#include "console.h"
#include "devices.h"
#include "machine/machine.h"
#include "monitor.h"
#include "trace.h"

static void log_line(void *ctx, enum log_category cat, enum log_level level, const char *line)
{
    (void)ctx;
    fprintf(stderr, "armillary: %s: %s: %s\n", log_category_name(cat), log_level_name(level), line);
}

/* [CATEGORY=]LEVEL */
static bool parse_log(const char *spec, struct log *log)
{
    const char *eq = strchr(spec, '=');
    const char *level_text = eq ? eq + 1 : spec;
    unsigned level = LOG_ERROR;
    bool known = !eq;

    while (level <= LOG_DEBUG && strcmp(level_text, log_level_name((enum log_level)level)))
        level++;
    if (level > LOG_DEBUG)
        return false;
    for (unsigned c = 0; c < LOG_CATEGORY_COUNT; c++) {
        const char *name = log_category_name((enum log_category)c);
        if (eq && (strlen(name) != (size_t)(eq - spec) || strncmp(name, spec, strlen(name))))
            continue;
        log->level[c] = (enum log_level)level;
        known = true;
    }
    return known;
}

static bool setup_log(const struct run_request *req, struct log *log)
{
    log->sink = log_line;
    for (unsigned c = 0; c < LOG_CATEGORY_COUNT; c++)
        log->level[c] = LOG_WARN;
    for (const char *const *s = req->logs; s && *s; s++)
        if (!parse_log(*s, log)) {
            fprintf(stderr,
                    "armillary: --log=%s: expected [CATEGORY=]LEVEL; levels are error, "
                    "warning, guest, info, debug\n",
                    *s);
            return false;
        }
    return true;
}

/* Written in place: what is named may be a device or a link to one, not to be renamed over. */
static int dump_dtb(struct machine *m, const char *file)
{
    size_t size;
    const void *dtb = arm_device_tree(m, &size);
    FILE *f = fopen(file, "wb");
    bool written = f && fwrite(dtb, 1, size, f) == size;

    if (f && fclose(f) != 0)
        written = false;
    if (!written) {
        fprintf(stderr, "armillary: %s: cannot write: %s\n", file, strerror(errno));
        return EXIT_USAGE;
    }
    return 0;
}

bool runner_serial_valid(const char *serial)
{
    static const char *const known[] = {"stdio", "mon:stdio", "none", "null"};

    for (size_t k = 0; k < ARRAY_SIZE(known); k++)
        if (!strcmp(serial, known[k]))
            return true;
    return g_str_has_prefix(serial, "file:") && serial[5];
}

static double host_seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* What the signal handler may touch: the machine that runs, and the signal that came. */
static struct machine *signal_machine;
static volatile sig_atomic_t signal_seen;

static void on_signal(int number)
{
    signal_seen = number;
    arm_stop(signal_machine);
}

static const int signals[] = {SIGALRM, SIGINT, SIGTERM, SIGHUP, SIGPIPE};

/* @timeout_s: SIGALRM then; 0: never. */
static void catch_signals(struct machine *m, double timeout_s)
{
    struct sigaction sa = {.sa_handler = on_signal};
    struct itimerval limit = {0};

    signal_machine = m;
    signal_seen = 0;
    for (size_t k = 0; k < ARRAY_SIZE(signals); k++)
        sigaction(signals[k], &sa, NULL);
    limit.it_value.tv_sec = (time_t)timeout_s;
    limit.it_value.tv_usec = (suseconds_t)((timeout_s - (double)limit.it_value.tv_sec) * 1e6);
    if (timeout_s > 0 && timeout_s < 1e-6)
        limit.it_value.tv_usec = 1;
    setitimer(ITIMER_REAL, &limit, NULL);
}

static void release_signals(void)
{
    setitimer(ITIMER_REAL, &(struct itimerval){0}, NULL);
    for (size_t k = 0; k < ARRAY_SIZE(signals); k++)
        signal(signals[k], SIG_DFL);
}

static int exit_code(const struct machine *m, enum arm_stop why, const struct run_request *req)
{
    switch (why) {
    case ARM_STOP_POWEROFF:
        return EXIT_POWEROFF;
    case ARM_STOP_EXIT:
        return arm_exit_code(m);
    case ARM_STOP_RESET:
        fprintf(stderr, "armillary: the guest reset the machine\n");
        return req->qemu_codes ? 0 : EXIT_RESET;
    case ARM_STOP_IDLE:
        fprintf(stderr,
                "armillary: every CPU waits and no timer is set: nothing will ever happen\n");
        return EXIT_LIMIT;
    case ARM_STOP_FAULT_LOOP:
        fprintf(stderr, "armillary: a fault loop that nothing can end\n");
        return EXIT_FAULT_LOOP;
    case ARM_STOP_LIMIT:
        fprintf(stderr, "armillary: stopped after %" PRIu64 " instructions (--max-insns)\n",
                arm_retired(m));
        return EXIT_LIMIT;
    case ARM_STOP_DIVERGED:
        return EXIT_USAGE; /* the log has said it */
    case ARM_STOP_REQUEST:
        break;
    }
    if (signal_seen == SIGALRM)
        fprintf(stderr, "armillary: stopped after %g s (--timeout)\n", req->timeout_s);
    else if (!signal_seen && req->qemu_codes)
        return 0;
    return EXIT_LIMIT;
}

/* False: the user ends the run. */
static bool enter_monitor(struct machine *m, struct console *con)
{
    console_raw(con, false);
    bool go_on = monitor_run(m);
    console_raw(con, true);
    con->request = CONSOLE_NONE;
    return go_on;
}

static enum arm_stop run(struct machine *m, struct console *con, uint64_t max_insns)
{
    for (;;) {
        uint64_t done = arm_retired(m);
        enum arm_stop why = max_insns && done >= max_insns
                                ? ARM_STOP_LIMIT
                                : arm_run(m, max_insns ? max_insns - done : 0);

        if (why != ARM_STOP_REQUEST || signal_seen || con->request != CONSOLE_MONITOR ||
            !enter_monitor(m, con))
            return why;
    }
}

static void print_stats(const struct machine *m, double took)
{
    fprintf(stderr,
            "armillary: %" PRIu64 " instructions retired, %.3f s virtual time; "
            "%.2f s on the host, %.1f MIPS\n",
            arm_retired(m), (double)arm_time_ns(m) * 1e-9, took,
            (double)arm_retired(m) / took * 1e-6);
}

static int run_console(struct machine *m, struct console *con, const struct run_request *req)
{
    struct traces *traces = traces_open(m, req->traces);

    if (!traces)
        return EXIT_USAGE;
    console_start(con, m);
    m->poll = console_poll;
    m->idle = console_idle;
    m->poll_ctx = con;
    catch_signals(m, req->timeout_s);
    double start = host_seconds();
    enum arm_stop why = run(m, con, req->max_insns);
    double took = host_seconds() - start;
    release_signals();
    console_raw(con, false);
    int code = exit_code(m, why, req);
    if (req->stats)
        print_stats(m, took);
    traces_close(traces);
    return code;
}

int runner_run(const struct run_request *req)
{
    struct console con, *input;
    struct arm_config config = req->config;
    struct arm_error err = {0};
    struct machine *m;
    int code;

    if (!setup_log(req, &config.log) || !traces_check(req->traces) ||
        !console_open(&con, req->serial) || !devices_open(req->devices))
        return EXIT_USAGE;
    input = con.out != STDOUT_FILENO ? devices_stdin(req->devices) : NULL;
    config.console_write = console_write;
    config.console_ctx = &con;
    m = arm_machine_new(&config, &err);
    if (!m) {
        fprintf(stderr, "armillary: %s\n", err.text);
        code = EXIT_USAGE;
    } else if (req->dump_dtb) {
        code = dump_dtb(m, req->dump_dtb);
    } else {
        code = run_console(m, input ? input : &con, req);
    }
    arm_machine_free(m);
    devices_close(req->devices);
    console_close(&con);
    if (signal_seen && signal_seen != SIGALRM)
        raise(signal_seen);
    return code;
}
