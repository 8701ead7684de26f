#include <inttypes.h>

#include "checker/gic_state.h"

struct finding gic_finding(struct arm_checker *c, const struct world *w, uint32_t number,
                           const struct site *at, const struct arm_event *p)
{
    struct finding f = finding_at(c, RULE_GIC_STATE, p);

    f.world = w;
    f.reg = number;
    if (at && at->known) {
        f.other = f.at;
        f.other_role = "entered";
        f.at = *at;
    }
    return f;
}

/* ---- list registers ---- */

/* Is what was lost in a list register again? */
static bool is_back(struct arm_checker *c, const struct gic *u, uint64_t lost, unsigned cpu)
{
    for (unsigned n = 0; n < u->lrs; n++) {
        uint64_t v = checker_reg(c, cpu, gic_lr_number(n));
        if (LR_VINTID(v) == LR_VINTID(lost) && LR_STATE(v) == LR_STATE(lost))
            return true;
    }
    return false;
}

static void check_lost(struct arm_checker *c, struct gic *u, const struct world *w,
                       const struct arm_event *p)
{
    static const char *const states[] = {"", "pending", "active", "pending and active"};
    struct gic_world *gw = gic_world_of(u, w);

    for (unsigned k = 0; gw->valid && k < gw->lost_count; k++) {
        const struct gic_lost *l = &gw->lost[k];
        if (is_back(c, u, l->lr, p->cpu))
            continue;
        struct finding f = gic_finding(c, w, gic_lr_number(l->n), &l->at, p);
        f.other = l->left;
        f.rule = RULE_LOST;
        f.other_role = "left";
        f.hint = "read the list register between the exit and the write";
        finding_say(&f,
                    "it held interrupt %" PRIu64 ", %s, when the world left, and was overwritten "
                    "unread",
                    LR_VINTID(l->lr), states[LR_STATE(l->lr)]);
        finding_report(c, &f);
    }
    gw->lost_count = 0;
}

/* GICD's interrupts that can be physical ones: no SGI, and no special number. */
static bool is_physical(uint64_t intid)
{
    return (intid >= 16 && intid < 1020) || (intid >= 1056 && intid < 1120) ||
           (intid >= 4096 && intid < 5120);
}

static void check_hw(struct arm_checker *c, const struct world *w, const struct gic_live *l,
                     unsigned n, uint64_t v, const struct arm_event *p)
{
    bool both = LR_STATE(v) == 3, number = is_physical(LR_PINTID(v));

    if (!LR_HW(v) || (!both && number))
        return;
    struct finding f = gic_finding(c, w, gic_lr_number(n), &l->site, p);
    f.hint = both ? "of a hardware interrupt the distributor keeps the pending state"
                  : "HW is for PPIs and SPIs";
    finding_say(&f, "HW is set with %s, pINTID %" PRIu64 ", vINTID %" PRIu64,
                both ? "the state pending and active" : "a pINTID that cannot be one", LR_PINTID(v),
                LR_VINTID(v));
    finding_report(c, &f);
}

static void check_twice(struct arm_checker *c, const struct world *w, const struct gic_cpu *g,
                        unsigned n, const uint64_t *lr, const struct arm_event *p)
{
    for (unsigned m = 0; m < n; m++) {
        if (!LR_STATE(lr[m]) || LR_VINTID(lr[m]) != LR_VINTID(lr[n]))
            continue;
        bool later =
            !g->lr[n].owner && (g->lr[m].owner || g->lr[n].site.total >= g->lr[m].site.total);
        struct finding f =
            gic_finding(c, w, gic_lr_number(later ? n : m), &g->lr[later ? n : m].site, p);
        f.other = g->lr[later ? m : n].site;
        f.other_role = f.other.known ? "the other" : NULL;
        f.hint = "look for the interrupt in the list registers before it is put into one";
        finding_say(&f, "interrupt %" PRIu64 " is in ICH_LR%u_EL2 and in ICH_LR%u_EL2",
                    LR_VINTID(lr[n]), m, n);
        finding_report(c, &f);
        return;
    }
}

