#include "runner.h"

#include <glib.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "command.h"
#include "console.h"
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

static int dump_dtb(struct machine *m, const char *file)
{
    size_t size;
    const void *dtb = arm_device_tree(m, &size);
    GError *error = NULL;

    if (!g_file_set_contents(file, dtb, (gssize)size, &error)) {
        fprintf(stderr, "armillary: %s\n", error->message);
        g_error_free(error);
        return EXIT_USAGE;
    }
    return 0;
}

static double host_seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* A timeout is looked at this often, in instructions. */
#define TIMEOUT_CHECK UINT64_C(5000000)

/* Run in steps that let us look at the host's clock; the guest cannot tell. */
static enum arm_stop run_limited(struct machine *m, const struct run_request *req, double start)
{
    for (;;) {
        uint64_t step = req->timeout_s > 0 ? TIMEOUT_CHECK : 0;
        uint64_t done = arm_retired(m);

        if (req->max_insns) {
            if (done >= req->max_insns)
                return ARM_STOP_LIMIT;
            if (!step || req->max_insns - done < step)
                step = req->max_insns - done;
        }
        enum arm_stop why = arm_run(m, step);
        if (why != ARM_STOP_LIMIT)
            return why;
        if (req->timeout_s > 0 && host_seconds() - start > req->timeout_s) {
            fprintf(stderr, "armillary: stopped after %g s (--timeout)\n", req->timeout_s);
            return ARM_STOP_LIMIT;
        }
        if (req->max_insns && arm_retired(m) >= req->max_insns) {
            fprintf(stderr, "armillary: stopped after %" PRIu64 " instructions (--max-insns)\n",
                    arm_retired(m));
            return ARM_STOP_LIMIT;
        }
    }
}

static int exit_code(const struct machine *m, enum arm_stop why)
{
    switch (why) {
    case ARM_STOP_POWEROFF:
        return EXIT_POWEROFF;
    case ARM_STOP_EXIT:
        return arm_exit_code(m);
    case ARM_STOP_RESET:
        fprintf(stderr, "armillary: the guest reset the machine\n");
        return EXIT_RESET;
    case ARM_STOP_IDLE:
        fprintf(stderr,
                "armillary: every CPU waits and no timer is set: nothing will ever happen\n");
        return EXIT_LIMIT;
    default:
        return EXIT_LIMIT;
    }
}

static int run(struct machine *m, struct console *con, const struct run_request *req)
{
    double start = host_seconds();

    for (;;) {
        enum arm_stop why = run_limited(m, req, start);

        if (why != ARM_STOP_REQUEST)
            return exit_code(m, why);
        if (con->request == CONSOLE_QUIT)
            return EXIT_LIMIT;
        con->request = CONSOLE_NONE;
        console_raw(con, false);
        bool go_on = monitor_run(m);
        console_raw(con, true);
        if (!go_on)
            return EXIT_LIMIT;
    }
}

int runner_run(const struct run_request *req)
{
    struct console con;
    struct arm_config config = req->config;
    struct arm_error err = {0};

    if (!setup_log(req, &config.log) || !traces_check(req->traces))
        return EXIT_USAGE;
    if (!req->no_console) {
        config.console_write = console_write;
        config.console_ctx = &con;
    }
    struct machine *m = arm_machine_new(&config, &err);
    if (!m) {
        fprintf(stderr, "armillary: %s\n", err.text);
        return EXIT_USAGE;
    }
    struct traces *traces = req->dump_dtb ? NULL : traces_open(m, req->traces);
    int code = EXIT_USAGE;
    if (req->dump_dtb) {
        code = dump_dtb(m, req->dump_dtb);
    } else if (traces) {
        console_open(&con, !req->no_stdin);
        con.machine = m;
        m->poll = console_poll;
        m->idle = console_idle;
        m->poll_ctx = &con;
        double start = host_seconds();
        code = run(m, &con, req);
        double took = host_seconds() - start;
        console_close(&con);
        if (req->stats)
            fprintf(stderr,
                    "armillary: %" PRIu64 " instructions retired, %.3f s virtual time; "
                    "%.2f s on the host, %.1f MIPS\n",
                    arm_retired(m), (double)arm_time_ns(m) * 1e-9, took,
                    (double)arm_retired(m) / took * 1e-6);
        traces_close(traces);
    }
    arm_machine_free(m);
    return code;
}
