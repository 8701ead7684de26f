/* What an instruction does with values, for clients that follow them. */
#include "arch/insn.h"
#include "armillary.h"
#include "base/bits.h"

/* X0 to X30, and SP as bit 31. */
static uint32_t general(uint64_t x)
{
    return (uint32_t)(x & MASK(30, 0)) | (uint32_t)bit(x, REG_SP) << 31;
}

static uint32_t number(unsigned x)
{
    return x == REG_SP ? ARM_SP : ARM_X(x);
}

static void move(struct arm_insn_use *use, uint32_t from, uint32_t to)
{
    use->kind = ARM_INSN_MOVE;
    use->from = from;
    use->to = to;
}

static bool names(unsigned reg)
{
    return reg < REG_ZR || reg == REG_SP;
}

/* MOV of SP is ADD that adds nothing. */
static void find_move(struct arm_insn_use *use, const struct insn *i, enum a64_op op, uint32_t word)
{
    if (a64_is_register_move(op, i) && names(i->rm) && names(i->rd))
        move(use, number(i->rm), number(i->rd));
    else if (op == A64_ADD_imm && i->sz && i->imm == 0 && names(i->rn) && names(i->rd))
        move(use, number(i->rn), number(i->rd));
    else if (a64_is_vector_move(word))
        move(use, ARM_V(i->rn), ARM_V(i->rd));
}

static void find_kind(struct arm_insn_use *use, const struct insn *i, enum a64_op op, uint32_t word)
{
    const uint32_t system = (uint32_t)bits(word, 20, 5);

    if (op == A64_MRS) {
        use->kind = ARM_INSN_MRS;
        use->from = system;
        use->to = names(i->rd) ? number(i->rd) : ARM_NO_REGISTER;
    } else if (op == A64_MSR_reg) {
        use->kind = ARM_INSN_MSR;
        use->from = names(i->rd) ? number(i->rd) : ARM_NO_REGISTER;
        use->to = system;
    } else if (a64_is(op, FACT_LD)) {
        use->kind = a64_is(op, FACT_ST) ? ARM_INSN_ATOMIC : ARM_INSN_LOAD;
    } else if (a64_is(op, FACT_ST)) {
        use->kind = ARM_INSN_STORE;
    } else {
        find_move(use, i, op, word);
    }
}

bool arm_insn_uses(uint32_t word, struct arm_insn_use *out)
{
    enum a64_op op = a64_lookup(word);
    struct insn i = {0};

    *out = (struct arm_insn_use){.from = ARM_NO_REGISTER, .to = ARM_NO_REGISTER};
    if (op == A64_UNALLOCATED)
        return false;
    a64_decode(word, 0, &i);
    i.op = (uint16_t)op;
    struct a64_use use = a64_use(&a64_rows[op], &i);
    out->reads = general(use.x_reads);
    out->writes = general(use.x_writes);
    out->v_reads = use.v_reads;
    out->v_writes = use.v_writes;
    find_kind(out, &i, op, word);
    return true;
}
