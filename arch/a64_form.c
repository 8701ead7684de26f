#include "arch/a64_form.h"

#include "base/bits.h"

/* Replicate() of the low @esize bits of @v (a power of two) to 64 bits. */
static uint64_t replicate(uint64_t v, unsigned esize)
{
    v = zext(v, esize);
    for (unsigned e = esize; e < 64; e *= 2)
        v |= v << e;
    return v;
}

/* ROR() of an element of @esize bits. */
static uint64_t ror_elem(uint64_t v, unsigned n, unsigned esize)
{
    if (n == 0)
        return v;
    return zext((v >> n) | (v << (esize - n)), esize);
}

bool a64_bitmask_imm(unsigned n, unsigned imms, unsigned immr, unsigned datasize, uint64_t *wmask,
                     uint64_t *tmask)
{
    int len = highest_set_bit(n << 6 | (~imms & 63));

    if (len < 1 || (1u << len) > datasize)
        return false;
    unsigned esize = 1u << len, levels = esize - 1;
    unsigned s = imms & levels, r = immr & levels;

    if (s == levels)
        return false;
    *wmask = zext(replicate(ror_elem(zext(~UINT64_C(0), s + 1), r, esize), esize), datasize);
    *tmask = zext(replicate(zext(~UINT64_C(0), ((s - r) & levels) + 1), esize), datasize);
    return true;
}

uint64_t a64_simd_imm(unsigned op, unsigned cmode, unsigned imm8)
{
    switch (cmode >> 1) {
    case 0:
    case 1:
    case 2:
    case 3:
        return replicate((uint64_t)imm8 << (cmode >> 1) * 8, 32);
    case 4:
    case 5:
        return replicate((uint64_t)imm8 << (cmode & 2 ? 8 : 0), 16);
    case 6:
        return replicate(cmode & 1 ? imm8 << 16 | 0xffff : imm8 << 8 | 0xff, 32);
    default:
        break;
    }
    if (!(cmode & 1)) {
        if (!op)
            return replicate(imm8, 8);
        uint64_t v = 0;
        for (unsigned k = 0; k < 8; k++)
            v |= bit(imm8, k) ? UINT64_C(0xff) << 8 * k : 0;
        return v;
    }
    return op ? a64_fp_imm(imm8, 64) : replicate(a64_fp_imm(imm8, 32), 32);
}

uint64_t a64_fp_imm(unsigned imm8, unsigned size_bits)
{
    unsigned e = size_bits == 16 ? 5 : size_bits == 32 ? 8 : 11;
    unsigned f = size_bits - e - 1;
    uint64_t sign = bit(imm8, 7), b = bit(imm8, 6);
    uint64_t exp = (b ^ 1) << (e - 1) | (b ? MASK(e - 4, 0) << 2 : 0) | bits(imm8, 5, 4);

    return sign << (size_bits - 1) | exp << f | bits(imm8, 3, 0) << (f - 4);
}

void a64_form_RAW(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->imm = word;
}

void a64_form_ADDSUB_IMM(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->imm = (int64_t)(bits(word, 21, 10) << (bit(word, 22) ? 12 : 0));
    i->sz = bit(word, 31);
}

void a64_form_LOG_IMM(uint32_t word, unsigned page_offset, struct insn *i)
{
    uint64_t wmask = 0, tmask;

    (void)page_offset;
    i->sz = bit(word, 31);
    (void)a64_bitmask_imm(bit(word, 22), (unsigned)bits(word, 15, 10), (unsigned)bits(word, 21, 16),
                          i->sz ? 64 : 32, &wmask,
                          &tmask); /* the row's cond refused reserved ones */
    i->imm = (int64_t)wmask;
}

void a64_form_MOVW(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->sz = bit(word, 31);
    i->mod = (uint8_t)(bits(word, 22, 21) * 16);
    i->imm = (int64_t)(bits(word, 20, 5) << i->mod);
}

void a64_form_BITFIELD(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->imm = (int64_t)bits(word, 21, 16);
    i->mod = (uint8_t)bits(word, 15, 10);
    i->sz = bit(word, 31);
}

