/* The inside of a timeline (timeline*.c). */
#pragma once

#include <glib.h>
#include <signal.h>

#include "timeline.h"

/* A state that can be restored. */
struct point {
    struct arm_position at;
    struct arm_position *cpus; /* where each CPU is */
    struct arm_snapshot *snapshot;
    uint64_t crossings; /* as side.crossings */
    size_t inputs;      /* pieces of input before it */
    bool fine;          /* close to where somebody has looked: the first to go */
};

/* System registers that the live machine has written between two points that it has
 * kept: a bit each by a hash of their numbers. Who looks for such a write need not
 * execute a stretch without. */
struct stretch {
    struct arm_position from;
    uint64_t written[16];
};

/* A piece of typed text that the guest was offered, of which it took some. */
struct typed {
    uint64_t insns, time_ns;
    size_t offset, offered;
    int device; /* -1: the first UART's; else for this port of that device: */
    unsigned port;
};

/* One of the two machines. */
struct side {
    struct timeline *t;
    struct arm_machine *m;
    /* Between places with the same number no world event came. */
    uint64_t crossings;
    int counting;  /* handle of who counts them; 0: nobody */
    size_t inputs; /* of timeline.inputs that it has had */
};

struct timeline {
    struct timeline_config config;
    struct arm_config machine;
    unsigned cpus;
    struct side live, past; /* config.alone: two names of one machine */
    struct side *here;
    struct point *far; /* config.alone: the farthest one, while it is in the past; else NULL */
    GPtrArray *points; /* struct point, in order */
    GString *text;     /* all that was typed */
    size_t offered;    /* bytes of it that the guest has taken */
    GArray *inputs;    /* struct typed */
    GArray *stretches; /* struct stretch, the last one is open */
    int watching;      /* handle of who fills them; 0: nobody */
    bool counts;       /* world events are counted */
    uint64_t unknown;  /* the last number of a place behind which nobody has */
    enum arm_stop_reason end;
    struct arm_error error;
    unsigned taken;    /* points */
    uint64_t resident; /* bytes of the process before the first snapshot */
    uint64_t kept_ns;  /* timeline_busy_ns() when the live machine's last point was kept, and */
    uint64_t past_ns;  /* when one was of the past, or the past was restored */
    bool went_back;    /* config.few no longer counts */
    bool begun;        /* points are kept */
    uint64_t work, allowed;
    struct arm_position looked;
    bool observed; /* the past machine tells of each instruction */
    volatile sig_atomic_t interrupted;
};

/* Points are kept no closer than that to the place that one goes back to. */
#define TIMELINE_CLOSE (UINT64_C(1) << 12)

/* @s gets a machine, which says nothing if it is the past's own. False: t->error. */
bool side_open(struct timeline *t, struct side *s);

struct arm_position side_at(const struct side *s);

/* The host's processors have been busy for so long with this process. It decides what is kept, and
 * so how long answers take, and none of them. */
uint64_t timeline_busy_ns(void);

/* Keep where @s is. False: t->error. */
bool points_take(struct timeline *t, struct side *s, bool fine);

/* The last point at or before @at, or before @at; NULL: none. */
struct point *points_before(const struct timeline *t, struct arm_position at, bool strictly);

/* The page at guest-physical @pa has not been written between the points at @from and @to. */
bool points_share(const struct timeline *t, struct arm_position from, struct arm_position to,
                  uint64_t pa);

/* The last one at which @cpu has come no farther than @progress instructions and exceptions. */
struct point *points_of_cpu(const struct timeline *t, unsigned cpu, uint64_t progress);

void point_free(void *point);

/* Where @s is; not among those that are kept. NULL: t->error. */
struct point *point_of(struct timeline *t, const struct side *s, bool fine);

/* Where the live machine has come to, whatever it is used for now. */
struct arm_position live_at(const struct timeline *t);

/* Look at the live machine, where it has come to. */
enum timeline_result live_return(struct timeline *t);

/* Note from now on what the live machine writes, if that is not so already: somebody looks for such
 * a write. stretches_forget(): no longer, and nothing of before. stretches_cut(): one ends where it
 * is. */
void stretches_watch(struct timeline *t);
void stretches_forget(struct timeline *t);
void stretches_cut(struct timeline *t);

/* The last place at or before @to behind which register @number may have been
 * written; the start. */
struct arm_position stretches_skip(const struct timeline *t, struct arm_position to,
                                   uint32_t number);

/* Count world events from now on, if that is not so already: somebody looks for one.
 * crossings_forget(): no longer. crossings_lost(): @s has come to where it is uncounted. */
void crossings_watch(struct timeline *t);
void crossings_forget(struct timeline *t);
void crossings_lost(struct side *s);

/* Make the past machine be at @p. */
enum timeline_result past_restore(struct timeline *t, const struct point *p);

/* Instructions of the live machine until a point is to be kept, or until that is looked at again:
 * in an interval that has cost little there is as little to execute again. */
uint64_t to_next_point(const struct timeline *t, const struct side *s);

/* Keep points close to @to, where there are none. */
enum timeline_result approach(struct side *s, struct arm_position to);

/* Run @s up to @to, which is not behind it. On the way points are kept: of the live machine at each
 * interval, of the past one some close to @to. */
enum timeline_result side_run(struct side *s, struct arm_position to);

/* The same without keeping some close to @to. */
enum timeline_result run_exactly(struct side *s, struct arm_position to);

/* Run for @insns at most, 0: no limit, keeping points. An arm_stop_reason, ARM_STOP_LIMIT. */
enum arm_stop_reason side_go(struct side *s, const struct arm_until *until);

/* The past machine has moved: where it is, if the live one has come farther. */
enum timeline_result settle(struct timeline *t);

/* Is a run that ended so over for good? */
bool is_final(enum arm_stop_reason why);
