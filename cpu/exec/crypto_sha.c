/* SHA-1, SHA-256, SHA-512 and SHA-3 instructions (FIPS 180-4, FIPS 202; pseudocode of DDI0487). */
#include "cpu/exec/crypto.h"

/* Four rounds of SHA-1. */
static inline enum exec_result sha1_rounds(struct cpu *cpu, const struct insn *i, crypto_fn *f)
{
    const union vreg w = cpu->v[i->rm];
    union vreg x = cpu->v[i->rd];
    uint32_t y = cpu->v[i->rn].s[0];

    for (unsigned k = 0; k < 4; k++) {
        y += rol32(x.s[0], 5) + (uint32_t)f(x.s[1], x.s[2], x.s[3]) + w.s[k];
        const uint32_t last = x.s[3];
        x = (union vreg){.s = {y, x.s[0], rol32(x.s[1], 30), x.s[2]}};
        y = last;
    }
    cpu->v[i->rd] = x;
    return EXEC_NEXT;
}

EXEC_FUNCTION(SHA1C, sha1_rounds(cpu, i, crypto_choose))
EXEC_FUNCTION(SHA1P, sha1_rounds(cpu, i, crypto_parity))
EXEC_FUNCTION(SHA1M, sha1_rounds(cpu, i, crypto_majority))

EXEC enum exec_result exec_SHA1H(struct cpu *cpu, const struct insn *i)
{
    cpu->v[i->rd] = (union vreg){.s = {rol32(cpu->v[i->rn].s[0], 30), 0, 0, 0}};
    return EXEC_NEXT;
}

EXEC enum exec_result exec_SHA1SU0(struct cpu *cpu, const struct insn *i)
{
    const union vreg d = cpu->v[i->rd], n = cpu->v[i->rn], m = cpu->v[i->rm];

    cpu->v[i->rd] = (union vreg){.d = {d.d[1] ^ d.d[0] ^ m.d[0], n.d[0] ^ d.d[1] ^ m.d[1]}};
    return EXEC_NEXT;
}

EXEC enum exec_result exec_SHA1SU1(struct cpu *cpu, const struct insn *i)
{
    const union vreg d = cpu->v[i->rd], n = cpu->v[i->rn];
    const uint32_t t0 = d.s[0] ^ n.s[1];

    cpu->v[i->rd] = (union vreg){.s = {
                                     rol32(t0, 1),
                                     rol32(d.s[1] ^ n.s[2], 1),
                                     rol32(d.s[2] ^ n.s[3], 1),
                                     rol32(d.s[3], 1) ^ rol32(t0, 2),
                                 }};
    return EXEC_NEXT;
}

/* SHA256hash(): four rounds on x (A to D) and y (E to H); @part1 selects the half
 * that is returned. */
static union vreg sha256_hash(union vreg x, union vreg y, const union vreg *w, bool part1)
{
    for (unsigned k = 0; k < 4; k++) {
        const uint32_t e = y.s[0], a = x.s[0];
        const uint32_t sigma1 = ror32(e, 6) ^ ror32(e, 11) ^ ror32(e, 25);
        const uint32_t sigma0 = ror32(a, 2) ^ ror32(a, 13) ^ ror32(a, 22);
        const uint32_t t = y.s[3] + sigma1 + (uint32_t)crypto_choose(e, y.s[1], y.s[2]) + w->s[k];
        const uint32_t u = t + sigma0 + (uint32_t)crypto_majority(a, x.s[1], x.s[2]);

        y = (union vreg){.s = {t + x.s[3], y.s[0], y.s[1], y.s[2]}};
        x = (union vreg){.s = {u, x.s[0], x.s[1], x.s[2]}};
    }
    return part1 ? x : y;
}

EXEC_STATEMENT(SHA256H,
               cpu->v[i->rd] = sha256_hash(cpu->v[i->rd], cpu->v[i->rn], &cpu->v[i->rm], true))
EXEC_STATEMENT(SHA256H2,
               cpu->v[i->rd] = sha256_hash(cpu->v[i->rn], cpu->v[i->rd], &cpu->v[i->rm], false))

EXEC enum exec_result exec_SHA256SU0(struct cpu *cpu, const struct insn *i)
{
    const union vreg d = cpu->v[i->rd], n = cpu->v[i->rn];

    for (unsigned k = 0; k < 4; k++) {
        const uint32_t w = k < 3 ? d.s[k + 1] : n.s[0];
        cpu->v[i->rd].s[k] = d.s[k] + (ror32(w, 7) ^ ror32(w, 18) ^ (w >> 3));
    }
    return EXEC_NEXT;
}

