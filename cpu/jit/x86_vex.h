/*
 * The x86-64 vector instructions that blocks are made of, in their VEX forms of 128 bits: three
 * operands, and whatever is above becomes zero. A host without AVX has none of them
 * (cpu/jit/host.h).
 */
#pragma once

#include "cpu/jit/x86.h"

/* An instruction: prefix (0, 0x66, 0xf3, 0xf2), map (0F, 0F38, 0F3A), W, opcode. */
#define VEX_NONE 0x000u
#define VEX_66   0x100u
#define VEX_F3   0x200u
#define VEX_F2   0x300u
#define VEX_0F   0x400u
#define VEX_0F38 0x800u
#define VEX_0F3A 0xc00u
#define VEX_W1   0x1000u

#define VEX_P0(op) (VEX_NONE | VEX_0F | (op))
#define VEX_P1(op) (VEX_66 | VEX_0F | (op))
#define VEX_P2(op) (VEX_F3 | VEX_0F | (op))
#define VEX_P3(op) (VEX_F2 | VEX_0F | (op))
#define VEX_38(op) (VEX_66 | VEX_0F38 | (op))
#define VEX_3A(op) (VEX_66 | VEX_0F3A | (op))

enum {
    VMOVUPS_LOAD = VEX_P0(0x10),
    VMOVUPS_STORE = VEX_P0(0x11),
    VMOVAPS = VEX_P0(0x28),
    VMOVD_LOAD = VEX_P1(0x6e), /* from r/m32; with W from r/m64 */
    VMOVD_STORE = VEX_P1(0x7e),
    VMOVQ_LOAD = VEX_P2(0x7e), /* from xmm/m64 */
    VMOVQ_STORE = VEX_P1(0xd6),
    VINSERTPS = VEX_3A(0x21),
    VANDPS = VEX_P0(0x54),
    VORPS = VEX_P0(0x56),
    VXORPS = VEX_P0(0x57),
    VSHUFPS = VEX_P0(0xc6),
    VPXOR = VEX_P1(0xef),
    VPAND = VEX_P1(0xdb),
    VPANDN = VEX_P1(0xdf),
    VPOR = VEX_P1(0xeb),
    VPADDB = VEX_P1(0xfc),
    VPADDW = VEX_P1(0xfd),
    VPADDD = VEX_P1(0xfe),
    VPADDQ = VEX_P1(0xd4),
    VPADDUSB = VEX_P1(0xdc),
    VPSUBB = VEX_P1(0xf8),
    VPSUBW = VEX_P1(0xf9),
    VPSUBD = VEX_P1(0xfa),
    VPSUBQ = VEX_P1(0xfb),
    VPCMPEQB = VEX_P1(0x74),
    VPCMPEQW = VEX_P1(0x75),
    VPCMPEQD = VEX_P1(0x76),
    VPCMPEQQ = VEX_38(0x29),
    VPCMPGTB = VEX_P1(0x64),
    VPCMPGTW = VEX_P1(0x65),
    VPCMPGTD = VEX_P1(0x66),
    VPCMPGTQ = VEX_38(0x37),
    VPMAXSB = VEX_38(0x3c),
    VPMAXSW = VEX_P1(0xee),
    VPMAXSD = VEX_38(0x3d),
    VPMINSB = VEX_38(0x38),
    VPMINSW = VEX_P1(0xea),
    VPMINSD = VEX_38(0x39),
    VPMAXUB = VEX_P1(0xde),
    VPMAXUW = VEX_38(0x3e),
    VPMAXUD = VEX_38(0x3f),
    VPMINUB = VEX_P1(0xda),
    VPMINUW = VEX_38(0x3a),
    VPMINUD = VEX_38(0x3b),
    VPAVGB = VEX_P1(0xe0),
    VPAVGW = VEX_P1(0xe3),
    VPSHUFB = VEX_38(0x00),
    VPSHUFD = VEX_P1(0x70),
    VPSHUFLW = VEX_P3(0x70),
    VPUNPCKLBW = VEX_P1(0x60),
    VPUNPCKLWD = VEX_P1(0x61),
    VPUNPCKLDQ = VEX_P1(0x62),
    VPUNPCKHBW = VEX_P1(0x68),
    VPUNPCKHWD = VEX_P1(0x69),
    VPUNPCKHDQ = VEX_P1(0x6a),
    VPUNPCKLQDQ = VEX_P1(0x6c),
    VPUNPCKHQDQ = VEX_P1(0x6d),
    VPACKUSWB = VEX_P1(0x67),
    VPACKSSDW = VEX_P1(0x6b),
    VPALIGNR = VEX_3A(0x0f),
    VPMADDUBSW = VEX_38(0x04),
    VPMADDWD = VEX_P1(0xf5),
    VPABSB = VEX_38(0x1c),
    VPABSW = VEX_38(0x1d),
    VPABSD = VEX_38(0x1e),
    VPMOVSXBW = VEX_38(0x20),
    VPMOVSXWD = VEX_38(0x23),
    VPMOVSXDQ = VEX_38(0x25),
    VPMOVZXBW = VEX_38(0x30),
    VPMOVZXWD = VEX_38(0x33),
    VPMOVZXDQ = VEX_38(0x35),
    VPMULUDQ = VEX_P1(0xf4),
    VPMULDQ = VEX_38(0x28),
    VPMULLW = VEX_P1(0xd5),
    VPMULLD = VEX_38(0x40),
    VPINSRB = VEX_3A(0x20),
    VPINSRW = VEX_P1(0xc4),
    VPINSRD = VEX_3A(0x22), /* with W: VPINSRQ */
    VROUNDSS = VEX_3A(0x0a),
    VROUNDSD = VEX_3A(0x0b),
    VCVTDQ2PS = VEX_P0(0x5b),
    VCVTTPS2DQ = VEX_P2(0x5b),
    VSHIFT_W = VEX_P1(0x71), /* by an immediate: reg is the kind of shift, and vvvv the result */
    VSHIFT_D = VEX_P1(0x72),
    VSHIFT_Q = VEX_P1(0x73),
    VAESIMC = VEX_38(0xdb),
    VAESENC = VEX_38(0xdc),
    VAESENCLAST = VEX_38(0xdd),
    VAESDECLAST = VEX_38(0xdf),
    VPCLMULQDQ = VEX_3A(0x44),
};

