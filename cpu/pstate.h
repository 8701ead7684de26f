/* PSTATE as SPSR_ELx holds it, and the stack pointers that EL and SPSel choose from. */
#pragma once

#include "cpu/cpu.h"

/* PSTATE less NZCV, which are @nzcv. */
static inline uint64_t cpu_pstate_to_spsr(const struct cpu *cpu, unsigned nzcv)
{
    const struct pstate *p = &cpu->ps;

    return (uint64_t)nzcv << 28 | (uint64_t)p->dit << 24 | (uint64_t)p->uao << 23 |
           (uint64_t)p->pan << 22 | (uint64_t)p->ss << 21 | (uint64_t)p->il << 20 |
           (uint64_t)p->ssbs << 12 | (uint64_t)p->btype << 10 | (uint64_t)p->daif << 6 |
           (uint64_t)p->el << 2 | p->sp;
}

/* SP_ELx. */
static inline enum sysreg cpu_sp_of_el(unsigned el)
{
    static const uint16_t sp[] = {SR_SP_EL0, SR_SP_EL1, SR_SP_EL2, SR_SP_EL3};

    return (enum sysreg)sp[el];
}

/* The one that SP names with PSTATE.{EL,SP} == {@el, @sp}. */
static inline enum sysreg cpu_sp_bank(unsigned el, unsigned sp)
{
    return cpu_sp_of_el(sp ? el : 0);
}

/* Make x[REG_SP] the register that @sp and @el select, after saving the current one. */
static inline void cpu_set_el_sp(struct cpu *cpu, unsigned el, unsigned sp)
{
    cpu->sr[cpu_sp_bank(cpu->ps.el, cpu->ps.sp)] = cpu->x[REG_SP];
    cpu->x[REG_SP] = cpu->sr[cpu_sp_bank(el, sp)];
    cpu->ps.el = (uint8_t)el;
    cpu->ps.sp = (uint8_t)sp;
}

/* The stack pointer of @el (SP_EL0 for 0) wherever it currently lives. */
static inline uint64_t cpu_sp_get(const struct cpu *cpu, unsigned el)
{
    enum sysreg sr = cpu_sp_of_el(el);

    return sr == cpu_sp_bank(cpu->ps.el, cpu->ps.sp) ? cpu->x[REG_SP] : cpu->sr[sr];
}

static inline void cpu_sp_set(struct cpu *cpu, unsigned el, uint64_t value)
{
    enum sysreg sr = cpu_sp_of_el(el);

    if (sr == cpu_sp_bank(cpu->ps.el, cpu->ps.sp))
        cpu->x[REG_SP] = value;
    else
        cpu->sr[sr] = value;
}
