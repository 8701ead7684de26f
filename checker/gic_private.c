/*
 * SGIs and PPIs in list registers: an SGI that its world has acknowledged comes again only if one
 * of its VM sends it, and group and priority of either change only if one writes them. All of that
 * is asked of EL2, by a call or an access that it emulates (IHI0069, "Software Generated
 * Interrupts", ICH_LR<n>_EL2). Of SPIs and LPIs devices may ask for anything.
 */
#include <inttypes.h>

#include "arch/esr.h"
#include "checker/gic_state.h"
#include "checker/justify.h"

/* What the VM has asked for; *answered: none of its other virtual CPUs waits for an answer. */
static uint64_t asked_of(struct arm_checker *c, struct gic *u, const struct world *w,
                         bool *answered)
{
    uint64_t count = 0;

    *answered = true;
    for (unsigned k = 0; k < c->worlds.count; k++) {
        const struct world *other = c->worlds.list[k];
        if (other->vm != w->vm)
            continue;
        const struct gic_world *gw = gic_world_of(u, other);
        count += gw->asked;
        *answered &= other == w || other->running || !gw->asks;
    }
    return count;
}

void gic_private_left(struct arm_checker *c, struct gic *u, const struct world *w, unsigned cpu)
{
    struct gic_world *gw = gic_world_of(u, w);
    const struct exit_state *s = checker_exit_state(c, w);
    uint32_t pending = 0;

    gw->asks = gw->trapped || !gw->valid || justify_left_by(s, ESR_EC_SYS64) || justify_is_call(s);
    gw->asked += gw->asks;
    for (unsigned n = 0; n < u->lrs; n++) {
        uint64_t v = u->cpus[cpu].lr_at_exit[n];
        if (LR_STATE(v) & 1 && LR_VINTID(v) < INTID_PPI)
            pending |= 1U << LR_VINTID(v);
    }
    gw->taken |= gw->waiting & ~pending;
    gw->waiting = 0;
    if (!gw->valid)
        gw->taken = 0;
}

static void report_again(struct arm_checker *c, const struct gic *u, const struct world *w,
                         unsigned n, uint64_t v, const struct arm_event *p)
{
    struct finding f = gic_finding(c, w, gic_lr_number(n), &u->cpus[p->cpu].lr[n].site, p);

    f.hint = "an SGI is no longer pending, for EL2 either, when its list register says that the "
             "world has acknowledged it";
    finding_say(&f,
                "SGI %" PRIu64
                " is pending in it; the world has acknowledged it, and nobody of its "
                "VM has asked for anything since it was sent",
                LR_VINTID(v));
    finding_report(c, &f);
}

static void report_changed(struct arm_checker *c, const struct gic *u, const struct world *w,
                           unsigned n, uint64_t v, const struct gic_private *was,
                           const struct arm_event *p)
{
    struct finding f = gic_finding(c, w, gic_lr_number(n), &u->cpus[p->cpu].lr[n].site, p);

    f.hint = "group and priority are those of GICR_IGROUPR0 and GICR_IPRIORITYR<n>, whichever way "
             "fills the list register";
    finding_say(&f,
                "interrupt %" PRIu64 " has group %u and priority %#x in it, and had %u and %#x; "
                "nobody of the VM has asked for anything since",
                LR_VINTID(v), (unsigned)LR_GROUP(v), (unsigned)LR_PRIORITY(v), was->group,
                was->priority);
    finding_report(c, &f);
}

static void report_group(struct arm_checker *c, const struct gic *u, const struct world *w,
                         unsigned n, uint64_t v, const struct arm_event *p)
{
    struct finding f = gic_finding(c, w, gic_lr_number(n), &u->cpus[p->cpu].lr[n].site, p);

    f.hint = "the group is that of GICR_IGROUPR0";
    finding_say(&f,
                "interrupt %" PRIu64 " is of group 0 in it, and the world has put it into group 1",
                LR_VINTID(v));
    finding_report(c, &f);
}

static void keep(struct gic_private *i, uint64_t v, uint64_t asked, bool answered)
{
    i->known = answered;
    i->group = LR_GROUP(v);
    i->priority = (uint8_t)LR_PRIORITY(v);
    i->asked = asked;
}

/* The list register @n with @v. @asked, @answered: asked_of(). */
static void check_one(struct arm_checker *c, struct gic *u, const struct world *w, unsigned n,
                      uint64_t v, uint64_t asked, bool answered, const struct arm_event *p)
{
    struct gic_world *gw = gic_world_of(u, w);
    struct gic_private *i = &gw->own[LR_VINTID(v)];
    uint32_t sgi = LR_VINTID(v) < INTID_PPI && LR_STATE(v) & 1 ? 1U << LR_VINTID(v) : 0;
    bool filled = !u->cpus[p->cpu].lr[n].owner;
    bool judged = filled && !c->cpus[p->cpu].user_ran && gw->valid;

    if (judged && i->known && i->asked == asked &&
        (i->group != LR_GROUP(v) || i->priority != LR_PRIORITY(v)))
        report_changed(c, u, w, n, v, i, p);
    if (judged && !LR_GROUP(v) && bit(gw->group1, LR_VINTID(v)))
        report_group(c, u, w, n, v, p);
    if (filled)
        keep(i, v, asked, answered);
    if (!sgi)
        return;
    if (judged && gw->taken & sgi && i->counted && i->sent == asked)
        report_again(c, u, w, n, v, p);
    if (gw->taken & sgi || !i->counted) {
        i->sent = asked;
        i->counted = answered;
    }
    gw->taken &= ~sgi;
    gw->waiting |= sgi;
}

void gic_private_entered(struct arm_checker *c, struct gic *u, const struct world *w,
                         const struct arm_event *p)
{
    bool mapped = !(checker_sysreg(c, p->cpu, SR_ICC_SRE_EL1) & 1), answered;
    uint64_t asked = asked_of(c, u, w, &answered);

    for (unsigned n = 0; n < u->lrs && !mapped; n++) {
        uint64_t v = checker_reg(c, p->cpu, gic_lr_number(n));
        if (LR_STATE(v) && LR_VINTID(v) < INTID_SPI)
            check_one(c, u, w, n, v, asked, answered, p);
    }
}
