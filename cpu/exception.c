#include "cpu/exception.h"

#include "cpu/context.h"
#include "cpu/exec.h"
#include "cpu/pmu.h"
#include "cpu/step.h"

/* The registers of an EL that exceptions use, by target EL. */
static const struct {
    enum sysreg elr, spsr, esr, far, vbar, sctlr;
} banked[] = {
    [1] = {SR_ELR_EL1, SR_SPSR_EL1, SR_ESR_EL1, SR_FAR_EL1, SR_VBAR_EL1, SR_SCTLR_EL1},
    [2] = {SR_ELR_EL2, SR_SPSR_EL2, SR_ESR_EL2, SR_FAR_EL2, SR_VBAR_EL2, SR_SCTLR_EL2},
};

uint64_t cpu_hcr(const struct cpu *cpu)
{
    return cpu->has_el2 ? cpu->sr[SR_HCR_EL2] : 0;
}

bool cpu_e2h(const struct cpu *cpu)
{
    return cpu_hcr(cpu) & FIELD_MASK(HCR_EL2_E2H);
}

bool cpu_host_regime(const struct cpu *cpu)
{
    const uint64_t both = FIELD_MASK(HCR_EL2_E2H) | FIELD_MASK(HCR_EL2_TGE);

    return (cpu_hcr(cpu) & both) == both;
}

bool cpu_host_el0(const struct cpu *cpu)
{
    return cpu->ps.el == 0 && cpu_host_regime(cpu);
}

bool cpu_el2_regime(const struct cpu *cpu)
{
    return cpu->ps.el == 2 || cpu_host_el0(cpu);
}

unsigned cpu_default_target_el(const struct cpu *cpu)
{
    if (cpu->ps.el == 0)
        return cpu_hcr(cpu) & FIELD_MASK(HCR_EL2_TGE) ? 2 : 1;
    return cpu->ps.el;
}

static enum sysreg sp_bank(unsigned el, unsigned sp)
{
    return sp == 0 || el == 0 ? SR_SP_EL0 : el == 1 ? SR_SP_EL1 : SR_SP_EL2;
}

void cpu_set_el_sp(struct cpu *cpu, unsigned el, unsigned sp)
{
    cpu->sr[sp_bank(cpu->ps.el, cpu->ps.sp)] = cpu->x[REG_SP];
    cpu->x[REG_SP] = cpu->sr[sp_bank(el, sp)];
    cpu->ps.el = (uint8_t)el;
    cpu->ps.sp = (uint8_t)sp;
}

static enum sysreg sp_of_el(unsigned el)
{
    return el == 0 ? SR_SP_EL0 : el == 1 ? SR_SP_EL1 : SR_SP_EL2;
}

uint64_t cpu_sp_get(const struct cpu *cpu, unsigned el)
{
    enum sysreg sr = sp_of_el(el);

    return sr == sp_bank(cpu->ps.el, cpu->ps.sp) ? cpu->x[REG_SP] : cpu->sr[sr];
}

void cpu_sp_set(struct cpu *cpu, unsigned el, uint64_t value)
{
    enum sysreg sr = sp_of_el(el);

    if (sr == sp_bank(cpu->ps.el, cpu->ps.sp))
        cpu->x[REG_SP] = value;
    else
        cpu->sr[sr] = value;
}

uint64_t cpu_pstate_to_spsr(const struct cpu *cpu)
{
    const struct pstate *p = &cpu->ps;

    return (uint64_t)cpu_nzcv(cpu) << 28 | (uint64_t)p->dit << 24 | (uint64_t)p->uao << 23 |
           (uint64_t)p->pan << 22 | (uint64_t)p->ss << 21 | (uint64_t)p->il << 20 |
           (uint64_t)p->ssbs << 12 | (uint64_t)p->btype << 10 | (uint64_t)p->daif << 6 |
           (uint64_t)p->el << 2 | p->sp;
}

