/* Where worlds and EL2's own programs go on: the unit `pc`. */
#pragma once

#include <stdbool.h>

struct arm_checker;

/* Does a program of EL2 go on behind an interrupt, on @cpu, with SP_EL0 or TPIDR_EL0 changed, and
 * has not read it? */
bool pc_needs_reads(const struct arm_checker *c, unsigned cpu);
