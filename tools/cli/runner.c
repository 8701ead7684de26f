#include "runner.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "armillary.h"
#include "check.h"
#include "command.h"
#include "console.h"
#include "control.h"
#include "death.h"
#include "devices.h"
#include "gdb_session.h"
#include "irq_trace.h"
#include "link.h"
#include "links.h"
#include "monitor.h"
#include "net.h"
#include "output.h"
#include "pidfile.h"
#include "report.h"
#include "signals.h"
#include "sweep_child.h"
#include "trace.h"

/* Instructions between two snapshots of a run that gdb is at: a step back answers in some 100 ms.
 */
#define GDB_INTERVAL (UINT64_C(16) << 20)

/* With networks, which wait for themselves: between two looks at links. */
#define LINKS_NETWORK_MS 10

/* Of a guest that nothing else can wake, while somebody is at a monitor. */
#define CONTROLS_WAIT_MS 20

/* A run, from its request to its exit code. */
struct run {
    const struct run_request *req;
    struct outputs outputs;
    FILE *log;                 /* where log lines go */
    struct output *serial_log; /* NULL: none */
    struct console serial;
    struct console
        monitor; /* standard input and output to itself, if monitor_first and no other's */
    struct console *input; /* where standard input goes: it, or a port */
    struct links links;
    struct arm_machine *m;
    struct arm_config config;
    struct arm_checker *checker; /* NULL: none */
    struct arm_merge *merge;     /* of a sweep; NULL: none */
    struct arm_model *model;     /* NULL: none */
    struct gdb_session *gdb;     /* NULL: none */
    struct timeline *t;          /* with it: @m is its live machine */
    struct traces *traces;
    struct irq_trace *irq_trace; /* NULL: none */
    struct controls *controls;   /* NULL: none */
    struct death_watch *death;   /* NULL: none, as of a run with gdb, or of many */
    unsigned saved;              /* of req->saves */
    bool save_failed;            /* the next one could not be written, which has been said */
};

static void log_line(void *ctx, enum arm_log_category cat, enum arm_log_level level,
                     const char *line)
{
    const struct run *r = ctx;

    fprintf(r->log, "armillary: %s: %s: %s\n", arm_log_category_name(cat),
            arm_log_level_name(level), line);
}

/* [CATEGORY=]LEVEL */
static bool parse_log(const char *spec, struct arm_log *log)
{
    const char *eq = strchr(spec, '=');
    const char *level_text = eq ? eq + 1 : spec;
    unsigned level = ARM_LOG_ERROR;
    bool known = !eq;

    while (level <= ARM_LOG_DEBUG &&
           strcmp(level_text, arm_log_level_name((enum arm_log_level)level)))
        level++;
    if (level > ARM_LOG_DEBUG)
        return false;
    for (unsigned c = 0; c < ARM_LOG_CATEGORY_COUNT; c++) {
        const char *name = arm_log_category_name((enum arm_log_category)c);
        if (eq && (strlen(name) != (size_t)(eq - spec) || strncmp(name, spec, strlen(name))))
            continue;
        log->level[c] = (enum arm_log_level)level;
        known = true;
    }
    return known;
}

/* A trace to the same file shares the stream. */
static bool open_log(struct run *r)
{
    const char *file = r->req->log_file;
    struct output *o = file ? output_file(&r->outputs, file, "-D") : NULL;

    r->log = o ? output_stream(o, true) : file ? NULL : r->outputs.say;
    return r->log != NULL;
}

static bool setup_log(const struct run_request *req, struct arm_log *log, struct run *r)
{
    log->sink = log_line;
    log->ctx = r;
    for (unsigned c = 0; c < ARM_LOG_CATEGORY_COUNT; c++)
        log->level[c] = ARM_LOG_WARN;
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
static int dump_dtb(struct arm_machine *m, const char *file)
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

    for (size_t k = 0; k < G_N_ELEMENTS(known); k++)
        if (!strcmp(serial, known[k]))
            return true;
    return (g_str_has_prefix(serial, "file:") && serial[5]) || link_valid(serial);
}

static double host_seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Has the user or the time limit said that the run ends? The guest may be waiting for a reader. */
static bool ending(void *ctx)
{
    struct run *r = ctx;

    if (r->input)
        console_look(r->input);
    return signals_seen() || (r->input && r->input->request != CONSOLE_NONE);
}

