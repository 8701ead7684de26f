/* Snapshots and pictures that a run writes on its way: FILE@WHEN. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "armillary.h"

enum save_when {
    SAVE_COUNT, /* so many instructions have retired since the machine's start */
    SAVE_TIME,  /* so much virtual time has passed */
    SAVE_PC,    /* a CPU is about to execute the instruction there */
};

struct save {
    const char *file;
    enum save_when when;
    uint64_t value; /* instructions, nanoseconds, or an address */
    bool picture;   /* of what the guest shows, instead of a snapshot */
};

/* @spec: FILE@WHEN, WHEN being a number (K, M, G), a time (1.5s, 20ms, 7us, 3ns), an address
 * (0x...) or a symbol of @image, an ELF file; it is cut in two and stays in use. False: it is not
 * that. */
#define SAVE_EXPECTED                                                                              \
    "FILE@WHEN, WHEN being a number of instructions, a time as 1.5s or 20ms, an address as "       \
    "0x40080000, or a symbol of an IMAGE that is an ELF file"
bool save_parse(char *spec, const char *image, struct save *save);

/* Put snapshots and pictures, each in their order, into one. False: there are both, and they are
 * not all of a count, or all of a time. */
bool saves_order(struct save *saves, unsigned count);

/* The file of a drive that no snapshot can have, as arm_snapshot_take() will say: the guest writes
 * it itself. NULL: there is none. */
const char *saves_obstacle(const struct arm_config *config);

/* Is it time? Of an address only save_run() knows. */
bool save_due(const struct save *save, const struct arm_machine *m);

/* The machine has come further already: the snapshot would be of another point. */
bool save_is_past(const struct save *save, const struct arm_machine *m);

/**
 * save_run() - run on towards it, at most @limit instructions (0: no limit); *took: how many of
 * them, or how much of the time of a fault loop.
 * Return: how the run ended: ARM_STOP_UNTIL at the address, ARM_STOP_LIMIT also where it is to be
 * looked whether it is due.
 */
enum arm_stop_reason save_run(const struct save *save, struct arm_machine *m, uint64_t limit,
                              uint64_t *took);
