/* Exception-generating instructions (DDI0487 C4.1.88 "Exception generation"). */
#include "cpu/debug_state.h"
#include "cpu/events.h"
#include "cpu/exception.h"
#include "cpu/exec.h"
#include "cpu/parallel.h"
#include "cpu/traps.h"
#include "cpu/world.h"

static void fire_call(struct cpu *cpu, const struct insn *i, uint8_t kind)
{
    CPU_FIRE(cpu, i, CALL, call, .kind = kind, .imm = (uint16_t)i->imm, .x0 = cpu->x[0]);
}

/* An exception that the instruction asks for returns behind it. SSAdvance(): it
 * has been stepped. */
static enum exec_result take_call(struct cpu *cpu, const struct insn *i, unsigned target_el,
                                  unsigned ec)
{
    if (MDSCR_EL1_SS(cpu->sr[SR_MDSCR_EL1]))
        cpu->ps.ss = 0;
    cpu_take_exception(cpu, &(struct exception){.type = VECTOR_SYNC,
                                                .target_el = target_el,
                                                .ret = insn_pc(cpu, i) + 4,
                                                .esr = esr((enum esr_ec)ec, (uint64_t)i->imm),
                                                .completed = true});
    return EXEC_EXIT;
}

EXEC enum exec_result exec_SVC(struct cpu *cpu, const struct insn *i)
{
    unsigned el = cpu->ps.el;
    unsigned fgt = el == 0 ? HFGITR_EL2_SVC_EL0_LO : HFGITR_EL2_SVC_EL1_LO;

    /* AArch64.CheckForSVCTrap() */
    if (el < 2 && cpu_fgt_set(cpu, FGT_HFGI, fgt, SR_WRITE))
        return exec_trap(cpu, i, 2, ESR_EC_SVC64, (uint32_t)i->imm);
    fire_call(cpu, i, ARM_CALL_SVC);
    return take_call(cpu, i, cpu_default_target_el(cpu), ESR_EC_SVC64);
}

/* The machine's firmware answers in registers; it may also stop or restart the CPU. */
static enum exec_result call_firmware(struct cpu *cpu, const struct insn *i, bool is_hvc)
{
    if (!cpu->env.firmware_call)
        return exec_undefined(cpu, i);
    fire_call(cpu, i, is_hvc ? ARM_CALL_HVC : ARM_CALL_SMC);
    cpu->pc = insn_pc(cpu, i) + 4;
    cpu->irq_check = true;
    cpu_lock_alone(cpu); /* it reads and starts other CPUs */
    cpu->env.firmware_call(cpu->env.ctx, cpu, (uint16_t)i->imm);
    cpu_unlock(cpu);
    return EXEC_EXIT;
}

/* AArch64.CallHypervisor() and the checks of HVC: with EL3 SCR_EL3.HCE decides in place of
 * HCR_EL2.HCD, and EL1 in Secure state has no EL2 to call. */
static bool hvc_enabled(const struct cpu *cpu)
{
    if (!cpu_has_el3(cpu))
        return !HCR_EL2_HCD(cpu->sr[SR_HCR_EL2]);
    return SCR_EL3_HCE(cpu_scr(cpu)) && (cpu->ps.el != 1 || cpu->el2_enabled);
}

EXEC enum exec_result exec_HVC(struct cpu *cpu, const struct insn *i)
{
    if (cpu->ps.el == 0)
        return exec_undefined(cpu, i);
    /* Differs: without EL2, HVC is UNDEFINED; here firmware answers it as if there were one. */
    if (!cpu->has_el2)
        return call_firmware(cpu, i, true);
    if (!hvc_enabled(cpu))
        return exec_undefined(cpu, i);
    fire_call(cpu, i, ARM_CALL_HVC);
    return take_call(cpu, i, cpu->ps.el == 3 ? 3 : 2, ESR_EC_HVC64);
}

EXEC enum exec_result exec_SMC(struct cpu *cpu, const struct insn *i)
{
    /* AArch64.CheckForSMCUndefOrTrap() */
    bool to_el2 = cpu->ps.el == 1 && HCR_EL2_TSC(cpu_hcr(cpu));

    if (cpu->ps.el == 0 || (!cpu->has_el2 && !cpu_has_el3(cpu)) ||
        (!to_el2 && SCR_EL3_SMD(cpu_scr(cpu))))
        return exec_undefined(cpu, i);
    if (to_el2)
        return exec_trap(cpu, i, 2, ESR_EC_SMC64, (uint32_t)i->imm);
    /* Whoever is at EL3 answers, unless the machine itself does. */
    if (cpu_has_el3(cpu) && (!cpu->env.firmware_call || !cpu->has_el2)) {
        fire_call(cpu, i, ARM_CALL_SMC);
        return take_call(cpu, i, 3, ESR_EC_SMC64);
    }
    /* Differs: without EL3, SMC is UNDEFINED; here firmware answers it as if there were one. */
    return call_firmware(cpu, i, false);
}

/* AArch64.SoftwareBreakpoint() */
EXEC enum exec_result exec_BRK(struct cpu *cpu, const struct insn *i)
{
    unsigned target = debug_target_el(cpu);

    if (target < cpu->ps.el)
        target = cpu->ps.el;
    return exec_trap(cpu, i, target, ESR_EC_BRK64, (uint32_t)i->imm);
}

#define HLT_SEMIHOSTING 0xf000 /* Arm's semihosting specification, A64 */

EXEC enum exec_result exec_HLT(struct cpu *cpu, const struct insn *i)
{
    if (i->imm != HLT_SEMIHOSTING || !cpu->env.semihosting ||
        (cpu->ps.el == 0 && !cpu->env.semihosting_el0))
        return exec_undefined(cpu, i); /* halting debug is never enabled */
    cpu->pc = insn_pc(cpu, i) + 4;
    cpu->irq_check = true;
    cpu_lock(cpu);
    bool done = cpu->env.semihosting(cpu->env.ctx, cpu, i);
    cpu_unlock(cpu);
    return done ? EXEC_EXIT : EXEC_ABORT;
}

EXEC_FUNCTION(UNALLOCATED, exec_undefined(cpu, i))

/* DCPS<n> are UNDEFINED outside Debug state, which is never entered. */
EXEC_FUNCTION(DCPS1, exec_undefined(cpu, i))
EXEC_FUNCTION(DCPS2, exec_undefined(cpu, i))
EXEC_FUNCTION(DCPS3, exec_undefined(cpu, i))
