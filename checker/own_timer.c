/*
 * Timers. TRAPCFG: two virtual CPUs of a VM have different offsets. WINDOW: EL2 switches it on for
 * a world while the compare value or the offset is still another's. What it compares then is
 * nobody's time, and its interrupt may come (DDI0487, "The Generic Timer in AArch64 state").
 */
#include <inttypes.h>

#include "base/bits.h"
#include "checker/justify.h"
#include "checker/own_state.h"
#include "checker/unit.h"

/* The other control registers are laid out like this one. */
static bool is_on(uint64_t ctl)
{
    return CNTV_CTL_EL0_ENABLE(ctl) && !CNTV_CTL_EL0_IMASK(ctl);
}

void own_timer_left(struct arm_checker *c, struct own *u, const struct world *w, unsigned cpu)
{
    const struct exit_state *s = checker_exit_state(c, w);
    struct allowance a = justify(s, false);

    for (unsigned k = 0; k < REGS_TIMERS; k++)
        u->timers[cpu].timer[k] = (struct timer_order){0};
    if (a.anything || a.again) /* PSCI, or Xen's dom0 */
        u->ended = s->at.total;
}

void own_timer_written(struct arm_checker *c, struct own *u, const struct arm_event *p)
{
    enum sysreg sr = sysreg_lookup(p->sysreg_write.sr);

    for (unsigned k = 0; k < REGS_TIMERS; k++) {
        struct timer_order *t = &u->timers[p->cpu].timer[k];
        if (sr == regs_timers[k].ctl) {
            if (!is_on(p->sysreg_write.after))
                *t = (struct timer_order){0};
            else if (!t->on.known)
                t->on = site_of(c, p);
        } else if ((sr == regs_timers[k].cval || sr == regs_timers[k].offset) && t->on.known &&
                   !t->changed.known && p->sysreg_write.before != p->sysreg_write.after) {
            t->changed = site_of(c, p);
            t->input = sr;
            t->before = p->sysreg_write.before;
        }
    }
}

/* Is what @cpu has in @sr what @w has left there? Then it was restored. */
static bool is_own(struct arm_checker *c, struct own *u, const struct world *w, unsigned cpu,
                   enum sysreg sr)
{
    unsigned reg = c->regs.of_sysreg[sr];

    if (reg == REG_NONE)
        return false;
    const struct wreg *r = own_wreg(u, w, reg);
    return r->version && regs_get(c, cpu, reg).lo == r->value.lo;
}

/* Is @value what another one has left in @sr, and not @w? A hypervisor whose guests' time stands
 * still while they do not run gives them another offset each time. */
static bool is_anothers(const struct arm_checker *c, struct own *u, const struct world *w,
                        enum sysreg sr, uint64_t value)
{
    unsigned reg = c->regs.of_sysreg[sr];
    bool found = false;

    for (unsigned k = 0; reg != REG_NONE && k < c->worlds.count; k++) {
        const struct wreg *r = own_wreg(u, c->worlds.list[k], reg);
        if (!r->version || r->value.lo != value)
            continue;
        if (c->worlds.list[k] == w)
            return false;
        found = true;
    }
    return found;
}

/* Virtual CPUs of a VM have one time: @w is entered with the offset @sr that it had before, and
 * another one ran with another offset between. */
static void check_offset(struct arm_checker *c, struct own *u, const struct world *w,
                         enum sysreg sr, const struct arm_event *p)
{
    unsigned reg = c->regs.of_sysreg[sr];
    const struct wreg *r = reg == REG_NONE ? NULL : own_wreg(u, w, reg);
    uint64_t now = r ? regs_get(c, p->cpu, reg).lo : 0;

    for (unsigned k = 0; r && r->left.known && r->value.lo == now && k < c->worlds.count; k++) {
        const struct world *o = c->worlds.list[k];
        const struct wreg *theirs = own_wreg(u, o, reg);
        if (o->kind != WORLD_GUEST || o->root != w->root || !theirs->left.known ||
            theirs->value.lo == now || theirs->left.total < r->left.total)
            continue;
        struct finding f = finding_about(c, RULE_TRAPCFG, w, sr, p);
        f.other = theirs->left;
        f.other_role = "theirs";
        f.hint = "the offset is the VM's: all its virtual CPUs have the same";
        finding_say(&f,
                    "its time is another one than that of %s, of the same VM: %#" PRIx64
                    " here, %#" PRIx64 " there",
                    o->name, now, theirs->value.lo);
        finding_report(c, &f);
        return;
    }
}

