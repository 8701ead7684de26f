/*
 * Interrupts that are pending for a world and in no list register: one that was in one had to go
 * because others filled them, or another virtual CPU has sent an SGI. EL2 keeps it in memory, where
 * nobody knows it, until there is room. Then it is to come, unless the VM has taken it back, and
 * that is an access that EL2 emulates. So it is with the timers' PPIs, which are levels: pending
 * while the timer's condition holds (IHI0069, "Software Generated Interrupts", ICC_SGI1R_EL1,
 * ICH_HCR_EL2; DDI0487, CNTV_CTL_EL0).
 */
#include <inttypes.h>

#include "arch/esr.h"
#include "arch/ppi.h"
#include "checker/gic_state.h"
#include "checker/justify.h"

/* Runs with room and without the interrupt: EL2 may be about to be told to put it there. */
#define PATIENCE_SENT    2
#define PATIENCE_SPILLED 4

#define HCR_ASKS   MASK(7, 1) /* maintenance interrupts of all kinds */
#define SGI1R_IRM  BIT(40)
#define MPIDR_AFFS (MASK(39, 32) | MASK(23, 8)) /* Aff3, Aff2 and Aff1 */

void gic_owed_add(struct gic_world *gw, const struct world *w, uint64_t intid,
                  const struct world *sender, const struct site *since)
{
    for (unsigned k = 0; k < gw->owed_count; k++)
        if (gw->owed[k].intid == intid)
            return;
    if (gw->owed_count == OWED_MAX)
        return;
    gw->owed[gw->owed_count++] = (struct gic_owed){.intid = intid,
                                                   .sender = sender,
                                                   .sent = sender ? sender->entries : 0,
                                                   .entries = w->entries,
                                                   .since = *since};
}

/* ---- timers ---- */

static bool is_timers(const struct gic_owed *o)
{
    return regs_timer_of(o->intid) != REGS_TIMERS;
}

static uint64_t timer_control(const struct arm_checker *c, unsigned cpu, unsigned k)
{
    return checker_sysreg(c, cpu, regs_timers[k].ctl);
}

#define CTL_MASKED 7 /* ENABLE, IMASK, ISTATUS: the condition holds, and no interrupt comes */

/* The world has the timer, and its condition holds. The physical interrupt would end the run before
 * it has begun, if it were not active or disabled, or EL2 has masked it. */
static bool timer_asks(const struct arm_checker *c, const struct gic_world *gw, unsigned cpu,
                       unsigned k)
{
    unsigned reg = c->regs.of_sysreg[regs_timers[k].ctl];
    uint64_t ctl = timer_control(c, cpu, k);

    return reg != REG_NONE && regs_observable(c, cpu, reg) &&
           (regs_timer_asserts(ctl) || (gw->masked[k] && (ctl & CTL_MASKED) == CTL_MASKED));
}

/* The world has left: what it has written is its own mask. */
static void timers_left(const struct arm_checker *c, struct gic_world *gw, unsigned cpu)
{
    for (unsigned k = 0; k < REGS_TIMERS; k++) {
        gw->timer[k] = timer_control(c, cpu, k);
        gw->masked[k] &= CNTV_CTL_EL0_ENABLE(gw->timer[k]) && CNTV_CTL_EL0_IMASK(gw->timer[k]);
    }
}

/* It is entered: EL2 has masked a timer for its interrupt, which is pending in a list register, or
 * is to come. */
static void note_masked(const struct arm_checker *c, struct gic_world *gw, unsigned cpu)
{
    bool full;

    for (unsigned k = 0; k < REGS_TIMERS; k++) {
        uint64_t was = gw->timer[k];
        if (CNTV_CTL_EL0_ENABLE(was) && !CNTV_CTL_EL0_IMASK(was))
            gw->masked[k] = (timer_control(c, cpu, k) & CTL_MASKED) == CTL_MASKED;
        gw->masked[k] = gw->masked[k] && !(gic_state_of(c, regs_timers[k].intid, cpu, &full) & 1);
    }
}

/* ---- a world leaves ---- */

/* Aff3 is in bits 55 to 48, Aff2 in 39 to 32, Aff1 in 23 to 16; of Aff0 RS is 47 to 44, and the
 * lower four bits are a bit of 15 to 0. */
