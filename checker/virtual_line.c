/*
 * GIC-STATE: HCR_EL2.VI and VF are levels. A world that has taken the virtual interrupt and ended
 * it takes it again as long as one is set (DDI0487, HCR_EL2; D1.3 "Virtual exceptions"): at once,
 * before it has executed an instruction of what was interrupted, if EL2 leaves it set; or in vain,
 * if EL2 takes it back only when the world asks who interrupts, and answers that nobody does.
 */
#include <inttypes.h>

#include "arch/esr.h"
#include "arch/vector.h"
#include "base/bits.h"
#include "checker/gic_state.h"
#include "checker/justify.h"

#define STORM    32    /* one behind the other: more than wait at a time */
#define VAIN     8     /* and at least half of all: a device may have taken it back */
#define GICC_IAR 0x00c /* a word, in a frame of the memory-mapped interface */

struct line {
    bool set;             /* VI or VF, as the world was entered last; */
    struct site entered;  /* where that was */
    uint64_t entries;     /* how often, as it took the interrupt */
    bool returned;        /* the world has ended an interrupt, */
    uint64_t at;          /* and had executed so many instructions then */
    unsigned storm;       /* interrupts since, without one */
    struct site again;    /* the entry that has brought the first of them */
    bool taken;           /* the world has not asked yet what for */
    struct site brought;  /* the entry with which it came */
    unsigned takes, vain; /* vain: it was told that there is none */
};

struct lines {
    GArray *worlds; /* struct line by index */
};

static void *create(struct arm_checker *c)
{
    struct lines *u = g_new0(struct lines, 1);

    (void)c;
    u->worlds = g_array_new(FALSE, TRUE, sizeof(struct line));
    return u;
}

static void destroy(void *state)
{
    g_array_unref(((struct lines *)state)->worlds);
    g_free(state);
}

static struct line *line_of(struct lines *u, const struct world *w)
{
    if (u->worlds->len <= w->index)
        g_array_set_size(u->worlds, w->index + 1);
    return &g_array_index(u->worlds, struct line, w->index);
}

static void report(struct arm_checker *c, const struct world *w, const struct site *at,
                   const char *how)
{
    struct finding f = {.rule = RULE_GIC_STATE,
                        .world = w,
                        .reg = sysreg_number(SR_HCR_EL2),
                        .at = *at,
                        .hint = "clear VI and VF when nothing is pending any more: at the "
                                "acknowledge, and where a device takes its interrupt back"};

    finding_say(&f, "VI or VF is set for it, and %s", how);
    finding_report(c, &f);
}

/* ---- the world below ---- */

static void took(struct arm_checker *c, struct line *l, const struct world *w, uint64_t insns)
{
    /* The returns of EL1 and, perhaps, EL2 alone; but an exit has come since the last one, in which
     * EL2 could have cleared it. */
    bool again = l->returned && insns <= l->at + 2 && w->entries != l->entries;

    if (!again)
        l->storm = 0;
    else if (!l->storm++)
        l->again = l->entered;
    l->returned = false;
    l->entries = w->entries;
    l->brought = l->entered;
    l->taken = true;
    l->takes++;
    if (l->storm == STORM)
        report(c, w, &l->again,
               "it takes the interrupt again and again, and executes nothing else between");
}

static void on_crossing(void *ctx, const struct arm_event *p)
{
    struct arm_checker *c = ctx;
    const struct world *w = p->cpu < c->cpu_count ? c->cpus[p->cpu].running : NULL;
    struct line *l = w ? line_of(c->unit[UNIT_virtual_line], w) : NULL;

    if (!l || !l->set)
        return;
    uint64_t insns = w->insns + p->count - c->cpus[p->cpu].since;
    if (p->kind == ARM_EVENT_ERET) {
        l->returned = true;
        l->at = insns;
    } else if (p->exception.target_el == 1 && vector_is_interrupt(p->exception.vector)) {
        took(c, l, w, insns);
    }
}

static void follow(struct arm_checker *c)
{
    const struct arm_filter filter = {.size = sizeof(filter),
                                      .events =
                                          ARM_BIT(ARM_EVENT_EXCEPTION) | ARM_BIT(ARM_EVENT_ERET),
                                      .els = ARM_BIT(0) | ARM_BIT(1)};

    if (!c->handles[CHECKER_LINES])
        c->handles[CHECKER_LINES] = arm_subscribe(c->m, &filter, on_crossing, c);
}

/* ---- EL2 ---- */

/* Has the world left to ask which interrupt it is? *rt: where the answer goes. */
static bool asks(const struct exit_state *s, uint64_t *rt)
{
    bool word = bit(s->esr, 24) && !bit(s->esr, 6) && bits(s->esr, 23, 22) == 2;

    if (justify_left_by(s, ESR_EC_DABT_LOW) && word && bits(s->far, 11, 0) == GICC_IAR) {
        *rt = bits(s->esr, 20, 16);
        return true;
    }
    *rt = bits(s->esr, 9, 5);
    return justify_is_read_of(s, sysreg_number(SR_ICC_IAR1_EL1)) ||
           justify_is_read_of(s, sysreg_number(SR_ICC_IAR0_EL1));
}

/* One has got the interrupt, and others of its VM may have been told of the same. */
static void forget_others(struct arm_checker *c, struct lines *u, const struct world *w)
{
    for (unsigned k = 0; k < c->worlds.count; k++)
        if (c->worlds.list[k]->vm == w->vm)
            line_of(u, c->worlds.list[k])->taken = false;
}

static void answered(struct arm_checker *c, struct lines *u, const struct world *w, uint64_t intid)
{
    struct line *l = line_of(u, w);

    l->taken = false;
    if (!intid_is_special(intid)) {
        forget_others(c, u, w);
        return;
    }
    l->vain++;
    if (l->vain == VAIN && 2 * l->vain >= l->takes)
        report(c, w, &l->brought,
               "it takes the interrupt, asks which it is, and is told that there is none: for the "
               "eighth time");
}

static void enter(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    uint64_t hcr = p->world.hcr, rt;
    bool set = (HCR_EL2_VI(hcr) && HCR_EL2_IMO(hcr)) || (HCR_EL2_VF(hcr) && HCR_EL2_FMO(hcr));
    const struct exit_state *s = checker_exit_state(c, w);
    struct line *l = line_of(state, w);

    if (w->kind != WORLD_GUEST || !(set || l->set || l->taken))
        return;
    follow(c);
    if (l->taken && s->valid && asks(s, &rt) && rt < 31 && p->world.target == s->pc + 4)
        answered(c, state, w, checker_reg(c, p->cpu, ARM_X(rt)));
    l = line_of(state, w); /* there may be more of them */
    if (!set)
        l->storm = 0;
    l->set = set;
    l->entered = site_of(c, p);
}

const struct check_unit unit_virtual_line = {
    .create = create,
    .enter = enter,
    .destroy = destroy,
};
