/*
 * Interrupts that a world has left pending in its list registers, and EL2 has read: they are
 * pending still when it is entered again. Of SGIs and LPIs, which are edges that only the VM takes
 * back, by an access that traps; what a line does with others is not known (IHI0069, "Software
 * Generated Interrupts", "Locality-specific Peripheral Interrupts", ICH_LR<n>_EL2). But the line of
 * an SPI that is not of hardware is EL2's own: where it had to make room, and nobody has asked EL2
 * for anything since, it waits in memory as well.
 */
#include <inttypes.h>

#include "arch/esr.h"
#include "checker/gic_state.h"
#include "checker/justify.h"

unsigned gic_lrs(const struct arm_checker *c, unsigned cpu)
{
    return MIN(VTR_LRS(checker_sysreg(c, cpu, SR_ICH_VTR_EL2)), LRS_MAX);
}

uint64_t gic_state_of(const struct arm_checker *c, uint64_t intid, unsigned cpu, bool *full)
{
    unsigned count = gic_lrs(c, cpu);
    uint64_t state = 0;

    *full = true;
    for (unsigned n = 0; n < count; n++) {
        uint64_t v = checker_reg(c, cpu, gic_lr_number(n));
        *full &= LR_STATE(v) != 0;
        if (LR_VINTID(v) == intid)
            state |= LR_STATE(v);
    }
    return state;
}

bool gic_interrupts(const struct arm_checker *c, unsigned cpu, uint64_t hcr)
{
    uint64_t own = checker_sysreg(c, cpu, SR_ICH_HCR_EL2);
    uint64_t vmcr = checker_sysreg(c, cpu, SR_ICH_VMCR_EL2);

    if (HCR_EL2_VI(hcr) || HCR_EL2_VF(hcr))
        return true;
    for (unsigned k = 0; k < APS_MAX; k++)
        if (checker_reg(c, cpu, gic_ap_number(k)))
            return false; /* one is active, and others may have to wait for it */
    for (unsigned n = 0; (own & HCR_EN) && (vmcr & VMCR_ENG1) && n < gic_lrs(c, cpu); n++) {
        uint64_t v = checker_reg(c, cpu, gic_lr_number(n));
        if ((LR_STATE(v) & 1) && LR_GROUP(v) && LR_PRIORITY(v) < VMCR_PMR(vmcr))
            return true;
    }
    return false;
}

struct gic_taken gic_taken_by(struct arm_checker *c, struct gic *u, const struct world *w)
{
    struct gic_taken all = {0};

    for (unsigned k = 0; k < c->worlds.count; k++) {
        const struct gic_taken *one = &gic_world_of(u, c->worlds.list[k])->taken_back;
        bool own = c->worlds.list[k]->vm == w->vm;
        all.lpis += own ? one->lpis : 0;
        all.others += own ? one->others : 0;
        all.spis += one->spis;
    }
    return all;
}

bool gic_is_taken(const struct gic_taken *then, const struct gic_taken *now, uint64_t intid)
{
    if (intid_is_spi(intid))
        return then->spis != now->spis;
    return intid < INTID_LPI ? then->others != now->others : then->lpis != now->lpis;
}

/* Frames of the GIC are known by what nothing else has: registers that one writes at offsets of
 * enables, pending and active bits, and priorities. */
static void learn_frame(struct gic *u, const struct world *w, const struct exit_state *s)
{
    uint64_t offset = bits(s->far, 11, 0);

    if (bit(s->esr, 6) && offset >= GICR_ISENABLER0 && offset < GICD_ITARGETSR &&
        u->frame_count < FRAMES_MAX)
        u->frames[u->frame_count++] = (struct gic_frame){.vm = w->vm, .page = s->far >> 12};
}

bool gic_has_frame(const struct gic *u, const struct world *w)
{
    for (unsigned k = 0; k < u->frame_count; k++)
        if (u->frames[k].vm == w->vm)
            return true;
    return false;
}

static bool is_frame(const struct gic *u, const struct world *w, uint64_t far)
{
    for (unsigned k = 0; k < u->frame_count; k++)
        if (u->frames[k].vm == w->vm && u->frames[k].page == far >> 12)
            return true;
    return false;
}

/* A store to GICD_CTLR or GICR_IGROUPR0, or one to GICR_ICENABLER0 or GICR_ICPENDR0 that does not
 * say of which interrupts (gic_private_stored()); any access, while no frame is known. */
static bool takes_back(struct gic *u, const struct world *w, const struct exit_state *s)
{
    uint64_t offset = bits(s->far, 11, 0);
    uint32_t value;

    if (!justify_left_by(s, ESR_EC_DABT_LOW))
        return false;
    bool any = gic_has_frame(u, w), frame = is_frame(u, w, s->far);
    if (!frame)
        learn_frame(u, w, s);
    if (!any)
        return true;
    bool known = gic_private_stored(s, GICR_ICENABLER0, &value) ||
                 gic_private_stored(s, GICR_ICPENDR0, &value);
    offset &= ~UINT64_C(3);
    return bit(s->esr, 6) && ((frame && offset == GICD_CTLR) || offset == GICR_IGROUPR0 ||
                              ((offset == GICR_ICENABLER0 || offset == GICR_ICPENDR0) && !known));
}

void gic_pending_left(struct arm_checker *c, struct gic *u, const struct world *w, unsigned cpu)
{
    struct gic_world *gw = gic_world_of(u, w);
    const struct exit_state *s = checker_exit_state(c, w);
    bool mapped = !(checker_sysreg(c, cpu, SR_ICC_SRE_EL1) & 1);

    gw->edge_count = 0;
    for (unsigned n = 0; n < u->lrs && !mapped; n++) {
        uint64_t v = u->cpus[cpu].lr_at_exit[n], intid = LR_VINTID(v);
        bool spi = intid_is_spi(intid) && !LR_HW(v) && !checker_has_host(c);
        if ((LR_STATE(v) & 1) && (intid < INTID_PPI || spi || intid >= INTID_LPI))
            gw->edges[gw->edge_count++] = intid;
    }
    gw->edges_cpu = cpu;
    gw->taken_then = gic_taken_by(c, u, w);
    gw->taken_back.lpis += gw->trapped || !gw->valid;
    gw->taken_back.spis += gw->trapped || !gw->valid || justify_is_call(s);
    gw->taken_back.others += takes_back(u, w, s) || justify_is_gic_access(s) || !gw->valid;
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
                intid_kind(intid), intid);
    finding_report(c, &f);
}

void gic_pending_entered(struct arm_checker *c, struct gic *u, const struct world *w,
                         const struct arm_event *p)
{
    struct gic_world *gw = gic_world_of(u, w);
    struct gic_taken now = gic_taken_by(c, u, w);
    bool judged = gw->valid && gw->edges_cpu == p->cpu && !c->cpus[p->cpu].user_ran;

    for (unsigned k = 0; judged && k < gw->edge_count; k++) {
        bool full;
        if (gic_is_taken(&gw->taken_then, &now, gw->edges[k]) ||
            gic_state_of(c, gw->edges[k], p->cpu, &full) & 1)
            continue;
        if (full) { /* it waits in memory */
            gic_owed_add(gw, w, gw->edges[k], NULL, &gw->left);
            continue;
        }
        if (intid_is_spi(gw->edges[k]))
            continue;
        report_gone(c, w, gw, gw->edges[k], p);
        break;
    }
    gw->edge_count = 0;
}