bool gic_is_target(uint64_t v, const struct world *sender, const struct world *w)
{
    uint64_t affs = bits(v, 55, 48) << 32 | bits(v, 39, 32) << 16 | bits(v, 23, 16) << 8;
    uint64_t aff0 = bits(w->vmpidr, 7, 0);

    if (v & SGI1R_IRM)
        return w != sender;
    return (w->vmpidr & MPIDR_AFFS) == affs && aff0 / 16 == bits(v, 47, 44) && bit(v, aff0 % 16);
}

/* @w has one pending: who sends it again sends nothing. */
static bool has_pending(struct arm_checker *c, const struct gic_world *gw, const struct world *w,
                        uint64_t intid)
{
    bool full;

    if (w->running)
        return gic_state_of(c, intid, w->last_pe, &full) & 1;
    for (unsigned k = 0; k < gw->edge_count; k++)
        if (gw->edges[k] == intid)
            return true;
    return false;
}

/* The world has executed something. */
static void count_run(struct gic_world *gw)
{
    for (unsigned k = 0; k < gw->owed_count; k++)
        gw->owed[k].runs += gw->owed[k].missed;
}

bool gic_private_stored(const struct exit_state *s, uint64_t offset, uint32_t *value)
{
    uint64_t srt = bits(s->esr, 20, 16);

    *value = srt < 31 ? (uint32_t)s->x[srt] : 0;
    return justify_left_by(s, ESR_EC_DABT_LOW) && bit(s->esr, 24) && bit(s->esr, 6) &&
           bits(s->esr, 23, 22) == 2 && bits(s->far, 11, 0) == offset;
}

/* The VM does not want these any more; of which of its virtual CPUs is not known. */
static void forget(struct arm_checker *c, struct gic *u, const struct world *w, uint32_t set)
{
    for (unsigned k = 0; k < c->worlds.count; k++) {
        struct gic_world *gw = gic_world_of(u, c->worlds.list[k]);
        unsigned kept = 0;
        if (c->worlds.list[k]->vm != w->vm)
            continue;
        gw->enabled &= ~set;
        gw->delivered &= ~set;
        for (unsigned n = 0; n < gw->owed_count; n++)
            if (gw->owed[n].intid >= INTID_SPI || !bit(set, gw->owed[n].intid))
                gw->owed[kept++] = gw->owed[n];
        gw->owed_count = kept;
        gw->edge_count = 0;
    }
}

/* What the VM wants, as far as it writes words: of its own redistributor, one may think. */
static void note_stored(struct arm_checker *c, struct gic *u, const struct world *w,
                        const struct exit_state *s)
{
    struct gic_world *gw = gic_world_of(u, w);
    uint32_t set;

    if (gic_private_stored(s, GICR_IGROUPR0, &set))
        gw->group1 = set;
    if (gic_private_stored(s, GICR_ISENABLER0, &set))
        gw->enabled |= set;
    if (gic_private_stored(s, GICR_ICENABLER0, &set) || gic_private_stored(s, GICR_ICPENDR0, &set))
        forget(c, u, w, set);
}

/* Has an interrupt of group 1 been in a list register of the VM, and nothing disabled it since? */
static bool is_open(struct arm_checker *c, struct gic *u, const struct world *w)
{
    struct gic_taken now = gic_taken_by(c, u, w);

    for (unsigned k = 0; k < c->worlds.count; k++) {
        const struct gic_world *gw = gic_world_of(u, c->worlds.list[k]);
        if (c->worlds.list[k]->vm == w->vm && gw->delivered &&
            !gic_is_taken(&gw->owed_taken, &now, 0))
            return true;
    }
    return false;
}

/* @o has got the SGI or PPI before, or has asked for it. */
static bool is_expected(struct arm_checker *c, struct gic *u, const struct world *o, uint64_t intid)
{
    const struct gic_world *gw = gic_world_of(u, o);

    return bit(gw->delivered, intid) || (bit(gw->enabled & gw->group1, intid) && is_open(c, u, o));
}

