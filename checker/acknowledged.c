/*
 * HANDOVER: interrupts of devices and timers that EL2 has acknowledged, and that stay active. With
 * ICC_CTLR_EL1.EOImode set the end of interrupt drops the priority only, and what deactivates it is
 * ICC_DIR_EL1, or the end of interrupt of a world that has it in a list register with HW set. What
 * is neither does not come again (IHI0069, "Priority drop and interrupt deactivation",
 * ICH_LR<n>_EL2). checker/active.c has what a world leaves active for the next one.
 */
#include <inttypes.h>

#include "arch/esr.h"
#include "arch/intid.h"
#include "arch/ppi.h"
#include "base/bits.h"
#include "checker/gic_state.h"
#include "checker/justify.h"

#define MOST     16 /* that are active at a time */
#define RUNS_OWN 8  /* entries with room of the world that it is for, */
#define RUNS_ANY 64 /* of all, where that is not known */

#define STORM     256     /* acknowledgements of one SPI, one behind the other, */
#define SHORT_RUN 4       /* with so few instructions of a world between */
#define KICK      1000000 /* instructions in which an interrupt of EL2's would have come */

#define EOIMODE BIT(1) /* of ICC_CTLR_EL1 */

struct irq {
    unsigned intid, cpu;       /* cpu: that has acknowledged it */
    bool known, active;        /* known: its state has changed once */
    bool forwarded;            /* a list register has stood for it; */
    bool told;                 /* that something is wrong, or may not be */
    unsigned runs;             /* entries since, without it */
    unsigned storm;            /* how often it has come again at once, and was given to nobody */
    const struct world *whose; /* who has had it so; of a PPI, who ran. NULL: not known */
    const struct world *ran;   /* who had, when it was acknowledged; */
    struct site acknowledged;  /* and where */
    struct site inactive;      /* where it was deactivated last */
    struct site soft;          /* the write of a list register that does not stand for it */
};

struct acknowledged_cpu {
    uint64_t entered; /* its count when a world was */
    bool short_run;   /* that has left again at once, and nothing was acknowledged since */
    unsigned last;    /* the SPI that EL2 has acknowledged last */
};

struct acknowledged {
    struct irq *shared; /* SPIs, by INTID */
    struct irq *own;    /* PPIs, by CPU and INTID */
    struct acknowledged_cpu *cpus;
    struct irq *list[MOST]; /* what EL2 has taken */
    unsigned count;
};

static void *create(struct arm_checker *c)
{
    struct acknowledged *u = g_new0(struct acknowledged, 1);

    u->shared = g_new0(struct irq, INTID_SPECIAL);
    u->own = g_new0(struct irq, (size_t)c->cpu_count * INTID_SPI);
    u->cpus = g_new0(struct acknowledged_cpu, c->cpu_count);
    return u;
}

static void destroy(void *state)
{
    struct acknowledged *u = state;

    g_free(u->shared);
    g_free(u->own);
    g_free(u->cpus);
    g_free(u);
}

static bool is_private(const struct irq *i)
{
    return i->intid < INTID_SPI;
}

static struct irq *irq_of(struct acknowledged *u, unsigned cpu, uint64_t intid)
{
    if (intid < INTID_PPI || intid >= INTID_SPECIAL)
        return NULL;
    return intid < INTID_SPI ? &u->own[cpu * INTID_SPI + intid] : &u->shared[intid];
}

static void forget(struct acknowledged *u, const struct irq *i)
{
    for (unsigned k = 0; k < u->count; k++)
        if (u->list[k] == i)
            u->list[k] = u->list[--u->count];
}

/* EL2 has acknowledged an SPI as often as that, and nothing that it does lowers its line. */
static void count_storm(struct arm_checker *c, struct acknowledged *u, struct irq *i,
                        const struct arm_event *p)
{
    struct acknowledged_cpu *v = &u->cpus[p->cpu];
    bool again = v->short_run && v->last == i->intid && !i->forwarded;

    v->last = i->intid;
    v->short_run = false;
    i->storm = again ? i->storm + 1 : 0;
    if (i->storm != STORM || checker_has_host(c))
        return;
    struct finding f = finding_about(c, RULE_HANDOVER, c->cpus[p->cpu].last, SR_ICC_IAR1_EL1, p);
    f.hint = "give it to its world by a list register, leave it active, or disable it";
    finding_say(&f,
                "SPI %u comes again and again: EL2 has acknowledged it %d times one behind the "
                "other, and no list register stands for it",
                i->intid, STORM);
    finding_report(c, &f);
}

