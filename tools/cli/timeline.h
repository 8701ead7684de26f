/*
 * A run that one can go over in both directions. Going back is to restore a snapshot and to execute
 * again what came behind it, exactly: a run is the same run however it is cut, on any number of
 * CPUs. The machine that has come farthest, the live one, only ever goes forwards, so that what
 * observes it (the checker, the console) is told of everything once; what is past is looked at on
 * a second machine of the same configuration, or, where nobody observes it but the console, on
 * the same one, which is put back to the farthest point afterwards.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "armillary.h"

struct timeline;

struct timeline_config {
    /* Of both machines: the second, made when it is needed, has no
     * console output, and poll, idle and host_ctx are the timeline's own. */
    const struct arm_config *machine;
    /* What a new machine needs before its first run, as a snapshot's file or a log of input to
     * replay. Return: 0, or -ARM_Exxx and *err. NULL: nothing. */
    int (*prepare)(void *ctx, struct arm_machine *m, struct arm_error *err);
    void *ctx;
    uint64_t interval;    /* instructions between two snapshots; 0: TIMELINE_INTERVAL */
    uint64_t interval_ns; /* or several such intervals, until they have taken the host so long */
    unsigned snapshots;   /* of them that are kept at most; 0: TIMELINE_SNAPSHOTS */
    unsigned few;         /* until somebody goes back; later the rest is made on the way. 0: as
                           * many from the beginning */
    uint64_t memory;      /* bytes that the process may have for them; 0: TIMELINE_MEMORY */
    bool later;           /* nothing is kept, and nothing watched, before timeline_begin() */
    bool alone;           /* nobody else subscribes to the live machine, and it has no ports: it is
                           * the only one, and goes back itself */
    /* The host's turn, of the live machine or of the past one; what is given to the live one goes
     * by timeline_give(). NULL: nothing. idle is the live one's. */
    void (*poll)(void *host_ctx, bool live);
    bool (*idle)(void *host_ctx, uint64_t next_ns);
    void *host_ctx;
};

/* Executing an interval again takes some 30 ms, and a run of 1 G instructions has one snapshot for
 * each. */
#define TIMELINE_INTERVAL  (UINT64_C(4) << 20)
#define TIMELINE_SNAPSHOTS 320
#define TIMELINE_MEMORY    (UINT64_C(3) << 30)

enum timeline_result {
    TIMELINE_THERE,   /* where it was to go */
    TIMELINE_END,     /* the run ends before that: timeline_end() */
    TIMELINE_START,   /* there is nothing before it */
    TIMELINE_STOPPED, /* by timeline_interrupt() */
    TIMELINE_TIRED,   /* it has worked as much as it may: timeline_allow() */
    TIMELINE_ERROR,   /* of the host: timeline_error() */
};

/* What to look for. An event is behind the instruction or exception that it belongs to, an address
 * is before the instruction at it. */
struct timeline_quest {
    struct arm_filter filter;                                /* size 0: no events */
    bool (*match)(void *ctx, const struct arm_event *event); /* NULL: each event that passes */
    void (*begin)(
        void *ctx); /* a stretch of the run begins; timeline_machine() is there. NULL: none */
    void *ctx;
    const uint64_t *pcs; /* addresses of instructions that are about to be executed */
    unsigned pc_count;
    bool here;       /* going back, an event that led here counts too */
    uint32_t sysreg; /* events are writes of this system register only; 0: or others */
    bool watch;      /* stores to the page of @pa are events */
    uint64_t pa;     /* guest-physical */
};

/**
 * timeline_new() - create both machines.
 * Return: a timeline that the caller frees with timeline_free(); or NULL and *err.
 */
struct timeline *timeline_new(const struct timeline_config *config, struct arm_error *err);
void timeline_free(struct timeline *t); /* @t: may be NULL */

/* With config.later: the timeline begins where its only machine is. False: timeline_error(). */
bool timeline_begin(struct timeline *t);

