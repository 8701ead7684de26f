/* What indirect branches share: where PSTATE.BTYPE goes (BTypeNext in the pseudocode). */
#pragma once

#include "cpu/fetch.h"

#define BTYPE_NONE    0
#define BTYPE_JUMP_IP 1 /* BR by X16 or X17, or from a page that is not guarded */
#define BTYPE_CALL    2 /* BLR */
#define BTYPE_JUMP    3 /* BR otherwise */

/* BTypeNext of BR and its authenticating forms. */
static inline uint8_t branch_btype_br(const struct cpu *cpu, const struct insn *i)
{
    if (!cpu_has(cpu, FEAT_BTI))
        return BTYPE_NONE;
    if (i->rn == 16 || i->rn == 17 || !cpu_in_guarded_page(cpu))
        return BTYPE_JUMP_IP;
    return BTYPE_JUMP;
}

/* BranchTo() of an indirect branch. */
static inline enum exec_result branch_jump(struct cpu *cpu, uint64_t target, uint8_t btype)
{
    cpu->pc = target;
    if (cpu_has(cpu, FEAT_BTI))
        cpu->ps.btype = btype;
    return EXEC_JUMP;
}
