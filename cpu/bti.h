/* Branch target identification: may this instruction follow an indirect branch? */
#pragma once

#include "cpu/cpu.h"

/* BTypeCompatible of the decoded instruction @i with the current PSTATE.BTYPE, which is not 0. */
bool bti_target_ok(const struct cpu *cpu, const struct insn *i);
