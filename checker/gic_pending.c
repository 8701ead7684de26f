/*
 * Interrupts that a world has left pending in its list registers, and EL2 has read: they are
 * pending still when it is entered again. Of SGIs, which are edges that only the world takes back,
 * by an access that traps; what a line does with others is not known (IHI0069, "Software Generated
 * Interrupts", ICH_LR<n>_EL2).
 */
#include <inttypes.h>

#include "checker/gic_state.h"

#define SGIS 16

/* The SGIs that are pending in a list register of @cpu, a bit each; *full: no register is empty. */
static uint32_t pending_sgis(const struct arm_checker *c, const struct gic *u, unsigned cpu,
                             bool *full)
{
    uint32_t sgis = 0;

    *full = true;
    for (unsigned n = 0; n < u->lrs; n++) {
        uint64_t v = checker_reg(c, cpu, gic_lr_number(n));
        *full &= LR_STATE(v) != 0;
        if (LR_STATE(v) & 1 && LR_VINTID(v) < SGIS)
            sgis |= 1U << LR_VINTID(v);
    }
    return sgis;
}

uint64_t gic_traps_of(struct arm_checker *c, struct gic *u, const struct world *w)
{
    uint64_t count = 0;

    for (unsigned k = 0; k < c->worlds.count; k++)
        if (c->worlds.list[k]->vm == w->vm)
            count += gic_world_of(u, c->worlds.list[k])->traps;
    return count;
}

void gic_pending_left(struct arm_checker *c, struct gic *u, const struct world *w, unsigned cpu)
{
    struct gic_world *gw = gic_world_of(u, w);
    bool mapped = !(checker_reg(c, cpu, sysreg_number(SR_ICC_SRE_EL1)) & 1), full;

    gw->traps += gw->trapped || !gw->valid;
    gw->sgis = mapped ? 0 : pending_sgis(c, u, cpu, &full);
    gw->sgis_cpu = cpu;
    gw->traps_then = gic_traps_of(c, u, w);
}

void gic_pending_entered(struct arm_checker *c, struct gic *u, const struct world *w,
                         const struct arm_event *p)
{
    struct gic_world *gw = gic_world_of(u, w);
    bool full;
    uint32_t gone = gw->sgis & ~pending_sgis(c, u, p->cpu, &full);

    gw->sgis = 0;
    if (!gone || full || !gw->valid || gw->trapped || gw->sgis_cpu != p->cpu ||
        c->cpus[p->cpu].user_ran || gw->traps_then != gic_traps_of(c, u, w))
        return;
    struct finding f = gic_finding(c, w, gic_lr_number(0), NULL, p);
    f.rule = RULE_LOST;
    f.other = gw->left;
    f.other_role = "left";
    f.hint =
        "the pending bit of a list register goes back to what EL2 knows of the interrupt, if it "
        "is active or not";
    finding_say(&f,
                "SGI %d was pending in one when the world left, and is in none, with one free: "
                "nothing has disabled it",
                __builtin_ctz(gone));
    finding_report(c, &f);
}