/* AArch64.TakeException(). */
void cpu_take_exception(struct cpu *cpu, const struct exception *e)
{
    unsigned el = e->target_el;
    uint64_t spsr = cpu_pstate_to_spsr(cpu);
    uint64_t vector = e->type;

    CHECK(el >= cpu->ps.el && el <= 2);
    if (unlikely(cpu->pmu_on))
        pmu_leave_el(cpu, PMU_EVENT_EXC_TAKEN, e->completed);
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
    if (cpu_wants(cpu, ARM_EVENT_EXCEPTION)) {
        bool syndrome = e->type == EXC_SYNC || e->type == EXC_SERROR;
        struct arm_event p = {.kind = ARM_EVENT_EXCEPTION,
                              .exception = {.target_el = (uint8_t)el,
                                            .vector = (uint16_t)vector,
                                            .esr = syndrome ? e->esr : 0,
                                            .far = e->far_valid ? e->far : 0,
                                            .hpfar = e->hpfar_valid ? e->hpfar : 0,
                                            .spsr = spsr}};
        cpu->pc = e->ret;
        cpu_fire_here(cpu, &p);
    }

    uint64_t sctlr = cpu->sr[banked[el].sctlr];
    bool host = cpu_host_regime(cpu);
    cpu_set_el_sp(cpu, el, 1);
    cpu->ps.daif = 15;
    cpu->ps.il = 0;
    cpu->ps.ss = 0;
    cpu->ps.btype = 0;
    cpu->ps.uao = 0;
    if (cpu_has(cpu, FEAT_PAN) && !(sctlr & FIELD_MASK(SCTLR_EL1_SPAN)) && (el == 1 || host))
        cpu->ps.pan = 1;
    if (cpu_has(cpu, FEAT_SSBS))
        cpu->ps.ssbs = (sctlr & FIELD_MASK(SCTLR_EL1_DSSBS)) != 0;
    cpu->pc = (cpu->sr[banked[el].vbar] & ~UINT64_C(0x7ff)) + vector;
    cpu_context_changed(cpu);
    if (unlikely(cpu->pmu_on))
        pmu_enter_el(cpu);
}

/* IllegalExceptionReturn(): with AArch64 state only, every AArch32 target is illegal. */
static bool illegal_return(const struct cpu *cpu, uint64_t spsr)
{
    unsigned el = bits(spsr, 3, 2);

    if (bit(spsr, 4) || bit(spsr, 1) || (el == 0 && bit(spsr, 0)))
        return true;
    if (el > cpu->ps.el || el == 3)
        return true;
    return el == 1 && (cpu_hcr(cpu) & FIELD_MASK(HCR_EL2_TGE));
}

