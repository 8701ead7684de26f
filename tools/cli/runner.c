#include "runner.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "check.h"
#include "command.h"
#include "devices.h"
#include "gdb_session.h"
#include "host_code.h"
#include "irq_trace.h"
#include "net.h"
#include "runner_state.h"
#include "signals.h"
#include "window.h"

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

static double host_seconds(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

static int run_console(struct run *r)
{
    if (!runner_begin(r))
        return EXIT_USAGE;
    if (r->gdb)
        runner_start_gdb(r);
    console_start(r->input, r->m);
    networks_start(r->req->networks, r->m);
    links_start(&r->links, r->m);
    window_start(r->window, r->m);
    if (r->req->started)
        r->req->started(r->req->started_ctx);
    controls_start(r->controls, r->m);
    signals_stop(r->m);
    double start = host_seconds();
    enum arm_stop_reason why = runner_go(r);
    return runner_end(r, why, host_seconds() - start);
}

/* QEMU's users and scripts know a kernel that is missing or of no use by these words. */
static void print_error(const struct run *r, const struct arm_error *err)
{
    const char *kernel = r->config.kernel;
    size_t length = kernel ? strlen(kernel) : 0;
    bool its = length && !strncmp(err->text, kernel, length) && err->text[length] == ':';

    fprintf(r->outputs.say, "armillary: %s%s\n", its ? "could not load kernel: " : "", err->text);
}

static void make_machine(struct run *r)
{
    struct arm_error err = {0};

    if (r->req->gdb && !r->req->dump_dtb) {
        if (!runner_open_gdb(r, &err) && err.code)
            print_error(r, &err);
    } else if (!(r->m = arm_machine_new(&r->config, &err))) {
        print_error(r, &err);
    }
}

static int start(struct run *r)
{
    if (!runner_open_host(r))
        return EXIT_USAGE;
    make_machine(r);
    if (!r->m)
        return EXIT_USAGE;
    if (r->req->dump_dtb)
        return dump_dtb(r->m, r->req->dump_dtb);
    if (!r->gdb && !r->config.parallel && !(r->req->check && r->req->check->child)) {
        r->death = death_watch_new(r->req, r->outputs.say);
        death_watch_machine(r->death, r->m);
    }
    return run_console(r);
}

/* Before a signal that ended the run is raised again: sockets and files are removed or complete,
 * and who is at the other end hears of it. */
static void close_host(struct run *r)
{
    gdb_session_close(r->gdb);
    if (r->req->host_code)
        host_code_end(r->req->host_code);
    controls_close(r->controls);
    console_close(&r->serial);
    console_close(&r->monitor);
    devices_close(r->req->devices);
    networks_close(r->req->networks);
    window_close(r->window);
}

static void free_run(struct run *r)
{
    arm_merge_free(r->merge);
    arm_checker_free(r->checker);
    arm_model_free(r->model);
    irq_trace_close(r->irq_trace);
    death_watch_free(r->death);
    if (r->t)
        timeline_free(r->t);
    else
        arm_machine_free(r->m);
    outputs_free(&r->outputs);
}

int runner_run(const struct run_request *req)
{
    struct run r = {.req = req, .config = req->config};
    int code = EXIT_USAGE, number = 0;

    if (!runner_saves_possible(req))
        return EXIT_USAGE;
    r.config.size = sizeof(r.config);
    if (!traces_check(req->traces.specs) || !signals_catch(req->timeout_s))
        return EXIT_USAGE;
    if (outputs_open(&r.outputs, runner_is_ending, &r) && runner_open_log(&r)) {
        r.outputs.never_wait = req->max_insns != 0;
        struct patience patience = {.endless = true};
        code = start(&r);
        outputs_finish(&r.outputs, &patience);
        outputs_finish_words(&r.outputs, &patience);
        number = signals_seen();
        close_host(&r);
    }
    signals_release();
    if (number && number != SIGALRM)
        raise(number);
    free_run(&r);
    return code;
}
