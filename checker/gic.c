/*
 * GIC-ORDER, GIC-STATE, and what of list registers and EOIcount is LOST or LEAK: the virtual CPU
 * interface is handed from world to world. This file follows what EL2 reads and writes of it;
 * checker/gic_entry.c judges what a world is entered with (IHI0069, System register descriptions:
 * ICH_LR<n>_EL2, ICH_HCR_EL2, ICH_AP0R<n>_EL2, ICH_VMCR_EL2).
 */
#include <inttypes.h>

#include "arch/esr.h"
#include "checker/flow.h"
#include "checker/gic_state.h"
#include "checker/justify.h"
#include "checker/unknown.h"

static void *create(struct arm_checker *c)
{
    struct gic *u = g_new0(struct gic, 1);

    u->cpus = g_new0(struct gic_cpu, c->cpu_count);
    u->worlds = g_ptr_array_new_with_free_func(g_free);
    return u;
}

static void destroy(void *state)
{
    struct gic *u = state;

    g_ptr_array_unref(u->worlds);
    g_free(u->cpus);
    g_free(u);
}

struct gic_world *gic_world_of(struct gic *u, const struct world *w)
{
    if (u->worlds->len <= w->index)
        g_ptr_array_set_size(u->worlds, (int)w->index + 1);
    if (!g_ptr_array_index(u->worlds, w->index))
        g_ptr_array_index(u->worlds, w->index) = g_new0(struct gic_world, 1);
    return g_ptr_array_index(u->worlds, w->index);
}

/* ---- a world leaves ---- */

static void measure(struct arm_checker *c, struct gic *u, unsigned cpu)
{
    uint64_t vtr = checker_sysreg(c, cpu, SR_ICH_VTR_EL2);
    unsigned pre = VTR_PREBITS(vtr);

    if (u->lrs)
        return;
    u->lrs = gic_lrs(c, cpu);
    u->pre = pre;
    u->aps = pre == 7 ? 4 : pre == 6 ? 2 : 1;
}

static void leave_registers(struct arm_checker *c, struct gic *u, const struct world *w,
                            const struct arm_event *p)
{
    struct gic_cpu *g = &u->cpus[p->cpu];
    struct gic_world *gw = gic_world_of(u, w);
    struct gic_live live = {
        .owner = w, .entries = w->entries, .site = site_of(c, p), .unread = true};

    gw->left = live.site;
    for (unsigned n = 0; n < u->lrs; n++) {
        g->lr[n] = live;
        g->lr_at_exit[n] = checker_reg(c, p->cpu, gic_lr_number(n));
    }
    for (unsigned k = 0; k < APS_MAX; k++)
        if (k % 4 < u->aps)
            gw->ap[k] = checker_reg(c, p->cpu, gic_ap_number(k));
    gw->vmcr = checker_sysreg(c, p->cpu, SR_ICH_VMCR_EL2);
}

/* Does the exit's reason let the world's interface be another one behind it? */
static void leave_reason(struct arm_checker *c, struct gic_world *gw, const struct world *w)
{
    const struct exit_state *s = checker_exit_state(c, w);

    gw->valid = !justify(s, false).anything;
    gw->trapped = justify_is_gic_access(s) || justify_left_by(s, ESR_EC_DABT_LOW);
    gw->lost_count = 0;
}

static void leave(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct gic *u = state;
    struct gic_cpu *g = &u->cpus[p->cpu];
    uint64_t hcr = checker_sysreg(c, p->cpu, SR_ICH_HCR_EL2);

    g->vmcr.known = g->sre.known = g->ap1.known = g->elrsr.known = false;
    g->ap0_written = 0;
    if (w->kind != WORLD_GUEST)
        return;
    measure(c, u, p->cpu);
    g->eoicount_unread = (hcr & HCR_EOICOUNT) != 0;
    g->misr = checker_sysreg(c, p->cpu, SR_ICH_MISR_EL2);
    g->eisr = checker_sysreg(c, p->cpu, SR_ICH_EISR_EL2);
    g->spoiled.known = g->eisr_spoiled.known = false;
    leave_registers(c, u, w, p);
    leave_reason(c, gic_world_of(u, w), w);
    gic_active_left(c, u, w, p->cpu);
    gic_pending_left(c, u, w, p->cpu);
    gic_private_left(c, u, w, p->cpu);
    gic_stray_left(c, u, w, p->cpu);
    gic_owed_left(c, u, w, p);
    gic_storm_left(c, u, w, p);
}