static void poll_host(void *ctx)
{
    struct run *r = ctx;

    if (r->outputs.waiting)
        outputs_offer(&r->outputs);
    console_poll(r->input);
    if (r->links.count)
        links_poll(&r->links);
    death_watch_poll(r->death);
    controls_poll(r->controls);
    if (r->req->networks)
        networks_poll(r->req->networks);
}

/* Somebody may be at a link: a guest that waits does so by the host's clock, and one that nothing
 * but the host can wake is asked again. */
static bool idle_with_links(struct run *r, uint64_t next_ns, unsigned wait_max_ms)
{
    bool forever = next_ns == UINT64_MAX;
    uint64_t wait_ms = forever ? wait_max_ms : (next_ns - arm_time_ns(r->m)) / 1000000;

    if (wait_ms > wait_max_ms)
        wait_ms = wait_max_ms;
    if (r->req->networks && wait_ms > LINKS_NETWORK_MS)
        wait_ms = LINKS_NETWORK_MS;
    if (links_idle(&r->links, r->input, (unsigned)wait_ms))
        return true;
    return (r->req->networks ? networks_idle(r->req->networks, r->input, next_ns, 0)
                             : console_idle(r->input, next_ns, 0)) ||
           forever;
}

static bool idle_at_most(void *ctx, uint64_t next_ns, unsigned most_ms)
{
    struct run *r = ctx;

    unsigned wait_max_ms = r->outputs.waiting ? 20 : most_ms;
    bool forever = next_ns == UINT64_MAX;

    if (r->controls && controls_idle(r->controls, forever ? CONTROLS_WAIT_MS : 0) &&
        (forever || controls_waiting(r->controls)))
        return true;

    if (r->links.count && !r->req->replay)
        return idle_with_links(r, next_ns, wait_max_ms);
    if (r->req->networks && !r->req->replay)
        return networks_idle(r->req->networks, r->input, next_ns, wait_max_ms);
    return console_idle(r->input, next_ns, wait_max_ms);
}

static bool idle(void *ctx, uint64_t next_ns)
{
    return idle_at_most(ctx, next_ns, 1000);
}

/* False: the user ends the run. */
static bool enter_monitor(struct run *r)
{
    console_raw(r->input, false);
    struct monitor mon = {.m = r->m};
    bool go_on = monitor_run(&mon, r->input);
    console_raw(r->input, true);
    r->input->request = CONSOLE_NONE;
    r->outputs.over = false;
    return go_on;
}

/* Of a run with --gdb: has something else ended it? */
static bool is_over(void *ctx)
{
    struct run *r = ctx;

    console_look(r->input);
    if (r->input->request == CONSOLE_MONITOR && !enter_monitor(r))
        r->input->request = CONSOLE_QUIT;
    return signals_seen() || r->input->request == CONSOLE_QUIT;
}

/* Has the run not come to the next snapshot's point before it begins to look for it? Time may jump
 * over one later. */
static bool save_can_come(struct run *r)
{
    const struct save *next = &r->req->saves[r->saved];

    if (r->saved == r->req->save_count || !save_is_past(next, r->m))
        return true;
    fprintf(r->outputs.say,
            "armillary: %s: not written: the machine is past that, at %" PRIu64
            " instructions, %" PRIu64 " ns\n",
            next->file, arm_retired(r->m), arm_time_ns(r->m));
    r->save_failed = true;
    return false;
}

/* The next snapshot is due. False: it could not be written, or the one behind it never will be. */
static bool save(struct run *r)
{
    struct arm_error err;

    if (arm_snapshot_save(r->m, r->req->saves[r->saved].file, &err) < 0) {
        fprintf(r->outputs.say, "armillary: %s\n", err.text);
        r->save_failed = true;
        return false;
    }
    r->saved++;
    return save_can_come(r);
}

/* Go on for at most @limit instructions (0: no limit), and write snapshots on the way. */
static enum arm_stop_reason run_and_save(struct run *r, uint64_t limit)
{
    uint64_t left = limit, took;

