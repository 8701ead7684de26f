/* --trace and --symbols: traces of a run (trace/trace.h), and the files that they go to. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct arm_machine;
struct outputs;
struct trace_names;
struct traces;

/* What was asked for. */
struct trace_request {
    const char *const *specs; /* NULL-ended list of WORD[,WORD...][:FILE]; may be NULL */
    const char *const
        *symbols;      /* NULL-ended list of FILE[@OFFSET]; NULL: @image, if it has symbols */
    const char *image; /* NULL: none */
};

/* Names of addresses (trace/names.h), begun. NULL: a message has been printed. */
struct trace_names *traces_names(struct arm_machine *m, const struct trace_request *req, FILE *say);

/* NULL: a message has been printed. Nothing is listened to yet. */
struct traces *traces_open(struct arm_machine *m, const struct trace_request *req,
                           struct outputs *outputs);
void traces_close(struct traces *t); /* may be NULL */

/* Instructions until the next one wants to begin; UINT64_MAX: none does. */
uint64_t traces_left(const struct traces *t);

/* Begin those that want to by now; with @all, those too that let nothing pass yet. False: a message
 * has been printed. */
bool traces_begin(struct traces *t, bool all);

/* Are all of @specs well-formed? Prints what is not. */
bool traces_check(const char *const *specs);

/* Is "help" one of @specs? Then print what there is. */
bool traces_help(const char *const *specs);