void own_timer_entered(struct arm_checker *c, struct own *u, const struct world *w,
                       const struct arm_event *p)
{
    for (unsigned k = 0; k < REGS_TIMERS && w->kind == WORLD_GUEST; k++)
        check_offset(c, u, w, regs_timers[k].offset, p);
    for (unsigned k = 0; k < REGS_TIMERS && w->kind == WORLD_GUEST; k++) {
        const struct timer_order *t = &u->timers[p->cpu].timer[k];
        if (!t->changed.known ||
            !(is_own(c, u, w, p->cpu, t->input) || is_anothers(c, u, w, t->input, t->before)) ||
            !is_own(c, u, w, p->cpu, regs_timers[k].ctl))
            continue;
        struct finding f = finding_about(c, RULE_WINDOW, w, regs_timers[k].ctl, p);
        f.at = t->on;
        f.other = t->changed;
        f.other_role = "changed";
        f.hint = "offset and compare value first, then ISB, then the control register";
        finding_say(&f,
                    "the timer was switched on before %s was the world's: it may fire by a "
                    "time that is another's",
                    arm_reg_name(sysreg_number(t->input)));
        finding_report(c, &f);
    }
}

/* ---- the run is over: @w waits (WFI), and its timer is what was to wake it ---- */

struct waiting {
    const struct world *w;
    const struct exit_state *s;
    unsigned k;          /* which timer, */
    unsigned ctl;        /* its control register, */
    uint64_t cval, when; /* and when it fires: by the world's time, and by the machine's */
};

static bool is_waiting(struct arm_checker *c, struct own *u, unsigned k, struct waiting *t)
{
    unsigned cval = c->regs.of_sysreg[regs_timers[k].cval];
    unsigned offset = c->regs.of_sysreg[regs_timers[k].offset];

    t->k = k;
    t->s = checker_exit_state(c, t->w);
    t->ctl = c->regs.of_sysreg[regs_timers[k].ctl];
    if (t->w->kind != WORLD_GUEST || t->w->running || !t->s->valid || t->ctl == REG_NONE ||
        cval == REG_NONE || !justify_left_by(t->s, ESR_EC_WFX) || bit(t->s->esr, 0))
        return false; /* bit 0: WFE, which events end */
    const struct wreg *r = own_wreg(u, t->w, t->ctl);
    t->cval = own_wreg(u, t->w, cval)->value.lo;
    t->when = t->cval + (offset == REG_NONE ? 0 : own_wreg(u, t->w, offset)->value.lo);
    return r->version && is_on(r->value.lo);
}

/* The only copy of its control register was overwritten: it has no entry at which that could be
 * seen. */
static bool is_overwritten(struct own *u, const struct waiting *t)
{
    const struct wreg *r = own_wreg(u, t->w, t->ctl);

    return !r->saved && own_is_lost(r) && r->lost_unread;
}

static void report_overwritten(struct arm_checker *c, struct own *u, const struct waiting *t)
{
    const struct wreg *r = own_wreg(u, t->w, t->ctl);
    struct finding f = {.rule = RULE_LOST,
                        .at = r->lost,
                        .world = t->w,
                        .reg = sysreg_number(regs_timers[t->k].ctl),
                        .other = r->left,
                        .other_role = "left",
                        .hint = "the save before this is missing"};

    finding_say(&f,
                "the only copy of its value, %#" PRIx64
                ", was overwritten; it waits, and is not woken: its timer was to fire at %#" PRIx64,
                r->value.lo, t->cval);
    finding_report(c, &f);
}

static uint64_t a_millisecond(const struct arm_checker *c)
{
    return checker_sysreg(c, 0, SR_CNTFRQ_EL0) / 1000;
}

/* Every CPU waits for nothing, or the time is over; and nobody can have ended the world since. */
static bool is_overdue(const struct arm_checker *c, const struct own *u, const struct waiting *t)
{
    uint64_t ms = a_millisecond(c);
    uint64_t now = checker_sysreg(c, 0, SR_CNTPCT_EL0);
    bool lives = !checker_has_host(c) && u->ended < t->s->at.total;

    return lives && (checker_all_wait(c) || now > t->when + ms);
}

