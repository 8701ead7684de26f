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

/* What an exception or a return has done. It does so again, while @epoch is the contexts' and
 * PSTATE and SPSR are what they were: nothing else that it depends on can have changed. */
struct context_crossing {
    uint64_t epoch;            /* 0: nothing yet */
    uint64_t from, to;         /* cpu_pstate_bits() */
    uint64_t spsr;             /* written, or returned by, less NZCV */
    struct context_slot *slot; /* that of then */
    uint32_t vector;           /* offset */
    uint16_t sp_from, sp_to;   /* enum sysreg: homes of the stack pointers */
};

struct contexts {
    const struct xlat *x; /* current: inside a slot */
    uint64_t epoch;       /* moves on where a register may have changed that the slots depend on */
    struct context_slot slot[CONTEXT_KINDS][CONTEXT_WAYS];
    uint8_t recent[CONTEXT_KINDS], next[CONTEXT_KINDS]; /* last hit; next victim */
    /* The last SVC and HVC from an EL, and return from it to another: for blocks. */
    struct context_crossing svc[4], hvc[4], eret[4][4];
};