static void changed(struct arm_checker *c, struct acknowledged *u, const struct arm_event *p)
{
    struct irq *i = p->irq.virt ? NULL : irq_of(u, p->cpu, p->irq.intid);
    const struct cpu_view *view = &c->cpus[p->cpu];
    bool ends = p->irq.change == ARM_IRQ_DEACTIVATED;
    bool begins = p->irq.change == ARM_IRQ_ACKNOWLEDGED, taken = begins && p->el == 2;

    if (!i || (!ends && !begins && p->irq.change != ARM_IRQ_ACTIVATED))
        return;
    forget(u, i);
    i->intid = p->irq.intid;
    i->cpu = p->cpu;
    if (taken && !is_private(i))
        count_storm(c, u, i, p);
    i->known = true;
    i->active = !ends;
    i->told = i->soft.known = false;
    i->forwarded &= ends; /* what has been is asked for when it comes again */
    i->runs = 0;
    if (ends)
        i->inactive = site_of(c, p);
    if (!taken || u->count == MOST)
        return;
    i->acknowledged = site_of(c, p);
    i->ran = view->last;
    if (is_private(i))
        i->whose = view->last;
    u->list[u->count++] = i;
}

/* ---- list registers ---- */

static bool stands_for(uint64_t lr, const struct irq *i)
{
    return LR_HW(lr) && LR_PINTID(lr) == i->intid;
}

/* It brings the interrupt, or asks to be told of its end. */
static bool brings(uint64_t lr, const struct irq *i)
{
    return LR_VINTID(lr) == i->intid || (!LR_HW(lr) && LR_EOI(lr));
}

static void lr_written(struct arm_checker *c, struct acknowledged *u, const struct arm_event *p)
{
    uint64_t v = p->sysreg_write.after;

    for (unsigned k = 0; (LR_STATE(v) & 1) && k < u->count; k++) {
        struct irq *i = u->list[k];
        if (LR_VINTID(v) == i->intid && !stands_for(v, i) && (LR_HW(v) || !LR_EOI(v)) &&
            (!is_private(i) || i->cpu == p->cpu))
            i->soft = site_of(c, p);
    }
}

/* What the list registers of a CPU say of it: none is free, there is room for it, one brings it,
 * one stands for it. */
enum place { FULL, FREE, BROUGHT, FORWARDED };

static enum place place_of(const struct arm_checker *c, unsigned cpu, const struct irq *i)
{
    enum place place = FULL;

    for (unsigned n = 0; n < gic_lrs(c, cpu); n++) {
        uint64_t v = checker_reg(c, cpu, gic_lr_number(n));
        enum place now = !LR_STATE(v)       ? FREE
                         : stands_for(v, i) ? FORWARDED
                         : brings(v, i)     ? BROUGHT
                                            : FULL;
        place = MAX(place, now);
    }
    return place;
}

/* ---- what is wrong ---- */

static struct finding about(const struct world *w, struct irq *i, const struct site *at)
{
    i->told = true;
    return (struct finding){.rule = RULE_HANDOVER,
                            .world = w,
                            .at = *at,
                            .reg = sysreg_number(SR_ICC_DIR_EL1),
                            .other = i->acknowledged,
                            .other_role = "acknowledged"};
}

static void report_stays(struct arm_checker *c, struct irq *i, const struct site *at)
{
    struct finding f = about(i->whose ? i->whose : i->ran, i, i->soft.known ? &i->soft : at);

    f.hint = "ICC_DIR_EL1, or a list register with HW set and this pINTID";
    finding_say(&f,
                "%s %u was acknowledged by EL2 and is active ever since, and no list register "
                "stands for it%s: it cannot come again",
                intid_kind(i->intid), i->intid, i->forwarded ? " any more" : "");
    finding_report(c, &f);
}

/* A list register stands for an SPI that is not active: the world's end of it deactivates another
 * occurrence, or nothing. Of PPIs that is active.c's. */
static void check_missing(struct arm_checker *c, struct acknowledged *u, const struct world *w,
                          const struct arm_event *p)
{
    for (unsigned n = 0; n < gic_lrs(c, p->cpu); n++) {
        uint64_t v = checker_reg(c, p->cpu, gic_lr_number(n));
        struct irq *i = LR_PINTID(v) < INTID_SPI ? NULL : irq_of(u, p->cpu, LR_PINTID(v));
        if (!LR_STATE(v) || !LR_HW(v) || !i || !i->known || i->active || i->told)
            continue;
        struct site here = site_of(c, p);
        struct finding f = about(w, i, &here);
        f.reg = gic_lr_number(n);
        f.other = i->inactive;
        f.other_role = "inactive";
        f.hint = "what a list register stands for is left to its world's end of interrupt";
        finding_say(&f,
                    "SPI %u is in it with HW, and is not active physically: it comes again "
                    "while the world has not ended it",
                    i->intid);
        finding_report(c, &f);
    }
}

/* Each guest has run since, or waits and was not woken, or does not come back. */
static bool all_have_run(struct arm_checker *c, const struct irq *i)
{
    for (unsigned k = 0; k < c->worlds.count; k++) {
        const struct world *w = c->worlds.list[k];
        const struct exit_state *s = checker_exit_state(c, w);
        if (s->valid && !w->running && s->at.total < i->acknowledged.total &&
            !justify_left_by(s, ESR_EC_WFX))
            return false;
    }
    return true;
}

