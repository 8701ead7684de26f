/* Two machines that must be the same at each instruction: --engine=lockstep. */
#pragma once

#include <stdint.h>
#include <stdio.h>

#include "armillary.h"

struct run_request;

/* How two machines have run side by side. */
struct lockstep_end {
    enum arm_stop_reason why; /* of the first machine */
    bool differ;
    bool failed; /* the host did, of which was told */
};

/**
 * lockstep_pair() - run @a and @b, until they end or differ in a register, in time, in RAM or in
 * why they end; at most @max_insns (0: no limit). The first difference is told to @f, with the
 * instruction that makes it where that can be found.
 */
struct lockstep_end lockstep_pair(struct arm_machine *a, struct arm_machine *b, uint64_t max_insns,
                                  FILE *f);

/* A run of two machines, of which the JIT's has the console. Return: the process's exit code. */
int lockstep_run(const struct run_request *req);
