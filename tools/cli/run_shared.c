/* What the options that `armillary qemu` takes too mean for a run. */
#include <stdio.h>

#include "death_report.h"
#include "gdb_socket.h"
#include "irq_trace.h"
#include "link.h"
#include "parse.h"
#include "run_options.h"
#include "runner.h"

static bool parse_seconds(const char *text, double *out)
{
    char *end;

    *out = g_ascii_strtod(text, &end);
    return g_ascii_isdigit(text[0]) && *end == '\0' && *out > 0 && *out < 1e9;
}

static bool add_controls(char **list, bool qmp, struct run_request *req)
{
    for (char **where = list; where && *where; where++) {
        if (req->control_count == CONTROLS_MAX || !link_valid(*where))
            return run_options_refuse(qmp ? "qmp" : "monitor", *where, LINK_FORMS);
        req->controls[req->control_count++] = (struct control_spec){*where, qmp, true};
    }
    return true;
}

static bool add_saves(const char *option, char **list, bool picture, struct run_request *req)
{
    for (char **spec = list; spec && *spec; spec++) {
        struct save *save = &req->saves[req->save_count];
        if (req->save_count == RUN_SAVES_MAX || !save_parse(*spec, req->config.kernel, save))
            return run_options_refuse(option, *spec, SAVE_EXPECTED);
        save->picture = picture;
        req->save_count++;
    }
    return true;
}

bool run_options_apply(const struct run_options *o, struct run_request *req)
{
    if (o->max_insns && (!parse_size(o->max_insns, 1, &req->max_insns) || !req->max_insns))
        return run_options_refuse("max-insns", o->max_insns,
                                  "a number above 0, optionally with K, M or G");
    if (o->timeout && !parse_seconds(o->timeout, &req->timeout_s))
        return run_options_refuse("timeout", o->timeout, "seconds, more than 0");
    req->config.no_reboot |= o->no_reboot;
    req->config.keep_going = o->keep_going;
    if (o->on_death && !death_parse_policy(o->on_death, &req->on_death))
        return run_options_refuse("on-death", o->on_death, "report, stop or ignore");
    for (char **spec = o->death_report; spec && *spec; spec++)
        if (!death_report_valid(*spec))
            return run_options_refuse("death-report", *spec,
                                      "FORMAT=FILE, the format json or junit");
    req->death_reports = (const char *const *)o->death_report;
    req->stats = o->stats;
    req->model = o->model;
    req->record = o->record;
    req->replay = o->replay;
    if (!add_saves("save", o->save, false, req) ||
        !add_saves("screenshot", o->screenshot, true, req))
        return false;
    if (!saves_order(req->saves, req->save_count))
        return run_options_refuse("screenshot", "",
                                  "with --save, that WHEN is a number in all of them, or a time");
    req->restore = o->restore;
    if (o->trace_irq && !irq_trace_valid(o->trace_irq))
        return run_options_refuse("trace-irq", o->trace_irq, "INTID, or INTID:FILE");
    req->trace_irq = o->trace_irq;
    if (!add_controls(o->monitor, false, req) || !add_controls(o->qmp, true, req))
        return false;
    if (o->gdb && !gdb_where_valid(o->gdb))
        return run_options_refuse("gdb", o->gdb, GDB_WHERE_EXPECTED);
    if (o->gdb)
        req->gdb = o->gdb;
    req->gdb_wait |= o->wait;
    if (req->gdb_wait && !req->gdb)
        return run_options_refuse("wait", "", "--gdb with it");
    req->traces.specs = (const char *const *)o->trace;
    req->traces.symbols = (const char *const *)o->symbols;
    req->traces.image = req->config.kernel;
    req->logs = (const char *const *)o->log;
    return true;
}