static void check_one(struct arm_checker *c, const struct world *w, struct irq *i,
                      const struct arm_event *p)
{
    bool open = checker_sysreg(c, p->cpu, SR_ICH_VMCR_EL2) & VMCR_ENG1;
    enum place place = place_of(c, p->cpu, i);

    if (place == FORWARDED) {
        i->forwarded = true;
        i->whose = w;
        i->runs = 0;
    }
    if (i->told || (i->forwarded && is_private(i)) || place != FREE || !open ||
        (is_private(i) && i->cpu != p->cpu) || (i->whose && i->whose != w) ||
        regs_timer_of(i->intid) != REGS_TIMERS)
        return; /* a timer is a level, and EL2 may look at that: gic_owed.c */
    i->runs++;
    if (i->runs < (i->whose ? RUNS_OWN : RUNS_ANY) || (!i->whose && !all_have_run(c, i)))
        return;
    struct site here = site_of(c, p);
    report_stays(c, i, &here);
}

/* A host may leave an interrupt active that its guest has disabled. */
static bool is_known(const struct arm_checker *c, unsigned cpu)
{
    return !checker_has_host(c) && (checker_sysreg(c, cpu, SR_ICC_CTLR_EL1) & EOIMODE);
}

static void enter(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct acknowledged *u = state;

    u->cpus[p->cpu].entered = p->count;
    if (w->kind != WORLD_GUEST || !HCR_EL2_IMO(p->world.hcr) || !is_known(c, p->cpu))
        return;
    if (checker_sysreg(c, p->cpu, SR_ICH_HCR_EL2) & HCR_EN)
        check_missing(c, u, w, p);
    for (unsigned k = 0; k < u->count; k++)
        check_one(c, w, u->list[k], p);
}

/* Has the world left by a store that may be one to GICD_ICENABLER<n>, ICPENDR<n>, ICACTIVER<n> or
 * IROUTER<n>, which EL2 emulates? What it means by it is not looked at: the interrupt may have been
 * taken back, or go elsewhere. */
static bool takes_back(const struct exit_state *s)
{
    uint64_t offset = bits(s->far, 15, 0);

    return justify_left_by(s, ESR_EC_DABT_LOW) && bit(s->esr, 6) &&
           (offset >> 13 == 3 || bits(offset, 11, 7) == GICR_ICENABLER0 >> 7 ||
            bits(offset, 11, 7) == GICR_ICPENDR0 >> 7 ||
            bits(offset, 11, 7) == GICR_ICACTIVER0 >> 7);
}

static void leave(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct acknowledged *u = state;
    struct acknowledged_cpu *v = &u->cpus[p->cpu];

    v->short_run = p->count <= v->entered + SHORT_RUN;
    for (unsigned k = 0; k < u->count && takes_back(checker_exit_state(c, w)); k++)
        u->list[k]->told |= !is_private(u->list[k]);
}

static void event(struct arm_checker *c, void *state, const struct arm_event *p)
{
    if (p->cpu >= c->cpu_count)
        return;
    if (p->kind == ARM_EVENT_IRQ)
        changed(c, state, p);
    else if (p->sysreg_write.sr - gic_lr_number(0) < LRS_MAX)
        lr_written(c, state, p);
}

/* It was brought to somebody without being stood for, or not at all, and everything waits; or who
 * has had it before runs on and on. */
static bool is_overdue(const struct arm_checker *c, const struct irq *i)
{
    const struct world *w = i->whose;
    unsigned timer = regs_timer_of(i->intid);

    if (timer != REGS_TIMERS &&
        !regs_timer_asserts(checker_sysreg(c, i->cpu, regs_timers[timer].ctl)))
        return false;
    if (checker_all_wait(c))
        return (i->soft.known || i->runs) && place_of(c, i->cpu, i) == FREE;
    return w && w->running && arm_retired(c->m) - i->acknowledged.total > KICK &&
           arm_cpu_position(c->m, w->last_pe).insns - c->cpus[w->last_pe].since > KICK &&
           place_of(c, w->last_pe, i) == FREE;
}

static void end(struct arm_checker *c, void *state)
{
    struct acknowledged *u = state;

    for (unsigned k = 0; k < u->count; k++) {
        struct irq *i = u->list[k];
        if (!i->told && !(i->forwarded && is_private(i)) && is_known(c, i->cpu) && is_overdue(c, i))
            report_stays(c, i, &i->acknowledged);
    }
}

const struct check_unit unit_acknowledged = {
    .at_el2 = ARM_BIT(ARM_EVENT_SYSREG_WRITE),
    .everywhere = ARM_BIT(ARM_EVENT_IRQ),
    .create = create,
    .event = event,
    .exit = leave,
    .enter = enter,
    .end = end,
    .destroy = destroy,
};