EXEC enum exec_result exec_SHA256SU1(struct cpu *cpu, const struct insn *i)
{
    const union vreg d = cpu->v[i->rd], n = cpu->v[i->rn], m = cpu->v[i->rm];
    union vreg out;

    for (unsigned k = 0; k < 4; k++) {
        const uint32_t w = k < 2 ? m.s[k + 2] : out.s[k - 2];
        const uint32_t sigma = ror32(w, 17) ^ ror32(w, 19) ^ (w >> 10);
        out.s[k] = sigma + d.s[k] + (k < 3 ? n.s[k + 1] : m.s[0]);
    }
    cpu->v[i->rd] = out;
    return EXEC_NEXT;
}

static inline uint64_t sha512_sum(uint64_t v, unsigned a, unsigned b, unsigned c)
{
    return ror64(v, a) ^ ror64(v, b) ^ ror64(v, c);
}

EXEC enum exec_result exec_SHA512H(struct cpu *cpu, const struct insn *i)
{
    const union vreg w = cpu->v[i->rd], x = cpu->v[i->rn], y = cpu->v[i->rm];
    const uint64_t hi =
        crypto_choose(y.d[1], x.d[0], x.d[1]) + sha512_sum(y.d[1], 14, 18, 41) + w.d[1];
    const uint64_t t = hi + y.d[0];
    const uint64_t lo = crypto_choose(t, y.d[1], x.d[0]) + sha512_sum(t, 14, 18, 41) + w.d[0];

    cpu->v[i->rd] = (union vreg){.d = {lo, hi}};
    return EXEC_NEXT;
}

EXEC enum exec_result exec_SHA512H2(struct cpu *cpu, const struct insn *i)
{
    const union vreg w = cpu->v[i->rd], x = cpu->v[i->rn], y = cpu->v[i->rm];
    const uint64_t hi =
        crypto_majority(x.d[0], y.d[1], y.d[0]) + sha512_sum(y.d[0], 28, 34, 39) + w.d[1];
    const uint64_t lo = crypto_majority(hi, y.d[0], y.d[1]) + sha512_sum(hi, 28, 34, 39) + w.d[0];

    cpu->v[i->rd] = (union vreg){.d = {lo, hi}};
    return EXEC_NEXT;
}

EXEC enum exec_result exec_SHA512SU0(struct cpu *cpu, const struct insn *i)
{
    const union vreg w = cpu->v[i->rd];
    const uint64_t next[2] = {w.d[1], cpu->v[i->rn].d[0]};

    for (unsigned k = 0; k < 2; k++)
        cpu->v[i->rd].d[k] = w.d[k] + (ror64(next[k], 1) ^ ror64(next[k], 8) ^ (next[k] >> 7));
    return EXEC_NEXT;
}

EXEC enum exec_result exec_SHA512SU1(struct cpu *cpu, const struct insn *i)
{
    const union vreg x = cpu->v[i->rn], y = cpu->v[i->rm];

    for (unsigned k = 0; k < 2; k++)
        cpu->v[i->rd].d[k] += (ror64(x.d[k], 19) ^ ror64(x.d[k], 61) ^ (x.d[k] >> 6)) + y.d[k];
    return EXEC_NEXT;
}

/* FEAT_SHA3: bitwise operations on two 64-bit lanes. EXEC_LANES(name, lane of n, m, a and imm6). */
#define EXEC_LANES(name, expression)                                                               \
    EXEC enum exec_result exec_##name(struct cpu *cpu, const struct insn *i)                       \
    {                                                                                              \
        const unsigned imm6 = (unsigned)bits((uint64_t)i->imm, 15, 10);                            \
        union vreg out;                                                                            \
                                                                                                   \
        (void)imm6;                                                                                \
        for (unsigned k = 0; k < 2; k++) {                                                         \
            const uint64_t n = cpu->v[i->rn].d[k], m = cpu->v[i->rm].d[k], a = cpu->v[i->ra].d[k]; \
            (void)a;                                                                               \
            out.d[k] = expression;                                                                 \
        }                                                                                          \
        cpu->v[i->rd] = out;                                                                       \
        return EXEC_NEXT;                                                                          \
    }

EXEC_LANES(EOR3, n ^ m ^ a)
EXEC_LANES(BCAX, n ^ (m & ~a))
EXEC_LANES(RAX1, n ^ ror64(m, 63))
EXEC_LANES(XAR, ror64(n ^ m, imm6))
