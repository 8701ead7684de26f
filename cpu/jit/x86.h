/*
 * The x86-64 instructions that blocks are made of, as bytes. One function an encoding; names are
 * the Intel manual's. @w: 1 for 64-bit operands, 0 for 32-bit ones, whose result is zero-extended.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

enum x86_reg {
    RAX,
    RCX,
    RDX,
    RBX,
    RSP,
    RBP,
    RSI,
    RDI,
    R8,
    R9,
    R10,
    R11,
    R12,
    R13,
    R14,
    R15,
};

/* Condition codes, as in Jcc. */
enum x86_cc {
    CC_O,
    CC_NO,
    CC_B,
    CC_AE,
    CC_E,
    CC_NE,
    CC_BE,
    CC_A,
    CC_S,
    CC_NS,
    CC_P,
    CC_NP,
    CC_L,
    CC_GE,
    CC_LE,
    CC_G,
};

/* Operations of the group `op r, r/m`, by their opcode; >> 3 is the /digit of
 * the immediate form. */
enum x86_alu {
    ALU_ADD = 0x03,
    ALU_OR = 0x0b,
    ALU_ADC = 0x13,
    ALU_SBB = 0x1b,
    ALU_AND = 0x23,
    ALU_SUB = 0x2b,
    ALU_XOR = 0x33,
    ALU_CMP = 0x3b,
};

/* /digit of the shifts. */
enum x86_shift { SHIFT_ROL = 0, SHIFT_ROR = 1, SHIFT_SHL = 4, SHIFT_SHR = 5, SHIFT_SAR = 7 };

/* Memory at base + disp, or base + (index << scale) + disp if index is not RSP. */
struct x86_mem {
    enum x86_reg base, index;
    int32_t disp;
    unsigned scale;
};

struct x86_code {
    uint8_t *p;   /* where the next byte is written */
    uint8_t *end; /* what must not be reached */
    bool full;    /* it would have been: what was written is of no use */
};

static inline void x86_byte(struct x86_code *c, unsigned b)
{
    if (c->p < c->end)
        *c->p++ = (uint8_t)b;
    else
        c->full = true;
}

static inline void x86_bytes(struct x86_code *c, const void *from, size_t n)
{
    if ((size_t)(c->end - c->p) < n) {
        c->full = true;
        return;
    }
    memcpy(c->p, from, n);
    c->p += n;
}

static inline void x86_imm32(struct x86_code *c, int32_t v)
{
    x86_bytes(c, &v, sizeof(v));
}

static inline struct x86_mem x86_at(enum x86_reg base, int32_t disp)
{
    return (struct x86_mem){.base = base, .index = RSP, .disp = disp};
}

static inline struct x86_mem x86_sum(enum x86_reg base, enum x86_reg index)
{
    return (struct x86_mem){.base = base, .index = index};
}

/* REX prefix, left out where it says nothing. @byte: the register is a byte one, which needs it. */
static inline void x86_rex(struct x86_code *c, unsigned w, unsigned reg, unsigned index,
                           unsigned base, bool byte)
{
    unsigned rex = 0x40 | w << 3 | (reg >> 3) << 2 | (index >> 3) << 1 | base >> 3;

    if (rex != 0x40 || byte)
        x86_byte(c, rex);
}

/* Opcodes above 0xff begin with 0x0f. */
static inline void x86_opcode(struct x86_code *c, unsigned op)
{
    if (op > 0xff)
        x86_byte(c, op >> 8);
    x86_byte(c, op & 0xff);
}

