/* Loads and stores: from what register, and how far behind it, another one is loaded or stored. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct ldst {
    unsigned base; /* Xn; 31 is SP */
    int64_t displacement;
};

/**
 * ldst_of() - where the instruction @word has the register @rt (X or V, as the access names it) in
 * memory.
 *
 * Return: false: it is no load or store, not one by a register and a constant, or not one of @rt.
 * Source: DDI0487, "Loads and Stores" of the A64 index by encoding.
 */
bool ldst_of(uint32_t word, unsigned rt, struct ldst *out);

/* Is the store @word part of an atomic update: a store exclusive, CAS, SWP, LDADD and the like? */
bool ldst_is_atomic(uint32_t word);