    while (r->saved < r->req->save_count) {
        const struct save *next = &r->req->saves[r->saved];
        if (save_due(next, r->m)) {
            if (!save(r))
                return ARM_STOP_REQUEST;
            continue;
        }
        if (limit && left == 0)
            break;
        enum arm_stop_reason why = save_run(next, r->m, left, &took);
        if (why == ARM_STOP_UNTIL && !save(r))
            return ARM_STOP_REQUEST;
        if (why != ARM_STOP_UNTIL && why != ARM_STOP_LIMIT)
            return why;
        left -= took < left ? took : left;
    }
    return limit && left == 0 ? ARM_STOP_LIMIT : arm_run(r->m, left);
}

/* Likewise, and begin traces on the way. */
static enum arm_stop_reason run_and_trace(struct run *r, uint64_t limit)
{
    uint64_t left = limit;

    for (;;) {
        uint64_t to_trace = traces_left(r->traces), before = arm_retired(r->m);
        bool trace_first = to_trace != UINT64_MAX && (!limit || to_trace < left);
        enum arm_stop_reason why = trace_first && !to_trace
                                       ? ARM_STOP_LIMIT
                                       : run_and_save(r, trace_first ? to_trace : left);
        if (why != ARM_STOP_LIMIT || !trace_first)
            return why;
        left -= limit ? MIN(arm_retired(r->m) - before, left) : 0;
        if (!traces_begin(r->traces, false) || (limit && !left))
            return limit && !left ? ARM_STOP_LIMIT : ARM_STOP_REQUEST;
    }
}

/* False: the run has ended before. */
static bool run_to_injection(struct run *r)
{
    uint64_t at = r->req->inject.at, done = arm_retired(r->m);

    if (at > done && arm_run(r->m, at - done) != ARM_STOP_LIMIT)
        return false;
    sweep_inject(&r->req->inject, r->m);
    return true;
}

static enum arm_stop_reason run_machine(struct run *r)
{
    uint64_t max_insns = r->req->max_insns;

    if (r->req->monitor_first && !enter_monitor(r))
        return ARM_STOP_REQUEST;
    if (r->gdb)
        return gdb_session_run(r->gdb, r->req->gdb_wait);
    if (r->merge)
        return sweep_interrupts(&r->req->check->sweep, r->m, r->checker, r->merge, max_insns);
    if (r->req->inject.one && !run_to_injection(r))
        return ARM_STOP_REQUEST;
    for (;;) {
        if (controls_waiting(r->controls) && !controls_serve(r->controls))
            return ARM_STOP_REQUEST;
        uint64_t done = arm_retired(r->m);
        enum arm_stop_reason why = max_insns && done >= max_insns
                                       ? ARM_STOP_LIMIT
                                       : run_and_trace(r, max_insns ? max_insns - done : 0);

        if (why != ARM_STOP_REQUEST || signals_seen() || death_watch_stopped(r->death))
            return why;
        if (r->input->request == CONSOLE_NONE && controls_waiting(r->controls))
            continue;
        if (r->input->request != CONSOLE_MONITOR || !enter_monitor(r))
            return why;
    }
}

/* False: a message was printed. */
static bool begin_model(struct run *r)
{
    struct arm_error err = {0};

    if (!r->req->model)
        return true;
    struct arm_core *core = arm_core_new(r->req->model, &err);
    if (core)
        r->model = arm_model_new(r->m, (const struct arm_core *const *)&core, 1, &err);
    arm_core_free(core);
    if (!r->model)
        fprintf(r->outputs.say, "armillary: --model: %s\n", err.text);
    return r->model != NULL;
}

static void say_line(void *ctx, const char *line)
{
    fprintf(ctx, "armillary: %s\n", line);
}

/* What the guest has said is worth waiting for, unless a limit or the user has ended the run. */
static void finish(struct run *r, enum arm_stop_reason why, double took)
{
    struct patience patience = {.endless = true};

    if (why == ARM_STOP_REQUEST || signals_seen())
        patience = (struct patience){.left_s = OUTPUT_ENDING_S};
    else if (why == ARM_STOP_LIMIT)
        patience = (struct patience){.left_s = OUTPUT_ENDING_S, .while_taken = true};
    outputs_finish(&r->outputs, &patience);
    death_watch_end(r->death, why);
    report_end(r->outputs.say, r->m, why, r->req);
    if (r->req->stats)
        report_stats(r->outputs.say, r->m, took);
    if (r->model)
        arm_model_report(r->model, 0, say_line, r->outputs.say);
    outputs_report_lost(&r->outputs);
    outputs_finish_words(&r->outputs, &patience);
}

