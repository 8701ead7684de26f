/* How the machine of a run is run: through what begins or is injected on the way, and what somebody
 * at a monitor wants of it. */
#include <glib.h>

#include "check.h"
#include "gdb_session.h"
#include "monitor.h"
#include "runner_state.h"
#include "signals.h"

bool runner_enter_monitor(struct run *r)
{
    console_raw(r->input, false);
    struct monitor mon = {.m = r->m, .outline = r->req->outline};
    bool go_on = monitor_run(&mon, r->input);
    console_raw(r->input, true);
    r->input->request = CONSOLE_NONE;
    r->outputs.over = false;
    return go_on;
}

/* As runner_run_and_save(), and begin traces on the way. */
static enum arm_stop_reason run_and_trace(struct run *r, uint64_t limit)
{
    uint64_t left = limit;

    for (;;) {
        uint64_t to_trace = traces_left(r->traces), before = arm_retired(r->m);
        bool trace_first = to_trace != UINT64_MAX && (!limit || to_trace < left);
        enum arm_stop_reason why = trace_first && !to_trace
                                       ? ARM_STOP_LIMIT
                                       : runner_run_and_save(r, trace_first ? to_trace : left);
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

enum arm_stop_reason runner_go(struct run *r)
{
    uint64_t max_insns = r->req->max_insns;

    if (r->req->monitor_first && !runner_enter_monitor(r))
        return ARM_STOP_REQUEST;
    if (r->gdb) {
        r->serial.soon = true;
        enum arm_stop_reason why = gdb_session_run(r->gdb, r->req->gdb_wait);
        r->serial.soon = false;
        outputs_offer(&r->outputs);
        return why;
    }
    if (r->merge)
        return sweep_interrupts(&r->req->check->sweep, r->m, r->checker, r->merge, max_insns);
    if (r->req->inject.one && !run_to_injection(r))
        return ARM_STOP_REQUEST;
    for (;;) {
        if (controls_waiting(r->controls) && !controls_serve(r->controls))
            return ARM_STOP_REQUEST;
        uint64_t done = arm_retired(r->m);
        r->serial.soon = true;
        enum arm_stop_reason why = max_insns && done >= max_insns
                                       ? ARM_STOP_LIMIT
                                       : run_and_trace(r, max_insns ? max_insns - done : 0);
        r->serial.soon = false;
        outputs_offer(&r->outputs);

        if (why != ARM_STOP_REQUEST || signals_seen() || death_watch_stopped(r->death))
            return why;
        if (r->input->request == CONSOLE_NONE && controls_waiting(r->controls))
            continue;
        if (r->input->request != CONSOLE_MONITOR || !runner_enter_monitor(r))
            return why;
    }
}
