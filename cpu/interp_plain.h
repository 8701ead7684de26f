/* The plain loop, see cpu/interp.h: instructions with nothing to be looked at between them. */
#pragma once

#include "cpu/code_cache.h"
#include "cpu/cpu.h"

/* Its records' functions. */
extern const struct code_engine interp_engine;

/* That of a record nobody has executed yet: decode it and execute it. */
exec_fn exec_decode;

static inline bool interp_is_decoded(const struct insn *i)
{
    return i->fn != exec_decode;
}

/* Decode the record @i of the current page and choose its function. */
void interp_decode(struct cpu *cpu, const struct insn *i);

/* Run from record @i until something other than plain execution is needed. */
void interp_plain_run(struct cpu *cpu, const struct insn *i);
