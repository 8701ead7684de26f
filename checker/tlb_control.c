/*
 * Registers whose value TLBs may hold ("permitted to be cached in a TLB", in the registers'
 * descriptions of DDI0487): a change of one needs TLB maintenance as one of a descriptor does.
 */
#include <inttypes.h>

#include "arch/sysreg.h"
#include "base/bits.h"
#include "checker/tlb_unit.h"

/* Of EL2's own translation, without E2H: a host's, with ASIDs, is left to it. */
static const struct {
    enum sysreg sr;
    enum rule rule;
    uint64_t bits;
} controls[] = {
    /* clang-format off */
    {SR_TTBR0_EL2, RULE_VMID,     FIELD_MASK(TTBR0_EL2_BADDR)},
    {SR_TCR_EL2,   RULE_TLB_MISS, UINT64_MAX},
    {SR_MAIR_EL2,  RULE_TLB_MISS, UINT64_MAX},
    /* clang-format on */
};

#define HCR_HELD                                                                                   \
    (FIELD_MASK(HCR_EL2_PTW) | FIELD_MASK(HCR_EL2_DC) | FIELD_MASK(HCR_EL2_CD) |                   \
     FIELD_MASK(HCR_EL2_ID) | FIELD_MASK(HCR_EL2_FWB))

/* EL2 without E2H has no ASIDs: TTBR0_EL2.ASID is RES0. */
static void check_asid(struct arm_checker *c, const struct arm_event *p)
{
    uint64_t asid = TTBR0_EL2_ASID(p->sysreg_write.value);

    if (!asid)
        return;
    struct finding f = finding_at(c, RULE_VMID, p);
    f.reg = p->sysreg_write.sr;
    f.hint = "bits 63 to 48 of TTBR0_EL2 are 0 where HCR_EL2.E2H is";
    finding_say(&f, "ASID %#" PRIx64 " for EL2, whose translations have none while E2H is 0", asid);
    finding_report(c, &f);
}

/* Has this CPU translated for EL2? */
static bool has_walked(const struct tlb_unit *u, unsigned cpu)
{
    for (unsigned k = 0; k < u->pages.contexts->len; k++) {
        const struct tlb_context *x = g_ptr_array_index(u->pages.contexts, k);
        if (x->stage == 1 && x->regime == ARM_REGIME_EL2 && bit(x->cpus[cpu / 64 % 2], cpu % 64))
            return true;
    }
    return false;
}

void tlb_control_written(struct arm_checker *c, struct tlb_unit *u, const struct arm_event *p)
{
    struct own_control *own = &u->cpu[p->cpu].own;
    enum sysreg sr = sysreg_lookup(p->sysreg_write.sr);

    if (HCR_EL2_E2H(checker_sysreg(c, p->cpu, SR_HCR_EL2)))
        return;
    if (sr == SR_TTBR0_EL2)
        check_asid(c, p);
    for (size_t k = 0; k < ARRAY_SIZE(controls); k++) {
        uint64_t changed = (p->sysreg_write.before ^ p->sysreg_write.after) & controls[k].bits;
        if (controls[k].sr != sr || !changed || !u->armed || own->written.known ||
            !has_walked(u, p->cpu))
            continue;
        *own = (struct own_control){.written = site_of(c, p),
                                    .number = p->sysreg_write.sr,
                                    .rule = controls[k].rule,
                                    .clock = u->pages.clock};
    }
}

void tlb_control_done(struct tlb_unit *u, const struct tlb_mark *m, unsigned cpu)
{
    for (unsigned k = 0; k < u->cpu_count; k++)
        if ((m->broadcast || k == cpu) && u->cpu[k].own.clock < m->clock)
            u->cpu[k].own.written.known = false;
}

void tlb_control_check(struct arm_checker *c, struct tlb_unit *u, const struct world *w,
                       const struct arm_event *p)
{
    struct own_control *own = &u->cpu[p->cpu].own;

    if (!own->written.known)
        return;
    struct finding f = finding_at(c, own->rule, p);
    f.world = w;
    f.reg = own->number;
    f.other = own->written;
    f.other_role = "written";
    f.hint = "ISB, TLBI ALLE2, DSB behind the write";
    finding_say(&f, "EL2's translations are other ones since the register was written, and no TLBI "
                    "has taken away what its TLBs hold of those before");
    finding_report(c, &f);
    own->written.known = false;
}

struct stage2_control tlb_control_stage2(const struct arm_checker *c, const struct arm_event *p)
{
    return (struct stage2_control){
        .vtcr = checker_sysreg(c, p->cpu, SR_VTCR_EL2),
        .hcr = p->world.hcr & HCR_HELD,
    };
}
