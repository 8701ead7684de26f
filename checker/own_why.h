/* A world is entered with another value in a register than its newest: what is known of that, for
 * checker/own_right.c and checker/own_explain.c. */
#pragma once

#include "checker/own_state.h"

struct why {
    struct arm_checker *c;
    struct own *u;
    const struct world *w;
    unsigned reg;
    struct value128 v;
    const struct arm_event *p;
    struct wreg *r;
    const struct live *l;
    struct tag tag;   /* of what is in the register, as far as it was followed */
    struct site site; /* what put it there */
    const struct granule *overwritten;
};

/* Nothing is wrong. Else y->overwritten is what was stored over its slot, if that is why. */
bool own_is_right(struct why *y);

/* EL2 has computed it from the world's value, and should not have. */
bool own_is_tampered(const struct why *y);

/* The world has written it by a trap, EL2 has that in its slot, and has computed something else
 * from it for the CPU: bits for the time of the switch, which were to go before the entry. */
bool own_is_given_otherwise(const struct why *y);

/* Is @value, as far as it is followed, in memory at @pa? */
bool own_memory_is(const struct why *y, uint64_t pa, uint64_t value);
