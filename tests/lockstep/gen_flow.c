/* Random branches, and code that changes. */
#include "tests/lockstep/gen.h"

bool is_conditional_or_direct(enum a64_op op)
{
    return has_field(op, "imm26:") || has_field(op, "imm19:") || has_field(op, "imm14:");
}

/* @w with its offset replaced; @distance in instructions. */
static uint32_t branch_by(enum a64_op op, uint32_t w, int distance)
{
    const uint64_t d = (uint64_t)(int64_t)distance;

    if (has_field(op, "imm26:"))
        return (uint32_t)set_bits(w, 25, 0, d);
    return (uint32_t)(has_field(op, "imm19:") ? set_bits(w, 23, 5, d) : set_bits(w, 18, 5, d));
}

#define ADR(reg, distance) (0x10000000 | ((uint32_t)(distance)&0x7ffff) << 5 | (reg))

/* Over a few words; backwards once; or through a register. */
void emit_branch(struct gen *g, const struct program_class *c)
{
    const enum a64_op op = op_of(g, c);
    const uint32_t w = word_of(g, op);
    const unsigned skip = (unsigned)any(g, 4);
    const unsigned kind = (unsigned)any(g, 4);

    if (chance(g, 20))
        reload(g, false);
    if (kind == 0) { /* br, blr, ret */
        static const uint32_t words[] = {0xd61f0000, 0xd63f0000, 0xd65f0000};
        const unsigned reg = (unsigned)any(g, 31);
        word(g, ADR(reg, skip + 2));
        word(g, words[any(g, 3)] | reg << 5);
    } else if (kind == 1) { /* b 2f; 1: ...; b 3f; 2: ...; <w> 1b; 3: */
        word(g, 0x14000003);
        emit_dp_without(g, 32);
        word(g, 0x14000003);
        emit_dp_without(g, 32);
        word(g, branch_by(op, w, -3));
        return;
    } else {
        word(g, branch_by(op, w, (int)skip + 1));
    }
    for (unsigned k = 0; k < skip; k++)
        emit_dp_without(g, 32);
}

/* A subroutine of one instruction is called, replaced, and called again. */
void emit_code(struct gen *g, const struct program_class *c)
{
    const unsigned address = (unsigned)any(g, 29), data = address + 1;

    (void)c;
    word(g, 0x14000003); /* b over the subroutine */
    word(g, dp_without(g, address, 30));
    word(g, 0xd65f03c0); /* ret */
    word(g, ADR(address, -2));
    if (chance(g, 80))
        word(g, 0xd63f0000 | address << 5); /* blr */
    move32(g, data, dp_without(g, address, 30));
    word(g, 0xb9000000 | address << 5 | data); /* str w, [x] */
    word(g, 0xd50b7b20 | address);             /* dc cvau */
    word(g, 0xd5033b9f);                       /* dsb ish */
    word(g, 0xd50b7520 | address);             /* ic ivau */
    word(g, 0xd5033b9f);
    word(g, 0xd5033fdf); /* isb */
    word(g, 0xd63f0000 | address << 5);
}
