/* What tests/cpu/test_exec_ldst.c and its guest exchange: a file of cases in, a file of results
 * out. Plain C for both sides. */
#pragma once

#include <stdint.h>

#include "../../base/random.h"

/* The memory both sides see: two pages at one address. */
#define LDST_BASE UINT64_C(0x40000000)
#define LDST_SIZE 8192

struct ldst_state {
    uint64_t x[31], sp;
    uint64_t nzcv; /* bits 31..28 */
    uint64_t pad;
    uint64_t v[32][2];
};

struct ldst_case {
    uint32_t words[2]; /* a load-exclusive or NOP, then the instruction */
    uint64_t seed;     /* of memory: ldst_fill() */
    struct ldst_state in;
};

struct ldst_result {
    struct ldst_state out;
    uint64_t memory; /* ldst_hash() afterwards */
};

static inline void ldst_fill(uint64_t memory[LDST_SIZE / 8], uint64_t seed)
{
    for (unsigned k = 0; k < LDST_SIZE / 8; k++)
        memory[k] = random_next(&seed);
}

static inline uint64_t ldst_hash(const uint64_t memory[LDST_SIZE / 8])
{
    uint64_t h = 1;

    for (unsigned k = 0; k < LDST_SIZE / 8; k++) {
        h = (h ^ memory[k]) * UINT64_C(0x100000001b3);
        h ^= h >> 29;
    }
    return h;
}
