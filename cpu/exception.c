#include "cpu/exception.h"

#include "cpu/context.h"
#include "cpu/debug_state.h"
#include "cpu/events.h"
#include "cpu/interrupt.h"
#include "cpu/late.h"
#include "cpu/pmu.h"
#include "cpu/pstate.h"
#include "cpu/world.h"

/* The registers of an EL that exceptions use, by target EL. */
static const struct {
    enum sysreg elr, spsr, esr, far, vbar, sctlr;
} banked[] = {
    [1] = {SR_ELR_EL1, SR_SPSR_EL1, SR_ESR_EL1, SR_FAR_EL1, SR_VBAR_EL1, SR_SCTLR_EL1},
    [2] = {SR_ELR_EL2, SR_SPSR_EL2, SR_ESR_EL2, SR_FAR_EL2, SR_VBAR_EL2, SR_SCTLR_EL2},
    [3] = {SR_ELR_EL3, SR_SPSR_EL3, SR_ESR_EL3, SR_FAR_EL3, SR_VBAR_EL3, SR_SCTLR_EL3},
};

/* AArch64.TakeException(). */
void cpu_take_exception(struct cpu *cpu, const struct exception *e)
{
    unsigned el = e->target_el;
    uint64_t spsr = cpu_pstate_to_spsr(cpu);
    uint64_t vector = e->type;

    CHECK(el >= cpu->ps.el && el <= 3);
    if (unlikely(cpu->pmu_on)) {
        cpu->pc = e->ret;
        pmu_leave_el(cpu, PMU_EVENT_EXC_TAKEN, e->completed);
    }
    if (el > cpu->ps.el)
        vector += 0x400;
    else if (cpu->ps.sp)
        vector += 0x200;

    cpu->sr[banked[el].spsr] = spsr;
    cpu->sr[banked[el].elr] = e->ret;
    if (e->type == EXC_SYNC || e->type == EXC_SERROR)
        cpu->sr[banked[el].esr] = e->esr;
    if (e->far_valid)
        cpu->sr[banked[el].far] = e->far;
    if (e->hpfar_valid)
        cpu->sr[SR_HPFAR_EL2] = e->hpfar;
    cpu->exceptions++;
    /* What is late is so for the exception, and no more behind it. */
    uint64_t sctlr = cpu->sr[banked[el].sctlr], vbar = cpu->sr[banked[el].vbar];
    bool host = cpu_host_regime(cpu);
    if (unlikely(cpu->wanted & EXCEPTION_EVENTS)) {
        cpu_tell_exception(cpu, e, vector, spsr);
        if (cpu->late)
            late_synchronize(cpu);
    }
    const bool enters_el3 = el == 3 && cpu->ps.el != 3;
    cpu_set_el_sp(cpu, el, 1);
    if (unlikely(enters_el3))
        cpu_follow_scr(cpu);
    cpu->ps.daif = 15;
    cpu->ps.il = 0;
    cpu->ps.ss = 0;
    cpu->ps.btype = 0;
    cpu->ps.uao = 0;
    if (cpu_has(cpu, FEAT_PAN) && !(sctlr & FIELD_MASK(SCTLR_EL1_SPAN)) &&
        (el == 1 || (el == 2 && host)))
        cpu->ps.pan = 1;
    if (cpu_has(cpu, FEAT_SSBS))
        cpu->ps.ssbs = (sctlr & FIELD_MASK(SCTLR_EL1_DSSBS)) != 0;
    cpu->pc = (vbar & ~UINT64_C(0x7ff)) + vector;
    cpu_el_changed(cpu);
    if (unlikely(cpu->pmu_on))
        pmu_enter_el(cpu);
}

/* IllegalExceptionReturn(): with AArch64 state only, every AArch32 target is illegal. */
static bool illegal_return(const struct cpu *cpu, uint64_t spsr)
{
    unsigned el = bits(spsr, 3, 2);

    if (bit(spsr, 4) || bit(spsr, 1) || (el == 0 && bit(spsr, 0)))
        return true;
    if (el > cpu->ps.el || (el == 2 && !cpu->el2_enabled))
        return true;
    return el == 1 && (cpu_hcr(cpu) & FIELD_MASK(HCR_EL2_TGE));
}

