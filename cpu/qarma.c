/*
 * QARMA-64. The state is a 4x4 matrix of 4-bit cells, cell 0 in the most significant bits, row by
 * row; where an operation treats all cells alike it is done on the 64-bit word at once.
 */
#include "cpu/qarma.h"

#include "base/bits.h"

#define CELLS(x) (UINT64_C(0x1111111111111111) * (x)) /* the same value in every cell */

static const uint64_t round_constants[5] = {
    UINT64_C(0x0000000000000000), UINT64_C(0x13198a2e03707344), UINT64_C(0xa4093822299f31d0),
    UINT64_C(0x082efa98ec4e6c89), UINT64_C(0x452821e638d01377),
};
static const uint64_t alpha = UINT64_C(0xc0ac29b7c97c50dd);

/* S-boxes and their inverses: nibble n is the image of n. sigma_1 is an involution. */
static const uint64_t sbox[2] = {UINT64_C(0x421bc089537f6eda) /* sigma_1 */,
                                 UINT64_C(0xa12d5473e90cf86b) /* sigma_2 */};
static const uint64_t inverse_sbox[2] = {UINT64_C(0x421bc089537f6eda),
                                         UINT64_C(0x37c40f6291ba8de5)};

/* Cell k of the result is cell p[k] of the argument. */
static const uint8_t state_shuffle[16] = {0, 11, 6, 13, 10, 1, 12, 7, 5, 14, 3, 8, 15, 4, 9, 2};
static const uint8_t state_unshuffle[16] = {0, 5, 15, 10, 13, 8, 2, 7, 11, 14, 4, 1, 6, 3, 9, 12};
static const uint8_t tweak_shuffle[16] = {6, 5, 14, 15, 0, 1, 2, 3, 7, 12, 13, 4, 8, 9, 10, 11};
static const uint8_t tweak_unshuffle[16] = {4, 5, 6, 7, 11, 1, 0, 8, 12, 13, 14, 15, 9, 10, 2, 3};

static uint64_t permute(uint64_t s, const uint8_t p[16])
{
    uint64_t r = 0;

    for (unsigned k = 0; k < 16; k++)
        r = r << 4 | ((s >> (60 - 4 * p[k])) & 15);
    return r;
}

static uint64_t substitute(uint64_t s, uint64_t box)
{
    uint64_t r = 0;

    for (unsigned k = 0; k < 64; k += 4)
        r |= ((box >> (4 * ((s >> k) & 15))) & 15) << k;
    return r;
}

/* Every cell rotated left by one bit. */
static uint64_t rotate_cells(uint64_t s)
{
    return ((s << 1) & CELLS(14)) | ((s >> 3) & CELLS(1));
}

/* PACMult(): columns times circ(0, rho, rho^2, rho); it is its own inverse. */
static uint64_t mix_columns(uint64_t s)
{
    return rotate_cells(ror64(s, 48) ^ ror64(s, 16)) ^ rotate_cells(rotate_cells(ror64(s, 32)));
}

/* The cells that the tweak's LFSR steps: 0, 1, 3, 4, 8, 11, 13. */
static const uint64_t lfsr_cells = UINT64_C(0xff0ff000f00f0f00);

/* TweakShuffle() */
static uint64_t tweak_forward(uint64_t t)
{
    t = permute(t, tweak_shuffle);
    const uint64_t stepped = ((t >> 1) & CELLS(7)) ^ ((t & CELLS(1)) << 3) ^ ((t & CELLS(2)) << 2);
    return (t & ~lfsr_cells) | (stepped & lfsr_cells);
}

/* TweakInvShuffle() */
static uint64_t tweak_backward(uint64_t t)
{
    const uint64_t stepped = ((t << 1) & CELLS(14)) ^ ((t >> 3) & CELLS(1)) ^ (t & CELLS(1));
    return permute((t & ~lfsr_cells) | (stepped & lfsr_cells), tweak_unshuffle);
}

static uint64_t shuffle_and_mix(uint64_t s)
{
    return mix_columns(permute(s, state_shuffle));
}

static uint64_t unmix_and_unshuffle(uint64_t s)
{
    return permute(mix_columns(s), state_unshuffle);
}

uint64_t qarma64(uint64_t data, uint64_t tweak, uint64_t w0, uint64_t k0, unsigned rounds,
                 unsigned sigma)
{
    const uint64_t box = sbox[sigma - 1], inverse_box = inverse_sbox[sigma - 1];
    const uint64_t w1 = ror64(w0, 1) ^ (w0 >> 63);
    uint64_t s = data ^ w0;

    for (unsigned k = 0; k < rounds; k++) {
        s ^= k0 ^ tweak ^ round_constants[k];
        s = substitute(k > 0 ? shuffle_and_mix(s) : s, box);
        tweak = tweak_forward(tweak);
    }

    /* The reflector between a forward and a backward round of its own. */
    s = substitute(shuffle_and_mix(s ^ w1 ^ tweak), box);
    s = permute(shuffle_and_mix(s) ^ k0, state_unshuffle);
    s = unmix_and_unshuffle(substitute(s, inverse_box)) ^ w0 ^ tweak;

    for (unsigned k = rounds; k-- > 0;) {
        s = substitute(s, inverse_box);
        s = k > 0 ? unmix_and_unshuffle(s) : s;
        tweak = tweak_backward(tweak);
        s ^= k0 ^ tweak ^ round_constants[k] ^ alpha;
    }
    return s ^ w1;
}