/* A timer of @cpu will interrupt that is no other guest's. */
static bool is_armed(struct arm_checker *c, struct own *u, const struct world *w, unsigned cpu)
{
    static const enum sysreg own_ones[] = {SR_CNTHP_CTL_EL2, SR_CNTHV_CTL_EL2};
    bool armed = false;

    for (unsigned k = 0; k < 2; k++)
        armed |= is_on(checker_sysreg(c, cpu, own_ones[k]));
    for (unsigned k = 0; k < REGS_TIMERS; k++) {
        unsigned reg = c->regs.of_sysreg[regs_timers[k].ctl];
        int owner = reg == REG_NONE ? WORLD_NOBODY : own_live(u, cpu, reg)->owner;
        bool others =
            owner >= 0 && owner != (int)w->index && c->worlds.list[owner]->kind == WORLD_GUEST;
        armed |= !others && is_on(checker_sysreg(c, cpu, regs_timers[k].ctl));
    }
    return armed;
}

/* Nobody will wake it: the timer is not in a CPU, and EL2 has set none of its own. */
static void check_armed(struct arm_checker *c, struct own *u, const struct waiting *t)
{
    const struct site *gone = &own_wreg(u, t->w, t->ctl)->gone;
    bool off = gone->known && gone->total > t->s->at.total;

    if (!is_overdue(c, u, t))
        return;
    bool passed_over = checker_passes_over(c, t->w, t->when);
    for (unsigned cpu = 0; cpu < c->cpu_count; cpu++)
        if (!passed_over && is_armed(c, u, t->w, cpu))
            return;
    struct finding f = {.rule = RULE_HANDOVER,
                        .at = off ? *gone : t->s->at,
                        .world = t->w,
                        .reg = sysreg_number(regs_timers[t->k].ctl),
                        .other = off ? t->s->at : (struct site){0},
                        .other_role = off ? "left" : NULL,
                        .hint =
                            "set a timer of EL2's for the time at which the world's would fire, "
                            "or leave that in the CPU"};
    finding_say(&f, "it waits for its timer, which was to fire at %#" PRIx64 " and is off here, %s",
                t->cval,
                passed_over ? "and its CPU has been idle ever since: it was not woken"
                            : "and no timer of EL2's is on in any CPU: it is not woken");
    finding_report(c, &f);
}

void own_timer_sleeps(struct arm_checker *c, struct own *u, const struct arm_event *p)
{
    struct sleep *s = &u->sleeps[p->cpu];

    s->since = p->wfx.wfe ? 0 : checker_sysreg(c, p->cpu, SR_CNTPCT_EL0);
    s->at = site_bare(c, p);
}

/* The CPU that @t's world was on has slept from a time before the timer was to fire until a
 * millisecond behind that and more: nobody looked, and nothing else has woken it. */
static void check_slept(struct arm_checker *c, struct own *u, const struct waiting *t,
                        const struct sleep *s, uint64_t now)
{
    if (!is_overdue(c, u, t) || t->s->when > s->since || t->when < s->since ||
        now < t->when + a_millisecond(c))
        return;
    struct finding f = {.rule = RULE_HANDOVER,
                        .at = s->at,
                        .world = t->w,
                        .reg = sysreg_number(regs_timers[t->k].ctl),
                        .other = t->s->at,
                        .other_role = "left",
                        .hint = "EL2 sleeps until the first time at which a guest's timer would "
                                "fire, and no longer"};
    finding_say(&f,
                "it waits for its timer, which was to fire at %#" PRIx64
                ", and its CPU has slept on until %#" PRIx64 " by the world's time",
                t->cval, t->cval + (now - t->when));
    finding_report(c, &f);
}

void own_timer_wakes(struct arm_checker *c, struct own *u, unsigned cpu)
{
    struct sleep s = u->sleeps[cpu];
    uint64_t now = s.since ? checker_sysreg(c, cpu, SR_CNTPCT_EL0) : 0;

    u->sleeps[cpu].since = 0;
    for (unsigned n = 0; s.since && n < c->worlds.count; n++)
        for (unsigned k = 0; k < REGS_TIMERS; k++) {
            struct waiting t = {.w = c->worlds.list[n]};
            if (t.w->last_pe == cpu && is_waiting(c, u, k, &t))
                check_slept(c, u, &t, &s, now);
        }
}

void own_timer_end(struct arm_checker *c, struct own *u)
{
    for (unsigned n = 0; n < c->worlds.count; n++)
        for (unsigned k = 0; k < REGS_TIMERS; k++) {
            struct waiting t = {.w = c->worlds.list[n]};
            if (!is_waiting(c, u, k, &t))
                continue;
            if (is_overwritten(u, &t))
                report_overwritten(c, u, &t);
            else
                check_armed(c, u, &t);
        }
}
