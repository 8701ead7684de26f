/*
 * Taking exceptions and returning from them, to be compiled into whoever does it often: that it is
 * an SVC, or that nobody is to be told, is then known there. For all others cpu/exception.h.
 */
#pragma once

#include "base/bits.h"
#include "cpu/context.h"
#include "cpu/events.h"
#include "cpu/exception_info.h"
#include "cpu/late.h"
#include "cpu/pmu.h"
#include "cpu/pstate.h"
#include "cpu/regime.h"
#include "cpu/world.h"

/* The registers of an EL that exceptions use, by target EL. */
struct exception_bank {
    enum sysreg elr, spsr, esr, far, vbar, sctlr;
};

static const struct exception_bank exception_banks[] = {
    [1] = {SR_ELR_EL1, SR_SPSR_EL1, SR_ESR_EL1, SR_FAR_EL1, SR_VBAR_EL1, SR_SCTLR_EL1},
    [2] = {SR_ELR_EL2, SR_SPSR_EL2, SR_ESR_EL2, SR_FAR_EL2, SR_VBAR_EL2, SR_SCTLR_EL2},
    [3] = {SR_ELR_EL3, SR_SPSR_EL3, SR_ESR_EL3, SR_FAR_EL3, SR_VBAR_EL3, SR_SCTLR_EL3},
};

/* PSTATE as an exception to @el leaves it, EL and SP apart. @sctlr: that of @el. @host: EL2 is a
 * host's. */
static inline void exception_pstate(struct cpu *cpu, unsigned el, uint64_t sctlr, bool host)
{
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
}

/* AArch64.TakeException(). @nzcv: PSTATE.{N,Z,C,V}, which it leaves where they are. */
static inline __attribute__((always_inline)) void
exception_take(struct cpu *cpu, const struct exception *e, unsigned nzcv)
{
    unsigned el = e->target_el;
    uint64_t spsr = cpu_pstate_to_spsr(cpu, nzcv);
    uint64_t vector = e->type;
    const struct exception_bank *bank = &exception_banks[el];

    if (unlikely(cpu->pmu_on)) {
        cpu->pc = e->ret;
        pmu_leave_el(cpu, PMU_EVENT_EXC_TAKEN, e->completed);
    }
    if (el > cpu->ps.el)
        vector += 0x400;
    else if (cpu->ps.sp)
        vector += 0x200;

    cpu->sr[bank->spsr] = spsr;
    cpu->sr[bank->elr] = e->ret;
    if (e->type == VECTOR_SYNC || e->type == VECTOR_SERROR)
        cpu->sr[bank->esr] = e->esr;
    if (e->far_valid)
        cpu->sr[bank->far] = e->far;
    if (e->hpfar_valid)
        cpu->sr[SR_HPFAR_EL2] = e->hpfar;
    cpu->exceptions++;
    /* What is late is so for the exception, and no more for who is told of it. */
    uint64_t sctlr = cpu->sr[bank->sctlr], vbar = cpu->sr[bank->vbar];
    bool host = cpu_host_regime(cpu);
    if (unlikely(cpu->wanted & EXCEPTION_EVENTS)) {
        if (cpu->late)
            late_synchronize(cpu);
        cpu_tell_exception(cpu, e, vector, spsr);
    }
    const bool enters_el3 = el == 3 && cpu->ps.el != 3;
    cpu_set_el_sp(cpu, el, 1);
    if (unlikely(enters_el3))
        cpu_follow_scr(cpu);
    exception_pstate(cpu, el, sctlr, host);
    cpu->pc = (vbar & ~UINT64_C(0x7ff)) + vector;
    cpu_el_changed(cpu);
    if (unlikely(cpu->pmu_on))
        pmu_enter_el(cpu);
}

/* IllegalExceptionReturn(): with AArch64 state only, every AArch32 target is illegal. */
static inline bool exception_return_illegal(const struct cpu *cpu, uint64_t spsr)
{
    unsigned el = bits(spsr, 3, 2);

    if (bit(spsr, 4) || bit(spsr, 1) || (el == 0 && bit(spsr, 0)))
        return true;
    if (el > cpu->ps.el || (el == 2 && !cpu->el2_enabled))
        return true;
    return el == 1 && (cpu_hcr(cpu) & FIELD_MASK(HCR_EL2_TGE));
}

/* The EL and the PSTATE of a legal return; NZCV are left to the caller. */
static inline void exception_return_el(struct cpu *cpu, uint64_t spsr)
{
    const bool leaves_el3 = cpu->ps.el == 3;

    cpu_set_el_sp(cpu, (unsigned)bits(spsr, 3, 2), bit(spsr, 0));
    if (unlikely(leaves_el3))
        cpu_follow_scr(cpu);
    cpu->ps.il = bit(spsr, 20);
    if (cpu_has(cpu, FEAT_BTI))
        cpu->ps.btype = (uint8_t)bits(spsr, 11, 10);
    if (cpu_has(cpu, FEAT_SSBS))
        cpu->ps.ssbs = bit(spsr, 12);
}

/* What every return does, then, and where it leads. */
static inline __attribute__((always_inline)) void exception_return_to(struct cpu *cpu, uint64_t pc,
                                                                      uint64_t spsr)
{
    cpu->ps.daif = (uint8_t)bits(spsr, 9, 6);
    if (cpu_has(cpu, FEAT_PAN))
        cpu->ps.pan = bit(spsr, 22);
    if (cpu_has(cpu, FEAT_UAO))
        cpu->ps.uao = bit(spsr, 23);
    if (cpu_has(cpu, FEAT_DIT))
        cpu->ps.dit = bit(spsr, 24);
    cpu->excl_valid = false;
    cpu->event = true;
    /* a tag is all zeros mostly, or in the upper half all ones */
    if (unlikely(pc >> 55 != 0 && (pc >> 55 != 0x1ff || !cpu_two_ranges(cpu))))
        pc = cpu_branch_addr(cpu, pc);
    cpu->pc = pc;
    cpu->irq_check = true;
    cpu_el_changed(cpu);
    if (unlikely(cpu->pmu_on))
        pmu_enter_el(cpu);
}
