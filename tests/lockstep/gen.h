/*
 * Random instructions for lockstep programs. An item is a few words with one entry and one exit: an
 * instruction of a row of arch/a64.def with random operands, after what makes its address if it has
 * one.
 */
#pragma once

#include "arch/cpu_models.h"
#include "arch/insn.h"
#include "base/bits.h"
#include "tests/cpu/oracle_random.h"
#include "tests/lockstep/layout.h"

#define ITEM_WORDS_MAX 40

struct gen {
    uint64_t rng;
    struct features features;
    bool mmu;
    unsigned size;                  /* words emitted before this item */
    unsigned count;                 /* words of this item */
    uint32_t words[ITEM_WORDS_MAX]; /* of this item */
};

struct program_class {
    const char *name;
    const enum a64_op *ops;
    size_t op_count;
    bool (*wanted)(enum a64_op op); /* NULL: all of them */
    void (*emit)(struct gen *g, const struct program_class *c);
    bool memory; /* it stores to the window */
};

#define FPCR_MODES 0x07c80000 /* AHP, DN, FZ, RMode, FZ16 */

/* gen_operands.c: rows, words and registers. */

uint64_t any(struct gen *g, uint64_t below);
bool chance(struct gen *g, unsigned percent);
bool name_begins(enum a64_op op, const char *prefix);
bool has_field(enum a64_op op, const char *name); /* of its pattern, as "imm9:" */
bool is_lse(enum a64_op op);
bool is_vector(enum a64_op op);
unsigned reg_n(uint32_t word);
unsigned reg_m(uint32_t word);
/* Is a load or store CONSTRAINED UNPREDICTABLE because of the registers it names? */
bool unpredictable(enum a64_op op, uint32_t word);
/* A random row of a class; seldom one that the model does not have. */
enum a64_op op_of(struct gen *g, const struct program_class *c);
/* A random word of a row. */
uint32_t word_of(struct gen *g, enum a64_op op);
/* Add a word to the item. */
void word(struct gen *g, uint32_t w);
/* MOVZ and MOVK of a 32-bit value; register 31: nothing. */
void move32(struct gen *g, unsigned reg, uint64_t value);
/* Reload a general register (from anywhere in the pool) or a vector register. */
void reload(struct gen *g, bool vector);
/* A word of a data-processing row that leaves two registers alone; and as part of the item. */
uint32_t dp_without(struct gen *g, unsigned keep, unsigned keep2);
void emit_dp_without(struct gen *g, unsigned keep);

/* gen_memory.c: loads, stores, exclusives. */

/* An address for an access: aligned, anywhere, near a multiple of 16 bytes, or near
 * a page's end. */
uint64_t target(struct gen *g, unsigned aligned_percent);
bool is_scalar_memory(enum a64_op op);
bool is_exclusive_load(enum a64_op op);
void emit_memory(struct gen *g, const struct program_class *c);
void emit_exclusive(struct gen *g, const struct program_class *c);

/* gen_flow.c: branches and code that changes; gen_sys.c: system instructions. */

bool is_conditional_or_direct(enum a64_op op);
void emit_branch(struct gen *g, const struct program_class *c);
void emit_code(struct gen *g, const struct program_class *c);
void emit_sys(struct gen *g, const struct program_class *c);

extern const struct program_class dp_class;
