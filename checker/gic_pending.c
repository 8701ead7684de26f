/*
 * Interrupts that a world has left pending in its list registers, and EL2 has read: they are
 * pending still when it is entered again. Of SGIs and LPIs, which are edges that only the VM takes
 * back, by an access that traps; what a line does with others is not known (IHI0069, "Software
 * Generated Interrupts", "Locality-specific Peripheral Interrupts", ICH_LR<n>_EL2).
 */
#include <inttypes.h>

#include "checker/gic_state.h"

#define FIRST_LPI 8192

uint64_t gic_state_of(const struct arm_checker *c, const struct gic *u, uint64_t intid,
                      unsigned cpu, bool *full)
{
    uint64_t state = 0;

    *full = true;
    for (unsigned n = 0; n < u->lrs; n++) {
        uint64_t v = checker_reg(c, cpu, gic_lr_number(n));
        *full &= LR_STATE(v) != 0;
        if (LR_VINTID(v) == intid)
            state |= LR_STATE(v);
    }
    return state;
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
    bool mapped = !(checker_reg(c, cpu, sysreg_number(SR_ICC_SRE_EL1)) & 1);

    gw->edge_count = 0;
    for (unsigned n = 0; n < u->lrs && !mapped; n++) {
        uint64_t v = u->cpus[cpu].lr_at_exit[n], intid = LR_VINTID(v);
        if ((LR_STATE(v) & 1) && (intid < SGIS || intid >= FIRST_LPI))
            gw->edges[gw->edge_count++] = intid;
    }
    gw->edges_cpu = cpu;
    gw->traps_then = gic_traps_of(c, u, w);
}

static void report_gone(struct arm_checker *c, const struct world *w, const struct gic_world *gw,
                        uint64_t intid, const struct arm_event *p)
{
    struct finding f = gic_finding(c, w, gic_lr_number(0), NULL, p);

    f.rule = RULE_LOST;
    f.other = gw->left;
    f.other_role = "left";
    f.hint =
        "the pending bit of a list register goes back to what EL2 knows of the interrupt, if it "
        "is active or not";
    finding_say(&f,
                "%s %" PRIu64 " was pending in one when the world left, and is in none, with one "
                "free: nothing has disabled it",
                intid < SGIS ? "SGI" : "LPI", intid);
    finding_report(c, &f);
}

void gic_pending_entered(struct arm_checker *c, struct gic *u, const struct world *w,
                         const struct arm_event *p)
{
    struct gic_world *gw = gic_world_of(u, w);
    bool judged = gw->valid && !gw->trapped && gw->edges_cpu == p->cpu &&
                  !c->cpus[p->cpu].user_ran && gw->traps_then == gic_traps_of(c, u, w);

    for (unsigned k = 0; judged && k < gw->edge_count; k++) {
        bool full;
        if (gic_state_of(c, u, gw->edges[k], p->cpu, &full) & 1)
            continue;
        if (full) { /* it waits in memory */
            gic_owed_add(gw, gw->edges[k], NULL, &gw->left);
            continue;
        }
        report_gone(c, w, gw, gw->edges[k], p);
        break;
    }
    gw->edge_count = 0;
}
