/* Recently used translation contexts of a CPU: the part of struct cpu that cpu/context.c keeps. */
#pragma once

#include <stdint.h>

#include "mmu/tlb.h"

#define CONTEXT_INPUTS 9
#define CONTEXT_KINDS  8 /* EL, PSTATE.PAN */
#define CONTEXT_WAYS   4

/* Register values, and what they mean. */
struct context_slot {
    uint64_t in[CONTEXT_INPUTS];
    struct xlat x;
    struct tlb_bank *bank, *bank_unpriv;
    uint32_t serial, serial_unpriv; /* of the banks; 0: the slot is empty */
    uint32_t block;                 /* what of cpu->block follows from this, */
    uint32_t held;                  /* and BLOCK_FP_HELD, with that */
    uint64_t epoch;                 /* in which it was found right, without UAO; 0: never */
};

struct contexts {
    const struct xlat *x; /* current: inside a slot */
    uint64_t epoch;       /* moves on where a register may have changed that the slots depend on */
    struct context_slot slot[CONTEXT_KINDS][CONTEXT_WAYS];
    uint8_t recent[CONTEXT_KINDS], next[CONTEXT_KINDS]; /* last hit; next victim */
};
