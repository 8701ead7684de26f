/*
 * A pair of functions that save and restore, compared by data: each register is filled with a value
 * of its own in each of several rounds, saved, overwritten, restored. In half of the rounds the
 * values are the complements of those in the round before. So a slot is known by the values that it
 * gets.
 */
#pragma once

#include "call.h"

#define PAIR_ROUNDS 24

/* One register. */
struct pair_register {
    uint32_t number;
    const char *name;
    uint64_t mask[2];               /* bits that can be set */
    uint64_t fill[PAIR_ROUNDS][2];  /* before save */
    uint64_t after[PAIR_ROUNDS][2]; /* behind restore */
    /* Behind pair_find_slot(): */
    bool read, saved; /* by save; all that can be set has a slot */
    uint64_t slot;    /* address; 0: none */
    uint8_t size;     /* bytes of the slot, or of the part of the register that it has */
    uint64_t store_pc;
    /* Behind pair_find_restore(): */
    bool written, loaded; /* by restore; with what came from memory that is not the stack's */
    uint64_t write_pc, load_pc, load_address;
};

struct pair {
    struct call *c;
    unsigned count;
    struct pair_register *list;
    GArray *save[PAIR_ROUNDS]; /* struct call_event */
    GArray *restore[PAIR_ROUNDS];
};

static inline bool pair_is_x(uint32_t number)
{
    return number >= ARM_X(0) && number < ARM_SP;
}

static inline bool pair_is_v(uint32_t number)
{
    return number >= ARM_V(0) && number <= ARM_V(31);
}

/* From the events of save and of restore. */
void pair_find_slot(const struct pair *p, struct pair_register *r);
void pair_find_restore(const struct pair *p, struct pair_register *r);

/* Say what was found. Return: how many errors there are. */
unsigned pair_report(const struct pair *p, FILE *f);
unsigned pair_check_order(const struct pair *p, FILE *f);
