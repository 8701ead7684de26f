#include "cpu/debug_state.h"

#include "cpu/world.h"

unsigned debug_target_el(const struct cpu *cpu)
{
    return cpu->el2_enabled && ((cpu_hcr(cpu) & FIELD_MASK(HCR_EL2_TGE)) ||
                                (cpu->sr[SR_MDCR_EL2] & FIELD_MASK(MDCR_EL2_TDE)))
               ? 2
               : 1;
}

/* DoubleLockStatus(). Without FEAT_DoubleLock OSDLR_EL1.DLK is never set. */
static bool double_locked(const struct cpu *cpu)
{
    return OSDLR_EL1_DLK(cpu->sr[SR_OSDLR_EL1]) && !DBGPRCR_EL1_CORENPDRQ(cpu->sr[SR_DBGPRCR_EL1]);
}

bool debug_exceptions_enabled(const struct cpu *cpu, unsigned el, bool masked)
{
    unsigned target = debug_target_el(cpu);

    if (cpu_is_secure(cpu) && MDCR_EL3_SDD(cpu->sr[SR_MDCR_EL3]))
        return false;
    if (OSLSR_EL1_OSLK(cpu->sr[SR_OSLSR_EL1]) || double_locked(cpu) || el > target)
        return false;
    return el < target || ((cpu->sr[SR_MDSCR_EL1] & FIELD_MASK(MDSCR_EL1_KDE)) && !masked);
}

uint8_t cpu_step_return_ss(const struct cpu *cpu, uint64_t spsr, bool illegal)
{
    if (!(cpu->sr[SR_MDSCR_EL1] & FIELD_MASK(MDSCR_EL1_SS)))
        return 0;
    unsigned to = illegal ? cpu->ps.el : (unsigned)bits(spsr, 3, 2);
    bool from_enabled = debug_exceptions_enabled(cpu, cpu->ps.el, cpu->ps.daif & PSTATE_D);

    return !from_enabled && debug_exceptions_enabled(cpu, to, bit(spsr, 9)) && bit(spsr, 21);
}

bool cpu_step_active(const struct cpu *cpu)
{
    return (cpu->sr[SR_MDSCR_EL1] & FIELD_MASK(MDSCR_EL1_SS)) &&
           debug_exceptions_enabled(cpu, cpu->ps.el, cpu->ps.daif & PSTATE_D);
}
