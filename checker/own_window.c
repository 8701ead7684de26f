/*
 * WINDOW: an exception is taken at EL2 in the middle of a switch, and its handler changes registers
 * of the group that is being switched. A switch is the saves of one world's registers to their
 * slots, or the restores of one world's, of one group; it is in the middle if more of them come
 * behind the handler's return.
 */
#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "base/bits.h"
#include "checker/own_state.h"
#include "checker/unit.h"

#define PASSAGE 4000 /* instructions of a handler that are followed */

static bool is_grouped(enum sysreg_owner group)
{
    return group == OWNER_EL1 || group == OWNER_EL0 || group == OWNER_TIMER || group == OWNER_FP;
}

void own_window_reset(struct own *u, unsigned cpu)
{
    struct window *w = &u->windows[cpu];

    w->moved = w->changed.known = false;
    w->depth = 0;
}

static void report(struct arm_checker *c, const struct window *w, unsigned reg,
                   const struct site *at)
{
    struct finding f = {.rule = RULE_WINDOW,
                        .world = c->worlds.list[w->world],
                        .reg = c->regs.desc[reg].number,
                        .at = *at,
                        .other = w->taken,
                        .other_role = "taken"};

    f.hint = "mask interrupts from the first register of a group to the last";
    finding_say(&f, "changed by the handler of an exception that was taken while its group was %s",
                w->restores ? "restored" : "saved");
    finding_report(c, &f);
}

void own_window_moved(struct arm_checker *c, struct own *u, unsigned cpu, const struct tag *tag,
                      bool restores)
{
    struct window *w = &u->windows[cpu];
    enum sysreg_owner group = c->regs.desc[tag->reg].owner;

    if (w->depth || tag->world < 0 || !is_grouped(group))
        return;
    bool same = w->moved && w->world == tag->world && w->group == group && w->restores == restores;
    if (same && restores && w->changed.known)
        report(c, w, w->reg, &w->changed);
    if (!same || w->changed.known)
        memset(w->done, 0, sizeof(w->done));
    w->changed.known = false;
    w->moved = true;
    w->done[tag->reg] = true;
    w->world = tag->world;
    w->group = group;
    w->restores = restores;
}

void own_window_stored(struct arm_checker *c, struct own *u, unsigned cpu, const struct tag *slot)
{
    struct window *w = &u->windows[cpu];
    unsigned reg = slot->reg;

    if (w->depth || !w->moved || w->restores || !w->changed.known ||
        (slot->world != w->world && slot->world != WORLD_EL2) ||
        c->regs.desc[reg].owner != w->group)
        return;
    const struct live *l = own_live(u, cpu, reg);
    struct value128 v = regs_get(c, cpu, reg);
    if (!l->site.known || l->site.total < w->taken.total ||
        (v.lo == w->values[reg].lo && v.hi == w->values[reg].hi))
        return;
    report(c, w, reg, &l->site);
    w->changed.known = false;
}

/* @reg is written, by a handler perhaps: after it was restored, or before it is saved. */
void own_window_changed(struct arm_checker *c, struct own *u, unsigned cpu, unsigned reg,
                        const struct site *at)
{
    struct window *w = &u->windows[cpu];

    if (!w->depth || !w->moved || w->changed.known || c->regs.desc[reg].owner != w->group ||
        w->done[reg] != w->restores)
        return;
    w->changed = *at;
    w->reg = reg;
}

/* What the handler has put back it has not changed. */
static void returned(struct arm_checker *c, struct window *w, unsigned cpu)
{
    struct value128 v;

    if (--w->depth || !w->changed.known)
        return;
    v = regs_get(c, cpu, w->reg);
    if (v.lo == w->values[w->reg].lo && v.hi == w->values[w->reg].hi)
        w->changed.known = false;
}

static void taken(struct arm_checker *c, struct window *w, const struct arm_event *p)
{
    if (w->depth++ || !w->moved)
        return;
    w->taken = site_of(c, p);
    w->sp = checker_reg(c, p->cpu, ARM_SP);
    for (unsigned reg = 31; reg < c->regs.count; reg++)
        if (c->regs.desc[reg].owner == w->group)
            w->values[reg] = regs_get(c, p->cpu, reg);
    flow_follow(c->flow, p->cpu, p->count, PASSAGE);
}

/* A program of a host is entered, or what an exception has interrupted elsewhere goes on: then it
 * was no handler that ran, but EL2 has another thread now. */
static bool is_another_thread(const struct arm_checker *c, const struct window *w,
                              const struct arm_event *p)
{
    if (p->eret.target_el != 2)
        return true;
    return w->moved && w->depth == 1 &&
           (p->eret.target - w->taken.pc > 4 || checker_reg(c, p->cpu, ARM_SP) != w->sp);
}

void own_window_event(struct arm_checker *c, struct own *u, const struct arm_event *p)
{
    struct window *w = &u->windows[p->cpu];

    if (p->kind == ARM_EVENT_EXCEPTION && p->el == 2 && p->exception.target_el == 2)
        taken(c, w, p);
    else if (p->kind == ARM_EVENT_ERET && p->el == 2 && is_another_thread(c, w, p))
        own_window_reset(u, p->cpu);
    else if (p->kind == ARM_EVENT_ERET && p->el == 2 && w->depth)
        returned(c, w, p->cpu);
}
