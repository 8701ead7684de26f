/*
 * Mutants: builds of the core that break one rule, in a few lines that begin with MUTANT(name), for
 * the checker's tests. hyp/mutants.def is the list; -DHYP_MUTANT=name builds one. Without it
 * every MUTANT() is a constant 0.
 */
#pragma once

#include <stdbool.h>

enum mutant {
    MUTANT_NONE,
#define MUTANT_ROW(name, ...) MUTANT_##name,
#include "hyp/mutants.def"
#undef MUTANT_ROW
};

#ifndef HYP_MUTANT
#define HYP_MUTANT NONE
#endif
#define MUTANT_JOIN_(a, b) a##b
#define MUTANT_OF_(name)   MUTANT_JOIN_(MUTANT_, name)

/* Is this build that mutant? */
#define MUTANT(name) (MUTANT_OF_(HYP_MUTANT) == MUTANT_##name)

/* True every other time: a key that flips between two halves of a pair. */
static inline bool mutant_flips(void)
{
    static bool now;

    now = !now;
    return now;
}
