/* Accessors of registers that are no plain storage: PSTATE, stack pointers, FPCR, identification as
 * the current EL sees it. Those of timers, PMU and debug are with their subjects. */
#include "cpu/accessors.h"
#include "cpu/context.h"

#include <stddef.h>

#include "arch/cpu_models.h"
#include "base/random.h"
#include "cpu/pstate.h"
#include "cpu/sysreg.h"
#include "cpu/traps.h"
#include "cpu/world.h"

enum sysreg cpu_identity(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    if (!cpu->el2_enabled || el != 1)
        return sr;
    return sr == SR_MIDR_EL1 ? SR_VPIDR_EL2 : SR_VMPIDR_EL2;
}

uint64_t sr_read_MIDR(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    return cpu->sr[cpu_identity(cpu, sr, el)];
}

uint64_t sr_read_MPIDR(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    return cpu->sr[cpu_identity(cpu, sr, el)];
}

uint64_t sr_read_CCSIDR(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    (void)sr, (void)el;
    return cpu_model_ccsidr(cpu->model, cpu->sr[SR_CSSELR_EL1]);
}

/* L2CTLR_EL1.{25,24}: CPUs less one. Differs: the cores have no more than four in a cluster. */
uint64_t sr_read_L2CTLR(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    unsigned last = cpu->cluster_cpus > 4 ? 3 : cpu->cluster_cpus ? cpu->cluster_cpus - 1 : 0;

    (void)el;
    return cpu->sr[sr] | (uint64_t)last << L2CTLR_EL1_CPUs_1_LO;
}

/* DCZID_EL0.DZP: DC ZVA would trap here (fine-grained traps do not show). */
uint64_t sr_read_DCZID(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    bool prohibited = el < 2 && el == cpu->ps.el && cpu_trap_group_el(cpu, TRAP_DC_ZVA, SR_WRITE);

    return cpu->sr[sr] | (uint64_t)prohibited << DCZID_EL0_DZP_LO;
}

static unsigned sp_el(enum sysreg sr)
{
    return sr == SR_SP_EL0 ? 0 : sr == SR_SP_EL1 ? 1 : 2; /* SP_EL3 has no name */
}

uint64_t sr_read_SP(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    (void)el;
    return cpu_sp_get(cpu, sp_el(sr));
}

void sr_write_SP(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    cpu_sp_set(cpu, sp_el(sr), value);
}

uint64_t sr_read_SPSel(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    (void)sr, (void)el;
    return cpu->ps.sp;
}

void sr_write_SPSel(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    (void)sr;
    cpu_set_el_sp(cpu, cpu->ps.el, value & 1);
    cpu_el_changed(cpu);
}

uint64_t sr_read_CurrentEL(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    (void)sr, (void)el;
    return (uint64_t)cpu->ps.el << CurrentEL_EL_LO;
}

uint64_t sr_read_NZCV(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    (void)sr, (void)el;
    return (uint64_t)cpu_nzcv(cpu) << 28;
}

void sr_write_NZCV(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    (void)sr;
    cpu_set_nzcv(cpu, (unsigned)bits(value, 31, 28));
}

uint64_t sr_read_DAIF(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    (void)sr, (void)el;
    return (uint64_t)cpu->ps.daif << 6;
}

void sr_write_DAIF(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    (void)sr;
    cpu->ps.daif = (uint8_t)bits(value, 9, 6);
}

/* PAN, UAO, DIT, SSBS: one bit of PSTATE, at the same place as in SPSR_ELx. */
struct pstate_bit {
    size_t field;
    unsigned position;
};

static struct pstate_bit pstate_bit(enum sysreg sr)
{
    switch (sr) {
    case SR_PAN:
        return (struct pstate_bit){offsetof(struct pstate, pan), PAN_PAN_LO};
    case SR_UAO:
        return (struct pstate_bit){offsetof(struct pstate, uao), UAO_UAO_LO};
    case SR_DIT:
        return (struct pstate_bit){offsetof(struct pstate, dit), DIT_DIT_LO};
    default:
        return (struct pstate_bit){offsetof(struct pstate, ssbs), SSBS_SSBS_LO};
    }
}

uint64_t sr_read_PSTATE(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    struct pstate_bit b = pstate_bit(sr);

    (void)el;
    return (uint64_t)((const uint8_t *)&cpu->ps)[b.field] << b.position;
}

void sr_write_PSTATE(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    struct pstate_bit b = pstate_bit(sr);

    ((uint8_t *)&cpu->ps)[b.field] = bit(value, b.position);
}

/* RNDR, RNDRRS: a number is always there, which PSTATE.NZCV = 0b0000 says. Differs: it is no true
 * random number but follows from the machine's seed, so that runs repeat. */
uint64_t sr_take_RNG(struct cpu *cpu, enum sysreg sr)
{
    (void)sr;
    cpu_set_nzcv(cpu, 0);
    return random_next(&cpu->rng);
}

uint64_t sr_read_FPCR(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    (void)sr, (void)el;
    return cpu->fpcr;
}

void sr_write_FPCR(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    (void)sr;
    cpu->fpcr = (uint32_t)value;
}

uint64_t sr_read_FPSR(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    (void)sr, (void)el;
    return cpu->fpsr;
}

void sr_write_FPSR(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    (void)sr;
    cpu->fpsr = (uint32_t)value;
}

/* ISR_EL1: what is pending for this EL, virtual where HCR_EL2.{AMO,IMO,FMO} say so. */
uint64_t sr_read_ISR(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    uint64_t hcr = el == 1 ? cpu_hcr(cpu) : 0;
    bool a = HCR_EL2_AMO(hcr) ? HCR_EL2_VSE(hcr) : cpu->serror_pin;
    bool i = HCR_EL2_IMO(hcr) ? HCR_EL2_VI(hcr) || cpu->virq_pin : cpu->irq_pin;
    bool f = HCR_EL2_FMO(hcr) ? HCR_EL2_VF(hcr) || cpu->vfiq_pin : cpu->fiq_pin;

    (void)sr;
    return (uint64_t)a << ISR_EL1_A_LO | (uint64_t)i << ISR_EL1_I_LO | (uint64_t)f << ISR_EL1_F_LO;
}

/* DISR_EL1 of a guest whose SErrors are virtual is VDISR_EL2. */
static enum sysreg disr(const struct cpu *cpu, unsigned el)
{
    return el == 1 && HCR_EL2_AMO(cpu_hcr(cpu)) ? SR_VDISR_EL2 : SR_DISR_EL1;
}

uint64_t sr_read_DISR(const struct cpu *cpu, enum sysreg sr, unsigned el)
{
    (void)sr;
    return cpu->sr[disr(cpu, el)];
}

void sr_write_DISR(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    (void)sr;
    cpu->sr[disr(cpu, cpu->ps.el)] = value;
}

bool sr_poke_DISR(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    cpu->sr[sr] = value;
    return true;
}

/* SCR_EL3.NS decides whether EL2 is enabled, and what EL1's registers identify. */
void sr_write_SCR(struct cpu *cpu, enum sysreg sr, uint64_t value)
{
    cpu->sr[sr] = value;
    cpu_follow_scr(cpu);
}

/* CFP, DVP, CPP RCTX: nothing here predicts across contexts. */
enum exec_result sr_op_NOP(struct cpu *cpu, const struct insn *i, enum sysreg sr, uint64_t value)
{
    (void)cpu, (void)i, (void)sr, (void)value;
    return EXEC_NEXT;
}