/* ---- EL2 reads ---- */

static void report_spoiled(struct arm_checker *c, const struct arm_event *p, struct site *spoiled,
                           uint64_t at_exit)
{
    struct finding f = finding_at(c, RULE_GIC_ORDER, p);

    f.world = c->cpus[p->cpu].last;
    f.reg = p->sysreg_read.sr;
    f.other = f.at;
    f.other_role = "read";
    f.at = *spoiled;
    f.hint = "read it before the write that changes it";
    finding_say(&f,
                "%#" PRIx64 " when the world left, and was changed before it was read as %#" PRIx64,
                at_exit, p->sysreg_read.value);
    unknown_report(c, &f, p);
    spoiled->known = false;
}

static void elrsr_read(struct gic *u, struct gic_cpu *g, bool eoi_only)
{
    for (unsigned n = 0; n < u->lrs; n++)
        if (!LR_STATE(g->lr_at_exit[n]) && (!eoi_only || LR_EOI(g->lr_at_exit[n])))
            g->lr[n].unread = false;
}

static bool is_ap(uint32_t number)
{
    for (unsigned k = 0; k < APS_MAX; k++)
        if (gic_ap_number(k) == number)
            return true;
    return false;
}

static void was_read(struct arm_checker *c, struct gic *u, const struct arm_event *p)
{
    struct gic_cpu *g = &u->cpus[p->cpu];
    enum sysreg sr = sysreg_lookup(p->sysreg_read.sr);
    uint32_t n = p->sysreg_read.sr - gic_lr_number(0);

    if (is_ap(p->sysreg_read.sr)) { /* what was written before is whole */
        g->ap0_written = 0;
        g->ap1.known = false;
    }
    if (n < u->lrs) {
        g->lr[n].unread = false;
        g->eisr &= ~BIT(n);
    } else if (sr == SR_ICC_IAR1_EL1) {
        gic_storm_acknowledged(c, g, p);
    } else if (sr == SR_ICH_HCR_EL2) {
        g->eoicount_unread = false;
    } else if (sr == SR_ICH_MISR_EL2) {
        if (g->spoiled.known && g->misr & ~p->sysreg_read.value)
            report_spoiled(c, p, &g->spoiled, g->misr);
        g->misr = 0;
    } else if (sr == SR_ICH_EISR_EL2) {
        if (g->eisr_spoiled.known && g->eisr & ~p->sysreg_read.value)
            report_spoiled(c, p, &g->eisr_spoiled, g->eisr);
        g->eisr = 0;
        elrsr_read(u, g, true);
    } else if (sr == SR_ICH_ELRSR_EL2) {
        elrsr_read(u, g, false);
        g->elrsr = site_of(c, p);
        if (c->flow)
            flow_interest(c->flow, p->cpu, p->count); /* what EL2 makes of it: own_emptied() */
    }
}

/* ---- EL2 writes ---- */

static void lr_written(struct arm_checker *c, struct gic *u, unsigned n, const struct arm_event *p)
{
    struct gic_cpu *g = &u->cpus[p->cpu];
    struct gic_live *l = &g->lr[n];
    uint64_t before = p->sysreg_write.before, after = p->sysreg_write.after;

    /* What belongs to the interrupt: state and number. */
    if (l->unread && l->owner && LR_STATE(before) &&
        (LR_STATE(before) != LR_STATE(after) || LR_VINTID(before) != LR_VINTID(after))) {
        struct gic_world *gw = gic_world_of(u, l->owner);
        if (gw->lost_count < LRS_MAX)
            gw->lost[gw->lost_count++] =
                (struct gic_lost){.lr = before, .n = n, .at = site_of(c, p), .left = l->site};
    }
    if (bit(g->eisr, n) && l->unread && before != after && !g->eisr_spoiled.known)
        g->eisr_spoiled = site_of(c, p);
    *l = (struct gic_live){.site = site_of(c, p)};
}

