/* What the data-processing instructions share: AddWithCarry() and the flags
 * of logical operations. */
#pragma once

#include "cpu/cpu.h"

/* Write @r to Rd at the instruction's width. */
static inline void dp_write(struct cpu *cpu, const struct insn *i, uint64_t r)
{
    cpu->x[i->rd] = i->sz ? r : (uint32_t)r;
}

/* AddWithCarry(@a, @b, @carry) at 64 bits; sets NZCV. */
static inline uint64_t dp_add_carry64(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t carry)
{
    uint64_t ab = a + b, r = ab + carry;

    cpu->nf = cpu->zf = r;
    cpu->cf = (ab < a) | (r < ab);
    cpu->vf = (a ^ r) & (b ^ r);
    return r;
}

/* AddWithCarry() at 32 bits; the upper halves of the operands are ignored. */
static inline uint64_t dp_add_carry32(struct cpu *cpu, uint64_t a, uint64_t b, uint64_t carry)
{
    uint64_t r = (uint64_t)(uint32_t)a + (uint32_t)b + carry;

    cpu->nf = r << 32;
    cpu->zf = (uint32_t)r;
    cpu->cf = r >> 32;
    cpu->vf = ((a ^ r) & (b ^ r)) << 32;
    return (uint32_t)r;
}

/* Rn + Rm and its flags at the instruction's width. */
static inline uint64_t dp_adds(struct cpu *cpu, const struct insn *i, uint64_t a, uint64_t b)
{
    return i->sz ? dp_add_carry64(cpu, a, b, 0) : dp_add_carry32(cpu, a, b, 0);
}

/* Rn - Rm likewise; C is "no borrow". */
static inline uint64_t dp_subs(struct cpu *cpu, const struct insn *i, uint64_t a, uint64_t b)
{
    if (!i->sz) {
        a = (uint32_t)a;
        b = (uint32_t)b;
        uint64_t r = a - b;
        cpu->nf = r << 32;
        cpu->zf = (uint32_t)r;
        cpu->cf = a >= b;
        cpu->vf = ((a ^ b) & (a ^ r)) << 32;
        return (uint32_t)r;
    }
    uint64_t r = a - b;

    cpu->nf = cpu->zf = r;
    cpu->cf = a >= b;
    cpu->vf = (a ^ b) & (a ^ r);
    return r;
}

/* NZ from @r at the instruction's width, C and V zero. */
static inline uint64_t dp_logic_flags(struct cpu *cpu, const struct insn *i, uint64_t r)
{
    cpu->nf = i->sz ? r : r << 32;
    cpu->zf = i->sz ? r : (uint32_t)r;
    cpu->cf = 0;
    cpu->vf = 0;
    return cpu->zf;
}

/*
 * The bitfield moves put bits S..0 (S < R) at the top of the register's width, or bits S..R at
 * bit 0. Both are a shift left that drops what is above bit S, then a shift right by this much.
 */
static inline unsigned dp_bitfield_right(const struct insn *i)
{
    unsigned r = (unsigned)i->imm, s = i->mod;

    return 63 - s + r - (s < r ? (i->sz ? 64 : 32) : 0);
}
