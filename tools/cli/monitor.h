/* The monitor: look at a stopped machine, line by line; at the terminal, or by a socket
 * (control.h). */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct console;
struct arm_machine;
struct outline;

/* What a command did: keep asking, run on, or end the program. */
enum monitor_verdict { MONITOR_STAY, MONITOR_CONTINUE, MONITOR_QUIT };

struct monitor {
    struct arm_machine *m;
    unsigned cpu;                  /* the one that is looked at */
    const struct outline *outline; /* NULL: parts have no names */
    /* Before @m is changed: the machine to change, or NULL and *@why. NULL: nobody is asked. */
    struct arm_machine *(*change)(void *ctx, const char **why);
    void *change_ctx;
};

/* May the machine be changed now? It may be another one then. False: *@why. */
bool monitor_may_change(struct monitor *mon, const char **why);

/* Do what @line says; @out gets the answer, whole lines. */
enum monitor_verdict monitor_execute(struct monitor *mon, const char *line, GString *out);

/* What to do in place of a command of QEMU's that there is not, whether written with _ or -; NULL:
 * nothing is known. */
const char *monitor_instead(const char *word);

/* What a command of QEMU's is called here; NULL: as there, or it is none. */
const char *monitor_as(const char *word);

/* Read commands from the terminal of @con until "continue" (true) or "quit" or end
 * of input (false). */
bool monitor_run(struct monitor *mon, struct console *con);

/* Add to @out, copies, what the last word of @line could become; ctx: the struct monitor. Case
 * does not count. */
void monitor_complete(void *ctx, const char *line, GPtrArray *out);
