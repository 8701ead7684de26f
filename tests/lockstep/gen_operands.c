/* Rows, words and registers of random instructions. */
#include <stdlib.h>
#include <string.h>

#include "tests/lockstep/gen.h"

/* Rows that are not generated. */
static const struct {
    enum a64_op op;
    const char *why;
} exclusions[] = {
    {A64_UDF, "nothing but an exception"},
    {A64_FCVTZS_fix_sca_h,
     "QEMU 7.2 writes 32 bits of a negative result to Hd; test_exec_simdfp.c"},
    {A64_FJCVTZS, "QEMU 7.2 sets Z for a denormal that FPCR.FZ flushes; tests/cpu/test_fp_exec.c"},
};

static bool excluded(enum a64_op op)
{
    const struct a64_row *row = &a64_rows[op];

    /* Pointer authentication: QEMU 7.2 has its own IMPDEF algorithm; tests/cpu/test_pauth.c. */
    if (row->cls == A64_UNDEF || row->feature == FEAT_PAuth)
        return true;
    for (unsigned k = 0; k < ARRAY_SIZE(exclusions); k++)
        if (exclusions[k].op == op)
            return true;
    return false;
}

uint64_t any(struct gen *g, uint64_t below)
{
    return random_next(&g->rng) % below;
}

bool chance(struct gen *g, unsigned percent)
{
    return any(g, 100) < percent;
}

bool name_begins(enum a64_op op, const char *prefix)
{
    return strncmp(a64_rows[op].name, prefix, strlen(prefix)) == 0;
}

bool has_field(enum a64_op op, const char *name)
{
    return strstr(a64_rows[op].pattern, name) != NULL;
}

unsigned reg_n(uint32_t word)
{
    return (unsigned)bits(word, 9, 5);
}

unsigned reg_m(uint32_t word)
{
    return (unsigned)bits(word, 20, 16);
}

bool unpredictable(enum a64_op op, uint32_t word)
{
    const unsigned rt = bits(word, 4, 0), rn = reg_n(word), rt2 = bits(word, 14, 10);
    const unsigned rs = reg_m(word);
    const bool pair = has_field(op, "t2:") || has_field(op, "t2w:");
    const bool load_pair = pair && (name_begins(op, "LDP") || name_begins(op, "LDN") ||
                                    name_begins(op, "LDX") || name_begins(op, "LDAX"));
    const bool status = name_begins(op, "ST") && has_field(op, "Rsw:");
    struct insn i;

    if (load_pair && rt == rt2)
        return true;
    if (status)
        return rs == rt || (rs == rn && rn != 31) || (pair && rs == rt2);
    if (!has_field(op, "imm9:") && !has_field(op, "imm7:"))
        return false;
    a64_decode(word, 0, &i);
    return i.mod != 0 && a64_rows[op].cls == A64_INT && rn != 31 &&
           (rn == rt || (pair && rn == rt2));
}

uint32_t word_of(struct gen *g, enum a64_op op)
{
    for (;;) {
        uint32_t word = a64_rows[op].value | ((uint32_t)random_next(&g->rng) & ~a64_rows[op].mask);
        if (a64_lookup(word) == op && !unpredictable(op, word))
            return word;
    }
}

enum a64_op op_of(struct gen *g, const struct program_class *c)
{
    for (unsigned tries = 0;; tries++) {
        enum a64_op op = c->ops[any(g, c->op_count)];
        if (excluded(op) || (c->wanted && !c->wanted(op)))
            continue;
        if (a64_missing_feature(op, &g->features) == FEAT_BASE || chance(g, 3) || tries > 1000)
            return op;
    }
}

void word(struct gen *g, uint32_t w)
{
    if (g->count == ITEM_WORDS_MAX)
        abort();
    g->words[g->count++] = w;
}

void move32(struct gen *g, unsigned reg, uint64_t value)
{
    if (reg == 31)
        return;
    word(g, 0xd2800000 | (uint32_t)bits(value, 15, 0) << 5 | reg);
    word(g, 0xf2a00000 | (uint32_t)bits(value, 31, 16) << 5 | reg);
}

void reload(struct gen *g, bool vector)
{
    const unsigned address = (unsigned)any(g, 31), reg = (unsigned)any(g, vector ? 32 : 31);

    move32(g, address, POOL + any(g, POOL_COUNT) * 16);
    word(g, (vector ? 0x3dc00000 : 0xf9400000) | address << 5 | reg);
}

bool is_lse(enum a64_op op)
{
    return a64_rows[op].feature == FEAT_LSE;
}

bool is_vector(enum a64_op op)
{
    return a64_rows[op].cls == A64_FP;
}

uint32_t dp_without(struct gen *g, unsigned keep, unsigned keep2)
{
    uint32_t w;

    do
        w = word_of(g, op_of(g, &dp_class));
    while (bits(w, 4, 0) == keep || bits(w, 4, 0) == keep2);
    return w;
}

void emit_dp_without(struct gen *g, unsigned keep)
{
    word(g, dp_without(g, keep, keep));
}
