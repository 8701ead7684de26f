/*
 * Who steers a run from outside: monitors at sockets, pipes and pseudo-terminals, for people (the
 * monitor's commands) or for programs (QMP). What they say is looked at between two turns, and done
 * when the machine has stopped for it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"

#define CONTROLS_MAX 8

struct controls;
struct outline;
struct outputs;

struct control_spec {
    const char *where; /* as link.h has it; NULL: at standard input and output */
    bool qmp;
    bool serve; /* as link_open() has it */
};

/* NULL: a message was printed. @stopped: nothing runs before somebody says so. @outline: what the
 * machine's parts are called; it lives as long. */
struct controls *controls_open(const struct control_spec *specs, unsigned count, bool stopped,
                               const struct outline *outline, struct outputs *outputs);
void controls_close(struct controls *all); /* may be NULL */

void controls_start(struct controls *all, struct arm_machine *m);

/* Between two turns, NULL too. It stops the machine if somebody has said something. */
void controls_poll(struct controls *all);

/* All CPUs wait: wait @wait_max_ms at most for a word. Return: somebody is there who
 * could say one. */
bool controls_idle(struct controls *all, unsigned wait_max_ms);

/* Is there something to do before the machine goes on? */
bool controls_waiting(struct controls *all); /* NULL too */

/* Do it. False: somebody has ended the run. */
bool controls_serve(struct controls *all);

/* ---- beside gdb, which holds the machine too and looks at its past ---- */

struct control_gdb {
    struct arm_machine *(*machine)(void *ctx);                  /* what is looked at */
    struct arm_machine *(*live)(void *ctx);                     /* what runs */
    struct arm_machine *(*change)(void *ctx, const char **why); /* as struct monitor has it */
    void *ctx;
};

/* @gdb lives as long as @all. NULL too, like the next ones. */
void controls_share(struct controls *all, const struct control_gdb *gdb);

/* It has stopped the machine, or lets it go on: as "stop" and "cont", but nobody else's cont counts
 * meanwhile. */
void controls_hold(struct controls *all, bool held);

/* Has somebody said something that was not done yet? */
bool controls_asked(struct controls *all);

/* Do it, and wait a moment if the machine stands still at their will. Return: it does. */
bool controls_serve_some(struct controls *all);

/* Has somebody ended the run? */
bool controls_over(const struct controls *all);

/* The run has ended so. */
void controls_end(struct controls *all, enum arm_stop_reason why);
