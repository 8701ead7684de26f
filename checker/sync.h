/* What others tell the unit `sync`. */
#pragma once

#include "armillary.h"

struct arm_checker;

/* EL2 executes @p, an FP or SIMD instruction. */
void sync_fp_used(struct arm_checker *c, const struct arm_event *p);