/* @code, unless the run has succeeded but for what could not be written, or not in time. */
static int with_outputs(const struct outputs *outputs, int code)
{
    if (code != 0 || !outputs_failed(outputs))
        return code;
    return signals_seen() == SIGALRM ? EXIT_LIMIT : EXIT_USAGE;
}

/* Return: @code; after an error, which is said, its own. */
static int checked(struct run *r, int rc, const struct arm_error *err, int code)
{
    if (rc == 0)
        return code;
    fprintf(r->outputs.say, "armillary: %s\n", err->text);
    return EXIT_USAGE;
}

static int open_input_log(struct run *r)
{
    struct arm_error err = {0};
    int rc = 0;

    if (r->req->replay && !r->t)
        rc = arm_replay(r->m, r->req->replay, &err);
    if (rc == 0 && r->req->record)
        rc = arm_record(r->m, r->req->record, &err);
    return checked(r, rc, &err, 0);
}

static int close_input_log(struct run *r, int code)
{
    struct arm_error err = {0};

    return checked(r, arm_record_end(r->m, &err), &err, code);
}

static int restore(struct run *r)
{
    struct arm_error err = {0};
    int rc = r->req->restore && !r->t ? arm_snapshot_load(r->m, r->req->restore, &err) : 0;

    return checked(r, rc, &err, 0);
}

/* Return: @code, unless some snapshot has not been written. */
static int all_saved(struct run *r, int code)
{
    if (r->saved == r->req->save_count)
        return code;
    if (!r->save_failed)
        fprintf(r->outputs.say, "armillary: %s: not written: the run ended before\n",
                r->req->saves[r->saved].file);
    return EXIT_USAGE;
}

/* What was found counts for more than how the guest ended; a limit of instructions is an end like
 * others. */
static int end_check(struct run *r, enum arm_stop_reason why, int code)
{
    if (!r->checker)
        return code;
    if (why == ARM_STOP_LIMIT && code == EXIT_LIMIT)
        code = 0;
    if (r->req->check->child) {
        child_report(r->req->check->child, r->checker, code ? "exit code not 0" : NULL);
        return code;
    }
    if (r->merge) {
        struct arm_merge *merge = r->merge;
        r->merge = NULL;
        return check_end_merge(r->req->check, merge, r->outputs.say, 0);
    }
    code = check_end(r->checker, r->outputs.say, code);
    r->checker = NULL;
    return code;
}

/* Input goes by the timeline, which gives it again. */
static size_t give(void *ctx, const struct console *c, const uint8_t *data, size_t size)
{
    struct run *r = ctx;

    return c->port < 0 ? timeline_give(r->t, -1, 0, data, size)
                       : timeline_give(r->t, (int)c->virtio, (unsigned)c->port, data, size);
}

static int ended_code(const struct run *r, enum arm_stop_reason why)
{
    enum death_kind kind = death_watch_stopped(r->death);

    if (kind == DEATH_NONE)
        return report_exit_code(r->m, why, r->req);
    return kind == DEATH_PANIC ? EXIT_PANIC : EXIT_FAULT_LOOP;
}