void a64_form_EXTR(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->imm = (int64_t)bits(word, 15, 10);
    i->sz = bit(word, 31);
}

void a64_form_SHIFTED(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->imm = (int64_t)bits(word, 15, 10);
    i->mod = (uint8_t)bits(word, 23, 22);
    i->sz = bit(word, 31);
}

void a64_form_EXTENDED(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->imm = (int64_t)bits(word, 12, 10);
    i->mod = (uint8_t)bits(word, 15, 13);
    i->sz = bit(word, 31);
}

void a64_form_SF(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->imm = word;
    i->sz = bit(word, 31);
}

void a64_form_CCMP(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->imm = (int64_t)bits(word, 20, 16);
    i->mod = (uint8_t)(bits(word, 15, 12) | bits(word, 3, 0) << 4);
    i->sz = bit(word, 31);
}

void a64_form_CSEL(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->imm = 0;
    i->mod = (uint8_t)bits(word, 15, 12);
    i->sz = bit(word, 31);
}

void a64_form_ADR(uint32_t word, unsigned page_offset, struct insn *i)
{
    i->imm = (int64_t)(page_offset + sext(bits(word, 23, 5) << 2 | bits(word, 30, 29), 21));
}

void a64_form_ADRP(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->imm = (int64_t)(sext(bits(word, 23, 5) << 2 | bits(word, 30, 29), 21) << 12);
}

void a64_form_B26(uint32_t word, unsigned page_offset, struct insn *i)
{
    i->imm = (int64_t)(page_offset + sext(bits(word, 25, 0) << 2, 28));
}

void a64_form_B19(uint32_t word, unsigned page_offset, struct insn *i)
{
    i->imm = (int64_t)(page_offset + sext(bits(word, 23, 5) << 2, 21));
    i->mod = (uint8_t)bits(word, 3, 0);
    i->sz = bit(word, 31);
}

void a64_form_TB14(uint32_t word, unsigned page_offset, struct insn *i)
{
    i->imm = (int64_t)(page_offset + sext(bits(word, 18, 5) << 2, 16));
    i->mod = (uint8_t)(bit(word, 31) << 5 | bits(word, 23, 19));
}

void a64_form_LIT(uint32_t word, unsigned page_offset, struct insn *i)
{
    i->imm = (int64_t)(page_offset + sext(bits(word, 23, 5) << 2, 21));
}

/* log2 of the transfer size of a single-register load or store. */
static uint8_t ls_size(uint32_t word)
{
    bool vec = bit(word, 26);

    return (uint8_t)((vec && bit(word, 23) ? 4 : 0) | bits(word, 31, 30));
}

void a64_form_LS_U12(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->sz = ls_size(word);
    i->imm = (int64_t)(bits(word, 21, 10) << i->sz);
}

void a64_form_LS_S9(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->sz = ls_size(word);
    i->imm = (int64_t)sext(bits(word, 20, 12), 9);
    i->mod = bit(word, 10) ? (uint8_t)bits(word, 11, 10) : 0;
}

void a64_form_LS_REG(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->sz = ls_size(word);
    i->imm = bit(word, 12) ? i->sz : 0;
    i->mod = (uint8_t)bits(word, 15, 13);
}

void a64_form_LS_PAIR(uint32_t word, unsigned page_offset, struct insn *i)
{
    unsigned opc = (unsigned)bits(word, 31, 30), mode = (unsigned)bits(word, 24, 23);

    (void)page_offset;
    i->sz = (uint8_t)(2 + (bit(word, 26) ? opc : opc >> 1));
    i->imm = (int64_t)(sext(bits(word, 21, 15), 7) << i->sz);
    i->mod = (uint8_t)(mode == 2 ? 0 : mode);
}

void a64_form_LS_PAC(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->sz = 3;
    i->imm = (int64_t)(sext(bit(word, 22) << 9 | bits(word, 20, 12), 10) << 3);
    i->mod = bit(word, 11) ? 3 : 0;
}

void a64_form_IMM16(uint32_t word, unsigned page_offset, struct insn *i)
{
    (void)page_offset;
    i->imm = (int64_t)bits(word, 20, 5);
}
