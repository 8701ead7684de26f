/*
 * HANDOVER: timers whose registers trap, and those that EL2 has masked. What a guest writes to the
 * former is known, so when one fires, too; of the latter EL2 has taken the interrupt. EL2 is to
 * interrupt the guest then, by a list register or HCR_EL2.VI (DDI0487, "The Generic Timer in
 * AArch64 state"; HCR_EL2). A guest that waits for its timer by WFI has it enabled, and nothing but
 * an interrupt helps it.
 */
#include <inttypes.h>

#include "arch/esr.h"
#include "base/bits.h"
#include "checker/gic_state.h"
#include "checker/justify.h"

#define CTL_MASKED 7  /* ENABLE, IMASK, ISTATUS */
#define RUNS       64 /* behind WFI, since the time was over */

struct timer {
    bool on, known; /* known: when */
    bool masked;    /* by EL2, and the guest has not written it since */
    bool served;    /* the guest was interrupted since it has set it */
    uint64_t when;  /* by CNTPCT_EL0 */
    unsigned runs;
    struct site set;
};

struct world_timers {
    struct timer of[REGS_TIMERS];
};

struct timers {
    bool serves;    /* EL2 has done so for somebody */
    GArray *worlds; /* struct world_timers by index */
};

static void *create(struct arm_checker *c)
{
    struct timers *u = g_new0(struct timers, 1);

    (void)c;
    u->worlds = g_array_new(FALSE, TRUE, sizeof(struct world_timers));
    return u;
}

static void destroy(void *state)
{
    g_array_unref(((struct timers *)state)->worlds);
    g_free(state);
}

static struct timer *timers_of(struct timers *u, const struct world *w)
{
    if (u->worlds->len <= w->index)
        g_array_set_size(u->worlds, w->index + 1);
    return g_array_index(u->worlds, struct world_timers, w->index).of;
}

/* The guest reads the count itself: what it compares with is in the same time. */
static bool counts_itself(const struct arm_checker *c, unsigned cpu)
{
    bool e2h = HCR_EL2_E2H(checker_sysreg(c, cpu, SR_HCR_EL2));

    return bit(checker_sysreg(c, cpu, SR_CNTHCTL_EL2), e2h ? 10 : 0); /* EL1PCTEN */
}

static void written(struct arm_checker *c, struct timer *t, unsigned k, const struct exit_state *s,
                    unsigned cpu)
{
    uint64_t rt = bits(s->esr, 9, 5), v = rt < 31 ? s->x[rt] : 0;
    bool virt = regs_timers[k].ctl == SR_CNTV_CTL_EL0;

    if (justify_is_write_of(s, sysreg_number(regs_timers[k].ctl))) {
        t->on = CNTV_CTL_EL0_ENABLE(v) && !CNTV_CTL_EL0_IMASK(v);
    } else if (justify_is_write_of(s, sysreg_number(regs_timers[k].cval))) {
        t->when = v + (virt ? checker_sysreg(c, cpu, SR_CNTVOFF_EL2) : 0);
        t->known = virt || counts_itself(c, cpu);
    } else if (justify_is_write_of(s, sysreg_number(regs_timers[k].tval))) {
        t->when = checker_sysreg(c, cpu, SR_CNTPCT_EL0) + sext(v, 32);
        t->known = true;
    } else {
        return;
    }
    *t = (struct timer){.on = t->on, .known = t->known, .when = t->when, .set = s->at};
}

/* What the world itself has in the control register, if it can see that: EL2's mask is none of its.
 */
static void left(struct arm_checker *c, struct timer *t, unsigned k, const struct exit_state *s,
                 unsigned cpu)
{
    unsigned reg = c->regs.of_sysreg[regs_timers[k].ctl];
    uint64_t ctl = checker_sysreg(c, cpu, regs_timers[k].ctl);

    if (reg == REG_NONE || !regs_observable(c, cpu, reg) ||
        (t->masked && CNTV_CTL_EL0_ENABLE(ctl) && CNTV_CTL_EL0_IMASK(ctl)))
        return;
    *t = (struct timer){.on = CNTV_CTL_EL0_ENABLE(ctl) && !CNTV_CTL_EL0_IMASK(ctl), .set = s->at};
}