static int run_console(struct run *r)
{
    int code = restore(r);

    if (code == 0 && !save_can_come(r))
        code = EXIT_USAGE;
    if (code == 0)
        code = open_input_log(r);
    if (code == 0 && r->req->check &&
        !(r->checker = check_begin(r->req->check, r->m, r->outputs.say)))
        code = EXIT_USAGE;
    if (code == 0 && r->req->check && r->req->check->sweep.kinds)
        r->merge = arm_merge_new();
    if (code == 0 && !begin_model(r))
        code = EXIT_USAGE;
    if (code == 0 && r->req->trace_irq &&
        !(r->irq_trace = irq_trace_open(r->m, r->req->trace_irq, &r->outputs)))
        code = EXIT_USAGE;
    r->traces = code == 0 ? traces_open(r->m, &r->req->traces, &r->outputs) : NULL;
    struct pidfile pidfile;

    if (!r->traces)
        return EXIT_USAGE;
    /* Who runs it in another way than by its limits has filters that wait. */
    if (!traces_begin(r->traces, r->gdb || r->merge || r->req->inject.one) ||
        !pidfile_open(&pidfile, r->req->pidfile)) {
        traces_close(r->traces);
        return EXIT_USAGE;
    }
    if (r->gdb) {
        r->gdb->checker = r->checker;
        r->input->give = give;
        r->input->give_ctx = r;
        for (unsigned k = 0; k < r->links.count; k++) {
            r->links.rows[k]->give = give;
            r->links.rows[k]->give_ctx = r;
        }
    }
    console_start(r->input, r->m);
    networks_start(r->req->networks, r->m);
    links_start(&r->links, r->m);
    if (r->req->started)
        r->req->started(r->req->started_ctx);
    controls_start(r->controls, r->m);
    signals_stop(r->m);
    double start = host_seconds();
    enum arm_stop_reason why = run_machine(r);
    double took = host_seconds() - start;
    console_raw(r->input, false);
    controls_end(r->controls, why);
    traces_close(r->traces);
    code = close_input_log(r, all_saved(r, ended_code(r, why)));
    finish(r, why, took);
    code = end_check(r, why, code);
    pidfile_close(&pidfile);
    return with_outputs(&r->outputs, code);
}

/* The UART's output, to the console and the file that logs it. */
static void write_serial(void *ctx, const uint8_t *data, size_t size)
{
    struct run *r = ctx;

    console_write(&r->serial, data, size);
    death_watch_console(r->death, data, size);
    if (r->serial_log)
        output_write(r->serial_log, data, size);
}

/* The monitor that has standard input to itself: its bytes are no device's. */
static bool open_monitor(struct run *r)
{
    if (!console_open(&r->monitor, &r->outputs, "stdio"))
        return false;
    r->monitor.virtio = ARM_VIRTIO_MAX;
    r->monitor.port = 0;
    r->input = &r->monitor;
    return true;
}

/* While input is replayed nobody is at the other end of a link, as with networks. */
static const char *at_replay(const struct run_request *req, const char *where)
{
    return req->replay && where && link_valid(where) ? "null" : where;
}

static bool open_host(struct run *r)
{
    const struct run_request *req = r->req;

    if (!console_open(&r->serial, &r->outputs, at_replay(req, req->serial)) ||
        !devices_open(req->devices, &r->outputs, req->replay != NULL))
        return false;
    if (!networks_open(req->networks, &r->outputs, req->replay != NULL))
        return false;
    if (req->serial_log &&
        !(r->serial_log = output_file(&r->outputs, req->serial_log, "console output")))
        return false;
    if (req->control_count && !(r->controls = controls_open(req->controls, req->control_count,
                                                            req->stopped, &r->outputs)))
        return false;
    links_add(&r->links, &r->serial);
    devices_add_links(req->devices, &r->links);
    r->input = r->serial.input ? &r->serial : devices_stdin(req->devices);
    if (!r->input && req->monitor_first)
        return open_monitor(r);
    if (!r->input)
        r->input = &r->serial;
    return true;
}

/* QEMU's users and scripts know a kernel that is missing or of no use by these words. */
static void print_error(const struct run *r, const struct arm_error *err)
{
    const char *kernel = r->config.kernel;
    size_t length = kernel ? strlen(kernel) : 0;
    bool its = length && !strncmp(err->text, kernel, length) && err->text[length] == ':';

    fprintf(r->outputs.say, "armillary: %s%s\n", its ? "could not load kernel: " : "", err->text);
}

/* What each of a timeline's machines needs before its first run. */
static int prepare(void *ctx, struct arm_machine *m, struct arm_error *err)
{
    const struct run_request *req = ctx;
    int rc = req->restore ? arm_snapshot_load(m, req->restore, err) : 0;

    return rc == 0 && req->replay ? arm_replay(m, req->replay, err) : rc;
}

/* Of --gdb. False: it was printed why not. */
static bool is_possible(const struct run_request *req)
{
    const char *option = req->save_count                         ? "--save"
                         : req->control_count                    ? "--monitor or --qmp"
                         : req->inject.one                       ? "--inject"
                         : req->check && req->check->sweep.kinds ? "--sweep"
                                                                 : NULL;

    if (option)
        fprintf(stderr, "armillary: --gdb goes not with %s\n", option);
    return !option;
}