/* It was left there by another world, or by this one before it ran elsewhere. */
static void check_owner(struct arm_checker *c, const struct world *w, const struct gic_live *l,
                        unsigned n, uint64_t v, const struct arm_event *p)
{
    bool foreign = l->owner && l->owner != w;
    bool stale = l->owner && !foreign && l->entries + 1 != l->owner->entries;

    if (!foreign && !stale)
        return;
    struct finding f = gic_finding(c, w, gic_lr_number(n), NULL, p);
    f.rule = RULE_LEAK;
    f.other = l->site;
    f.other_role = "left";
    f.hint = "write list registers that are not used, or clear ICH_HCR_EL2.En";
    finding_say(&f, "interrupt %" PRIu64 " is still in it%s%s", LR_VINTID(v),
                foreign ? " of " : " from before the world ran on another CPU",
                foreign ? l->owner->name : "");
    finding_report(c, &f);
}

static void check_lrs(struct arm_checker *c, struct gic *u, const struct world *w,
                      const struct arm_event *p)
{
    const struct gic_cpu *g = &u->cpus[p->cpu];
    uint64_t lr[LRS_MAX];

    for (unsigned n = 0; n < u->lrs; n++) {
        lr[n] = checker_reg(c, p->cpu, gic_lr_number(n));
        if (!LR_STATE(lr[n]))
            continue;
        check_owner(c, w, &g->lr[n], n, lr[n], p);
        if (w->kind != WORLD_GUEST)
            continue;
        check_hw(c, w, &g->lr[n], n, lr[n], p);
        check_twice(c, w, g, n, lr, p);
    }
}

static void report_off(struct arm_checker *c, const struct gic_cpu *g, const struct world *w,
                       unsigned n, enum sysreg sr, const struct arm_event *p)
{
    uint64_t v = checker_reg(c, p->cpu, gic_lr_number(n));
    struct finding f = gic_finding(c, w, sysreg_number(sr), NULL, p);
    bool en = sr == SR_ICH_HCR_EL2;

    f.other = g->lr[n].site;
    f.other_role = "written";
    f.hint =
        en ? "write ICH_HCR_EL2 with En before the entry"
           : "set IMO and FMO for a world that has virtual interrupts: without, it takes physical "
             "ones itself";
    finding_say(&f, "%s is 0: interrupt %" PRIu64 ", pending in ICH_LR%u_EL2, does not come",
                en ? "En" : "IMO", LR_VINTID(v), n);
    finding_report(c, &f);
}

/* EL2 has put a pending interrupt into a list register for this entry, and the interface is off, or
 * virtual interrupts of its group are (HCR_EL2.IMO, FMO). */
static void check_off(struct arm_checker *c, const struct gic *u, const struct world *w,
                      bool enabled, const struct arm_event *p)
{
    const struct gic_cpu *g = &u->cpus[p->cpu];
    bool irq = HCR_EL2_IMO(p->world.hcr), fiq = HCR_EL2_FMO(p->world.hcr);

    for (unsigned n = 0; n < u->lrs; n++) {
        uint64_t v = checker_reg(c, p->cpu, gic_lr_number(n));
        bool routed = irq || (fiq && !LR_GROUP(v));
        if (!(LR_STATE(v) & 1) || g->lr[n].owner || !g->lr[n].site.known || routed == enabled)
            continue;
        report_off(c, g, w, n, enabled ? SR_HCR_EL2 : SR_ICH_HCR_EL2, p);
        return;
    }
}

/* HCR_EL2.VI or VF signals an interrupt that the virtual interface does not know: the world reads
 * 1023 from ICC_IAR<n>_EL1, and is interrupted again. */
