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
struct outputs;

struct control_spec {
    const char *where; /* as link.h has it */
    bool qmp;
    bool serve; /* as link_open() has it */
};

/* NULL: a message was printed. @stopped: nothing runs before somebody says so. */
struct controls *controls_open(const struct control_spec *specs, unsigned count, bool stopped,
                               struct outputs *outputs);
void controls_close(struct controls *all); /* may be NULL */

void controls_start(struct controls *all, struct arm_machine *m);

/* Between two turns, NULL too. It stops the machine if somebody has said something. */
void controls_poll(struct controls *all);

/* All CPUs wait: wait @wait_max_ms at most for a word. Return: somebody is there who could say one.
 */
bool controls_idle(struct controls *all, unsigned wait_max_ms);

/* Is there something to do before the machine goes on? */
bool controls_waiting(struct controls *all); /* NULL too */

/* Do it. False: somebody has ended the run. */
bool controls_serve(struct controls *all);

/* The run has ended so. */
void controls_end(struct controls *all, enum arm_stop_reason why);
