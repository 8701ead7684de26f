/* --jitdump: what perf is told of host code, so that it can name and annotate it after the run. */
#pragma once

#include "armillary.h"

struct jitdump;

/**
 * jitdump_open() - begin @dir/jit-PID.dump, and the listing @dir/jit-PID.s.
 * Return: NULL, and it was printed why. jitdump_close() completes and frees it (NULL too).
 */
struct jitdump *jitdump_open(const char *dir);
void jitdump_close(struct jitdump *j);

/* A block's instructions, as they are called in the listing; before jitdump_code() of its usual
 * code. */
void jitdump_lines(struct jitdump *j, const struct arm_host_code *code, const char *name);

/* @p exists from now on; what was there before is gone. */
void jitdump_code(struct jitdump *j, const struct arm_host_piece *p, const char *name);
