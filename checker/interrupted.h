/* EL2's own program goes on behind an interrupt as it was interrupted. */
#pragma once

#include <stdbool.h>

#include "armillary.h"

struct arm_checker;
struct interrupted;

struct interrupted *interrupted_new(struct arm_checker *c);
void interrupted_free(struct interrupted *u);

/* @p: an exception from EL2 to EL2, or the return from one, which reports. With another one
 * something else runs on the CPU; or EL2 reads a system register. */
void interrupted_event(struct arm_checker *c, struct interrupted *u, const struct arm_event *p);

/* resumed_needs_reads() */
bool interrupted_needs_reads(const struct interrupted *u, unsigned cpu);
