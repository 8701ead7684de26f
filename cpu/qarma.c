/*
 * QARMA-64. The state is a 4x4 matrix of 4-bit cells, cell 0 in the most significant bits, row by
 * row. Kernels sign every return address, so this is hot: an operation works on the 64-bit word at
 * once, S-boxes on a byte, and what a permutation or a table needs is made from the cipher's own
 * constants by the compiler.
 */
#include "cpu/qarma.h"

#include "base/bits.h"

#define CELLS(x) (UINT64_C(0x1111111111111111) * (x)) /* the same value in every cell */

#define ROUNDS_MAX 5

static const uint64_t round_constants[ROUNDS_MAX] = {
    UINT64_C(0x0000000000000000), UINT64_C(0x13198a2e03707344), UINT64_C(0xa4093822299f31d0),
    UINT64_C(0x082efa98ec4e6c89), UINT64_C(0x452821e638d01377),
};
static const uint64_t alpha = UINT64_C(0xc0ac29b7c97c50dd);

/* S-boxes and their inverses: nibble n is the image of n. sigma_1 is an involution. */
#define SIGMA_1         UINT64_C(0x421bc089537f6eda)
#define SIGMA_2         UINT64_C(0xa12d5473e90cf86b)
#define INVERSE_SIGMA_2 UINT64_C(0x37c40f6291ba8de5)

/* The same of two cells at once. */
#define BOX_CELL(box, n) ((box) >> (4 * (n)) & 15)
#define BOX_PAIR(box, n) (BOX_CELL(box, (n) / 16) << 4 | BOX_CELL(box, (n) % 16))
#define BOX_4(box, n)                                                                              \
    BOX_PAIR(box, n), BOX_PAIR(box, (n) + 1), BOX_PAIR(box, (n) + 2), BOX_PAIR(box, (n) + 3)
#define BOX_16(box, n) BOX_4(box, n), BOX_4(box, (n) + 4), BOX_4(box, (n) + 8), BOX_4(box, (n) + 12)
#define BOX_64(box, n)                                                                             \
    BOX_16(box, n), BOX_16(box, (n) + 16), BOX_16(box, (n) + 32), BOX_16(box, (n) + 48)
#define BOX_256(box)                                                                               \
    {                                                                                              \
        BOX_64(box, 0), BOX_64(box, 64), BOX_64(box, 128), BOX_64(box, 192)                        \
    }

static const uint8_t sbox[2][256] = {BOX_256(SIGMA_1), BOX_256(SIGMA_2)};
static const uint8_t inverse_sbox[2][256] = {BOX_256(SIGMA_1), BOX_256(INVERSE_SIGMA_2)};

static uint64_t substitute(uint64_t s, const uint8_t box[256])
{
    uint64_t r = 0;

    for (unsigned k = 0; k < 64; k += 8)
        r |= (uint64_t)box[(s >> k) & 255] << k;
    return r;
}

/* Permutations: cell k of the result is the cell of the argument that digit k says. */
#define STATE_SHUFFLE   UINT64_C(0x0b6da1c75e38f492)
#define STATE_UNSHUFFLE UINT64_C(0x05fad827be41639c)
#define TWEAK_SHUFFLE   UINT64_C(0x65ef01237cd489ab)

/* A permutation is an OR of rotations, each of the cells that move as far: by how many cells to the
 * left cell k of the result has come, and which they are for a rotation by @n. */
#define CELL_LSB(k)    (60 - 4 * (k))
#define DISTANCE(p, k) ((((p) >> CELL_LSB(k)) - (k)) & 15)
#define MOVED(p, k, n) (DISTANCE(p, k) == (n) ? UINT64_C(15) << CELL_LSB(k) : 0)
#define MOVED_4(p, k, n)                                                                           \
    (MOVED(p, k, n) | MOVED(p, (k) + 1, n) | MOVED(p, (k) + 2, n) | MOVED(p, (k) + 3, n))
#define MOVED_BY(p, n) (MOVED_4(p, 0, n) | MOVED_4(p, 4, n) | MOVED_4(p, 8, n) | MOVED_4(p, 12, n))
#define TURN(s, p, n)  (ror64(s, (64 - 4 * (n)) & 63) & MOVED_BY(p, n))
#define TURN_4(s, p, n)                                                                            \
    (TURN(s, p, n) | TURN(s, p, (n) + 1) | TURN(s, p, (n) + 2) | TURN(s, p, (n) + 3))
#define PERMUTE(s, p) (TURN_4(s, p, 0) | TURN_4(s, p, 4) | TURN_4(s, p, 8) | TURN_4(s, p, 12))

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
    t = PERMUTE(t, TWEAK_SHUFFLE);
    const uint64_t stepped = ((t >> 1) & CELLS(7)) ^ ((t & CELLS(1)) << 3) ^ ((t & CELLS(2)) << 2);
    return (t & ~lfsr_cells) | (stepped & lfsr_cells);
}

static uint64_t shuffle_and_mix(uint64_t s)
{
    return mix_columns(PERMUTE(s, STATE_SHUFFLE));
}

static uint64_t unshuffle(uint64_t s)
{
    return PERMUTE(s, STATE_UNSHUFFLE);
}

uint64_t qarma64(uint64_t data, uint64_t tweak, uint64_t w0, uint64_t k0, unsigned rounds,
                 unsigned sigma)
{
    const uint8_t *box = sbox[sigma - 1], *inverse_box = inverse_sbox[sigma - 1];
    const uint64_t w1 = ror64(w0, 1) ^ (w0 >> 63);
    uint64_t tweaks[ROUNDS_MAX + 1] = {tweak}; /* the rounds back undo TweakShuffle() */
    uint64_t s = data ^ w0;

    for (unsigned k = 0; k < rounds; k++) {
        s ^= k0 ^ tweaks[k] ^ round_constants[k];
        s = substitute(k > 0 ? shuffle_and_mix(s) : s, box);
        tweaks[k + 1] = tweak_forward(tweaks[k]);
    }

    /* The reflector between a forward and a backward round of its own. */
    s = substitute(shuffle_and_mix(s ^ w1 ^ tweaks[rounds]), box);
    s = unshuffle(shuffle_and_mix(s) ^ k0);
    s = unshuffle(mix_columns(substitute(s, inverse_box))) ^ w0 ^ tweaks[rounds];

    for (unsigned k = rounds; k-- > 0;) {
        s = substitute(s, inverse_box);
        s = k > 0 ? unshuffle(mix_columns(s)) : s;
        s ^= k0 ^ tweaks[k] ^ round_constants[k] ^ alpha;
    }
    return s ^ w1;
}
