#include "cpu/exception.h"

#include "cpu/debug_state.h"
#include "cpu/exception_take.h"
#include "cpu/interrupt.h"

void cpu_take_exception(struct cpu *cpu, const struct exception *e)
{
    CHECK(e->target_el >= cpu->ps.el && e->target_el <= 3);
    exception_take(cpu, e, cpu_nzcv(cpu));
}

void cpu_exception_return(struct cpu *cpu, uint64_t pc, uint64_t spsr)
{
    bool illegal = exception_return_illegal(cpu, spsr);
    uint8_t ss = cpu_step_return_ss(cpu, spsr, illegal);

    if (unlikely(cpu->pmu_on)) {
        cpu->pc = insn_pc(cpu, cpu->counted);
        pmu_leave_el(cpu, PMU_EVENT_EXC_RETURN, true);
    }
    if (unlikely(cpu->wanted & RETURN_EVENTS)) {
        /* CU-choice: what is late is so no more for the return itself. */
        if (cpu->late && late_synchronize(cpu)) {
            illegal = exception_return_illegal(cpu, spsr);
            ss = cpu_step_return_ss(cpu, spsr, illegal);
        }
        cpu_tell_return(cpu, cpu->counted, pc, spsr, !illegal);
    }
    if (bit(spsr, 4))
        LOG(cpu->log, CPU, WARN,
            "cpu%u: return to AArch32 state (SPSR_EL%u %#llx): this machine has AArch64 only; "
            "taken as an illegal exception return",
            cpu->index, cpu->ps.el, (unsigned long long)spsr);
    if (illegal)
        cpu->ps.il = 1;
    else
        exception_return_el(cpu, spsr);
    cpu->ps.ss = ss;
    cpu_set_nzcv(cpu, (unsigned)bits(spsr, 31, 28));
    exception_return_to(cpu, pc, spsr);
}

enum exec_result exec_trap(struct cpu *cpu, const struct insn *i, unsigned target_el, unsigned ec,
                           uint32_t iss)
{
    return exec_take_trap(cpu, i, (struct trap){target_el, ec, iss});
}

enum exec_result exec_take_trap(struct cpu *cpu, const struct insn *i, struct trap t)
{
    const struct exception e = cpu_trap_exception(cpu, i, t);

    cpu_count_upto(cpu, i);
    cpu_take_exception(cpu, &e);
    return EXEC_ABORT;
}

void exec_take_raised(struct cpu *cpu, const struct insn *i)
{
    const struct exception e = cpu->raised;

    if (!e.target_el)
        return;
    cpu->raised.target_el = 0;
    cpu_count_upto(cpu, i);
    cpu_take_exception(cpu, &e);
}

enum exec_result exec_undefined(struct cpu *cpu, const struct insn *i)
{
    return exec_take_trap(cpu, i, cpu_undefined(cpu));
}

static void take_virtual_serror(struct cpu *cpu, struct exception *e)
{
    uint64_t iss = cpu_has(cpu, FEAT_RAS) ? cpu->sr[SR_VSESR_EL2] & MASK(24, 0) : 0;

    e->esr = esr(ESR_EC_SERROR, iss);
    uint64_t hcr = cpu->sr[SR_HCR_EL2];
    cpu->sr[SR_HCR_EL2] &= ~FIELD_MASK(HCR_EL2_VSE);
    cpu_tell_hwreg(cpu, NULL, SR_HCR_EL2, hcr, ARM_HW_SERROR);
}

bool cpu_take_interrupt(struct cpu *cpu)
{
    static const enum vector_kind types[INTERRUPT_KINDS] = {[INTERRUPT_FIQ] = VECTOR_FIQ,
                                                            [INTERRUPT_IRQ] = VECTOR_IRQ,
                                                            [INTERRUPT_SERROR] = VECTOR_SERROR};
    struct interrupt n;

    if (!cpu_interrupt_pending(cpu, &n))
        return false;
    struct exception e = {.type = types[n.kind], .target_el = n.target_el, .ret = cpu->pc};
    if (n.kind == INTERRUPT_SERROR && n.virtual) {
        take_virtual_serror(cpu, &e);
    } else if (n.kind == INTERRUPT_SERROR) {
        e.esr = esr(ESR_EC_SERROR, cpu->serror_iss);
        cpu->serror_pin = false;
    }
    cpu_take_exception(cpu, &e);
    return true;
}
