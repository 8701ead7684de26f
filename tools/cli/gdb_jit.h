/*
 * --gdb-jit: GDB's "JIT Compilation Interface", by which a gdb on this very process (not the
 * guest's,
 * --gdb) knows host code by name and finds the caller of a block.
 */
#pragma once

#include <stdbool.h>

#include "armillary.h"

struct gdb_jit;

/* One at a time in a process: the interface is one of its own. Free with gdb_jit_free() (NULL too),
 * after which it is empty. */
struct gdb_jit *gdb_jit_new(void);
void gdb_jit_free(struct gdb_jit *g);

/* @p exists from now on; what was there before is gone. Nothing if it is empty.
 * @inside: the block has been entered, so that the stack is as a call wants it. */
void gdb_jit_code(struct gdb_jit *g, const struct arm_host_piece *p, bool inside, const char *name);