void cpu_exception_return(struct cpu *cpu, uint64_t pc, uint64_t spsr)
{
    bool illegal = illegal_return(cpu, spsr);
    uint8_t ss = cpu_step_return_ss(cpu, spsr, illegal);

    if (unlikely(cpu->pmu_on))
        pmu_leave_el(cpu, PMU_EVENT_EXC_RETURN, true);
    CPU_FIRE(cpu, cpu->counted, ERET, eret, .target = pc, .spsr = spsr,
             .target_el = illegal ? cpu->ps.el : (uint8_t)bits(spsr, 3, 2), .legal = !illegal);
    if (bit(spsr, 4))
        LOG(cpu->log, CPU, WARN,
            "cpu%u: return to AArch32 state (SPSR_EL%u %#llx): this machine has AArch64 only; "
            "taken as an illegal exception return",
            cpu->index, cpu->ps.el, (unsigned long long)spsr);
    if (illegal) {
        cpu->ps.il = 1;
    } else {
        cpu_set_el_sp(cpu, bits(spsr, 3, 2), bit(spsr, 0));
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
    cpu->excl.valid = false;
    cpu->event = true;
    cpu->pc = cpu_branch_addr(cpu, pc);
    cpu->irq_check = true;
    cpu_context_changed(cpu);
    if (unlikely(cpu->pmu_on))
        pmu_enter_el(cpu);
}

/* AddrTop() and AArch64.BranchAddr(): the tag of a branch target never reaches the PC. */
uint64_t cpu_branch_addr(const struct cpu *cpu, uint64_t pc)
{
    bool two_ranges = cpu->ps.el < 2 || cpu_e2h(cpu);
    uint64_t tcr = cpu->sr[cpu_el2_regime(cpu) ? SR_TCR_EL2 : SR_TCR_EL1];
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
    cpu_count_upto(cpu, i);
    cpu_take_exception(cpu, &(struct exception){.type = EXC_SYNC,
                                                .target_el = target_el,
                                                .ret = insn_pc(cpu, i),
                                                .esr = esr(ec, iss)});
    return EXEC_ABORT;
}

enum exec_result exec_undefined(struct cpu *cpu, const struct insn *i)
{
    return exec_trap(cpu, i, cpu_default_target_el(cpu), ESR_EC_UNKNOWN, 0);
}

/* One row a kind of physical interrupt: its mask bit, its route to EL2 (with TGE), its vector. */
enum { KIND_FIQ, KIND_IRQ, KIND_SERROR };
static const struct {
    enum exc_type type;
    uint8_t mask;
    uint64_t route, virt;
} kinds[] = {
    [KIND_FIQ] = {EXC_FIQ, PSTATE_F, FIELD_MASK(HCR_EL2_FMO), FIELD_MASK(HCR_EL2_VF)},
    [KIND_IRQ] = {EXC_IRQ, PSTATE_I, FIELD_MASK(HCR_EL2_IMO), FIELD_MASK(HCR_EL2_VI)},
    [KIND_SERROR] = {EXC_SERROR, PSTATE_A, FIELD_MASK(HCR_EL2_AMO), FIELD_MASK(HCR_EL2_VSE)},
};

static bool physical_pending(const struct cpu *cpu, enum exc_type type)
{
    return type == EXC_FIQ ? cpu->fiq_pin : type == EXC_IRQ ? cpu->irq_pin : cpu->serror_pin;
}

static bool virtual_pin(const struct cpu *cpu, enum exc_type type)
{
    return type == EXC_FIQ ? cpu->vfiq_pin : type == EXC_IRQ && cpu->virq_pin;
}

/* The EL that takes a physical interrupt of kind @k now, or 0 if it stays pending. */
static unsigned physical_target(const struct cpu *cpu, unsigned k)
{
    uint64_t hcr = cpu_hcr(cpu);
    unsigned target = hcr & (FIELD_MASK(HCR_EL2_TGE) | kinds[k].route) ? 2 : 1;
    bool host = cpu_host_regime(cpu);

    if (target < cpu->ps.el)
        return 0;
    if (target == 2 && cpu->ps.el < 2 && !host)
        return target; /* a higher EL's interrupt ignores the masks of a lower one */
    return cpu->ps.daif & kinds[k].mask ? 0 : target;
}

/* Is virtual interrupt kind @k pending and deliverable to EL1&0 (masks aside)? */
static bool virtual_pending(const struct cpu *cpu, unsigned k)
{
    uint64_t hcr = cpu_hcr(cpu);

    return cpu->ps.el < 2 && !(hcr & FIELD_MASK(HCR_EL2_TGE)) && (hcr & kinds[k].route) &&
           ((hcr & kinds[k].virt) || virtual_pin(cpu, kinds[k].type));
}

bool cpu_interrupts_masked(const struct cpu *cpu)
{
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++)
        if (physical_target(cpu, k))
            return false;
    return true;
}

bool cpu_serror_masked(const struct cpu *cpu)
{
    return physical_target(cpu, KIND_SERROR) == 0;
}

bool cpu_virtual_serror_masked(const struct cpu *cpu)
{
    return virtual_pending(cpu, KIND_SERROR) && (cpu->ps.daif & PSTATE_A);
}

static void take_virtual_serror(struct cpu *cpu, struct exception *e)
{
    uint64_t iss = cpu_has(cpu, FEAT_RAS) ? cpu->sr[SR_VSESR_EL2] & MASK(24, 0) : 0;

    e->esr = esr(ESR_EC_SERROR, iss);
    cpu->sr[SR_HCR_EL2] &= ~FIELD_MASK(HCR_EL2_VSE);
}

bool cpu_take_interrupt(struct cpu *cpu)
{
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        unsigned target = physical_pending(cpu, kinds[k].type) ? physical_target(cpu, k) : 0;
        if (target) {
            struct exception e = {.type = kinds[k].type, .target_el = target, .ret = cpu->pc};
            if (e.type == EXC_SERROR) {
                e.esr = esr(ESR_EC_SERROR, 0);
                cpu->serror_pin = false;
            }
            cpu_take_exception(cpu, &e);
            return true;
        }
    }
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++) {
        if (virtual_pending(cpu, k) && !(cpu->ps.daif & kinds[k].mask)) {
            struct exception e = {.type = kinds[k].type, .target_el = 1, .ret = cpu->pc};
            if (e.type == EXC_SERROR)
                take_virtual_serror(cpu, &e);
            cpu_take_exception(cpu, &e);
            return true;
        }
    }
    return false;
}

bool cpu_wakeup_pending(const struct cpu *cpu)
{
    for (unsigned k = 0; k < ARRAY_SIZE(kinds); k++)
        if (physical_pending(cpu, kinds[k].type) || virtual_pending(cpu, k))
            return true;
    return false;
}
