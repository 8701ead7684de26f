/* The cryptographic instructions that the host has too: AES, and the carry-less product, by which
 * CRC32 is. (SHA: sha.c. The others are their exec_ functions.) */
#include "cpu/jit/simd.h"

/* Both begin with AddRoundKey(), the host's end with it: its key is zero. arg: the instruction. */
static bool round_of(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    struct v_regs v = simd_unary(t, k, i);

    vex_rr(c, VPXOR, XMM0, v.a, tr_v_use(t, i->rd, XMM1, 16));
    vex_rr(c, VPXOR, XMM2, XMM2, XMM2);
    vex_rr(c, arg, v.d, XMM0, XMM2);
    return tr_v_result(t, i, v.d, 16);
}

/* MixColumns() alone: what else a round does is undone before. */
static bool mix(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    struct v_regs v = simd_unary(t, k, i);

    (void)arg;
    vex_rr(c, VPXOR, XMM2, XMM2, XMM2);
    vex_rr(c, VAESDECLAST, XMM0, v.a, XMM2);
    vex_rr(c, VAESENC, v.d, XMM0, XMM2);
    return tr_v_result(t, i, v.d, 16);
}

static bool mix_inverse(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct v_regs v = simd_unary(t, k, i);

    (void)arg;
    vex_rr(&t->c, VAESIMC, v.d, 0, v.a);
    return tr_v_result(t, i, v.d, 16);
}

/* Of the halves that Q names. */
static bool product(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    (void)arg;
    tr_v_begin(t, k);
    struct v_regs v = tr_v_binary(t, i, 16);
    vex_rr_imm(&t->c, VPCLMULQDQ, v.d, v.a, v.b, simd_is_full(i) ? 0x11 : 0);
    return tr_v_result(t, i, v.d, 16);
}

/* CRC32C, of the low bytes of Rm: SSE4.2 has it, for general registers. arg: log2 of the bytes. */
static bool crc32c(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    enum x86_reg acc = tr_use(t, i->rn, RAX), value = tr_use(t, i->rm, RCX);

    (void)k;
    x86_mov(c, 0, RAX, acc);
    if (arg == 1)
        x86_byte(c, 0x66);
    x86_byte(c, 0xf2);
    x86_rex(c, arg == 3, RAX, 0, value, arg == 0);
    x86_byte(c, 0x0f);
    x86_byte(c, 0x38);
    x86_byte(c, arg ? 0xf1 : 0xf0);
    x86_byte(c, 0xc0 | RAX << 3 | (value & 7));
    tr_done(t, i->rd, RAX);
    return true;
}

/*
 * CRC32, of the low bytes of Rm; arg: log2 of them. As polynomials over {0, 1} by increasing
 * powers, the first bit being the least: what is divided, with zeros before it to 64 bits, times
 * the inverse of the divisor modulo x^64 is what the divisor has to be taken off times, for all of
 * these bits to become zero. The remainder is what is left above. The constant has the inverse and
 * the divisor.
 */
static bool crc32(struct tr *t, unsigned k, const struct insn *i, unsigned arg)
{
    struct x86_code *c = &t->c;
    const unsigned bits = 8u << arg;
    const bool w = arg == 3;

    (void)k;
    vex_rr(c, VMOVD_LOAD, XMM0, 0, tr_use(t, i->rn, RAX));
    vex_rr(c, VMOVD_LOAD | (w ? VEX_W1 : 0), XMM1, 0, tr_use(t, i->rm, RAX));
    if (bits < 32)
        vex_shift(c, VSHIFT_Q, VSHIFT_RIGHT, XMM3, XMM0, bits);
    vex_rr(c, VPXOR, XMM0, XMM0, XMM1);
    if (bits < 64)
        vex_shift(c, VSHIFT_Q, VSHIFT_LEFT, XMM0, XMM0, 64 - bits);
    tr_v_with(t, VMOVUPS_LOAD, XMM2, 0, CONST_CRC32);
    vex_rr_imm(c, VPCLMULQDQ, XMM0, XMM0, XMM2, 0x00);
    vex_rr_imm(c, VPCLMULQDQ, XMM0, XMM0, XMM2, 0x10);
    vex_shift(c, VSHIFT_Q, VSHIFT_RIGHT_BYTES, XMM0, XMM0, 8);
    if (bits < 32)
        vex_rr(c, VPXOR, XMM0, XMM0, XMM3);
    vex_rr(c, VMOVD_STORE, XMM0, 0, RAX);
    tr_done(t, i->rd, RAX);
    return true;
}

static const struct jit_template aes_rows[] = {
    SIMD_ROW(AESE, round_of, VAESENCLAST),
    SIMD_ROW(AESD, round_of, VAESDECLAST),
    SIMD_ROW(AESMC, mix, 0),
    SIMD_ROW(AESIMC, mix_inverse, 0),
};

static const struct jit_template product_rows[] = {
    SIMD_ROW(PMULL_d, product, 0), SIMD_ROW(CRC32B, crc32, 0), SIMD_ROW(CRC32H, crc32, 1),
    SIMD_ROW(CRC32W, crc32, 2),    SIMD_ROW(CRC32X, crc32, 3),
};

static const struct jit_template crc_rows[] = {
    SIMD_ROW(CRC32CB, crc32c, 0),
    SIMD_ROW(CRC32CH, crc32c, 1),
    SIMD_ROW(CRC32CW, crc32c, 2),
    SIMD_ROW(CRC32CX, crc32c, 3),
};

const struct jit_templates jit_aes = JIT_HOST_TEMPLATES(aes_rows, HOST_AVX | HOST_AES);
const struct jit_templates jit_carryless = JIT_HOST_TEMPLATES(product_rows, HOST_AVX | HOST_PCLMUL);
const struct jit_templates jit_crc32 = JIT_HOST_TEMPLATES(crc_rows, HOST_AVX);