/* With config.later: nothing is kept any more; it goes on at the farthest point. */
void timeline_forget(struct timeline *t);

/* Is there anything to go back to? */
bool timeline_has_past(const struct timeline *t);

/* The caller is about to change the machine that is looked at: the run becomes another
 * one, which begins here. What is before cannot be gone back to, and what came behind
 * never was. It is not for who observes the live machine with a memory of its own, as the
 * checker. False: timeline_error(). */
bool timeline_fork(struct timeline *t);

/* The machine that is looked at, where the timeline is: valid until it moves. Nothing may change
 * it without timeline_fork(). */
struct arm_machine *timeline_machine(const struct timeline *t);

/* Is that not the farthest point? */
bool timeline_in_past(const struct timeline *t);

/* The one that has come farthest; who subscribes to it has the run's events in order and once. */
struct arm_machine *timeline_live(const struct timeline *t);

struct arm_position timeline_here(const struct timeline *t);
struct arm_position timeline_start(const struct timeline *t);
struct arm_position timeline_farthest(const struct timeline *t);

/* How the live machine's last run ended. */
enum arm_stop_reason timeline_end(const struct timeline *t);
const char *timeline_error(const struct timeline *t);

/* < 0, 0, > 0: @a is before, at, behind @b. */
int position_compare(struct arm_position a, struct arm_position b);

/* To an exact point, forwards or backwards. */
enum timeline_result timeline_goto(struct timeline *t, struct arm_position to);

/* One instruction or exception of @cpu; the others run as they would have. */
enum timeline_result timeline_step(struct timeline *t, unsigned cpu);
enum timeline_result timeline_back(struct timeline *t, unsigned cpu);

/* Who may soon go back from the farthest point does now what that takes before its first step:
 * makes the second machine, and goes close on it. The timeline stays where it is. */
enum timeline_result timeline_prepare(struct timeline *t);

/* To the next, or the one before, that one of @quests wants; *which gets its index (may be NULL).
 * At @limit instructions a search forwards ends (0: none). */
enum timeline_result timeline_next(struct timeline *t, const struct timeline_quest *quests,
                                   unsigned count, uint64_t limit, unsigned *which);
enum timeline_result timeline_previous(struct timeline *t, const struct timeline_quest *quests,
                                       unsigned count, unsigned *which);

/* The same, but for an event that is here it stays. */
enum timeline_result timeline_last(struct timeline *t, const struct timeline_quest *quests,
                                   unsigned count, unsigned *which);

/* What passes @filter between *from, which is @insns instructions before @to or the start, and @to,
 * in order: executed again. The timeline is at @to, which is not behind the farthest point. */
enum timeline_result timeline_tell(struct timeline *t, struct arm_position to, uint64_t insns,
                                   const struct arm_filter *filter, arm_event_fn *fn, void *ctx,
                                   struct arm_position *from);

/* What going back has cost so far, in instructions that were executed again: one that was observed
 * counts as so many, and a snapshot that was taken or restored. */
#define TIMELINE_WORK_OBSERVED 16
#define TIMELINE_WORK_SNAPSHOT 100000
uint64_t timeline_work(const struct timeline *t);

/* A search backwards ends with TIMELINE_TIRED, and where it began, once timeline_work() is @work;
 * 0: never. timeline_looked() is the place behind which it has looked. */
void timeline_allow(struct timeline *t, uint64_t work);
struct arm_position timeline_looked(const struct timeline *t);

/* Bytes for the console's input, given to the guest from the farthest point on as it takes them. */
void timeline_type(struct timeline *t, const char *text, size_t size);

/* From config.poll or idle: input for the live machine's console (@device < 0: its first UART), or
 * for a port. Return: how many bytes it took. */
size_t timeline_give(struct timeline *t, int device, unsigned port, const uint8_t *data,
                     size_t size);

/* Ends what is going on, soon. From a signal handler too. */
void timeline_interrupt(struct timeline *t);

/* Snapshots that are kept, for statistics. */
unsigned timeline_snapshots(const struct timeline *t);
