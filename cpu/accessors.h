/*
 * The accessors that rows of arch/sysreg.def name, one prototype each. Contract: they check nothing
 * and log nothing. Reading has no effect at all and says what @el would read; where a read takes
 * something away the row has a taker.
 */
#pragma once

#include "cpu/cpu.h"

#define X(name, home) uint64_t sr_read_##name(const struct cpu *cpu, enum sysreg sr, unsigned el);
SYSREG_READERS(X)
#undef X
#define X(name) uint64_t sr_take_##name(struct cpu *cpu, enum sysreg sr);
SYSREG_TAKERS(X)
#undef X
#define X(name) void sr_write_##name(struct cpu *cpu, enum sysreg sr, uint64_t value);
SYSREG_WRITERS(X)
#undef X
/* False: this cannot be set. */
#define X(name) bool sr_poke_##name(struct cpu *cpu, enum sysreg sr, uint64_t value);
SYSREG_POKERS(X)
#undef X
#define X(name)                                                                                    \
    enum exec_result sr_op_##name(struct cpu *cpu, const struct insn *i, enum sysreg sr,           \
                                  uint64_t value);
SYSREG_OPS(X)
#undef X
