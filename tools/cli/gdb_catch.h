/* What ends a run beside gdb's own break- and watchpoints: set by `monitor break`, `watch` and
 * `catch`, until the client leaves. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"
#include "timeline.h"

#define GDB_CATCHES_MAX 6

struct gdb_session;

struct gdb_catch {
    struct gdb_session *g;
    unsigned number;          /* from 1, and its own as long as it is there */
    char *text;               /* as it was given */
    bool is_pc;               /* an instruction at @address; else events, */
    bool is_finding;          /* or what the checker finds (gdb_findings.h) */
    uint64_t address;         /* of an instruction; of memory: guest-physical */
    struct arm_filter filter; /* where, and which events */
    int asid;                 /* -1: any */
    uint32_t sysreg;          /* whose writes; ARM_NO_REGISTER: not of one */
    int ec;                   /* of exceptions; -1: any */
    int target_el;            /* likewise */
    bool stage2_fault;
    char seen[200]; /* the last event that has matched */
    unsigned cpu;   /* whose it was */
};

/* Add one of these words: "break", "watch" or "catch", and what is behind it. False: it is not
 * understood, or there are too many, or its memory is none; @why: a line that says what, or "". */
bool gdb_catch_add(struct gdb_session *g, unsigned cpu, char **words, GString *why);
bool gdb_catch_remove(struct gdb_session *g, unsigned number); /* false: there is none */
void gdb_catch_list(const struct gdb_session *g, GString *out);
void gdb_catch_free(void *one);

/* The one of findings; NULL: none. */
const struct gdb_catch *gdb_catch_of_findings(const struct gdb_session *g);

/* The quest for one of events. */
struct timeline_quest gdb_catch_quest(struct gdb_catch *c);

/* The one that @cpu, at its instruction, is where it wants it; NULL: none. */
struct gdb_catch *gdb_catch_at(const struct gdb_session *g, unsigned cpu, uint64_t pc);