/* Opcodes of floating point, for vex_scalar() and vex_packed(): their prefix is the format. */
enum {
    VCVTSI2 = 0x2a,  /* from a general register, 64 bits with W */
    VCVTT2SI = 0x2c, /* to one */
    VUCOMI = 0x2e,   /* vex_packed(), though scalar */
    VMOVMSK = 0x50,
    VSQRT = 0x51,
    VADD = 0x58,
    VMUL = 0x59,
    VCVTFP = 0x5a, /* to the other format */
    VSUB = 0x5c,
    VMIN = 0x5d,
    VDIV = 0x5e,
    VMAX = 0x5f,
    VCMP = 0xc2,
};

/* And for vex_fused(): a += b * c, a = b * c - a, a -= b * c, a = -a - b * c. */
enum {
    VFMADD231 = 0xb8,
    VFMSUB231 = 0xba,
    VFNMADD231 = 0xbc,
    VFNMSUB231 = 0xbe,
    VFUSED_SCALAR = 1,
};

static inline unsigned vex_scalar(unsigned op, bool dbl)
{
    return (dbl ? VEX_F2 : VEX_F3) | VEX_0F | op;
}

static inline unsigned vex_packed(unsigned op, bool dbl)
{
    return (dbl ? VEX_66 : VEX_NONE) | VEX_0F | op;
}

static inline unsigned vex_fused(unsigned op, bool dbl)
{
    return VEX_38(op) | (dbl ? VEX_W1 : 0);
}

enum {
    VSHIFT_RIGHT = 2,
    VSHIFT_RIGHT_BYTES = 3,
    VSHIFT_ARITHMETIC = 4,
    VSHIFT_LEFT = 6,
    VSHIFT_LEFT_BYTES = 7,
};

/* @third: vvvv. Instructions with two operands have 0 there. */
static inline void vex_prefix(struct x86_code *c, unsigned op, unsigned reg, unsigned third,
                              unsigned index, unsigned base)
{
    unsigned pp = op >> 8 & 3, map = op >> 10 & 3, w = op >> 12 & 1;
    unsigned low = (~third & 15) << 3 | pp;

    if (map == 1 && !w && index < 8 && base < 8) {
        x86_byte(c, 0xc5);
        x86_byte(c, (~reg >> 3 & 1) << 7 | low);
    } else {
        x86_byte(c, 0xc4);
        x86_byte(c, (~reg >> 3 & 1) << 7 | (~index >> 3 & 1) << 6 | (~base >> 3 & 1) << 5 | map);
        x86_byte(c, w << 7 | low);
    }
    x86_byte(c, op & 0xff);
}

static inline void vex_rr(struct x86_code *c, unsigned op, unsigned reg, unsigned third,
                          unsigned rm)
{
    vex_prefix(c, op, reg, third, 0, rm);
    x86_byte(c, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static inline void vex_move(struct x86_code *c, unsigned to, unsigned from)
{
    if (to != from)
        vex_rr(c, VMOVAPS, to, 0, from);
}

static inline void vex_rr_imm(struct x86_code *c, unsigned op, unsigned reg, unsigned third,
                              unsigned rm, unsigned imm)
{
    vex_rr(c, op, reg, third, rm);
    x86_byte(c, imm);
}

static inline void vex_rm(struct x86_code *c, unsigned op, unsigned reg, unsigned third,
                          struct x86_mem m)
{
    vex_prefix(c, op, reg, third, m.index == RSP ? 0 : m.index, m.base);
    x86_modrm_mem(c, reg, m);
}

/* The operand in memory is at @target, in the writable view of the code. */
static inline void vex_rip(struct x86_code *c, unsigned op, unsigned reg, unsigned third,
                           const uint8_t *target)
{
    vex_prefix(c, op, reg, third, 0, 0);
    x86_byte(c, (reg & 7) << 3 | 5);
    x86_imm32(c, (int32_t)(target - (c->p + 4)));
}

/* Shift @from's elements by an immediate to @to. */
static inline void vex_shift(struct x86_code *c, unsigned op, unsigned kind, unsigned to,
                             unsigned from, unsigned n)
{
    vex_rr_imm(c, op, kind, to, from, n);
}
