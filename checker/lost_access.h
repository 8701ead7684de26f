/* An instruction that EL2 takes for done, and nobody has done. */
#pragma once

#include <stdbool.h>

#include "armillary.h"
#include "checker/justify.h"

struct arm_checker;

/**
 * lost_access() - does a world go on behind an access that was to be executed again?
 * @s: how the world left, by a Data Abort; @p: its entry, behind the instruction.
 *
 * So it is where stage 2 allows the access now, to RAM, and what it would have loaded or stored is
 * not there: EL2 has resolved the fault, and emulated nothing.
 */
bool lost_access(struct arm_checker *c, const struct exit_state *s, const struct arm_event *p);
