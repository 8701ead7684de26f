/* What the parts of the watch share (death_watch.c, death_last.c). */
#pragma once

#include "check.h"
#include "death_close.h"
#include "death_panic.h"
#include "death_reset.h"
#include "runner.h"

#define CPUS_LOOKED_AT 8
#define PCS            8 /* looks that a place is known from */
#define STORM_LOOKS    4 /* at so many looks */

struct looked {
    uint64_t pcs[PCS];
    unsigned count;
    struct arm_position at;
    unsigned storms, quiet; /* looks in a row with very many exceptions, and with none */
    unsigned still;         /* and of these last ones, with the same PC */
    unsigned near;          /* those near the one before, less where one was not */
};

struct death_watch {
    const struct run_request *req;
    FILE *say;
    struct arm_machine *m;
    unsigned skip, close_left, pause;
    int handle; /* of the close look; 0: none */
    struct looked cpu[CPUS_LOOKED_AT];
    struct death_close close[CPUS_LOOKED_AT];
    struct death_panic panic;
    struct death_resets resets;
    bool listens; /* it has given up, and goes on as long as it says why */
    bool said[DEATH_PANIC + 1];
    GArray *records; /* struct death_record: what has been said */
    enum death_kind stopped;
    unsigned stopped_cpu;
    bool heard;      /* the run cannot be had again */
    bool halt_asked; /* what a CPU that has halted has died of, once */
};

/* What has ended the run: nothing, what is reported, or something else. */
enum ending { GOES_ON, ENDED_BY_IT, ENDED };

/* Say it, and keep it for the files. Return: there was something to say. */
bool death_watch_report(struct death_watch *d, enum death_kind kind, unsigned cpu,
                        enum ending ended);

/* The names that the image has; a kernel's own are found in memory. The caller frees them. */
struct arm_checker *death_watch_symbols(const struct death_watch *d);

/* What the run can be had again by; NULL: it cannot. */
const struct run_request *death_watch_again(const struct death_watch *d);

/* At the end of a run that did not end by itself: who does nothing else (death_last.c). */
void death_watch_idlers(struct death_watch *d);
