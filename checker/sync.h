/* What others tell the unit `sync`. */
#pragma once

#include "armillary.h"
#include "checker/flow_op.h"

struct arm_checker;

/* EL2 executes @p, an FP or SIMD instruction. */
void sync_fp_used(struct arm_checker *c, const struct arm_event *p);

/* EL2 clears PSTATE.D by @p, and its own debug exceptions are on. */
void sync_debug_used(struct arm_checker *c, const struct arm_event *p);

/* EL2 executes @p, which uses a key of pointer authentication. */
void sync_key_used(struct arm_checker *c, const struct arm_event *p, enum flow_key key);
