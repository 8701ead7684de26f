/*
 * HCR_EL2.VSE, which hardware clears when the world takes the virtual SError: EL2 that does not
 * read it behind the exit makes the same SError pending once more. LOST: what was in the CPU alone.
 */
#include "base/bits.h"
#include "checker/own_state.h"
#include "checker/unit.h"

void own_serror_left(struct arm_checker *c, struct own *u, const struct world *w,
                     const struct arm_event *p)
{
    struct serror *s = &own_wreg(u, w, c->regs.of_sysreg[SR_HCR_EL2])->serror;

    s->taken.known = false;
    if (s->pending && !HCR_EL2_VSE(p->world.hcr))
        s->taken = site_of(c, p);
    s->pending = false;
}

void own_serror_read(struct arm_checker *c, struct own *u, const struct arm_event *p)
{
    const struct world *last = c->cpus[p->cpu].last;

    if (last && sysreg_lookup(p->sysreg_read.sr) == SR_HCR_EL2)
        own_wreg(u, last, c->regs.of_sysreg[SR_HCR_EL2])->serror.taken.known = false;
}

void own_serror_entered(struct arm_checker *c, struct own *u, const struct world *w,
                        const struct arm_event *p)
{
    unsigned reg = c->regs.of_sysreg[SR_HCR_EL2];
    const struct live *l = own_live(u, p->cpu, reg);
    struct serror *s = &own_wreg(u, w, reg)->serror;

    if (s->taken.known && HCR_EL2_VSE(p->world.hcr)) {
        struct finding f = finding_about(c, RULE_LOST, w, SR_HCR_EL2, p);
        if (l->site.known && l->written)
            f.at = l->site;
        f.other = s->taken;
        f.other_role = "left";
        f.hint = "if VSE was set at the entry, read HCR_EL2 behind the exit";
        finding_say(&f, "VSE was cleared as the world took the SError, nobody has read that, and "
                        "it is set again");
        finding_report(c, &f);
    }
    s->taken.known = false;
    s->pending = HCR_EL2_VSE(p->world.hcr);
}
