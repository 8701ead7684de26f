/* The end of a run: what is said, what is closed, and the exit code. */
#include <signal.h>
#include <stdio.h>

#include "check.h"
#include "command.h"
#include "report.h"
#include "runner_state.h"
#include "signals.h"
#include "sweep_child.h"

static void say_line(void *ctx, const char *line)
{
    fprintf(ctx, "armillary: %s\n", line);
}

/* What the guest has said is worth waiting for, unless a limit or the user has ended the run.
 * False: a report could not be written. */
static bool finish(struct run *r, enum arm_stop_reason why, double took)
{
    struct patience patience = {.endless = true};

    if (why == ARM_STOP_REQUEST || signals_seen())
        patience = (struct patience){.left_s = OUTPUT_ENDING_S};
    else if (why == ARM_STOP_LIMIT)
        patience = (struct patience){.left_s = OUTPUT_ENDING_S, .while_taken = true};
    outputs_finish(&r->outputs, &patience);
    if (runner_has_heard(r) || (r->input && r->input->request == CONSOLE_QUIT))
        death_watch_heard(r->death); /* who ends it by a key does not wait, either */
    bool good = death_watch_end(r->death, why);
    report_end(r->outputs.say, r->m, why, r->req);
    if (r->req->stats)
        report_stats(r->outputs.say, r->m, took);
    if (r->model)
        arm_model_report(r->model, 0, say_line, r->outputs.say);
    outputs_report_lost(&r->outputs);
    outputs_finish_words(&r->outputs, &patience);
    return good;
}

/* @code, unless the run has succeeded but for what could not be written, or not in time. */
static int with_outputs(const struct outputs *outputs, int code)
{
    if (code != 0 || !outputs_failed(outputs))
        return code;
    return signals_seen() == SIGALRM ? EXIT_LIMIT : EXIT_USAGE;
}

static int close_input_log(struct run *r, int code)
{
    struct arm_error err = {0};

    return runner_good(r, arm_record_end(r->m, &err), &err) ? code : EXIT_USAGE;
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

static int ended_code(const struct run *r, enum arm_stop_reason why)
{
    enum death_kind kind = death_watch_stopped(r->death);

    if (kind == DEATH_NONE)
        return report_exit_code(r->m, why, r->req);
    return kind == DEATH_PANIC ? EXIT_PANIC : EXIT_FAULT_LOOP;
}

int runner_end(struct run *r, enum arm_stop_reason why, double took)
{
    pidfile_close(&r->pidfile); /* first: a signal does not wait long for what comes */
    console_raw(r->input, false);
    controls_end(r->controls, why);
    traces_close(r->traces);
    int code = close_input_log(r, runner_all_saved(r, ended_code(r, why)));
    if (!finish(r, why, took) && code == 0)
        code = EXIT_USAGE;
    code = end_check(r, why, code);
    return with_outputs(&r->outputs, code);
}
