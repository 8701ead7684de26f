/* An abort, for death_abort.c and death_trial.c. */
#pragma once

#include "death_state.h"

/* By the kinds of FSC that have a level in their low bits. */
enum fault_kind {
    FAULT_SIZE,
    FAULT_TRANSLATION,
    FAULT_AF,
    FAULT_PERMISSION,
    FAULT_EXTERNAL,
    FAULT_ALIGNMENT,
    FAULT_OTHER
};

/* An abort, and the walk that its address has now. */
struct abort {
    const struct corpse *c;
    const struct death_fault *f;
    enum fault_kind kind;
    enum arm_access access;
    uint64_t address; /* what was accessed */
    bool stage2;
    uint64_t ipa;
    struct arm_translation now;
    struct arm_walk_step last[3]; /* by stage: the last descriptor */
    unsigned steps[3];
    char *at; /* the instruction */
};

/* The EL whose SCTLR, TCR and TTBR translate for where it comes from. */
unsigned death_regime_el(const struct abort *a);

/* The one field by which the address would lead somewhere. Only sizes near what one means are
 * tried: nearly every size leads somewhere if the tables are full of zeros and blocks. */
bool death_add_trial(const struct abort *a, GString *out);
