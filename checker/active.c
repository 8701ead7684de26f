#include "checker/active.h"

#include "arch/sysreg.h"
#include "base/bits.h"
#include "checker/gic_state.h"

#define FIRST_PPI 16

static uint64_t reg(const struct arm_checker *c, unsigned cpu, enum sysreg sr)
{
    return checker_reg(c, cpu, sysreg_number(sr));
}

void active_event(struct arm_checker *c, struct active *a, const struct arm_event *p)
{
    if (p->irq.virt || p->irq.intid >= ACTIVE_MAX)
        return;
    if (p->irq.change == ARM_IRQ_DEACTIVATED) {
        a->irq[p->irq.intid].is = false;
    } else if (p->irq.change == ARM_IRQ_ACKNOWLEDGED || p->irq.change == ARM_IRQ_ACTIVATED) {
        const struct cpu_view *view = &c->cpus[p->cpu];
        a->irq[p->irq.intid].is = true;
        a->irq[p->irq.intid].last = p->irq.change == ARM_IRQ_ACTIVATED ? NULL
                                    : view->running                    ? view->running
                                                                       : view->last;
        a->irq[p->irq.intid].site = site_of(c, p);
    }
}

/* Does a list register stand for it? The world's end of interrupt deactivates it then. */
static bool is_forwarded(const struct arm_checker *c, unsigned cpu, unsigned intid)
{
    unsigned count = MIN(VTR_LRS(reg(c, cpu, SR_ICH_VTR_EL2)), LRS_MAX);

    for (unsigned n = 0; n < count; n++) {
        uint64_t v = checker_reg(c, cpu, gic_lr_number(n));
        if (LR_STATE(v) && LR_HW(v) && LR_PINTID(v) == intid)
            return true;
    }
    return false;
}

/* ENABLE, not IMASK, ISTATUS: while it is so, an active interrupt keeps it from EL2. */
static bool is_asserted(uint64_t ctl)
{
    return (ctl & 7) == 5;
}

static void report(struct arm_checker *c, struct active *a, const struct world *w, unsigned intid,
                   const struct arm_event *p)
{
    struct finding f = finding_at(c, RULE_HANDOVER, p);

    f.world = w;
    f.reg = sysreg_number(SR_ICC_DIR_EL1);
    f.other = a->irq[intid].site;
    f.other_role = "active";
    f.hint =
        "with EOImode ICC_EOIR<n>_EL1 only drops the priority: ICC_DIR_EL1, or GICR_ICACTIVER0";
    finding_say(&f,
                "%s %u is active physically, and nothing will deactivate it: it cannot come again",
                intid < FIRST_PPI ? "SGI" : "PPI", intid);
    finding_report(c, &f);
    a->irq[intid].is = false;
}

void active_check(struct arm_checker *c, struct active *a, const struct world *w,
                  const struct arm_event *p)
{
    bool timer = is_asserted(reg(c, p->cpu, SR_CNTV_CTL_EL0)) ||
                 is_asserted(reg(c, p->cpu, SR_CNTP_CTL_EL0));

    if (!HCR_EL2_IMO(p->world.hcr))
        return;
    for (unsigned n = 0; n < ACTIVE_MAX; n++) {
        if (!a->irq[n].last)
            a->irq[n].last = w; /* EL2 has written the state for who comes */
        bool others = a->irq[n].last != w;
        if (a->irq[n].is && (n < FIRST_PPI || (others && !timer && !is_forwarded(c, p->cpu, n))))
            report(c, a, w, n, p);
    }
}
