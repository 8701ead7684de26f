/* Data processing, immediate: DDI0487 C4.1.86. Compiled a second time into the interpreter. */
#include "cpu/exec.h"
#include "cpu/exec/dp.h"

EXEC_STATEMENT(ADR, cpu->x[i->rd] = insn_target(cpu, i))
EXEC_STATEMENT(ADRP, cpu->x[i->rd] = cpu->page_va + (uint64_t)i->imm)
EXEC_STATEMENT(ADD_imm, dp_write(cpu, i, cpu->x[i->rn] + (uint64_t)i->imm))
EXEC_STATEMENT(ADDS_imm, cpu->x[i->rd] = dp_adds(cpu, i, cpu->x[i->rn], (uint64_t)i->imm))
EXEC_STATEMENT(SUB_imm, dp_write(cpu, i, cpu->x[i->rn] - (uint64_t)i->imm))
EXEC_STATEMENT(SUBS_imm, cpu->x[i->rd] = dp_subs(cpu, i, cpu->x[i->rn], (uint64_t)i->imm))

EXEC enum exec_result exec_AND_imm(struct cpu *cpu, const struct insn *i)
{
    cpu->x[i->rd] = cpu->x[i->rn] & (uint64_t)i->imm; /* imm<63:32> is zero if !sf */
    return EXEC_NEXT;
}

EXEC_STATEMENT(ORR_imm, dp_write(cpu, i, cpu->x[i->rn] | (uint64_t)i->imm))
EXEC_STATEMENT(EOR_imm, dp_write(cpu, i, cpu->x[i->rn] ^ (uint64_t)i->imm))
EXEC_STATEMENT(ANDS_imm, cpu->x[i->rd] = dp_logic_flags(cpu, i, cpu->x[i->rn] & (uint64_t)i->imm))
EXEC_STATEMENT(MOVN, dp_write(cpu, i, ~(uint64_t)i->imm))
EXEC_STATEMENT(MOVZ, cpu->x[i->rd] = (uint64_t)i->imm)

EXEC enum exec_result exec_MOVK(struct cpu *cpu, const struct insn *i)
{
    uint64_t hole = ~(UINT64_C(0xffff) << i->mod);

    dp_write(cpu, i, (cpu->x[i->rd] & hole) | (uint64_t)i->imm);
    return EXEC_NEXT;
}

EXEC enum exec_result exec_SBFM(struct cpu *cpu, const struct insn *i)
{
    int64_t top = (int64_t)(cpu->x[i->rn] << (63 - i->mod));

    dp_write(cpu, i, (uint64_t)(top >> dp_bitfield_right(i)));
    return EXEC_NEXT;
}

EXEC_STATEMENT(UBFM, cpu->x[i->rd] = cpu->x[i->rn] << (63 - i->mod) >> dp_bitfield_right(i))

EXEC enum exec_result exec_BFM(struct cpu *cpu, const struct insn *i)
{
    unsigned left = 63 - i->mod, right = dp_bitfield_right(i);
    uint64_t hole = ~(~UINT64_C(0) << left >> right);

    dp_write(cpu, i, (cpu->x[i->rd] & hole) | cpu->x[i->rn] << left >> right);
    return EXEC_NEXT;
}

EXEC enum exec_result exec_EXTR(struct cpu *cpu, const struct insn *i)
{
    uint64_t hi = cpu->x[i->rn], lo = cpu->x[i->rm];
    unsigned lsb = (unsigned)i->imm;

    if (i->sz)
        cpu->x[i->rd] = lsb == 0 ? lo : hi << (64 - lsb) | lo >> lsb;
    else
        cpu->x[i->rd] = (uint32_t)((hi << 32 | (uint32_t)lo) >> lsb);
    return EXEC_NEXT;
}
