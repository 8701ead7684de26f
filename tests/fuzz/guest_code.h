/*
 * Code for a machine to run, made of a fuzzer's input: six bytes are one instruction, a number that
 * picks a row of the table, or none, and a word that fills the row's free bits. Faulting
 * instructions are skipped by handlers, registers point at RAM and devices.
 */
#pragma once

#include "arch/insn.h"
#include "tests/fuzz/input.h"

#define RAM       UINT32_C(0x40000000)
#define CODE_BASE UINT32_C(0x40080000)
#define VECTORS   0x1000 /* offset in the code, behind all instructions: EL1's, then EL2's */
#define EL_BYTES  0x800
#define WORDS_MAX ((VECTORS + 2 * EL_BYTES) / 4)
#define INSNS_MAX 512

struct code {
    uint32_t words[WORDS_MAX];
    unsigned count;
};

static inline void emit(struct code *c, uint32_t word)
{
    c->words[c->count++] = word;
}

/* movz x<rd>, #hi, lsl #16; movk x<rd>, #lo */
static inline void emit_const(struct code *c, unsigned rd, uint32_t v)
{
    emit(c, UINT32_C(0xd2a00000) | (v >> 16) << 5 | rd);
    emit(c, UINT32_C(0xf2800000) | (v & 0xffff) << 5 | rd);
}

/* Each entry of each EL: return behind the instruction at fault. */
static inline void emit_vectors(struct code *c)
{
    static const uint32_t elr_read[] = {0xd538403e, 0xd53c403e}; /* mrs x30, elr_el<1, 2> */
    static const uint32_t elr_write[] = {0xd518403e, 0xd51c403e};

    for (unsigned el = 0; el < 2; el++)
        for (unsigned entry = 0; entry < EL_BYTES / 0x80; entry++) {
            c->count = (VECTORS + el * EL_BYTES + entry * 0x80) / 4;
            emit(c, elr_read[el]);
            emit(c, 0x910013de); /* add x30, x30, #4 */
            emit(c, elr_write[el]);
            emit(c, 0xd69f03e0); /* eret */
        }
}

static inline void emit_prologue(struct code *c, bool el2)
{
    static const uint32_t pointers[] = {
        0x08000000, 0x08010000, 0x08080000, 0x080a0000, 0x080b0000, 0x08090040,
        0x09000000, 0x09010000, 0x09020000, 0x09030000, 0x0a003e00, 0x00000000,
        0x40000000, 0x40081000, 0x40ff0000, 0x84000000, 0x00300000, 0x00000001,
    };

    c->count = 0;
    emit_const(c, 0, CODE_BASE + VECTORS);
    emit(c, 0xd518c000); /* msr vbar_el1, x0 */
    emit_const(c, 0, CODE_BASE + VECTORS + EL_BYTES);
    if (el2)
        emit(c, 0xd51cc000); /* msr vbar_el2, x0 */
    emit_const(c, 0, RAM + 0xf00000);
    emit(c, 0x9100001f); /* mov sp, x0 */
    for (unsigned i = 0; i < ARRAY_SIZE(pointers); i++)
        emit_const(c, i, pointers[i]);
}

/* The input's instructions, again and again. */
static inline void emit_input(struct code *c, struct choices *in)
{
    unsigned first = c->count;

    for (unsigned n = 0; n < INSNS_MAX && in->left > 0; n++) {
        unsigned row = (unsigned)take(in, 2);
        uint32_t word = (uint32_t)take(in, 4);

        if (row < 0xc000) {
            const struct a64_row *r = &a64_rows[row % A64_OP_COUNT];
            word = (word & ~r->mask) | r->value;
        }
        emit(c, word);
    }
    emit(c, UINT32_C(0x14000000) | ((first - c->count) & 0x3ffffff)); /* b first */
    CHECK(c->count <= VECTORS / 4);
}
