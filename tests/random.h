/* What random tests share: numbers that follow from a seed, and what the environment asks for. */
#pragma once

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"

/* The number in environment variable @name, or @otherwise. */
static inline uint64_t test_option(const char *name, uint64_t otherwise)
{
    const char *s = getenv(name);

    return s ? strtoull(s, NULL, 0) : otherwise;
}

/* The seed of a run: ARMILLARY_SEED, which repeats one, or @otherwise. Printed. */
static inline uint64_t test_seed(uint64_t otherwise)
{
    const uint64_t seed = test_option("ARMILLARY_SEED", otherwise);

    printf("ARMILLARY_SEED=%" PRIu64 "\n", seed);
    return seed;
}
