/*
 * When a guest dies: what looks dead is noticed while the run goes on, at no cost to it, and said
 * with what has led to it. Only what cannot come to life again ends a run by itself (the library's
 * ARM_STOP_FAULT_LOOP and ARM_STOP_IDLE); the rest is said once, and ends the run where that is
 * asked for.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "armillary.h"

#define DEATH_RAM UINT64_C(0x40000000) /* where the board has it */

struct run_request;

enum death_kind {
    DEATH_NONE,
    DEATH_LOOP,      /* exceptions without an end, none of which retires an instruction */
    DEATH_RECURSION, /* each handler faults itself */
    DEATH_RETURNS,   /* a handler returns to what has faulted, and that faults again */
    DEATH_STORM,     /* an interrupt comes again before anything but its handler could retire */
    DEATH_IDLE,      /* all CPUs wait for nothing */
    DEATH_SPIN,      /* a CPU goes round a few instructions */
    DEATH_ANSWERS,   /* a guest asks its hypervisor for what stays the same */
    DEATH_RESETS,    /* the guest resets the machine again and again */
    DEATH_PANIC,     /* the console has a text that means it */
};

/* --on-death: what is done where it is not certain. */
enum death_policy { DEATH_REPORT, DEATH_STOP, DEATH_IGNORE };

struct death_watch;

struct death_watch *death_watch_new(const struct run_request *req, FILE *say);
void death_watch_free(struct death_watch *d); /* may be NULL */

/* From now on it watches @m. */
void death_watch_machine(struct death_watch *d, struct arm_machine *m);

/* The guest's console has said this. */
void death_watch_console(struct death_watch *d, const uint8_t *data, size_t size);

/* The host has said something, which would be missing if the run were had again from its begin; or
 * there is no time for that. */
void death_watch_heard(struct death_watch *d);

/* Between two turns. It may stop the machine. */
void death_watch_poll(struct death_watch *d);

/* Say what is to be said at the end of the run, and write the files of it. False: one could not be
 * written. @d: may be NULL. */
bool death_watch_end(struct death_watch *d, enum arm_stop_reason why);

/* What it has ended the run for; DEATH_NONE: it has not. */
enum death_kind death_watch_stopped(const struct death_watch *d);

bool death_parse_policy(const char *text, enum death_policy *policy);

/* Why @cpu stands where it does, by its registers alone: its last exception if that was one that
 * says something, or what it waits for. False: nothing to say. */
bool death_explain_now(struct arm_machine *m, unsigned cpu, GString *out);
