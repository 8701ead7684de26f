/* Registers of a CPU for people: in the monitor, and when a run ends. */
#pragma once

#include <glib.h>

struct arm_machine;

/* What it does and where, PSTATE, the general registers. */
void registers_add_general(GString *out, struct arm_machine *m, unsigned cpu);

/* The same, and what the exception level it is in says of the last exception; at EL0 the level that
 * takes its exceptions. */
void registers_add_current(GString *out, struct arm_machine *m, unsigned cpu);

/* One line. */
void registers_add_brief(GString *out, struct arm_machine *m, unsigned cpu);
