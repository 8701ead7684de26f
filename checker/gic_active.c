/*
 * Active interrupts of a world: those that it has acknowledged and not ended. Each has its bit in
 * the active priorities. It is in a list register, or where there are too few of those EL2 keeps
 * it, and learns of its end by ICH_HCR_EL2.EOIcount (IHI0069, ICH_HCR_EL2, ICH_AP1R<n>_EL2).
 */
#include <inttypes.h>

#include "arch/esr.h"
#include "checker/gic_state.h"
#include "checker/justify.h"

static bool has_priority(const struct gic_world *gw, const struct gic_active *a)
{
    return bit(gw->ap[a->ap], a->bit);
}

/* ---- a world leaves ---- */

/* Of those that were in no list register: the world has ended it, or has not. What was in one and
 * is ended is over. */
static bool is_still_held(const struct gic *u, const struct gic_world *gw, struct gic_active *a,
                          unsigned cpu, bool counted)
{
    const struct gic_cpu *g = &u->cpus[cpu];

    for (unsigned n = 0; n < u->lrs; n++)
        if (LR_STATE(g->lr_at_exit[n]) && LR_VINTID(g->lr_at_exit[n]) == a->vintid)
            return false; /* what is there tells all */
    if (!has_priority(gw, a) && a->out && counted && !a->ended) {
        a->ended = true;
        a->left = gw->left;
    }
    return has_priority(gw, a) ? a->out : a->ended;
}

static void keep_held(const struct gic *u, struct gic_world *gw, unsigned cpu, bool counted)
{
    unsigned kept = 0;

    for (unsigned k = 0; k < gw->active_count; k++)
        if (is_still_held(u, gw, &gw->active[k], cpu, counted))
            gw->active[kept++] = gw->active[k];
    gw->active_count = kept;
}

static struct gic_active active_of(const struct gic *u, uint64_t vmcr, unsigned n, uint64_t v)
{
    bool own = LR_GROUP(v) && !VMCR_CBPR(vmcr);
    unsigned sub = (unsigned)(own ? VMCR_BPR1(vmcr) : VMCR_BPR0(vmcr) + 1);
    unsigned level = (unsigned)(LR_PRIORITY(v) >> sub << sub >> (8 - u->pre));

    return (struct gic_active){.vintid = LR_VINTID(v),
                               .n = n,
                               .ap = (uint8_t)((LR_GROUP(v) ? 4 : 0) + level / 32),
                               .bit = (uint8_t)(level % 32)};
}

/* A store that traps, perhaps to one of the registers of a frame that begin at @base: behind
 * GICR_ISACTIVER0 active is what EL2 says. */
static bool stores_to(const struct exit_state *s, uint64_t base)
{
    return justify_left_by(s, ESR_EC_DABT_LOW) && bits(s->far, 11, 0) - base < GIC_BITS_BYTES;
}

/* What the exit asks for may have ended an active interrupt: where no frame is known, that may be
 * anywhere. */
static bool deactivates(const struct gic *u, const struct world *w, const struct exit_state *s)
{
    return justify_is_gic_access(s) || stores_to(s, GICR_ICACTIVER0) ||
           (justify_left_by(s, ESR_EC_DABT_LOW) && !gic_has_frame(u, w));
}

/* With EOImode set ICC_EOIR<n>_EL1 only drops the priority, and ICC_DIR_EL1 finds the interrupt in
 * a list register, or traps. */
static void keep_split(const struct gic *u, struct gic_world *gw, unsigned cpu, bool eoim)
{
    gw->split_count = 0;
    for (unsigned n = 0; n < u->lrs && eoim; n++) {
        uint64_t v = u->cpus[cpu].lr_at_exit[n];
        if (!(LR_STATE(v) & 2))
            continue;
        gw->split_lr[gw->split_count] = n;
        gw->split[gw->split_count++] = v;
    }
}

void gic_active_left(struct arm_checker *c, struct gic *u, const struct world *w, unsigned cpu)
{
    struct gic_world *gw = gic_world_of(u, w);
    uint64_t vmcr = checker_sysreg(c, cpu, SR_ICH_VMCR_EL2);
    uint64_t hcr = checker_sysreg(c, cpu, SR_ICH_HCR_EL2);

    /* With EOImode set ICC_EOIR<n>_EL1 only drops the priority. */
    if (VMCR_EOIM(vmcr) || !gw->valid || stores_to(checker_exit_state(c, w), GICR_ISACTIVER0))
        gw->active_count = 0;
    else
        keep_held(u, gw, cpu, (hcr & HCR_EOICOUNT) != 0);
    keep_split(u, gw, cpu, VMCR_EOIM(vmcr));
    for (unsigned n = 0; n < u->lrs && !VMCR_EOIM(vmcr); n++) {
        uint64_t v = u->cpus[cpu].lr_at_exit[n];
        struct gic_active a = active_of(u, vmcr, n, v);
        if ((LR_STATE(v) & 2) && has_priority(gw, &a) && gw->active_count < HELD_MAX)
            gw->active[gw->active_count++] = a;
    }
}

/* ---- a world is entered ---- */

/* Its priority is active, the interrupt itself is in no list register, though one is free: the
 * world's end of interrupt will find nothing to deactivate. */
