/* What the console says when a guest has given up. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct death_panic {
    char line[256]; /* of the console, so far */
    size_t used;
    char oops[160];   /* what an Oops has begun with; "": there was none */
    char begun[160];  /* a line that means it and ends with a colon: the next one is its end */
    bool waits;       /* the last line says that it waits */
    char *text;       /* the line that means it, and whose it is; NULL: none yet */
    bool legitimate;  /* a program that is well may say it too */
    GString *meaning; /* what is known of it; "": nothing */
    const char *next; /* what to try; "": nothing */
    uint64_t since;   /* instructions that had retired when it said so, */
    uint64_t spoken;  /* and when it said something last */
};

void death_panic_free(struct death_panic *p);

/* The console says @byte, when @now instructions had retired. @all: also what a program that is
 * well may say. True: it has just given up, for the first time. */
bool death_panic_hears(struct death_panic *p, uint8_t byte, uint64_t now, bool all);

/* The run has ended: is the last that it has said that it waits for something, or a line that was
 * to go on? */
bool death_panic_waits(struct death_panic *p);

/* It has: is what it says of it over? */
bool death_panic_is_over(const struct death_panic *p, uint64_t now);

struct arm_config;
struct corpse;

/* The run ends, and nothing was ever said: is there a panic in the guest's log? It is @p's then. */
bool death_panic_unheard(struct death_panic *p, const struct corpse *c);

/* "console=ttyS0 ... is no console of this board"; false: the command line names one that is, or
 * none. */
bool death_add_console(const struct arm_config *c, GString *out);
