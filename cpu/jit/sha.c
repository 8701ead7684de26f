/* SHA-1 and SHA-256. The host has four rounds of the one and two of the other, with the words of
 * the state in another order. */
#include "cpu/jit/simd.h"

/* The host's, which have no VEX forms: 0F 38 and these, for XMM0 to XMM7. */
enum { SHA256RNDS2 = 0xcb, SHA256MSG1 = 0xcc, SHA256MSG2 = 0xcd };

#define SHUFFLE(a, b, c, d) ((a) | (b) << 2 | (c) << 4 | (d) << 6)
#define REVERSE             SHUFFLE(3, 2, 1, 0)

static void sha256(struct x86_code *c, unsigned op, unsigned to, unsigned from)
{
    x86_byte(c, 0x0f);
    x86_byte(c, 0x38);
    x86_byte(c, op);
    x86_byte(c, 0xc0 | to << 3 | from);
}

/* @function: Ch(), Parity() and Maj(), from 0 on. */
static void sha1_rounds(struct x86_code *c, unsigned to, unsigned from, unsigned function)
{
    x86_bytes(c, "\x0f\x3a\xcc", 3);
    x86_byte(c, 0xc0 | to << 3 | from);
    x86_byte(c, function);
}

/* V[n], in @xmm and nowhere else. */
static void copy(struct tr *t, unsigned xmm, unsigned n)
{
    vex_move(&t->c, xmm, tr_v_use(t, n, xmm, 16));
}

static bool result(struct tr *t, const struct insn *i, unsigned xmm)
{
    return tr_v_result(t, i, xmm, 16);
}

/*
 * Four rounds, of X (A to D) and Y (E to H): arg 0 is SHA256H, which returns X, 1 SHA256H2, which
 * returns Y. The host has F, E, B and A in one register and H, G, D and C in another; behind two
 * rounds the second has what the first had, and the other way round.
 */
static bool sha256_hash(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    const uint8_t odd = SHUFFLE(1, 0, 1, 0), even = SHUFFLE(3, 2, 3, 2);

    tr_v_begin(t, k);
    unsigned x = tr_v_use(t, arg ? i->rn : i->rd, XMM1, 16);
    unsigned y = tr_v_use(t, arg ? i->rd : i->rn, XMM2, 16);
    vex_rr_imm(c, VSHUFPS, XMM3, y, x, odd);
    vex_rr_imm(c, VSHUFPS, XMM1, y, x, even);
    copy(t, XMM0, i->rm);
    sha256(c, SHA256RNDS2, XMM1, XMM3);
    vex_rr_imm(c, VPSHUFD, XMM0, 0, XMM0, SHUFFLE(2, 3, 2, 3));
    sha256(c, SHA256RNDS2, XMM3, XMM1);
    vex_rr_imm(c, VSHUFPS, XMM0, XMM3, XMM1, arg ? odd : even);
    return result(t, i, XMM0);
}

static bool sha256_schedule0(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)arg;
    tr_v_begin(t, k);
    copy(t, XMM1, i->rd);
    copy(t, XMM2, i->rn);
    sha256(&t->c, SHA256MSG1, XMM1, XMM2);
    return result(t, i, XMM1);
}

static bool sha256_schedule1(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;

    (void)arg;
    tr_v_begin(t, k);
    copy(t, XMM2, i->rm);
    vex_rr_imm(c, VPALIGNR, XMM1, XMM2, tr_v_use(t, i->rn, XMM1, 16), 4);
    vex_rr(c, VPADDD, XMM1, XMM1, tr_v_use(t, i->rd, XMM0, 16));
    sha256(c, SHA256MSG2, XMM1, XMM2);
    return result(t, i, XMM1);
}

/* Four rounds; arg: their function. The host adds the constant of the rounds, which Vm has. */
static bool sha1_hash(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    static const uint32_t constant[] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc};
    struct x86_code *c = &t->c;

    tr_v_begin(t, k);
    unsigned e = tr_v_use(t, i->rn, XMM1, 16);
    vex_rr_imm(c, VINSERTPS, XMM2, e, e, 0x0e); /* that word alone */
    vex_rr(c, VPADDD, XMM2, XMM2, tr_v_use(t, i->rm, XMM1, 16));
    tr_v_const(t, XMM0, 32, constant[arg]);
    vex_rr(c, VPSUBD, XMM2, XMM2, XMM0);
    vex_rr_imm(c, VPSHUFD, XMM2, 0, XMM2, REVERSE);
    vex_rr_imm(c, VPSHUFD, XMM1, 0, tr_v_use(t, i->rd, XMM1, 16), REVERSE);
    sha1_rounds(c, XMM1, XMM2, arg);
    vex_rr_imm(c, VPSHUFD, XMM0, 0, XMM1, REVERSE);
    return result(t, i, XMM0);
}

/* Each word of XMM@to to the left; XMM2 goes. */
static void rotate(struct x86_code *c, unsigned to, unsigned from, unsigned n)
{
    vex_shift(c, VSHIFT_D, VSHIFT_RIGHT, XMM2, from, 32 - n);
    vex_shift(c, VSHIFT_D, VSHIFT_LEFT, to, from, n);
    vex_rr(c, VPOR, to, to, XMM2);
}

static bool sha1_fixed_rotate(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)arg;
    tr_v_begin(t, k);
    rotate(&t->c, XMM0, tr_v_use(t, i->rn, XMM0, 4), 30);
    return tr_v_result(t, i, XMM0, 4);
}

static bool sha1_schedule0(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;

    (void)arg;
    tr_v_begin(t, k);
    unsigned d = tr_v_use(t, i->rd, XMM1, 16);
    vex_rr_imm(c, VPALIGNR, XMM0, tr_v_use(t, i->rn, XMM0, 16), d, 8);
    vex_rr(c, VPXOR, XMM0, XMM0, d);
    vex_rr(c, VPXOR, XMM0, XMM0, tr_v_use(t, i->rm, XMM1, 16));
    return result(t, i, XMM0);
}

/* The last word has the new first one in it. */
static bool sha1_schedule1(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;

    (void)arg;
    tr_v_begin(t, k);
    vex_shift(c, VSHIFT_Q, VSHIFT_RIGHT_BYTES, XMM0, tr_v_use(t, i->rn, XMM0, 16), 4);
    vex_rr(c, VPXOR, XMM0, XMM0, tr_v_use(t, i->rd, XMM1, 16));
    rotate(c, XMM0, XMM0, 1);
    vex_shift(c, VSHIFT_Q, VSHIFT_LEFT_BYTES, XMM1, XMM0, 12);
    rotate(c, XMM1, XMM1, 1);
    vex_rr(c, VPXOR, XMM0, XMM0, XMM1);
    return result(t, i, XMM0);
}

static const struct jit_template rows[] = {
    SIMD_ROW(SHA1C, sha1_hash, 0),
    SIMD_ROW(SHA1P, sha1_hash, 1),
    SIMD_ROW(SHA1M, sha1_hash, 2),
    SIMD_ROW(SHA1H, sha1_fixed_rotate, 0),
    SIMD_ROW(SHA1SU0, sha1_schedule0, 0),
    SIMD_ROW(SHA1SU1, sha1_schedule1, 0),
    SIMD_ROW(SHA256H, sha256_hash, 0),
    SIMD_ROW(SHA256H2, sha256_hash, 1),
    SIMD_ROW(SHA256SU0, sha256_schedule0, 0),
    SIMD_ROW(SHA256SU1, sha256_schedule1, 0),
};

const struct jit_templates jit_sha = JIT_HOST_TEMPLATES(rows, HOST_AVX | HOST_SHA);
