/* SM3 and SM4 instructions (GB/T 32905, GB/T 32907; pseudocode of DDI0487). */
#include "cpu/exec/crypto.h"

static const uint8_t sm4_sbox[256] = {
    0xd6, 0x90, 0xe9, 0xfe, 0xcc, 0xe1, 0x3d, 0xb7, 0x16, 0xb6, 0x14, 0xc2, 0x28, 0xfb, 0x2c, 0x05,
    0x2b, 0x67, 0x9a, 0x76, 0x2a, 0xbe, 0x04, 0xc3, 0xaa, 0x44, 0x13, 0x26, 0x49, 0x86, 0x06, 0x99,
    0x9c, 0x42, 0x50, 0xf4, 0x91, 0xef, 0x98, 0x7a, 0x33, 0x54, 0x0b, 0x43, 0xed, 0xcf, 0xac, 0x62,
    0xe4, 0xb3, 0x1c, 0xa9, 0xc9, 0x08, 0xe8, 0x95, 0x80, 0xdf, 0x94, 0xfa, 0x75, 0x8f, 0x3f, 0xa6,
    0x47, 0x07, 0xa7, 0xfc, 0xf3, 0x73, 0x17, 0xba, 0x83, 0x59, 0x3c, 0x19, 0xe6, 0x85, 0x4f, 0xa8,
    0x68, 0x6b, 0x81, 0xb2, 0x71, 0x64, 0xda, 0x8b, 0xf8, 0xeb, 0x0f, 0x4b, 0x70, 0x56, 0x9d, 0x35,
    0x1e, 0x24, 0x0e, 0x5e, 0x63, 0x58, 0xd1, 0xa2, 0x25, 0x22, 0x7c, 0x3b, 0x01, 0x21, 0x78, 0x87,
    0xd4, 0x00, 0x46, 0x57, 0x9f, 0xd3, 0x27, 0x52, 0x4c, 0x36, 0x02, 0xe7, 0xa0, 0xc4, 0xc8, 0x9e,
    0xea, 0xbf, 0x8a, 0xd2, 0x40, 0xc7, 0x38, 0xb5, 0xa3, 0xf7, 0xf2, 0xce, 0xf9, 0x61, 0x15, 0xa1,
    0xe0, 0xae, 0x5d, 0xa4, 0x9b, 0x34, 0x1a, 0x55, 0xad, 0x93, 0x32, 0x30, 0xf5, 0x8c, 0xb1, 0xe3,
    0x1d, 0xf6, 0xe2, 0x2e, 0x82, 0x66, 0xca, 0x60, 0xc0, 0x29, 0x23, 0xab, 0x0d, 0x53, 0x4e, 0x6f,
    0xd5, 0xdb, 0x37, 0x45, 0xde, 0xfd, 0x8e, 0x2f, 0x03, 0xff, 0x6a, 0x72, 0x6d, 0x6c, 0x5b, 0x51,
    0x8d, 0x1b, 0xaf, 0x92, 0xbb, 0xdd, 0xbc, 0x7f, 0x11, 0xd9, 0x5c, 0x41, 0x1f, 0x10, 0x5a, 0xd8,
    0x0a, 0xc1, 0x31, 0x88, 0xa5, 0xcd, 0x7b, 0xbd, 0x2d, 0x74, 0xd0, 0x12, 0xb8, 0xe5, 0xb4, 0xb0,
    0x89, 0x69, 0x97, 0x4a, 0x0c, 0x96, 0x77, 0x7e, 0x65, 0xb9, 0xf1, 0x09, 0xc5, 0x6e, 0xc6, 0x84,
    0x18, 0xf0, 0x7d, 0xec, 0x3a, 0xdc, 0x4d, 0x20, 0x79, 0xee, 0x5f, 0x3e, 0xd7, 0xcb, 0x39, 0x48,
};

/* Permutations P0 and P1. */
static inline uint32_t sm3_p0(uint32_t x)
{
    return x ^ rol32(x, 9) ^ rol32(x, 17);
}

static inline uint32_t sm3_p1(uint32_t x)
{
    return x ^ rol32(x, 15) ^ rol32(x, 23);
}

EXEC enum exec_result exec_SM3SS1(struct cpu *cpu, const struct insn *i)
{
    const uint32_t sum = rol32(cpu->v[i->rn].s[3], 12) + cpu->v[i->rm].s[3] + cpu->v[i->ra].s[3];

    cpu->v[i->rd] = (union vreg){.s = {0, 0, 0, rol32(sum, 7)}};
    return EXEC_NEXT;
}