/* The machine is a timeline's, which gdb is the user of. */
static bool open_gdb(struct run *r, struct arm_error *err)
{
    const struct gdb_host host = {poll_host, idle_at_most, is_over, r};
    char text[200];

    if (!is_possible(r->req))
        return false;
    r->gdb = gdb_session_open(r->req->gdb, &host, text);
    if (!r->gdb) {
        fprintf(stderr, "armillary: --gdb: cannot listen: %s\n", text);
        return false;
    }
    r->t = timeline_new(&(struct timeline_config){.machine = &r->config,
                                                  .prepare = prepare,
                                                  .ctx = (void *)(uintptr_t)r->req,
                                                  .interval = GDB_INTERVAL,
                                                  .later = true,
                                                  .poll = gdb_session_poll,
                                                  .idle = gdb_session_idle,
                                                  .host_ctx = r->gdb},
                        err);
    if (!r->t)
        return false;
    r->gdb->t = r->t;
    r->gdb->say = r->outputs.say;
    r->gdb->limit = r->req->max_insns;
    r->gdb->one_way = saves_obstacle(&r->config) != NULL;
    r->gdb->records = r->req->record != NULL;
    r->m = timeline_live(r->t);
    if (!r->req->qemu_codes || r->req->gdb_wait)
        fprintf(r->outputs.say, "armillary: gdb: listening at %s\n", text);
    return true;
}

static int start(struct run *r)
{
    struct arm_error err = {0};

    if (!open_host(r))
        return EXIT_USAGE;
    r->config.console_write = write_serial;
    r->config.console_ctx = r;
    r->config.poll = poll_host;
    r->config.idle = idle;
    r->config.host_ctx = r;
    if (r->req->gdb && !r->req->dump_dtb) {
        if (!open_gdb(r, &err) && err.code)
            print_error(r, &err);
    } else if (!(r->m = arm_machine_new(&r->config, &err))) {
        print_error(r, &err);
    }
    if (!r->m)
        return EXIT_USAGE;
    if (!r->gdb && !r->req->dump_dtb && !(r->req->check && r->req->check->child)) {
        r->death = death_watch_new(r->req, r->outputs.say);
        death_watch_machine(r->death, r->m);
    }
    return r->req->dump_dtb ? dump_dtb(r->m, r->req->dump_dtb) : run_console(r);
}

/* Said before the run, not when the first one is due. */
static bool saves_possible(const struct run_request *req)
{
    const char *drive = req->save_count ? saves_obstacle(&req->config) : NULL;

    if (drive)
        fprintf(stderr,
                "armillary: --save: the guest writes %s itself, of which a snapshot would keep "
                "nothing: expected a drive in snapshot mode or read-only\n",
                drive);
    return !drive;
}

int runner_run(const struct run_request *req)
{
    struct run r = {.req = req, .config = req->config};
    int code = EXIT_USAGE, number = 0;

    if (!saves_possible(req))
        return EXIT_USAGE;
    r.config.size = sizeof(r.config);
    if (!traces_check(req->traces.specs) || !signals_catch(req->timeout_s))
        return EXIT_USAGE;
    if (outputs_open(&r.outputs, ending, &r) && open_log(&r) && setup_log(req, &r.config.log, &r)) {
        r.outputs.never_wait = req->max_insns != 0;
        struct patience patience = {.endless = true};
        code = start(&r);
        outputs_finish(&r.outputs, &patience);
        outputs_finish_words(&r.outputs, &patience);
        number = signals_seen();
        console_close(&r.serial);
        console_close(&r.monitor);
        devices_close(req->devices);
        networks_close(req->networks);
    }
    signals_release();
    if (number && number != SIGALRM)
        raise(number);
    arm_merge_free(r.merge);
    arm_checker_free(r.checker);
    arm_model_free(r.model);
    gdb_session_close(r.gdb);
    controls_close(r.controls);
    irq_trace_close(r.irq_trace);
    death_watch_free(r.death);
    if (r.t)
        timeline_free(r.t);
    else
        arm_machine_free(r.m);
    outputs_free(&r.outputs);
    return code;
}
