/* Operand expansion: one function per form named in arch/a64.def. */
#pragma once

#include "arch/insn.h"

typedef void a64_form_fn(uint32_t word, unsigned page_offset, struct insn *i);

/* DecodeBitMasks(): false if N:imms is a reserved value for @datasize (32 or 64). */
bool a64_bitmask_imm(unsigned n, unsigned imms, unsigned immr, unsigned datasize, uint64_t *wmask,
                     uint64_t *tmask);

/* AdvSIMDExpandImm(): the 64-bit pattern of a modified immediate. */
uint64_t a64_simd_imm(unsigned op, unsigned cmode, unsigned imm8);

/* VFPExpandImm() for 16, 32 and 64 bits. */
uint64_t a64_fp_imm(unsigned imm8, unsigned size_bits);

/* A64_FORM(name): imm, sz and mod as the comment says. */
#define A64_FORMS(X)                                                                               \
    X(RAW)        /* imm: the word */                                                              \
    X(ADDSUB_IMM) /* imm: shifted imm12; sz: sf */                                                 \
    X(LOG_IMM)    /* imm: wmask, zero above 32 bits when sf=0; sz: sf */                           \
    X(MOVW)       /* imm: imm16 << shift; mod: shift; sz: sf */                                    \
    X(BITFIELD)   /* imm: immr; mod: imms; sz: sf */                                               \
    X(EXTR)       /* imm: lsb; sz: sf */                                                           \
    X(SHIFTED)    /* imm: amount; mod: shift type; sz: sf */                                       \
    X(EXTENDED)   /* imm: left shift; mod: option; sz: sf */                                       \
    X(SF)         /* imm: the word; sz: sf */                                                      \
    X(CCMP)       /* imm: imm5 (immediate forms); mod: cond | nzcv << 4; sz: sf */                 \
    X(CSEL)       /* mod: cond; sz: sf */                                                          \
    X(ADR)        /* imm: page_offset + offset */                                                  \
    X(ADRP)       /* imm: offset of the page, bytes */                                             \
    X(B26)        /* imm: page_offset + offset */                                                  \
    X(B19)        /* imm: page_offset + offset; mod: cond (B.cond); sz: sf (CBZ) */                \
    X(TB14)       /* imm: page_offset + offset; mod: bit number */                                 \
    X(LIT)        /* imm: page_offset + offset */                                                  \
    X(LS_U12)     /* imm: scaled unsigned offset; sz: log2 bytes; V forms: opc<1>:size */          \
    X(LS_S9)      /* imm: signed unscaled offset; sz likewise; mod: 1 post, 3 pre, 0 none */       \
    X(LS_REG)     /* imm: shift amount; mod: option; sz likewise */                                \
    X(LS_PAIR)    /* imm: scaled offset; sz: log2 bytes of one; mod: 1 post, 3 pre, 0 none */      \
    X(LS_PAC)     /* imm: scaled S:imm9; mod: 3 pre, 0 none */                                     \
    X(IMM16)      /* imm: imm16 at bit 5 */

#define X(name) a64_form_fn a64_form_##name;
A64_FORMS(X)
#undef X
