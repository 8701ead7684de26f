/* Exception return: ERET, ERETAA, ERETAB, DRPS. */
#include "arch/sysreg.h"
#include "cpu/exception.h"
#include "cpu/exec.h"
#include "cpu/pauth.h"
#include "cpu/traps.h"

/* True: the trap has been taken. */
static bool eret_trapped(struct cpu *cpu, const struct insn *i, uint32_t iss)
{
    struct trap t = cpu_eret_trap(cpu, iss);

    if (t.el)
        exec_take_trap(cpu, i, t);
    return t.el != 0;
}

static enum sysreg elr_of(const struct cpu *cpu)
{
    static const uint16_t elr[] = {[1] = SR_ELR_EL1, SR_ELR_EL2, SR_ELR_EL3};

    return (enum sysreg)elr[cpu->ps.el];
}

static enum exec_result do_return(struct cpu *cpu, uint64_t pc)
{
    static const uint16_t spsr[] = {[1] = SR_SPSR_EL1, SR_SPSR_EL2, SR_SPSR_EL3};

    cpu_exception_return(cpu, pc, cpu->sr[spsr[cpu->ps.el]]);
    return EXEC_EXIT;
}

EXEC enum exec_result exec_ERET(struct cpu *cpu, const struct insn *i)
{
    if (cpu->ps.el == 0)
        return exec_undefined(cpu, i);
    if (eret_trapped(cpu, i, 0))
        return EXEC_ABORT;
    return do_return(cpu, cpu->sr[elr_of(cpu)]);
}

static enum exec_result eret_auth(struct cpu *cpu, const struct insn *i, enum pauth_key key)
{
    uint64_t pc = cpu->sr[elr_of(cpu)];

    if (cpu->ps.el == 0)
        return exec_undefined(cpu, i);
    if (eret_trapped(cpu, i, key == PAUTH_IA ? 2 : 3))
        return EXEC_ABORT;
    if (pauth_enabled(cpu, key)) {
        if (pauth_trapped(cpu, i) || !pauth_auth(cpu, i, pc, cpu->x[REG_SP], key, true, &pc))
            return EXEC_ABORT;
    }
    return do_return(cpu, pc);
}

EXEC_FUNCTION(ERETAA, eret_auth(cpu, i, PAUTH_IA))
EXEC_FUNCTION(ERETAB, eret_auth(cpu, i, PAUTH_IB))

/* Defined in Debug state only, which this machine never enters. */
EXEC_FUNCTION(DRPS, exec_undefined(cpu, i))
