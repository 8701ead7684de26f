/* Findings of the checker that ends a run with `monitor catch finding`. The checker follows the
 * live machine only: where the run is gone over again, places are known from when it was found. */
#pragma once

#include <glib.h>
#include <stdbool.h>

#include "armillary.h"

struct gdb_session;

struct gdb_finding {
    struct arm_position at; /* behind the instruction or exception */
    unsigned cpu;           /* that the machine ended its turn with */
    char *text;             /* lines */
};

/* From here to gdb_findings_end() the checker tells @g, if there is one; each finding interrupts
 * the timeline. */
void gdb_findings_begin(struct gdb_session *g);
void gdb_findings_end(struct gdb_session *g);

/* What it has been told since the last time, as one that is behind where the live machine is now;
 * NULL: nothing. Until the next call. */
const struct gdb_finding *gdb_findings_note(struct gdb_session *g);

/* The next one that is known behind @here, or the last one before it, within the timeline's past;
 * NULL: none. */
const struct gdb_finding *gdb_findings_next(const struct gdb_session *g, struct arm_position here);
const struct gdb_finding *gdb_findings_previous(const struct gdb_session *g,
                                                struct arm_position here);
