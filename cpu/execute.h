/* One instruction, by the exec_ function of its row. */
#pragma once

#include "cpu/block.h"
#include "cpu/exception.h"
#include "cpu/regime.h"
#include "cpu/world.h"

/* The exec_ function of every row. */
extern exec_fn *const exec_fns[A64_OP_COUNT];

/* An instruction of the SIMD and FP unit, where BLOCK_FP_HELD says that it may not just be
 * executed: it traps, or is an event. */
enum exec_result exec_fp_held(struct cpu *cpu, const struct insn *i);

/* Execute @i, which cpu->pc points at, in the current page and decoded; cpu->counted is @i. cpu->pc
 * and the count follow. */
static inline enum exec_result cpu_execute(struct cpu *cpu, const struct insn *i)
{
    enum exec_result r;

    if (a64_rows[i->op].cls == A64_FP && cpu_block_has(cpu, BLOCK_FP_HELD))
        r = exec_fp_held(cpu, i);
    else
        r = exec_fns[i->op](cpu, i);
    switch (r) {
    case EXEC_NEXT:
    case EXEC_SYNC:
        cpu->pc += 4;
        break;
    case EXEC_BRANCH:
        cpu->pc = insn_target(cpu, i);
        break;
    case EXEC_JUMP:
        cpu->pc = cpu_branch_addr(cpu, cpu->pc);
        break;
    case EXEC_ABORT:
        exec_take_raised(cpu, i);
        break;
    case EXEC_EXIT:
        break;
    }
    if (r != EXEC_ABORT)
        cpu->left--;
    return r;
}
