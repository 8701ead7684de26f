/* What is done with the blocks of host code that the JIT makes: --dump-blocks, --perf-map. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "armillary.h"

struct host_code {
    FILE *map;   /* for perf; NULL: none */
    bool dump;   /* print blocks */
    bool all;    /* of them all, or those with */
    uint64_t pc; /* this instruction */
};

/* As the options say; @dump is a PC or "all", or NULL. Fills @config. False: it was printed why. */
bool host_code_begin(struct host_code *h, const char *dump, bool map, struct arm_config *config);
void host_code_end(struct host_code *h);
