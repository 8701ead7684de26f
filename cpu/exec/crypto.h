/* Word operations that the hash and cipher instructions share. */
#pragma once

#include "cpu/exec.h"

static inline uint32_t rol32(uint32_t v, unsigned n)
{
    return ror32(v, 32 - n);
}

/* A function of three words, bit by bit: SHAchoose(), SHAparity(), SHAmajority(); SM3
 * has the same. */
typedef uint64_t crypto_fn(uint64_t x, uint64_t y, uint64_t z);

static inline uint64_t crypto_choose(uint64_t x, uint64_t y, uint64_t z)
{
    return ((y ^ z) & x) ^ z;
}

static inline uint64_t crypto_parity(uint64_t x, uint64_t y, uint64_t z)
{
    return x ^ y ^ z;
}

static inline uint64_t crypto_majority(uint64_t x, uint64_t y, uint64_t z)
{
    return (x & y) | ((x | y) & z);
}
