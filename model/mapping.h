/* How the CPUs' addresses are translated now: asked of the machine once a page, then remembered
 * until a TLBI. */
#pragma once

#include <glib.h>

#include "armillary.h"
#include "model/step.h"

struct mappings;

struct mappings *mappings_new(struct arm_machine *m);
void mappings_free(struct mappings *ms);

/* A register of @cpu was written that has to do with translation. */
void mappings_changed(struct mappings *ms, unsigned cpu);

/* Does @sr, an encoding, say how addresses are translated? */
bool mappings_register(uint16_t sr);

/* Forget what the TLBI names. What was handed out is no longer valid. */
void mappings_invalidate(struct mappings *ms, const struct arm_event *tlbi);

/* Is it time to forget everything, to bound memory? Likewise. */
bool mappings_full(const struct mappings *ms);
void mappings_clear(struct mappings *ms);

/* The page of @va for @cpu at @el. Never NULL. */
const struct mapping *mappings_find(struct mappings *ms, unsigned cpu, unsigned el, uint64_t va,
                                    enum arm_access access);
