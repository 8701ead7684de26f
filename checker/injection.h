/*
 * An exception that EL2 makes a world take (AArch64.TakeException() at EL1): what is not wrong with
 * where it goes to, and with what it saves, but with what it says and with the PSTATE that it
 * makes.
 */
#pragma once

#include "checker/checker.h"

/* @w, which left as @s, is entered at a vector of its own, with what justify_is_injection() asks
 * for, and with @pstate. Reports CLOBBER. */
void injection_check(struct arm_checker *c, const struct world *w, const struct exit_state *s,
                     uint64_t pstate, const struct arm_event *p);
