/* Who steers a run, for control.c and qmp.c. */
#pragma once

#include <glib.h>

#include "control.h"
#include "monitor.h"

struct link;

struct control {
    struct controls *all;
    struct link *link;
    bool qmp, negotiated;
    unsigned meetings; /* of other ends, the last time it was looked */
    GString *in;       /* what has come and was not done yet */
    struct monitor monitor;
};

struct controls {
    struct control rows[CONTROLS_MAX];
    unsigned count, skip;
    struct arm_machine *m;
    bool stopped, quit;
    bool held;                     /* by gdb */
    const struct control_gdb *gdb; /* NULL: there is none */
};

#define CONTROL_HELD "gdb has stopped the machine: it goes on from there"

/* "stop" and "cont", whoever says them. False: CONTROL_HELD. */
bool control_set_stopped(struct controls *all, bool stopped);

/* An event for all that speak QMP. */
void control_tell(struct controls *all, const char *event, const char *data);

/* A command of the monitor. */
void control_command(struct control *c, const char *line, GString *out);
