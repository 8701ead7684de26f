/* FEAT_PAuth instructions outside the hint space: data processing, branches, LDRAA. A key that is
 * not enabled makes them do nothing to the pointer, and then HCR_EL2.API does not trap them. */
#include "cpu/exec.h"
#include "cpu/exec/branch.h"
#include "cpu/exec/ldst.h"
#include "cpu/pauth.h"

/* Xd of an instruction that also reads it; XZR reads as zero. */
static inline uint64_t pointer(const struct cpu *cpu, const struct insn *i)
{
    return i->rd == REG_SINK ? 0 : cpu->x[i->rd];
}

/* AddPACIA() and its kin. */
static enum exec_result add_pac(struct cpu *cpu, const struct insn *i, uint64_t modifier,
                                enum pauth_key key)
{
    uint64_t ptr = pointer(cpu, i);

    if (pauth_enabled(cpu, key)) {
        if (pauth_trapped(cpu, i))
            return EXEC_ABORT;
        ptr = pauth_add(cpu, ptr, modifier, key);
    }
    cpu->x[i->rd] = ptr;
    return EXEC_NEXT;
}

/* AuthIA() and its kin. False: an exception has been taken. */
static bool auth(struct cpu *cpu, const struct insn *i, uint64_t ptr, uint64_t modifier,
                 enum pauth_key key, bool combined, uint64_t *out)
{
    *out = ptr;
    if (!pauth_enabled(cpu, key))
        return true;
    if (pauth_trapped(cpu, i))
        return false;
    return pauth_auth(cpu, i, ptr, modifier, key, combined, out);
}

static enum exec_result auth_rd(struct cpu *cpu, const struct insn *i, uint64_t modifier,
                                enum pauth_key key)
{
    uint64_t ptr;

    if (!auth(cpu, i, pointer(cpu, i), modifier, key, false, &ptr))
        return EXEC_ABORT;
    cpu->x[i->rd] = ptr;
    return EXEC_NEXT;
}

static enum exec_result strip(struct cpu *cpu, const struct insn *i, bool data)
{
    cpu->x[i->rd] = pauth_strip(cpu, pointer(cpu, i), data);
    return EXEC_NEXT;
}

EXEC enum exec_result exec_PACGA(struct cpu *cpu, const struct insn *i)
{
    if (pauth_trapped(cpu, i))
        return EXEC_ABORT;
    cpu->x[i->rd] = pauth_generic(cpu, cpu->x[i->rn], cpu->x[i->rm]);
    return EXEC_NEXT;
}

static enum exec_result auth_branch(struct cpu *cpu, const struct insn *i, uint64_t modifier,
                                    enum pauth_key key)
{
    uint64_t target;

    if (!auth(cpu, i, cpu->x[i->rn], modifier, key, true, &target))
        return EXEC_ABORT;
    return branch_jump(cpu, target, branch_btype_br(cpu, i));
}

static enum exec_result auth_call(struct cpu *cpu, const struct insn *i, uint64_t modifier,
                                  enum pauth_key key)
{
    uint64_t target;

    if (!auth(cpu, i, cpu->x[i->rn], modifier, key, true, &target))
        return EXEC_ABORT;
    cpu->x[30] = insn_pc(cpu, i) + 4;
    return branch_jump(cpu, target, BTYPE_CALL);
}

static enum exec_result auth_return(struct cpu *cpu, const struct insn *i, enum pauth_key key)
{
    uint64_t target;

    if (!auth(cpu, i, cpu->x[30], cpu->x[REG_SP], key, true, &target))
        return EXEC_ABORT;
    return branch_jump(cpu, target, BTYPE_NONE);
}

/*
 * LDRAA, LDRAB: the modifier is zero; writeback is of the authenticated pointer.
 * CU-choice: writeback with Rt == Rn: the loaded value is lost.
 */
static enum exec_result auth_load(struct cpu *cpu, const struct insn *i, enum pauth_key key)
{
    uint64_t va, v;
    bool wback = i->mod == LS_PRE;

    if (!ls_base(cpu, i, &va) || !auth(cpu, i, va, 0, key, true, &va))
        return EXEC_ABORT;
    va += (uint64_t)i->imm;
    if (!mem_load(cpu, i, va, 8, ACC_64 | (wback ? ACC_WB : 0), &v))
        return EXEC_ABORT;
    cpu->x[i->rd] = v;
    if (wback)
        cpu->x[i->rn] = va;
    return cpu_next(cpu);
}

#define X(key)                                                                                     \
    EXEC_FUNCTION(PAC##key, add_pac(cpu, i, cpu->x[i->rn], PAUTH_##key))                           \
    EXEC_FUNCTION(AUT##key, auth_rd(cpu, i, cpu->x[i->rn], PAUTH_##key))
X(IA)
X(IB)
X(DA)
X(DB)
#undef X

EXEC_FUNCTION(PACIZA, add_pac(cpu, i, 0, PAUTH_IA))
EXEC_FUNCTION(PACIZB, add_pac(cpu, i, 0, PAUTH_IB))
EXEC_FUNCTION(PACDZA, add_pac(cpu, i, 0, PAUTH_DA))
EXEC_FUNCTION(PACDZB, add_pac(cpu, i, 0, PAUTH_DB))
EXEC_FUNCTION(AUTIZA, auth_rd(cpu, i, 0, PAUTH_IA))
EXEC_FUNCTION(AUTIZB, auth_rd(cpu, i, 0, PAUTH_IB))
EXEC_FUNCTION(AUTDZA, auth_rd(cpu, i, 0, PAUTH_DA))
EXEC_FUNCTION(AUTDZB, auth_rd(cpu, i, 0, PAUTH_DB))
EXEC_FUNCTION(XPACI, strip(cpu, i, false))
EXEC_FUNCTION(XPACD, strip(cpu, i, true))
EXEC_FUNCTION(BRAAZ, auth_branch(cpu, i, 0, PAUTH_IA))
EXEC_FUNCTION(BRABZ, auth_branch(cpu, i, 0, PAUTH_IB))
EXEC_FUNCTION(BRAA, auth_branch(cpu, i, cpu->x[i->rm], PAUTH_IA))
EXEC_FUNCTION(BRAB, auth_branch(cpu, i, cpu->x[i->rm], PAUTH_IB))
EXEC_FUNCTION(BLRAAZ, auth_call(cpu, i, 0, PAUTH_IA))
EXEC_FUNCTION(BLRABZ, auth_call(cpu, i, 0, PAUTH_IB))
EXEC_FUNCTION(BLRAA, auth_call(cpu, i, cpu->x[i->rm], PAUTH_IA))
EXEC_FUNCTION(BLRAB, auth_call(cpu, i, cpu->x[i->rm], PAUTH_IB))
EXEC_FUNCTION(RETAA, auth_return(cpu, i, PAUTH_IA))
EXEC_FUNCTION(RETAB, auth_return(cpu, i, PAUTH_IB))
EXEC_FUNCTION(LDRAA, auth_load(cpu, i, PAUTH_DA))
EXEC_FUNCTION(LDRAB, auth_load(cpu, i, PAUTH_DB))