/* op reg, rm, both registers. */
static inline void x86_rr(struct x86_code *c, unsigned op, unsigned w, unsigned reg, unsigned rm)
{
    x86_rex(c, w, reg, 0, rm, false);
    x86_opcode(c, op);
    x86_byte(c, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

/* The same where rm (and reg) may be a byte register. */
static inline void x86_rr8(struct x86_code *c, unsigned op, unsigned w, unsigned reg, unsigned rm)
{
    x86_rex(c, w, reg, 0, rm, true);
    x86_opcode(c, op);
    x86_byte(c, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static inline void x86_modrm_mem(struct x86_code *c, unsigned reg, struct x86_mem m)
{
    bool sib = m.index != RSP || (m.base & 7) == RSP;
    bool small = m.disp == (int8_t)m.disp;

    x86_byte(c, (small ? 0x40u : 0x80u) | (reg & 7) << 3 | (sib ? 4u : m.base & 7u));
    if (sib)
        x86_byte(c, m.scale << 6 | (m.index & 7u) << 3 | (m.base & 7u));
    if (small)
        x86_byte(c, (uint8_t)m.disp);
    else
        x86_imm32(c, m.disp);
}

/* op reg, [m]. @prefix: 0 or a byte before REX; @byte: reg is a byte register. */
static inline void x86_rm_prefixed(struct x86_code *c, unsigned prefix, unsigned op, unsigned w,
                                   unsigned reg, struct x86_mem m, bool byte)
{
    if (prefix)
        x86_byte(c, prefix);
    x86_rex(c, w, reg, m.index, m.base, byte);
    x86_opcode(c, op);
    x86_modrm_mem(c, reg, m);
}

static inline void x86_rm(struct x86_code *c, unsigned op, unsigned w, unsigned reg,
                          struct x86_mem m)
{
    x86_rm_prefixed(c, 0, op, w, reg, m, false);
}

static inline void x86_mov(struct x86_code *c, unsigned w, enum x86_reg to, enum x86_reg from)
{
    if (to != from || !w)
        x86_rr(c, 0x8b, w, to, from);
}

static inline void x86_load(struct x86_code *c, enum x86_reg to, struct x86_mem m)
{
    x86_rm(c, 0x8b, 1, to, m);
}

static inline void x86_store(struct x86_code *c, struct x86_mem m, enum x86_reg from)
{
    x86_rm(c, 0x89, 1, from, m);
}

/* @size bytes of memory, extended to 32 bits, or with @w to 64, by zeros or with @sign by their
 * sign. */
static inline void x86_load_sized(struct x86_code *c, unsigned size, bool sign, unsigned w,
                                  enum x86_reg to, struct x86_mem m)
{
    if (size == 8 || (size == 4 && !(sign && w)))
        x86_rm(c, 0x8b, size == 8, to, m);
    else if (size == 4)
        x86_rm(c, 0x63, 1, to, m);
    else
        x86_rm(c, (size == 1 ? 0x0fb6 : 0x0fb7) | (sign ? 8 : 0), sign && w, to, m);
}

/* op [m], r of @size bytes. @op: the opcode for one byte; that for more is the next. */
static inline void x86_to_memory(struct x86_code *c, unsigned op, unsigned size, enum x86_reg r,
                                 struct x86_mem m)
{
    x86_rm_prefixed(c, size == 2 ? 0x66 : 0, size == 1 ? op : op + 1, size == 8, r, m, size == 1);
}

static inline void x86_lea(struct x86_code *c, unsigned w, enum x86_reg to, struct x86_mem m)
{
    x86_rm(c, 0x8d, w, to, m);
}

/* The shortest way to @v that leaves EFLAGS alone. */
static inline void x86_mov_imm(struct x86_code *c, enum x86_reg to, uint64_t v)
{
    if (v == (uint32_t)v) {
        x86_rex(c, 0, 0, 0, to, false);
        x86_byte(c, 0xb8 | (to & 7));
        x86_imm32(c, (int32_t)v);
    } else if (v == (uint64_t)(int32_t)v) {
        x86_rex(c, 1, 0, 0, to, false);
        x86_byte(c, 0xc7);
        x86_byte(c, 0xc0 | (to & 7));
        x86_imm32(c, (int32_t)v);
    } else {
        x86_rex(c, 1, 0, 0, to, false);
        x86_byte(c, 0xb8 | (to & 7));
        x86_bytes(c, &v, sizeof(v));
    }
}

static inline void x86_alu(struct x86_code *c, enum x86_alu op, unsigned w, enum x86_reg to,
                           enum x86_reg from)
{
    x86_rr(c, op, w, to, from);
}

static inline void x86_alu_imm(struct x86_code *c, enum x86_alu op, unsigned w, enum x86_reg to,
                               int32_t v)
{
    bool small = v == (int8_t)v;

    x86_rex(c, w, 0, 0, to, false);
    x86_byte(c, small ? 0x83 : 0x81);
    x86_byte(c, 0xc0u | (op >> 3) << 3 | (to & 7));
    if (small)
        x86_byte(c, (uint8_t)v);
    else
        x86_imm32(c, v);
}

static inline void x86_alu_mem_imm(struct x86_code *c, enum x86_alu op, unsigned w,
                                   struct x86_mem m, int32_t v)
{
    bool small = v == (int8_t)v;

    x86_rm(c, small ? 0x83 : 0x81, w, op >> 3, m);
    if (small)
        x86_byte(c, (uint8_t)v);
    else
        x86_imm32(c, v);
}

static inline void x86_shift(struct x86_code *c, enum x86_shift op, unsigned w, enum x86_reg to,
                             unsigned n)
{
    x86_rr(c, 0xc1, w, op, to);
    x86_byte(c, n);
}

/* RORX of 32 bits, of BMI2: EFLAGS stay. */
static inline void x86_rorx(struct x86_code *c, enum x86_reg to, enum x86_reg from, unsigned n)
{
    x86_byte(c, 0xc4);
    x86_byte(c, (~(unsigned)to >> 3 & 1) << 7 | 0x40 | (~(unsigned)from >> 3 & 1) << 5 | 3);
    x86_byte(c, 0x7b);
    x86_byte(c, 0xf0);
    x86_byte(c, 0xc0 | (to & 7u) << 3 | (from & 7u));
    x86_byte(c, n);
}

/* SHLX, SHRX and SARX, of BMI2: @from by @by, modulo the width; EFLAGS stay. */
static inline void x86_shift_by(struct x86_code *c, enum x86_shift op, unsigned w, enum x86_reg to,
                                enum x86_reg from, enum x86_reg by)
{
    unsigned pp = op == SHIFT_SHL ? 1 : op == SHIFT_SHR ? 3 : 2;

    x86_byte(c, 0xc4);
    x86_byte(c, (~(unsigned)to >> 3 & 1) << 7 | 0x40 | (~(unsigned)from >> 3 & 1) << 5 | 2);
    x86_byte(c, w << 7 | (~(unsigned)by & 15) << 3 | pp);
    x86_byte(c, 0xf7);
    x86_byte(c, 0xc0 | (to & 7u) << 3 | (from & 7u));
}

/* By CL. */
static inline void x86_shift_cl(struct x86_code *c, enum x86_shift op, unsigned w, enum x86_reg to)
{
    x86_rr(c, 0xd3, w, op, to);
}

static inline void x86_not(struct x86_code *c, unsigned w, enum x86_reg r)
{
    x86_rr(c, 0xf7, w, 2, r);
}

static inline void x86_neg(struct x86_code *c, unsigned w, enum x86_reg r)
{
    x86_rr(c, 0xf7, w, 3, r);
}

static inline void x86_test(struct x86_code *c, unsigned w, enum x86_reg a, enum x86_reg b)
{
    x86_rr(c, 0x85, w, a, b);
}

static inline void x86_test_imm(struct x86_code *c, unsigned w, enum x86_reg r, int32_t v)
{
    if (v >= 0 && v < 0x80) { /* of the low byte: the rest and the sign are zero anyway */
        x86_rr8(c, 0xf6, 0, 0, r);
        x86_byte(c, (unsigned)v);
        return;
    }
    x86_rr(c, 0xf7, w, 0, r);
    x86_imm32(c, v);
}

/* test dword [m], imm32 */
static inline void x86_test_mem_imm(struct x86_code *c, struct x86_mem m, int32_t v)
{
    x86_rm(c, 0xf7, 0, 0, m);
    x86_imm32(c, v);
}

static inline void x86_cmov(struct x86_code *c, enum x86_cc cc, unsigned w, enum x86_reg to,
                            enum x86_reg from)
{
    x86_rr(c, 0x0f40u | cc, w, to, from);
}

static inline void x86_setcc(struct x86_code *c, enum x86_cc cc, enum x86_reg to)
{
    x86_rr8(c, 0x0f90u | cc, 0, 0, to);
}

/* Zero- and sign-extension of 1, 2 and 4 bytes of @from. */
static inline void x86_movzx(struct x86_code *c, unsigned size, enum x86_reg to, enum x86_reg from)
{
    if (size == 4)
        x86_mov(c, 0, to, from);
    else
        x86_rr8(c, size == 1 ? 0x0fb6 : 0x0fb7, 0, to, from);
}

static inline void x86_movsx(struct x86_code *c, unsigned size, unsigned w, enum x86_reg to,
                             enum x86_reg from)
{
    if (size == 4)
        x86_rr(c, 0x63, w, to, from);
    else
        x86_rr8(c, size == 1 ? 0x0fbe : 0x0fbf, w, to, from);
}

/* A branch whose distance is filled in by x86_bind(): the address of that distance. */
static inline uint8_t *x86_jcc(struct x86_code *c, enum x86_cc cc)
{
    x86_byte(c, 0x0f);
    x86_byte(c, 0x80u | cc);
    x86_imm32(c, 0);
    return c->p - 4;
}

static inline uint8_t *x86_jmp(struct x86_code *c)
{
    x86_byte(c, 0xe9);
    x86_imm32(c, 0);
    return c->p - 4;
}

static inline void x86_bind_to(const struct x86_code *c, uint8_t *distance, const uint8_t *target)
{
    int32_t d = (int32_t)(target - (distance + 4));

    if (!c->full)
        memcpy(distance, &d, sizeof(d));
}

static inline void x86_bind(const struct x86_code *c, uint8_t *distance)
{
    x86_bind_to(c, distance, c->p);
}

/* jmp [r] */
static inline void x86_jmp_at(struct x86_code *c, enum x86_reg r)
{
    x86_rm(c, 0xff, 0, 4, x86_at(r, 0));
}