void cpu_exception_return(struct cpu *cpu, uint64_t pc, uint64_t spsr)
{
    bool illegal = illegal_return(cpu, spsr);
    uint8_t ss = cpu_step_return_ss(cpu, spsr, illegal);

    if (unlikely(cpu->pmu_on)) {
        cpu->pc = insn_pc(cpu, cpu->counted);
        pmu_leave_el(cpu, PMU_EVENT_EXC_RETURN, true);
    }
    if (unlikely(cpu->wanted & RETURN_EVENTS)) {
        /* CU-choice: what is late is so no more for the return itself. */
        if (cpu->late && late_synchronize(cpu)) {
            illegal = illegal_return(cpu, spsr);
            ss = cpu_step_return_ss(cpu, spsr, illegal);
        }
        cpu_tell_return(cpu, cpu->counted, pc, spsr, !illegal);
    }
    if (bit(spsr, 4))
        LOG(cpu->log, CPU, WARN,
            "cpu%u: return to AArch32 state (SPSR_EL%u %#llx): this machine has AArch64 only; "
            "taken as an illegal exception return",
            cpu->index, cpu->ps.el, (unsigned long long)spsr);
    if (illegal) {
        cpu->ps.il = 1;
    } else {
        const bool leaves_el3 = cpu->ps.el == 3;
        cpu_set_el_sp(cpu, bits(spsr, 3, 2), bit(spsr, 0));
        if (unlikely(leaves_el3))
            cpu_follow_scr(cpu);
        cpu->ps.il = bit(spsr, 20);
        if (cpu_has(cpu, FEAT_BTI))
            cpu->ps.btype = (uint8_t)bits(spsr, 11, 10);
        if (cpu_has(cpu, FEAT_SSBS))
            cpu->ps.ssbs = bit(spsr, 12);
    }
    cpu->ps.ss = ss;
    cpu->ps.daif = (uint8_t)bits(spsr, 9, 6);
    cpu_set_nzcv(cpu, (unsigned)bits(spsr, 31, 28));
    if (cpu_has(cpu, FEAT_PAN))
        cpu->ps.pan = bit(spsr, 22);
    if (cpu_has(cpu, FEAT_UAO))
        cpu->ps.uao = bit(spsr, 23);
    if (cpu_has(cpu, FEAT_DIT))
        cpu->ps.dit = bit(spsr, 24);
    cpu->excl_valid = false;
    cpu->event = true;
    cpu->pc = cpu_branch_addr(cpu, pc);
    cpu->irq_check = true;
    cpu_el_changed(cpu);
    if (unlikely(cpu->pmu_on))
        pmu_enter_el(cpu);
}

/* AddrTop() and AArch64.BranchAddr(): the tag of a branch target never reaches the PC. */
uint64_t cpu_branch_addr(const struct cpu *cpu, uint64_t pc)
{
    bool two_ranges = cpu_two_ranges(cpu);
    uint64_t tcr = cpu_regime_tcr(cpu);
    bool upper = bit(pc, 55);
    bool tbi, tbid;

    if (two_ranges) {
        tbi = bit(tcr, upper ? 38 : 37);
        tbid = bit(tcr, upper ? 52 : 51);
    } else {
        tbi = bit(tcr, 20);
        tbid = bit(tcr, 29);
    }
    if (!tbi || (tbid && cpu_has(cpu, FEAT_PAuth)))
        return pc;
    return two_ranges && upper ? pc | MASK(63, 56) : pc & MASK(55, 0);
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
    static const enum exc_type types[INTERRUPT_KINDS] = {
        [INTERRUPT_FIQ] = EXC_FIQ, [INTERRUPT_IRQ] = EXC_IRQ, [INTERRUPT_SERROR] = EXC_SERROR};
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
