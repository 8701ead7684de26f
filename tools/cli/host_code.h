/* What is done with the blocks of host code that the JIT makes: --dump-blocks, --perf-map,
 * --jitdump, --gdb-jit. */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "armillary.h"

struct gdb_jit;
struct jitdump;
struct trace_names;
struct trace_request;

/* The options. */
struct host_code_request {
    const char *dump; /* a PC or "all"; NULL: no block is printed */
    bool map;
    const char *jitdump; /* a folder; NULL: none */
    bool gdb;
};

struct host_code {
    FILE *map;               /* for perf; NULL: none */
    struct jitdump *jitdump; /* NULL: none */
    struct gdb_jit *gdb;     /* NULL: none */
    bool dump;               /* print blocks */
    bool all;                /* of them all, or those with */
    uint64_t pc;             /* this instruction */
    struct arm_machine *m;
    struct trace_names *names; /* NULL: blocks are called by their addresses */
};

/* Fills @config. False: it was printed why. host_code_end() frees what it has. */
bool host_code_begin(struct host_code *h, const struct host_code_request *req,
                     struct arm_config *config);

/* @m is made, and runs next: blocks are called by the names that addresses have there, until
 * host_code_end(), which @m outlives. False: it was printed why, to @say. */
bool host_code_start(struct host_code *h, struct arm_machine *m, const struct trace_request *names,
                     FILE *say);

/* All files are complete. May be called again. */
void host_code_end(struct host_code *h);
