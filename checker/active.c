#include "checker/active.h"

#include "arch/sysreg.h"
#include "base/bits.h"
#include "checker/gic_state.h"

void active_event(struct arm_checker *c, struct active *a, const struct arm_event *p)
{
    if (p->irq.virt || p->irq.intid >= INTID_SPI)
        return;
    struct active_irq *i = &a->irq[p->irq.intid];
    const struct cpu_view *view = &c->cpus[p->cpu];
    bool activated = p->irq.change == ARM_IRQ_ACTIVATED;

    if (p->irq.change != ARM_IRQ_DEACTIVATED && p->irq.change != ARM_IRQ_ACKNOWLEDGED && !activated)
        return;
    i->is = p->irq.change != ARM_IRQ_DEACTIVATED;
    i->known = true;
    i->told = false;
    i->site = site_of(c, p);
    if (i->is)
        i->last = activated ? NULL : view->running ? view->running : view->last;
}

/* Does a list register stand for it? The world's end of interrupt deactivates it then. */
static bool is_forwarded(const struct arm_checker *c, unsigned cpu, unsigned intid)
{
    unsigned count = gic_lrs(c, cpu);

    for (unsigned n = 0; n < count; n++) {
        uint64_t v = checker_reg(c, cpu, gic_lr_number(n));
        if (LR_STATE(v) && LR_HW(v) && LR_PINTID(v) == intid)
            return true;
    }
    return false;
}

static struct finding about(struct arm_checker *c, struct active *a, const struct world *w,
                            unsigned intid, const struct arm_event *p)
{
    struct finding f = finding_at(c, RULE_HANDOVER, p);

    f.world = w;
    f.other = a->irq[intid].site;
    f.other_role = a->irq[intid].is ? "active" : "inactive";
    a->irq[intid].told = true;
    return f;
}

static void report_left(struct arm_checker *c, struct active *a, const struct world *w,
                        unsigned intid, const struct arm_event *p)
{
    struct finding f = about(c, a, w, intid, p);

    f.reg = sysreg_number(SR_ICC_DIR_EL1);
    f.hint =
        "with EOImode ICC_EOIR<n>_EL1 only drops the priority: ICC_DIR_EL1, or GICR_ICACTIVER0";
    finding_say(&f,
                "%s %u is active physically, and nothing will deactivate it: it cannot come again",
                intid_kind(intid), intid);
    finding_report(c, &f);
}

static void report_missing(struct arm_checker *c, struct active *a, const struct world *w,
                           unsigned intid, unsigned n, const struct arm_event *p)
{
    struct finding f = about(c, a, w, intid, p);

    f.reg = gic_lr_number(n);
    f.hint = "GICR_ISACTIVER0 when the world is loaded, if it was active when it was put";
    finding_say(&f,
                "PPI %u is in it with HW, and is not active physically: it comes again while the "
                "world has not ended it",
                intid);
    finding_report(c, &f);
}

/* What a list register stands for stays active until the world ends it (ICH_LR<n>_EL2.HW). */
static void check_forwarded(struct arm_checker *c, struct active *a, const struct world *w,
                            const struct arm_event *p)
{
    unsigned count = gic_lrs(c, p->cpu);

    for (unsigned n = 0; n < count; n++) {
        uint64_t v = checker_reg(c, p->cpu, gic_lr_number(n)), intid = LR_PINTID(v);
        if (!LR_STATE(v) || !LR_HW(v) || intid < INTID_PPI || intid >= INTID_SPI)
            continue;
        const struct active_irq *i = &a->irq[intid];
        if (i->known && !i->is && !i->told)
            report_missing(c, a, w, (unsigned)intid, n, p);
    }
}

void active_check(struct arm_checker *c, struct active *a, const struct world *w,
                  const struct arm_event *p)
{
    bool timer = regs_timer_asserts(checker_sysreg(c, p->cpu, SR_CNTV_CTL_EL0)) ||
                 regs_timer_asserts(checker_sysreg(c, p->cpu, SR_CNTP_CTL_EL0));

    if (!HCR_EL2_IMO(p->world.hcr))
        return;
    for (unsigned n = 0; n < INTID_SPI; n++) {
        struct active_irq *i = &a->irq[n];
        if (!i->last)
            i->last = w; /* EL2 has written the state for who comes */
        bool others = i->last != w;
        if (i->is && !i->told &&
            (n < INTID_PPI || (others && !timer && !is_forwarded(c, p->cpu, n))))
            report_left(c, a, w, n, p);
    }
    if (checker_sysreg(c, p->cpu, SR_ICH_HCR_EL2) & HCR_EN)
        check_forwarded(c, a, w, p);
}