static bool is_wanted(struct arm_checker *c, struct gic *u, const struct world *o, uint64_t intid)
{
    return o->kind == WORLD_GUEST && gic_world_of(u, o)->valid && is_expected(c, u, o, intid);
}

void gic_owed_left(struct arm_checker *c, struct gic *u, const struct world *w,
                   const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);

    if (p->count > u->cpus[p->cpu].entered + 1)
        count_run(gic_world_of(u, w));
    note_stored(c, u, w, s);
    timers_left(c, gic_world_of(u, w), p->cpu);
    if (!justify_is_write_of(s, sysreg_number(SR_ICC_SGI1R_EL1)))
        return;
    struct site here = site_of(c, p);
    uint64_t rt = bits(s->esr, 9, 5), v = rt < 31 ? s->x[rt] : 0, intid = bits(v, 27, 24);
    for (unsigned k = 0; k < c->worlds.count; k++) {
        const struct world *o = c->worlds.list[k];
        struct gic_world *gw = gic_world_of(u, o);
        if (o->vm == w->vm && is_wanted(c, u, o, intid) && gic_is_target(v, w, o) &&
            !has_pending(c, gw, o, intid))
            gic_owed_add(gw, o, intid, w, &here);
    }
}

/* ---- a world is entered ---- */

/* EL2 wants to be told when list registers are empty, or of the end of an interrupt: it may put
 * others into them then. But what it is told already (ICH_MISR_EL2) it is not told later. */
static bool is_refilled_later(const struct arm_checker *c, const struct gic *u, unsigned cpu)
{
    bool asks = checker_sysreg(c, cpu, SR_ICH_HCR_EL2) & HCR_ASKS;

    for (unsigned n = 0; n < u->lrs; n++) {
        uint64_t v = checker_reg(c, cpu, gic_lr_number(n));
        asks |= LR_STATE(v) && !LR_HW(v) && LR_EOI(v);
    }
    return asks && !checker_sysreg(c, cpu, SR_ICH_MISR_EL2);
}

static void say_lost(struct finding *f, const struct gic_owed *o, const char *since)
{
    f->rule = RULE_LOST;
    f->hint =
        "what finds no list register is put into one at an entry with room, or ICH_HCR_EL2.UIE "
        "asks for the interrupt that says there is";
    finding_say(f, "%s %" PRIu64 " %s, and %s", intid_kind(o->intid), o->intid,
                o->sender      ? "was sent to it"
                : is_timers(o) ? "is its timer's, whose condition holds"
                               : "was pending in one and had to make room",
                since);
}

static void report(struct arm_checker *c, const struct world *w, const struct gic_owed *o,
                   const struct arm_event *p)
{
    struct finding f = gic_finding(c, w, gic_lr_number(0), NULL, p);
    char text[64];

    f.other = o->since;
    f.other_role = o->sender ? "sent" : is_timers(o) ? "first" : "left";
    snprintf(text, sizeof(text), "has been in none for %u runs with one free", o->runs);
    say_lost(&f, o, text);
    finding_report(c, &f);
}

/* It was in memory before, or EL2 has done what the sender has trapped for. */
static bool is_known(const struct gic_owed *o)
{
    return !o->sender || o->sender->entries != o->sent;
}

/* False: it is over. */
static bool check_one(struct arm_checker *c, const struct gic_world *gw, const struct world *w,
                      struct gic_owed *o, bool later, const struct arm_event *p)
{
    bool full;
    uint64_t state = gic_state_of(c, o->intid, p->cpu, &full);

    if (is_timers(o) && !timer_asks(c, gw, p->cpu, regs_timer_of(o->intid)))
        return false;
    o->missed = !full && !state && !later && is_known(o);
    if (!o->missed || o->runs < (o->sender ? PATIENCE_SENT : PATIENCE_SPILLED))
        return !(state & 1);
    report(c, w, o, p);
    return false;
}

static void note_delivered(struct arm_checker *c, const struct gic *u, struct gic_world *gw,
                           unsigned cpu)
{
    for (unsigned n = 0; n < u->lrs; n++) {
        uint64_t v = checker_reg(c, cpu, gic_lr_number(n));
        if (LR_STATE(v) & 1 && LR_GROUP(v) && LR_VINTID(v) < INTID_SPI)
            gw->delivered |= 1U << LR_VINTID(v);
    }
}

