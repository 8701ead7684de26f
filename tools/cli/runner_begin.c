/* What a run's machine needs before its first instruction. */
#include <glib.h>
#include <stdio.h>

#include "check.h"
#include "host_code.h"
#include "irq_trace.h"
#include "runner_state.h"

bool runner_good(struct run *r, int rc, const struct arm_error *err)
{
    if (rc != 0)
        fprintf(r->outputs.say, "armillary: %s\n", err->text);
    return rc == 0;
}

/* A timeline has restored its machines, and replays to them. */
static bool restore(struct run *r)
{
    struct arm_error err = {0};

    return !r->req->restore || r->t ||
           runner_good(r, arm_snapshot_load(r->m, r->req->restore, &err), &err);
}

static bool begin_replay(struct run *r)
{
    struct arm_error err = {0};

    return !r->req->replay || r->t || runner_good(r, arm_replay(r->m, r->req->replay, &err), &err);
}

static bool begin_record(struct run *r)
{
    struct arm_error err = {0};

    return !r->req->record || runner_good(r, arm_record(r->m, r->req->record, &err), &err);
}

static bool begin_check(struct run *r)
{
    const struct check_request *check = r->req->check;

    if (!check)
        return true;
    r->checker = check_begin(check, r->m, r->outputs.say);
    if (r->checker && check->sweep.kinds)
        r->merge = arm_merge_new();
    return r->checker != NULL;
}

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

static bool begin_irq_trace(struct run *r)
{
    if (!r->req->trace_irq)
        return true;
    r->irq_trace = irq_trace_open(r->m, r->req->trace_irq, &r->outputs);
    return r->irq_trace != NULL;
}

/* Who runs it in another way than by its limits has filters that wait. */
static bool begin_traces(struct run *r)
{
    r->traces = traces_open(r->m, &r->req->traces, &r->outputs);
    return r->traces && traces_begin(r->traces, r->gdb || r->merge || r->req->inject.one);
}

static bool begin_host_code(struct run *r)
{
    return !r->req->host_code ||
           host_code_start(r->req->host_code, r->m, &r->req->traces, r->outputs.say);
}

static bool open_pidfile(struct run *r)
{
    return pidfile_open(&r->pidfile, r->req->pidfile);
}

bool runner_begin(struct run *r)
{
    static bool (*const steps[])(struct run *) = {
        restore,     runner_save_can_come, begin_replay, begin_record,    begin_check,
        begin_model, begin_irq_trace,      begin_traces, begin_host_code, open_pidfile,
    };
    bool good = true;

    for (size_t k = 0; good && k < G_N_ELEMENTS(steps); k++)
        good = steps[k](r);
    if (!good)
        traces_close(r->traces);
    return good;
}
