/* Branches: DDI0487 C4.1.88, without pointer authentication (pauth_insn.c) and exception return.
 * Compiled a second time into the interpreter. */
#include "cpu/exec/branch.h"
#include "cpu/exec.h"

EXEC_FUNCTION(B, EXEC_BRANCH)

EXEC enum exec_result exec_BL(struct cpu *cpu, const struct insn *i)
{
    cpu->x[30] = insn_pc(cpu, i) + 4;
    return EXEC_BRANCH;
}

#define BRANCH_CONDITIONS(X)                                                                       \
    X(eq, 0)                                                                                       \
    X(ne, 1)                                                                                       \
    X(cs, 2)                                                                                       \
    X(cc, 3)                                                                                       \
    X(mi, 4)                                                                                       \
    X(pl, 5)                                                                                       \
    X(vs, 6)                                                                                       \
    X(vc, 7)                                                                                       \
    X(hi, 8)                                                                                       \
    X(ls, 9)                                                                                       \
    X(ge, 10)                                                                                      \
    X(lt, 11)                                                                                      \
    X(gt, 12)                                                                                      \
    X(le, 13)                                                                                      \
    X(al, 14)                                                                                      \
    X(nv, 15) /* like al */

#define X(name, cond) EXEC_FUNCTION(B_##name, cond_holds(cpu, cond) ? EXEC_BRANCH : EXEC_NEXT)
BRANCH_CONDITIONS(X)
#undef X
#undef BRANCH_CONDITIONS

/* CBZ's operand at its width. */
static inline uint64_t branch_operand(const struct cpu *cpu, const struct insn *i)
{
    return i->sz ? cpu->x[i->rd] : (uint32_t)cpu->x[i->rd];
}

EXEC_FUNCTION(CBZ, branch_operand(cpu, i) == 0 ? EXEC_BRANCH : EXEC_NEXT)
EXEC_FUNCTION(CBNZ, branch_operand(cpu, i) != 0 ? EXEC_BRANCH : EXEC_NEXT)
EXEC_FUNCTION(TBZ, bit(cpu->x[i->rd], i->mod) ? EXEC_NEXT : EXEC_BRANCH)
EXEC_FUNCTION(TBNZ, bit(cpu->x[i->rd], i->mod) ? EXEC_BRANCH : EXEC_NEXT)
EXEC_FUNCTION(BR, branch_jump(cpu, cpu->x[i->rn], branch_btype_br(cpu, i)))

EXEC enum exec_result exec_BLR(struct cpu *cpu, const struct insn *i)
{
    uint64_t target = cpu->x[i->rn]; /* before X30: it may be X30 */

    cpu->x[30] = insn_pc(cpu, i) + 4;
    return branch_jump(cpu, target, BTYPE_CALL);
}

EXEC_FUNCTION(RET, branch_jump(cpu, cpu->x[i->rn], BTYPE_NONE))