static void add_timers(struct arm_checker *c, struct gic *u, const struct world *w,
                       const struct arm_event *p)
{
    struct gic_world *gw = gic_world_of(u, w);

    for (unsigned k = 0; k < REGS_TIMERS; k++) {
        if (!is_expected(c, u, w, regs_timers[k].intid) || !timer_asks(c, gw, p->cpu, k))
            continue;
        struct site here = site_of(c, p);
        gic_owed_add(gw, w, regs_timers[k].intid, NULL, &here);
    }
}

static void drop_taken(struct gic_world *gw, const struct gic_taken *now)
{
    unsigned kept = 0;

    for (unsigned k = 0; k < gw->owed_count; k++)
        if (!gic_is_taken(&gw->owed_taken, now, gw->owed[k].intid))
            gw->owed[kept++] = gw->owed[k];
    gw->owed_count = kept;
    gw->owed_taken = *now;
}

void gic_owed_entered(struct arm_checker *c, struct gic *u, const struct world *w,
                      const struct arm_event *p)
{
    struct gic_world *gw = gic_world_of(u, w);
    struct gic_taken now = gic_taken_by(c, u, w);
    bool open = checker_sysreg(c, p->cpu, SR_ICH_VMCR_EL2) & VMCR_ENG1;
    bool later = !open || is_refilled_later(c, u, p->cpu);
    unsigned kept = 0;

    if (!gw->valid || c->cpus[p->cpu].user_ran)
        gw->owed_count = gw->delivered = gw->enabled = 0;
    note_masked(c, gw, p->cpu);
    if (gic_is_taken(&gw->owed_taken, &now, 0))
        gw->delivered = 0;
    drop_taken(gw, &now);
    add_timers(c, u, w, p);
    for (unsigned k = 0; k < gw->owed_count; k++)
        if (check_one(c, gw, w, &gw->owed[k], later, p))
            gw->owed[kept++] = gw->owed[k];
    gw->owed_count = kept;
    note_delivered(c, u, gw, p->cpu);
}

/* ---- the run is over ---- */

#define KICK 1000000 /* instructions until an interrupt of EL2's has come */

/* @w was entered without it, or runs since before it was sent, and goes on and on. */
static bool runs_on(struct arm_checker *c, const struct world *w, const struct gic_owed *o)
{
    uint64_t count = arm_cpu_position(c->m, w->last_pe).insns;

    return w->running && (o->missed || w->entries == o->entries) &&
           count - c->cpus[w->last_pe].since > KICK && arm_retired(c->m) - o->since.total > KICK;
}

/* NULL: it is not. */
static const char *is_forgotten(struct arm_checker *c, const struct world *w,
                                const struct gic_owed *o)
{
    bool waits = w->running || justify_left_by(checker_exit_state(c, w), ESR_EC_WFX);

    if (waits && checker_all_wait(c))
        return "it waits, as every CPU does";
    if (waits && !w->running && checker_passes_over(c, w, checker_exit_state(c, w)->when))
        return "it waits, and its CPU has been idle ever since";
    return runs_on(c, w, o) ? "it runs on, without having been made to leave for it" : NULL;
}

static void check_end(struct arm_checker *c, struct gic *u, const struct world *w)
{
    struct gic_world *gw = gic_world_of(u, w);
    struct gic_taken now = gic_taken_by(c, u, w);

    drop_taken(gw, &now);
    for (unsigned k = 0; k < gw->owed_count; k++) {
        const struct gic_owed *o = &gw->owed[k];
        const char *how = is_forgotten(c, w, o);
        struct finding f = {.world = w,
                            .reg = gic_lr_number(0),
                            .at = o->since,
                            .other = gw->left,
                            .other_role = "left"};
        bool told = o->sender ? is_known(o) : o->missed;
        if (!how || !told || has_pending(c, gw, w, o->intid))
            continue;
        say_lost(&f, o, how);
        finding_report(c, &f);
    }
}

void gic_owed_end(struct arm_checker *c, struct gic *u)
{
    for (unsigned k = 0; k < c->worlds.count; k++)
        check_end(c, u, c->worlds.list[k]);
}