static void report_orphan(struct arm_checker *c, struct gic *u, const struct world *w,
                          const struct gic_active *a, const struct arm_event *p)
{
    const struct gic_live *l = &u->cpus[p->cpu].lr[a->n];
    bool here = !l->owner && gic_world_of(u, w)->left.cpu == p->cpu;
    struct finding f = gic_finding(c, w, gic_lr_number(a->n), here ? &l->site : NULL, p);

    f.hint = "keep active interrupts in list registers until the world has ended them";
    finding_say(&f,
                "interrupt %" PRIu64 " was active in it when the world left, its priority still "
                "is, and it is in no list register, though one is free",
                a->vintid);
    finding_report(c, &f);
}

/* The world will not end it once more. */
static void report_ended(struct arm_checker *c, struct gic *u, const struct world *w,
                         const struct gic_active *a, unsigned n, const struct arm_event *p)
{
    struct finding f =
        gic_finding(c, w, sysreg_number(SR_ICH_HCR_EL2), &u->cpus[p->cpu].lr[n].site, p);

    f.rule = RULE_LOST;
    f.other = a->left;
    f.other_role = "left";
    f.hint = "deactivate as many interrupts of those in no list register as EOIcount says, the "
             "highest priorities first";
    finding_say(&f,
                "the world has ended interrupt %" PRIu64 ", which was in no list register "
                "(EOIcount), and has it active again in ICH_LR%u_EL2",
                a->vintid, n);
    finding_report(c, &f);
}

/* Where is it, and is that right? False: it is over. */
static bool check_one(struct arm_checker *c, struct gic *u, const struct world *w,
                      struct gic_active *a, bool room, bool orphans, const struct arm_event *p)
{
    bool priority = bit(checker_reg(c, p->cpu, gic_ap_number(a->ap)), a->bit);
    unsigned n = 0;
    uint64_t lr = 0;

    for (; n < u->lrs; n++) {
        lr = checker_reg(c, p->cpu, gic_lr_number(n));
        if (LR_STATE(lr) && LR_VINTID(lr) == a->vintid)
            break;
    }
    bool active = n < u->lrs && (LR_STATE(lr) & 2);
    if (a->ended) {
        if (active && !priority)
            report_ended(c, u, w, a, n, p);
        return n == u->lrs;
    }
    if (orphans && !a->out && priority && room && !active &&
        !deactivates(u, w, checker_exit_state(c, w)))
        report_orphan(c, u, w, a, p);
    a->out = !active;
    return true;
}

static bool is_in_list(struct arm_checker *c, const struct gic *u, uint64_t vintid, unsigned cpu)
{
    for (unsigned n = 0; n < u->lrs; n++) {
        uint64_t v = checker_reg(c, cpu, gic_lr_number(n));
        if (LR_STATE(v) && LR_VINTID(v) == vintid)
            return true;
    }
    return false;
}

/* What is active and in no list register is deactivated by an ICC_DIR_EL1 that EL2 sees. */
static void check_split(struct arm_checker *c, struct gic *u, const struct world *w,
                        const struct arm_event *p)
{
    struct gic_world *gw = gic_world_of(u, w);
    uint64_t hcr = checker_sysreg(c, p->cpu, SR_ICH_HCR_EL2);
    bool mapped = !(checker_sysreg(c, p->cpu, SR_ICC_SRE_EL1) & 1); /* GICV_DIR */
    struct gic_taken now = gic_taken_by(c, u, w);                   /* whatever the access was to */
    bool judged = gw->valid && !mapped && gw->taken_then.lpis == now.lpis;

    for (unsigned k = 0; judged && !(hcr & (HCR_TDIR | HCR_TC)) && k < gw->split_count; k++) {
        if (is_in_list(c, u, LR_VINTID(gw->split[k]), p->cpu))
            continue;
        struct finding f = gic_finding(c, w, sysreg_number(SR_ICH_HCR_EL2), NULL, p);
        f.other = gw->left;
        f.other_role = "left";
        f.hint = "set TDIR, or TC, while an active interrupt is in no list register";
        finding_say(&f,
                    "interrupt %" PRIu64 " was active in ICH_LR%u_EL2 when the world left, and is "
                    "in none; with ICC_CTLR_EL1.EOImode set its ICC_DIR_EL1 has to trap, and TDIR "
                    "is 0",
                    LR_VINTID(gw->split[k]), gw->split_lr[k]);
        finding_report(c, &f);
        break;
    }
    gw->split_count = 0;
}

void gic_active_entered(struct arm_checker *c, struct gic *u, const struct world *w, bool orphans,
                        const struct arm_event *p)
{
    struct gic_world *gw = gic_world_of(u, w);
    unsigned kept = 0;
    bool room = false;

    for (unsigned n = 0; n < u->lrs; n++)
        room |= !LR_STATE(checker_reg(c, p->cpu, gic_lr_number(n)));
    for (unsigned k = 0; gw->valid && k < gw->active_count; k++)
        if (check_one(c, u, w, &gw->active[k], room, orphans, p))
            gw->active[kept++] = gw->active[k];
    gw->active_count = kept;
    if (orphans)
        check_split(c, u, w, p);
}
