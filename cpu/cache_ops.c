/*
 * DC and IC. Caches do not exist: memory is coherent, instruction fetch too (but for late effects,
 * cpu/late.h). What is left is the address translation of the operations by VA, and DC ZVA.
 */
#include "cpu/abort.h"
#include "cpu/accessors.h"
#include "cpu/events.h"
#include "cpu/exception.h"
#include "cpu/late.h"
#include "cpu/mem_access.h"

/* An operation by VA: DC IVAC needs write permission, the others read permission and only at EL0
 * (AArch64.S1HasPermissionsFault(), AccessType_DC and _IC). */
static enum exec_result by_va(struct cpu *cpu, const struct insn *i, enum sysreg sr, uint64_t va)
{
    bool invalidate = sr == SR_DC_IVAC;
    const struct access a = {.cpu = cpu,
                             .i = i,
                             .va = va,
                             .size = 1,
                             .acc = ACC_CMO,
                             .write = true,
                             .any = !invalidate && cpu->ps.el != 0};
    struct translation t;

    if (mem_in_l1(cpu, va, invalidate) && !cpu_wants(cpu, ARM_EVENT_CACHE) &&
        !(cpu->late && sr == SR_IC_IVAU))
        return cpu_next(cpu);
    if (!mem_translate(&a, va, invalidate ? MMU_WRITE : MMU_READ, &t))
        return EXEC_ABORT;
    CPU_FIRE(cpu, i, CACHE, cache, .op = sysreg_number(sr), .operand = va, .by_va = true,
             .pa = t.pa);
    if (unlikely(cpu->late) && sr == SR_IC_IVAU)
        late_ic(cpu, false, t.pa);
    return cpu_next(cpu);
}

static enum exec_result whole(struct cpu *cpu, const struct insn *i, enum sysreg sr, uint64_t value)
{
    CPU_FIRE(cpu, i, CACHE, cache, .op = sysreg_number(sr), .operand = value);
    return cpu_next(cpu);
}

enum exec_result sr_op_DC(struct cpu *cpu, const struct insn *i, enum sysreg sr, uint64_t value)
{
    switch (sr) {
    case SR_DC_ISW:
    case SR_DC_CSW:
    case SR_DC_CISW:
        return whole(cpu, i, sr, value);
    default:
        return by_va(cpu, i, sr, value);
    }
}

enum exec_result sr_op_IC(struct cpu *cpu, const struct insn *i, enum sysreg sr, uint64_t value)
{
    if (sr == SR_IC_IVAU)
        return by_va(cpu, i, sr, value);
    if (unlikely(cpu->late))
        late_ic(cpu, true, 0);
    return whole(cpu, i, sr, value);
}

enum exec_result sr_op_DC_ZVA(struct cpu *cpu, const struct insn *i, enum sysreg sr, uint64_t value)
{
    (void)sr;
    return mem_zero(cpu, i, value, ZVA_BYTES) ? cpu_next(cpu) : EXEC_ABORT;
}
