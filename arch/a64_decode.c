/* The decoder: lookups in the tables that tools/a64_gen.c makes from arch/a64.def. */
#include "arch/a64_form.h"
#include "arch/insn.h"
#include "base/bits.h"

static inline uint8_t operand_ZR(unsigned r)
{
    return (uint8_t)r;
}

static inline uint8_t operand_SP(unsigned r)
{
    return r == 31 ? REG_SP : (uint8_t)r;
}

static inline uint8_t operand_SINK(unsigned r)
{
    return r == 31 ? REG_SINK : (uint8_t)r;
}

#include "a64_decode.inc"

enum a64_op a64_lookup(uint32_t word)
{
    unsigned top = word >> (32 - TOP_BITS);

    for (unsigned k = first_candidate[top]; k < first_candidate[top + 1]; k++) {
        unsigned op = candidates[k];
        if ((word & a64_rows[op].mask) == a64_rows[op].value && conds[op](word))
            return (enum a64_op)op;
    }
    return A64_UNALLOCATED;
}

enum feature a64_missing_feature(enum a64_op op, const struct features *f)
{
    const struct a64_row *r = &a64_rows[op];

    if (r->feature != FEAT_BASE && !has_feature(f, r->feature))
        return r->feature;
    return r->feature2 != FEAT_BASE && !has_feature(f, r->feature2) ? r->feature2 : FEAT_BASE;
}

void a64_decode(uint32_t word, unsigned page_offset, struct insn *i)
{
    enum a64_op op = a64_lookup(word);

    *i = (struct insn){.op = (uint16_t)op, .imm = word};
    if (op == A64_UNALLOCATED)
        return;
    fill_operands[op](word, i);
    forms[op](word, page_offset, i);
}
