/* Reads at EL2 that mean nothing but their number: the machine lists them (arm_list_reads()). */
#pragma once

#include "armillary.h"

struct arm_checker;

/* Each event of a CPU, behind the units. */
void listing_event(struct arm_checker *c, const struct arm_event *p);
