#include "hyp/inject.h"

#include "hyp/cpu.h"
#include "hyp/mutant.h"
#include "hyp/vcpu.h"

#define PSTATE_EL1H  5
#define PSTATE_DAIF  MASK(9, 6)
#define PSTATE_SSBS  BIT(12)
#define PSTATE_IL    BIT(20)
#define PSTATE_SS    BIT(21)
#define PSTATE_PAN   BIT(22)
#define PSTATE_UAO   BIT(23)
#define PSTATE_DIT   BIT(24)
#define PSTATE_FLAGS MASK(31, 28)
#define SCTLR_SPAN   BIT(23) /* clear: an exception to EL1 sets PAN */
#define SCTLR_DSSBS  BIT(44)
#define ESR_IL       BIT(25)
#define FSC_EXTERNAL 0x10

enum { EC_UNKNOWN = 0x00, EC_IABT_LOW = 0x20, EC_DABT_LOW = 0x24 };

/* AArch64.TakeException(): what becomes of PSTATE; BTYPE, IL, SS and UAO become zero. */
static uint64_t pstate_at_el1(uint64_t old, uint64_t sctlr)
{
    uint64_t p = PSTATE_EL1H | (MUTANT(clobber_inject_daif) ? 0 : PSTATE_DAIF) |
                 (old & (PSTATE_FLAGS | PSTATE_DIT | PSTATE_PAN));

    if (!(sctlr & SCTLR_SPAN) && bits(mrs(ID_AA64MMFR1_EL1), 23, 20))
        p |= PSTATE_PAN;
    if (sctlr & SCTLR_DSSBS && bits(mrs(ID_AA64PFR1_EL1), 7, 4))
        p |= PSTATE_SSBS;
    return p;
}

static uint64_t vector_offset(uint64_t pstate)
{
    if ((pstate & 0xf) == 0)
        return 0x400;
    return pstate & 1 && !MUTANT(pc_inject_vector) ? 0x200 : 0;
}

static void take(struct vcpu *v, uint64_t esr)
{
    uint64_t old = v->regs.pstate;

    if (MUTANT(defer_elr))
        v->ctx.slot[SLOT_ELR_EL1] = v->regs.pc;
    else
        vcpu_write(v, ELR_EL1, v->regs.pc + (MUTANT(clobber_inject_elr) ? 4 : 0));
    if (!MUTANT(clobber_inject_spsr))
        vcpu_write(v, SPSR_EL1, old);
    if (MUTANT(defer_esr))
        v->ctx.slot[SLOT_ESR_EL1] = esr;
    else
        vcpu_write(v, ESR_EL1, esr);
    v->regs.pc = (MUTANT(stale_read_vbar) ? v->ctx.slot[SLOT_VBAR_EL1] : vcpu_read(v, VBAR_EL1)) +
                 vector_offset(old);
    v->regs.pstate = pstate_at_el1(old, MUTANT(stale_read_sctlr) ? v->ctx.slot[SLOT_SCTLR_EL1]
                                                                 : vcpu_read(v, SCTLR_EL1));
}

static bool is_from_el0(const struct vcpu *v)
{
    return (v->regs.pstate & 0xf) == 0;
}

void inject_undefined(struct vcpu *v)
{
    uint64_t daif = irq_save();

    take(v, (uint64_t)EC_UNKNOWN << 26 | ESR_IL);
    irq_restore(daif);
}

/* From EL1 the class is one higher. */
void inject_abort(struct vcpu *v, bool fetch, uint64_t far)
{
    uint64_t daif = irq_save();
    bool low = is_from_el0(v) || MUTANT(clobber_inject_ec);
    uint64_t ec = (fetch ? EC_IABT_LOW : EC_DABT_LOW) + (low ? 0 : 1);

    if (!MUTANT(clobber_inject_far))
        vcpu_write(v, FAR_EL1, far);
    take(v, ec << 26 | (MUTANT(clobber_inject_il) ? 0 : ESR_IL) | FSC_EXTERNAL);
    irq_restore(daif);
}

void inject_serror(struct vcpu *v, uint64_t iss)
{
    uint64_t daif = irq_save();

    v->serror = BIT(63) | (iss & MASK(24, 0));
    v->hcr |= FIELD_MASK(HCR_EL2_VSE);
    if (v->loaded_on == this_cpu()) {
        if (cpu_has(FEAT_RAS))
            msr(VSESR_EL2, v->serror & ~BIT(63));
        msr(HCR_EL2, v->hcr);
    }
    irq_restore(daif);
}
