/* What is done with the blocks of host code that the JIT makes: --dump-blocks, --perf-map. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "armillary.h"

struct trace_names;
struct trace_request;

struct host_code {
    FILE *map;   /* for perf; NULL: none */
    bool dump;   /* print blocks */
    bool all;    /* of them all, or those with */
    uint64_t pc; /* this instruction */
    struct arm_machine *m;
    struct trace_names *names; /* NULL: blocks are called by their addresses */
};

/* As the options say; @dump is a PC or "all", or NULL. Fills @config. False: it was printed why. */
bool host_code_begin(struct host_code *h, const char *dump, bool map, struct arm_config *config);

/* @m is made, and runs next: blocks are called by the names that addresses have there, until
 * host_code_end(), which @m outlives. False: it was printed why, to @say. */
bool host_code_start(struct host_code *h, struct arm_machine *m, const struct trace_request *names,
                     FILE *say);

/* All files are complete. May be called again. */
void host_code_end(struct host_code *h);
