/*
 * What has happened on a machine, as every modelled core is told of it: an instruction with its
 * accesses and where it went on, or an exception. Nothing in it depends on a core's parameters.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/op.h"

/* A descriptor that a walk reads. */
struct walk_step {
    uint64_t pa;
    uint8_t stage;
    bool leaf; /* the last of its stage, or of its group of stage 2 */
};

#define WALK_STEPS 32 /* 4 or 5 levels, each with a stage-2 walk before it, and the last one's */

/* A page, or block, that is translated for somebody: what a TLB holds an entry of. */
struct mapping {
    uint32_t id;  /* never used again; above 0 */
    uint32_t set; /* number of the page: what chooses a set of a TLB */
    uint8_t step_count;
    bool cached; /* Normal memory that software has made cacheable */
    struct walk_step steps[WALK_STEPS];
};

struct step_access {
    uint64_t pa;
    const struct mapping *mapping;
    uint8_t size; /* bytes, 1 to 64 */
    bool write, device;
};

enum step_kind { STEP_INSN, STEP_EXCEPTION, STEP_KEY };

struct step {
    uint8_t kind; /* enum step_kind */
    uint8_t cpu;
    bool completed;       /* else it has taken an exception */
    bool interrupt, trap; /* of an exception */
    uint16_t access_count;
    uint16_t key;          /* of STEP_KEY: what comes is counted under it */
    uint32_t access_first; /* in the batch's accesses */
    uint32_t begins, ends; /* regions: bit n */
    uint64_t pc, next;     /* virtual; next: where the CPU went on, if it has completed */
    uint64_t pa;
    const struct mapping *mapping; /* of the instruction */
    const struct op *op;
};
