/* A run, from its request to its exit code, for the files of runner.h. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "armillary.h"
#include "console.h"
#include "control.h"
#include "links.h"
#include "output.h"
#include "pidfile.h"
#include "runner.h"

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
    struct window *window; /* NULL: none */
    struct arm_machine *m;
    struct arm_config config;
    struct arm_checker *checker;    /* NULL: none */
    struct arm_merge *merge;        /* of a sweep; NULL: none */
    struct arm_model *model;        /* NULL: none */
    struct gdb_session *gdb;        /* NULL: none */
    struct timeline *t;             /* with it: @m is its live machine */
    struct traces *traces;          /* NULL: it has not begun */
    struct irq_trace *irq_trace;    /* NULL: none */
    struct controls *controls;      /* NULL: none */
    struct control_gdb control_gdb; /* of both */
    struct death_watch *death;      /* NULL: none, as of a run with gdb, or of many */
    struct pidfile pidfile;
    unsigned saved;   /* of req->saves */
    bool save_failed; /* the next one could not be written, which has been said */
};

/* The host has said something to the machine. */
static inline bool runner_has_heard(const struct run *r)
{
    return r->links.count || (r->input && r->input->given);
}

/* Where a function is false and says nothing else of it, it has printed why. */

/* runner_log.c */
bool runner_open_log(struct run *r);

/* runner_host.c: open everything that the machine is connected to, with its callbacks. */
bool runner_open_host(struct run *r);
bool runner_is_ending(void *ctx);
void runner_poll(void *ctx);
bool runner_idle_at_most(void *ctx, uint64_t next_ns, unsigned most_ms);

/* runner_begin.c: what the machine needs before its first instruction. */
bool runner_begin(struct run *r);
bool runner_good(struct run *r, int rc, const struct arm_error *err); /* is @rc 0? */

/* runner_gdb.c: make the machine, whose input then goes by its timeline. */
bool runner_open_gdb(struct run *r, struct arm_error *err);
void runner_start_gdb(struct run *r);

/* runner_go.c: until the run ends. The monitor at the terminal; false: the user ends the run. */
enum arm_stop_reason runner_go(struct run *r);
bool runner_enter_monitor(struct run *r);

/* runner_saves.c; the first before anything is opened. */
bool runner_saves_possible(const struct run_request *req);
bool runner_save_can_come(struct run *r);
/* Go on for at most @limit instructions (0: no limit), and write snapshots on the way. */
enum arm_stop_reason runner_run_and_save(struct run *r, uint64_t limit);
/* Return: @code, unless some snapshot has not been written. */
int runner_all_saved(struct run *r, int code);

/* runner_end.c. Return: the exit code. @took: host seconds. */
int runner_end(struct run *r, enum arm_stop_reason why, double took);