static void check_signal(struct arm_checker *c, const struct world *w, const struct arm_event *p)
{
    uint64_t hcr = p->world.hcr, own = checker_sysreg(c, p->cpu, SR_ICH_HCR_EL2);
    bool irq = HCR_EL2_VI(hcr) && HCR_EL2_IMO(hcr), fiq = HCR_EL2_VF(hcr) && HCR_EL2_FMO(hcr);

    if ((!irq && !fiq) || own & (HCR_TC | HCR_TALL0 | HCR_TALL1))
        return;
    struct finding f = gic_finding(c, w, sysreg_number(SR_HCR_EL2), NULL, p);
    f.hint =
        "interrupts come by list registers while ICH_HCR_EL2.En is 1, or by VI and VF while the "
        "world's interface is emulated";
    finding_say(&f, "%s is 1, and the virtual interface is on, which has no such interrupt",
                irq ? "VI" : "VF");
    finding_report(c, &f);
}

/* ---- order ---- */

static void check_sre(struct arm_checker *c, const struct gic_cpu *g, const struct world *w,
                      const struct arm_event *p)
{
    if (!g->vmcr.known || !g->sre.known || g->sre.count < g->vmcr.count)
        return;
    struct finding f = finding_about(c, RULE_GIC_ORDER, w, SR_ICC_SRE_EL1, p);
    f.at = g->sre;
    f.other = g->vmcr;
    f.other_role = "VMCR";
    f.hint = "write ICC_SRE_EL1, ISB, ICH_VMCR_EL2";
    finding_say(&f, "SRE changes behind the write of ICH_VMCR_EL2, whose meaning it gives");
    finding_report(c, &f);
}

/* ICC_SRE_EL1 reads as 0, and the world may write it: it would leave the memory-mapped interface
 * that EL2 has given it. */
static void check_enable(struct arm_checker *c, const struct gic_cpu *g, const struct world *w,
                         const struct arm_event *p)
{
    uint64_t own = checker_sysreg(c, p->cpu, SR_ICC_SRE_EL2);
    uint64_t theirs = checker_sysreg(c, p->cpu, SR_ICC_SRE_EL1);

    if (!(HCR_EL2_IMO(p->world.hcr) || HCR_EL2_FMO(p->world.hcr)) || bit(theirs, 0) ||
        !bit(own, 0) || !bit(own, 3) || g->enable_fixed)
        return;
    struct finding f = gic_finding(c, w, sysreg_number(SR_ICC_SRE_EL2), NULL, p);
    f.hint = "clear ICC_SRE_EL2.Enable for a world whose ICC_SRE_EL1.SRE is 0";
    finding_say(&f, "Enable is 1: the world can write ICC_SRE_EL1, and take the system registers "
                    "instead of the memory-mapped interface");
    finding_report(c, &f);
}

void gic_check_entry(struct arm_checker *c, struct gic *u, const struct world *w,
                     const struct arm_event *p)
{
    struct gic_cpu *g = &u->cpus[p->cpu];
    bool enabled = checker_sysreg(c, p->cpu, SR_ICH_HCR_EL2) & HCR_EN;

    if (enabled)
        check_lrs(c, u, w, p);
    if (w->kind != WORLD_GUEST)
        return;
    gic_world_of(u, w)->valid &= !checker_exit_state(c, w)->reset;
    check_off(c, u, w, enabled, p);
    bool lost = gic_world_of(u, w)->lost_count != 0;
    check_lost(c, u, w, p);
    gic_active_entered(c, u, w, !lost, p);
    if (!lost)
        gic_pending_entered(c, u, w, p);
    if (enabled) {
        gic_owed_entered(c, u, w, p);
        gic_private_entered(c, u, w, p);
        gic_stray_entered(c, u, w, p);
        gic_trap_entered(c, u, w, p);
        check_signal(c, w, p);
    }
    check_sre(c, g, w, p);
    check_enable(c, g, w, p);
}