static void hcr_written(struct arm_checker *c, struct gic_cpu *g, const struct arm_event *p)
{
    uint64_t before = p->sysreg_write.before, after = p->sysreg_write.after;

    if (before != after && g->misr && !g->spoiled.known)
        g->spoiled = site_of(c, p);
    if (!g->eoicount_unread || !((before ^ after) & HCR_EOICOUNT))
        return;
    g->eoicount_unread = false;
    struct finding f = finding_at(c, RULE_LOST, p);
    f.world = c->cpus[p->cpu].last;
    f.reg = p->sysreg_write.sr;
    f.hint = "EOIcount counts interrupts that the world has ended and no list register holds: read "
             "it first";
    finding_say(&f,
                "EOIcount was %" PRIu64 ", has not been read since the exit, and is now %" PRIu64,
                bits(before, 31, 27), bits(after, 31, 27));
    finding_report(c, &f);
}

static void ap_written(struct arm_checker *c, struct gic_cpu *g, unsigned k,
                       const struct arm_event *p)
{
    if (k >= 4 && !g->ap1.known)
        g->ap1 = site_of(c, p);
    if (k >= 4)
        return;
    if (bit(g->ap0_written, k)) { /* once more: all of them are written anew */
        g->ap0_written = 0;
        g->ap1.known = false;
    }
    g->ap0_written |= BIT(k);
    if (!g->ap1.known || !c->guest_seen)
        return;
    struct finding f = finding_at(c, RULE_GIC_APR_ORDER, p);
    f.reg = p->sysreg_write.sr;
    f.other = g->ap1;
    f.other_role = "written";
    f.hint = "all ICH_AP0R<n>_EL2 first, then all ICH_AP1R<n>_EL2";
    finding_say(&f, "written behind an ICH_AP1R<n>_EL2");
    finding_report(c, &f);
}

static void was_written(struct arm_checker *c, struct gic *u, const struct arm_event *p)
{
    struct gic_cpu *g = &u->cpus[p->cpu];
    enum sysreg sr = sysreg_lookup(p->sysreg_write.sr);
    uint32_t n = p->sysreg_write.sr - gic_lr_number(0);

    if (gic_storm_is_ended(sr))
        g->own_storm = 0;
    if (n < LRS_MAX)
        lr_written(c, u, n, p);
    else if (sr == SR_ICH_HCR_EL2)
        hcr_written(c, g, p);
    else if (sr == SR_ICC_SRE_EL2)
        g->enable_fixed |= !bit(p->sysreg_write.value, 3) && bit(p->sysreg_write.after, 3);
    else if (sr == SR_ICH_VMCR_EL2)
        g->vmcr = site_of(c, p);
    else if (sr == SR_ICC_SRE_EL1 && ((p->sysreg_write.before ^ p->sysreg_write.after) & 1))
        g->sre = site_of(c, p);
    for (unsigned k = 0; k < APS_MAX; k++)
        if (gic_ap_number(k) == p->sysreg_write.sr)
            ap_written(c, g, k, p);
}

static void event(struct arm_checker *c, void *state, const struct arm_event *p)
{
    struct gic *u = state;

    if (p->cpu >= c->cpu_count)
        return;
    if (p->kind == ARM_EVENT_SYSREG_READ)
        was_read(c, u, p);
    else if (p->kind == ARM_EVENT_SYSREG_WRITE)
        was_written(c, u, p);
    else if (p->kind == ARM_EVENT_POWER)
        u->cpus[p->cpu] = (struct gic_cpu){0};
}

static void enter(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct gic *u = state;

    measure(c, u, p->cpu);
    gic_check_entry(c, u, w, p);
    u->cpus[p->cpu].entered = p->count;
    u->cpus[p->cpu].own_storm = 0;
}

static void end(struct arm_checker *c, void *state)
{
    gic_owed_end(c, state);
}

const struct check_unit unit_gic = {
    .at_el2 = ARM_BIT(ARM_EVENT_SYSREG_READ) | ARM_BIT(ARM_EVENT_SYSREG_WRITE),
    .everywhere = ARM_BIT(ARM_EVENT_POWER),
    .create = create,
    .event = event,
    .exit = leave,
    .enter = enter,
    .end = end,
    .destroy = destroy,
};
