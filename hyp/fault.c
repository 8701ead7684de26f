#include "hyp/fault.h"

#include "arch/esr.h"
#include "hyp/arch.h"
#include "hyp/mutant.h"
#include "hyp/vcpu.h"

/* The page by the guest's own tables; PAR_EL1 is the guest's too, and is put back. An instruction
 * of another virtual CPU may have changed the tables: then there is none. */
static bool translate(const struct vcpu *v, uint64_t far, uint64_t *page)
{
    uint64_t par = mrs(PAR_EL1), answer;

    if ((v->regs.pstate & 0xf) == 0)
        at_s1e0r(far);
    else
        at_s1e1r(far);
    if (!MUTANT(nosync_par))
        isb();
    answer = mrs(PAR_EL1);
    msr(PAR_EL1, par);
    *page = bits(answer, 51, 12) << 12;
    return !(answer & 1);
}

/* HPFAR_EL2 has the page, but not of a permission fault that is no walk's (IPAValid(); DFSC
 * 0b0011LL, S1PTW bit 7). FAR_EL2 has the offset. */
void fault_note(struct vcpu *v)
{
    uint64_t ec = bits(v->esr, 31, 26), far, page;

    if (ec != ESR_EC_DABT_LOW && ec != ESR_EC_IABT_LOW)
        return;
    far = mrs(FAR_EL2);
    v->fault_known = true;
    if (bits(v->esr, 5, 2) == 3 && !bit(v->esr, 7))
        v->fault_known = translate(v, far, &page);
    else if (MUTANT(stale_read_hpfar) && v->fault_ipa && mutant_flips())
        page = v->fault_ipa & ~MASK(11, 0);
    else
        page = bits(mrs(HPFAR_EL2), 43, 4) << 12;
    v->fault_ipa = page | bits(far, 11, 0);
}
