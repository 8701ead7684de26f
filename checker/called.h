/* A function of EL2 that runs a world comes back to its caller as AAPCS64 has it. */
#pragma once

#include "armillary.h"

struct arm_checker;
struct called;

struct called *called_new(struct arm_checker *c);
void called_free(struct called *u);

/* BL or BLR, and RET, of who is followed; @rn: where it returns to. */
void called_call(struct called *u, const struct arm_event *p);
void called_return(struct called *u, const struct arm_event *p, unsigned rn);

/* EL2 sets up the return to a world: the function that it calls next may be the one. */
void called_prepare(struct called *u, unsigned cpu);

/* A world is entered by @p, or leaves @cpu; or EL2 is not followed there any more, though no world
 * is entered. */
void called_enter(struct called *u, const struct arm_event *p);
void called_exit(struct called *u, unsigned cpu);
void called_lapse(struct called *u, unsigned cpu);
