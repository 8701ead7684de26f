/*
 * Whose value a system register holds: the owner column of arch/sysreg.def. For what switches
 * worlds and what checks a switch (hyp, tools); cpu, gic and machine may not include this
 * (tools/layers.txt), so that no access depends on it.
 */
#pragma once

#include "arch/sysreg.h"

/* X(name, text) */
#define SYSREG_OWNERS(X)                                                                           \
    X(OP, "operation: nothing to switch")                                                          \
    X(NAME, "another name: as the register that it names")                                         \
    X(RO, "read-only: the same for all, or made of others")                                        \
    X(PE, "this CPU's set-up, which no world has for itself")                                      \
    X(PSTATE, "goes with SPSR_ELx")                                                                \
    X(EL0, "EL0 context")                                                                          \
    X(EL1, "EL1 context")                                                                          \
    X(PAUTH, "pointer authentication keys")                                                        \
    X(FP, "FP and SIMD")                                                                           \
    X(TIMER, "timers of a world and what EL2 sets for them")                                       \
    X(GICV, "GIC virtual interface")                                                               \
    X(GICC, "GIC physical interface")                                                              \
    X(DEBUG, "self-hosted debug")                                                                  \
    X(PMU, "performance monitors")                                                                 \
    X(EL2CFG, "what EL2 programs for a world")                                                     \
    X(EL2, "EL2's own")

enum sysreg_owner {
#define X(name, text) OWNER_##name,
    SYSREG_OWNERS(X)
#undef X
        SYSREG_OWNER_COUNT
};

/* Another name has the owner of the register that it names. */
enum sysreg_owner sysreg_owner(enum sysreg sr);

/* "EL1", and "EL1 context". */
const char *sysreg_owner_name(enum sysreg_owner owner);
const char *sysreg_owner_text(enum sysreg_owner owner);
