/*
 * SGIs that come to whom nobody has sent one: ICC_SGI1R_EL1 traps, and names its targets, which are
 * of the sender's VM (IHI0069, "Software Generated Interrupts", ICC_SGI1R_EL1). EL2 may also have
 * SGIs of its own making, for calls or because a page of a distributor was written; so an SGI is a
 * stray one when it is always there when another virtual CPU was sent one of that number.
 */
#include <inttypes.h>

#include "arch/esr.h"
#include "checker/gic_state.h"
#include "checker/justify.h"

#define STRAYS 3 /* fewer may be by chance */

#define GICR_ISPENDR0 0x200
#define GICD_SGIR     0xf00 /* and GICD_SPENDSGIR<n> behind it */

static bool sends(const struct exit_state *s)
{
    return justify_is_write_of(s, sysreg_number(SR_ICC_SGI1R_EL1)) ||
           justify_is_write_of(s, sysreg_number(SR_ICC_SGI0R_EL1)) ||
           justify_is_write_of(s, sysreg_number(SR_ICC_ASGI1R_EL1));
}

/* A store to where SGIs are made pending. */
static bool stores(const struct exit_state *s)
{
    uint64_t offset = bits(s->far, 11, 0);

    return justify_left_by(s, ESR_EC_DABT_LOW) &&
           (offset >= GICD_SGIR || offset >> 2 == GICR_ISPENDR0 >> 2 || !bit(s->esr, 24));
}

/* Another one comes, unless EL2 has done what the sender has trapped for when @w left. */
static bool is_done(const struct gic_sent *s, const struct world *w)
{
    return s->sender && (s->sender == w || s->sender->entries != s->entries);
}

static void note_sent(struct arm_checker *c, struct gic *u, const struct world *w, uint64_t v)
{
    uint64_t intid = bits(v, 27, 24);

    for (unsigned k = 0; k < c->worlds.count; k++) {
        const struct world *o = c->worlds.list[k];
        struct gic_sent *sent = &gic_world_of(u, o)->sent[intid];
        if (o->vm == w->vm && gic_is_target(v, w, o))
            *sent = (struct gic_sent){.sender = w, .entries = w->entries, .strays = sent->strays};
        else
            sent->elsewhere = w;
    }
}

void gic_stray_left(struct arm_checker *c, struct gic *u, const struct world *w, unsigned cpu)
{
    const struct exit_state *s = checker_exit_state(c, w);
    uint64_t rt = bits(s->esr, 9, 5);
    struct gic_world *gw = gic_world_of(u, w);

    gw->had = 0;
    for (unsigned n = 0; n < u->lrs; n++) {
        uint64_t v = u->cpus[cpu].lr_at_exit[n];
        if (LR_STATE(v) & 1 && LR_VINTID(v) < INTID_PPI)
            gw->had |= 1U << LR_VINTID(v);
    }
    for (unsigned n = 0; n < INTID_PPI; n++)
        gw->sent[n].done = is_done(&gw->sent[n], w);
    if (justify_is_write_of(s, sysreg_number(SR_ICC_SGI1R_EL1)))
        note_sent(c, u, w, rt < 31 ? s->x[rt] : 0);
    else if (sends(s) || stores(s) || justify_is_call(s))
        for (unsigned k = 0; k < c->worlds.count; k++)
            gic_world_of(u, c->worlds.list[k])->unclear |= c->worlds.list[k]->vm == w->vm;
}

static void report(struct arm_checker *c, const struct gic *u, const struct world *w, unsigned n,
                   uint64_t intid, const struct world *sender, const struct arm_event *p)
{
    struct finding f = gic_finding(c, w, gic_lr_number(n), &u->cpus[p->cpu].lr[n].site, p);

    f.hint = "an SGI goes to virtual CPUs of the sender's VM, to those that ICC_SGI1R_EL1 names";
    finding_say(&f,
                "SGI %" PRIu64 " is pending in it, which nobody has sent to it: %s has sent it to "
                "others, now and before",
                intid, sender->name);
    finding_report(c, &f);
}

/* An SGI that it has not had as it left is in the list register @n. */
static void check_one(struct arm_checker *c, struct gic *u, const struct world *w, unsigned n,
                      uint64_t intid, bool judged, const struct arm_event *p)
{
    struct gic_sent *s = &gic_world_of(u, w)->sent[intid];

    if (s->sender || !judged)
        s->sender = s->done ? NULL : s->sender;
    else if (!s->elsewhere)
        s->made = true;
    else if (!s->made && ++s->strays == STRAYS)
        report(c, u, w, n, intid, s->elsewhere, p);
}

void gic_stray_entered(struct arm_checker *c, struct gic *u, const struct world *w,
                       const struct arm_event *p)
{
    struct gic_world *gw = gic_world_of(u, w);
    bool mapped = !(checker_sysreg(c, p->cpu, SR_ICC_SRE_EL1) & 1);
    bool judged = gw->valid && !gw->unclear && !c->cpus[p->cpu].user_ran;

    for (unsigned n = 0; n < u->lrs && !mapped; n++) {
        uint64_t v = checker_reg(c, p->cpu, gic_lr_number(n)), intid = LR_VINTID(v);
        if (LR_STATE(v) & 1 && intid < INTID_PPI && !bit(gw->had, intid) &&
            !u->cpus[p->cpu].lr[n].owner)
            check_one(c, u, w, n, intid, judged, p);
    }
    for (unsigned n = 0; n < INTID_PPI; n++)
        gw->sent[n].elsewhere = NULL;
    gw->unclear = false;
}
