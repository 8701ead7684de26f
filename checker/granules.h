/*
 * Memory that holds, or held, values of registers: 8 bytes each, by physical address.
 */
#pragma once

#include <stddef.h>

#include "checker/flow.h"

struct granules {
    uint64_t *keys; /* open addressing by pa; 0: free */
    struct granule *list;
    size_t room, used;
};

void granules_init(struct granules *s);
void granules_free(struct granules *s);

/* That of @pa, a multiple of 8; one with pa 0 if there is none. */
struct granule *granules_find(const struct granules *s, uint64_t pa);

/* A whole value of a register was stored at @pa: the memory is a slot of it. @stack: of what
 * procedures keep for themselves, no slot. */
void granules_bind(struct granules *s, uint64_t pa, const struct tag *tag, uint64_t value,
                   bool stack, const struct site *at);
