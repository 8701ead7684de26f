#include "cpu/execute.h"

#include "cpu/events.h"
#include "cpu/fetch.h"
#include "cpu/traps.h"

exec_fn *const exec_fns[A64_OP_COUNT] = {
#define A64(name, ...) [A64_##name] = exec_##name,
#include "arch/a64.def"
#undef A64
    [A64_UNALLOCATED] = exec_UNALLOCATED,
};

enum exec_result exec_fp_held(struct cpu *cpu, const struct insn *i)
{
    if (cpu_fp_would_trap(cpu))
        return exec_take_trap(cpu, i, cpu_fp_trap(cpu));
    CPU_FIRE(cpu, i, FP, fp, .word = insn_word(cpu, i));
    return exec_fns[i->op](cpu, i);
}