/* What TT1 and TT2 have in common: the sum, less what Vn brings. */
static inline uint32_t sm3_sum(const struct cpu *cpu, const struct insn *i, crypto_fn *f)
{
    const union vreg *d = &cpu->v[i->rd];

    return (uint32_t)f(d->s[3], d->s[2], d->s[1]) + d->s[0] +
           cpu->v[i->rm].s[bits((uint64_t)i->imm, 13, 12)];
}

/* The working variables move down one place; the new one comes in at the top. */
static inline enum exec_result sm3_shift(struct cpu *cpu, const struct insn *i, uint32_t top,
                                         unsigned rotate)
{
    const union vreg d = cpu->v[i->rd];

    cpu->v[i->rd] = (union vreg){.s = {d.s[1], rol32(d.s[2], rotate), d.s[3], top}};
    return EXEC_NEXT;
}

static inline enum exec_result sm3_tt1(struct cpu *cpu, const struct insn *i, crypto_fn *f)
{
    const uint32_t ss2 = cpu->v[i->rn].s[3] ^ rol32(cpu->v[i->rd].s[3], 12);

    return sm3_shift(cpu, i, sm3_sum(cpu, i, f) + ss2, 9);
}

static inline enum exec_result sm3_tt2(struct cpu *cpu, const struct insn *i, crypto_fn *f)
{
    return sm3_shift(cpu, i, sm3_p0(sm3_sum(cpu, i, f) + cpu->v[i->rn].s[3]), 19);
}

EXEC_FUNCTION(SM3TT1A, sm3_tt1(cpu, i, crypto_parity))
EXEC_FUNCTION(SM3TT1B, sm3_tt1(cpu, i, crypto_majority))
EXEC_FUNCTION(SM3TT2A, sm3_tt2(cpu, i, crypto_parity))
EXEC_FUNCTION(SM3TT2B, sm3_tt2(cpu, i, crypto_choose))

EXEC enum exec_result exec_SM3PARTW1(struct cpu *cpu, const struct insn *i)
{
    const union vreg d = cpu->v[i->rd], n = cpu->v[i->rn], m = cpu->v[i->rm];
    union vreg out;

    for (unsigned k = 0; k < 4; k++) {
        const uint32_t w = k < 3 ? m.s[k + 1] : out.s[0];
        out.s[k] = sm3_p1(d.s[k] ^ n.s[k] ^ rol32(w, 15));
    }
    cpu->v[i->rd] = out;
    return EXEC_NEXT;
}

EXEC enum exec_result exec_SM3PARTW2(struct cpu *cpu, const struct insn *i)
{
    const union vreg n = cpu->v[i->rn], m = cpu->v[i->rm];
    union vreg *d = &cpu->v[i->rd];
    const uint32_t first = n.s[0] ^ rol32(m.s[0], 7);

    for (unsigned k = 0; k < 4; k++)
        d->s[k] ^= n.s[k] ^ rol32(m.s[k], 7);
    d->s[3] ^= sm3_p1(rol32(first, 15));
    return EXEC_NEXT;
}

/* The S-box on each byte. */
static uint32_t sm4_tau(uint32_t x)
{
    return (uint32_t)sm4_sbox[x >> 24] << 24 | (uint32_t)sm4_sbox[(x >> 16) & 255] << 16 |
           (uint32_t)sm4_sbox[(x >> 8) & 255] << 8 | sm4_sbox[x & 255];
}

/* The linear layers of the rounds and of the key schedule. */
static uint32_t sm4_round_layer(uint32_t x)
{
    return x ^ rol32(x, 2) ^ rol32(x, 10) ^ rol32(x, 18) ^ rol32(x, 24);
}

static uint32_t sm4_key_layer(uint32_t x)
{
    return x ^ rol32(x, 13) ^ rol32(x, 23);
}

/* Four rounds on @x; @k: round keys, or the constants CK of the key schedule. */
static union vreg sm4_rounds(union vreg x, const union vreg *k, uint32_t layer(uint32_t))
{
    for (unsigned r = 0; r < 4; r++) {
        const uint32_t t = layer(sm4_tau(x.s[1] ^ x.s[2] ^ x.s[3] ^ k->s[r]));
        x = (union vreg){.s = {x.s[1], x.s[2], x.s[3], x.s[0] ^ t}};
    }
    return x;
}

EXEC_STATEMENT(SM4E, cpu->v[i->rd] = sm4_rounds(cpu->v[i->rd], &cpu->v[i->rn], sm4_round_layer))
EXEC_STATEMENT(SM4EKEY, cpu->v[i->rd] = sm4_rounds(cpu->v[i->rn], &cpu->v[i->rm], sm4_key_layer))
