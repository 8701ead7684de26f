/*
 * Retired instructions by function and line, and who called whom with what they took: what
 * trace/callgrind.c and trace/pprof.c write.
 *
 * Calls are what the instructions do: BL and BLR, and exceptions taken to the same level of the
 * same world; a return is a RET or ERET to where one of them came from. One that goes elsewhere (a
 * scheduler's switch to another stack) ends all calls that are open.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "trace/cells.h"

struct profile_function {
    const struct trace_who *who;
    char *name, *file; /* file: "???" if no DWARF knows it */
    uint64_t address;  /* of what was executed of it first */
    GHashTable *lines; /* trace_line_counts() of instructions; filled by profile_add_up() */
    GHashTable *calls; /* struct profile_call, by itself */
};

struct profile_call {
    unsigned line, callee;
    uint64_t count, cost;
};

/* A stack of calls of a world and level: who has called is at @line of @function, and called from
 * the stack @parent. */
struct profile_stack {
    const struct trace_who *who;
    unsigned parent, function, line; /* parent: this one itself: nobody has called */
    unsigned depth;
};

/* So many instructions at a line of a function, called by a stack. */
struct profile_sample {
    unsigned stack, function, line;
    uint64_t count;
};

struct profile_context;

struct profile {
    struct trace_cells cells;
    GPtrArray *functions, *contexts;
    GHashTable *by_name;         /* "world\1name" of function: its number and 1 */
    GPtrArray *lines;            /* struct lines of each file that was asked for; NULL: none */
    struct profile_context **at; /* each CPU's */
    bool has_stacks;             /* whether these are counted: */
    GArray *stacks;              /* struct profile_stack */
    GHashTable *by_place;        /* struct profile_stack: its number and 1 */
    GPtrArray *samples;          /* struct profile_sample, in the order of their first */
    GHashTable *by_line;         /* struct profile_sample, by itself */
};

struct profile *profile_new(const struct trace *t, bool has_stacks);
void profile_free(struct profile *p);

/* Of a trace whose self is a profile. */
void profile_event(struct trace *t, const struct arm_event *e);

/* No more events: the calls that are open end, and functions get what their lines have taken.
 * Return: all instructions. */
uint64_t profile_add_up(struct trace *t);

const struct profile_function *profile_function(const struct profile *p, unsigned number);