/* EL2 has masked it since, because its condition holds. */
static void note_masked(struct arm_checker *c, struct timer *t, unsigned k, unsigned cpu,
                        uint64_t now)
{
    unsigned reg = c->regs.of_sysreg[regs_timers[k].ctl];
    uint64_t ctl = checker_sysreg(c, cpu, regs_timers[k].ctl);

    if (reg == REG_NONE || !t->on || !regs_observable(c, cpu, reg))
        return;
    bool masked = (ctl & CTL_MASKED) == CTL_MASKED;
    if (masked && !t->masked)
        t->when = now;
    t->masked = t->known = masked;
}

static void leave(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);

    for (unsigned k = 0; k < REGS_TIMERS; k++) {
        left(c, &timers_of(state, w)[k], k, s, p->cpu);
        if (justify_left_by(s, ESR_EC_SYS64))
            written(c, &timers_of(state, w)[k], k, s, p->cpu);
    }
}

static void report(struct arm_checker *c, const struct world *w, unsigned k, const struct timer *t,
                   const struct site *at, const char *how)
{
    struct finding f = {.rule = RULE_HANDOVER,
                        .world = w,
                        .reg = sysreg_number(regs_timers[k].ctl),
                        .at = *at,
                        .other = t->set,
                        .other_role = "set",
                        .hint = "set a timer of EL2's for the time, and give the guest its "
                                "interrupt: a list register, or HCR_EL2.VI"};

    finding_say(&f, "it waits for its timer, which EL2 %s, and whose time was %#" PRIx64 "%s",
                t->masked ? "has masked" : "emulates", t->when, how);
    finding_report(c, &f);
}

static bool waits(const struct exit_state *s)
{
    return s->valid && justify_left_by(s, ESR_EC_WFX) && !bit(s->esr, 0); /* WFE: events end it */
}

static void enter(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct timers *u = state;
    struct timer *t = timers_of(u, w);

    if (checker_has_host(c) || !(t[0].on || t[1].on))
        return;
    uint64_t now = checker_sysreg(c, p->cpu, SR_CNTPCT_EL0);
    bool given = gic_interrupts(c, p->cpu, p->world.hcr);
    for (unsigned k = 0; k < REGS_TIMERS; k++, t++) {
        note_masked(c, t, k, p->cpu, now);
        bool due = t->on && t->known && now >= t->when;
        u->serves |= given && due;
        t->served |= given;
        if (!due || t->served || !waits(checker_exit_state(c, w)) || ++t->runs != RUNS)
            continue;
        struct site here = site_of(c, p);
        report(c, w, k, t, &here, ": it has been entered 64 times since without an interrupt");
    }
}

/* Its CPU was idle all the time since; if EL2 does serve such timers, it is to do so also where the
 * time was over when the guest began to wait. */
static bool is_passed_over(struct arm_checker *c, const struct timers *u, const struct world *w,
                           const struct timer *t)
{
    uint64_t left = checker_exit_state(c, w)->when;

    return checker_passes_over(c, w, u->serves ? MAX(t->when, left) : t->when);
}

/* Nobody can have ended the guest unseen, nor has it waited a millisecond only. */
static void end(struct arm_checker *c, void *state)
{
    uint64_t now = checker_sysreg(c, 0, SR_CNTPCT_EL0),
             ms = checker_sysreg(c, 0, SR_CNTFRQ_EL0) / 1000;

    for (unsigned n = 0; n < c->worlds.count && !checker_has_host(c); n++) {
        const struct world *w = c->worlds.list[n];
        const struct timer *t = timers_of(state, w);
        for (unsigned k = 0; k < REGS_TIMERS; k++, t++)
            if (t->on && t->known && !t->served && !w->running && waits(checker_exit_state(c, w)) &&
                (checker_all_wait(c) || (now > t->when + ms && is_passed_over(c, state, w, t))))
                report(c, w, k, t, &checker_exit_state(c, w)->at, ": it is not woken");
    }
}

const struct check_unit unit_emulated_timer = {
    .create = create,
    .exit = leave,
    .enter = enter,
    .end = end,
    .destroy = destroy,
};
