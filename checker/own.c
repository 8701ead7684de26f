#include "checker/own.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "checker/moves.h"
#include "checker/own_state.h"
#include "checker/unit.h"
#include "checker/view.h"

#define AFTER_RESTORE 48 /* instructions that are followed behind what may be one */

static struct own *own(const struct arm_checker *c)
{
    return c->unit[UNIT_own];
}

static bool same_value(struct value128 a, struct value128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

struct wreg *own_wreg(struct own *u, const struct world *w, unsigned reg)
{
    while (u->world_count <= w->index) {
        u->worlds = g_renew(struct wreg *, u->worlds, u->world_count + 1);
        u->worlds[u->world_count++] = g_new0(struct wreg, REGS_MAX);
    }
    return &u->worlds[w->index][reg];
}

static void *create(struct arm_checker *c)
{
    struct own *u = g_new0(struct own, 1);
    size_t count = (size_t)c->cpu_count * REGS_MAX;

    u->live = g_new0(struct live, count);
    u->entered = g_new0(struct value128, count);
    u->vbars = g_new0(struct misplaced, c->cpu_count);
    u->windows = g_new0(struct window, c->cpu_count);
    u->timers = g_new0(struct timer_orders, c->cpu_count);
    u->sleeps = g_new0(struct sleep, c->cpu_count);
    own_pair_create(c, u);
    own_thread_create(c, u);
    own_config_create(c, u);
    for (size_t k = 0; k < count; k++)
        u->live[k].owner = WORLD_NOBODY;
    return u;
}

static void destroy(void *state)
{
    struct own *u = state;

    for (unsigned k = 0; k < u->world_count; k++)
        g_free(u->worlds[k]);
    g_free(u->worlds);
    g_free(u->live);
    g_free(u->entered);
    g_free(u->vbars);
    g_free(u->windows);
    g_free(u->timers);
    g_free(u->sleeps);
    g_free(u->config);
    own_pair_destroy(u);
    own_thread_destroy(u);
    g_free(u);
}

/* ---- a world leaves ---- */

/* What another has had there alone is gone. */
static void lose(struct own *u, const struct arm_checker *c, const struct live *l, unsigned reg,
                 const struct site *at)
{
    struct wreg *r = own_wreg(u, c->worlds.list[l->owner], reg);

    if (r->saved || !r->version || own_is_lost(r))
        return;
    r->lost = *at;
    r->lost_version = r->version;
    r->lost_unread = !l->fetched;
}

static void leave_one(struct arm_checker *c, struct own *u, struct world *w, unsigned reg,
                      const struct arm_event *p, const struct site *at)
{
    struct live *l = own_live(u, p->cpu, reg);
    struct wreg *r = own_wreg(u, w, reg);
    struct value128 v = regs_get(c, p->cpu, reg);
    bool changed = !same_value(v, u->entered[(size_t)p->cpu * REGS_MAX + reg]);

    l->written = false;
    l->site.known = false;
    l->tag = (struct tag){0};
    if (c->regs.desc[reg].message) {
        own_message_left(u, w, reg, v, p->cpu);
        return;
    }
    own_slot_left(u, r, p->cpu);
    r->moves = false;
    if (c->regs.desc[reg].owner == OWNER_PMU && !regs_observable(c, p->cpu, reg))
        return; /* if it has changed, then the world has not done it */
    r->moves = regs_moves(c, p->cpu, reg);
    own_pair_left(c, u, w, reg, changed, p);
    if (l->owner == (int)w->index) {
        l->fetched = false;
        r->left = *at;
    }
    if (!changed && reg >= 31)
        return;
    if (own_is_shared(c, w, reg)) {
        l->owner = WORLD_EL2;
        l->written = true;
        l->site = *at;
        return;
    }
    if (l->owner >= 0 && l->owner != (int)w->index)
        lose(u, c, l, reg, at);
    l->owner = (int16_t)w->index;
    l->fetched = false;
    r->left = *at;
    r->changed |= changed;
    if (r->version && same_value(r->value, v))
        return;
    r->value = v;
    r->version = ++u->versions;
    r->saved = false;
}

static void leave(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct site at = site_of(c, p);

    own_window_reset(state, p->cpu);
    own_timer_left(c, state, w, p->cpu);
    own_serror_left(c, state, w, p);
    own_trap_left(c, state, w);
    for (unsigned reg = 0; reg < c->regs.count; reg++)
        leave_one(c, state, w, reg, p, &at);
}

/* ---- a world is entered ---- */

static void take_over(struct own *u, struct live *l, struct wreg *r, const struct world *w,
                      struct value128 v)
{
    l->owner = (int16_t)w->index;
    r->trapped = false;
    if (r->version && same_value(r->value, v))
        return;
    r->value = v;
    r->version = ++u->versions;
    r->saved = false;
}

static void enter_one(struct arm_checker *c, struct own *u, struct world *w, unsigned reg,
                      const struct arm_event *p)
{
    struct live *l = own_live(u, p->cpu, reg);
    struct wreg *r = own_wreg(u, w, reg);
    struct value128 v = regs_get(c, p->cpu, reg);

    u->entered[(size_t)p->cpu * REGS_MAX + reg] = v;
    if (c->regs.desc[reg].message)
        own_message_entered(c, u, w, reg, v.lo, p);
    if (own_is_shared(c, w, reg) || c->regs.desc[reg].message)
        return;
    own_config_entered(c, u, w, reg, v.lo, p);
    if (!regs_observable(c, p->cpu, reg)) {
        own_check_unseen(c, u, w, reg, v, p);
        own_trap_unseen(r, v.lo);
        return;
    }
    own_slot_entered(c, u, w, reg, v, p);
    own_pair_entered(c, u, w, reg, p);
    if (r->moves)
        own_explain_moving(c, u, w, reg, v, p);
    else if (!own_trap_seen(c, r, l, w, reg, v.lo, p) && (!r->version || !same_value(r->value, v)))
        own_explain(c, u, w, reg, v, p);
    if (reg < 31)
        r->frame = flow_x_from(c->flow, p->cpu, reg);
    take_over(u, l, r, w, v);
    own_slot_assume(c, u, w, reg, l);
}

static void enter(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    own_slot_check_entry(c, state, w, p);
    own_serror_entered(c, state, w, p);
    own_trap_entered(c, state, w, p);
    own_timer_entered(c, state, w, p);
    if (w->kind == WORLD_GUEST)
        own_thread_runs(c, state, p);
    if (w->kind == WORLD_GUEST && c->worlds.host_below)
        own_thread_below(c);
    own_window_reset(state, p->cpu);
    for (unsigned reg = 0; reg < c->regs.count; reg++)
        enter_one(c, state, w, reg, p);
}

/* ---- EL2 works ---- */

static void report_alias(struct arm_checker *c, const struct arm_event *p, const struct tag *tag)
{
    struct finding f = finding_at(c, RULE_ALIAS, p);

    f.world = tag->world >= 0 ? c->worlds.list[tag->world] : NULL;
    f.reg = c->regs.desc[tag->reg].number;
    f.hint = "with HCR_EL2.E2H set the world's register is the one named _EL12 or _EL02";
    finding_say(&f, "its value is written by this name, which means %s here",
                arm_reg_name(p->sysreg_write.sr));
    finding_report(c, &f);
}

static void written(struct arm_checker *c, struct own *u, const struct arm_event *p)
{
    unsigned reg = regs_accessed(c, p->cpu, p->sysreg_write.sr);
    struct tag tag = flow_x(c->flow, p->cpu, p->sysreg_write.reg);

    if (tag.kind == TAG_EXACT && p->sysreg_write.name != p->sysreg_write.sr && tag.world >= 0 &&
        tag.reg != reg && c->regs.desc[tag.reg].number == p->sysreg_write.name)
        report_alias(c, p, &tag);
    if (reg == REG_NONE)
        return;
    if (c->regs.desc[reg].message) {
        own_message_written(c, u, reg, &tag, p);
        return;
    }
    struct live *l = own_live(u, p->cpu, reg);
    struct site at = site_of(c, p);
    own_slot_written(c, u, l, reg, &tag, p);
    own_timer_written(c, u, p);
    own_pair_written(u, reg, p, &at);
    own_window_changed(c, u, p->cpu, reg, &at);
    if (tag.kind == TAG_EXACT && tag.from && tag.reg == reg)
        own_window_moved(c, u, p->cpu, &tag, true);
    if (l->owner >= 0 && c->regs.desc[reg].owner != OWNER_EL2CFG) {
        struct wreg *r = own_wreg(u, c->worlds.list[l->owner], reg);
        bool write_only = p->sysreg_write.sr != c->regs.desc[reg].number;
        if (write_only || r->moves ||
            (p->sysreg_write.before & c->regs.desc[reg].mask) == r->value.lo)
            lose(u, c, l, reg, &at);
        r->gone = at;
        flow_interest(c->flow, p->cpu, p->count);
    } else if (tag.kind && tag.kind != TAG_MEMORY) {
        flow_interest(c->flow, p->cpu, p->count);
    } else if (tag.kind) {
        flow_follow(c->flow, p->cpu, p->count, AFTER_RESTORE);
    }
    u->switched_ever[reg] = true;
    int owner = l->owner;
    l->owner = WORLD_EL2;
    l->written = true;
    l->tag = tag;
    l->site = at;
    view_note(c, owner, reg);
    view_note(c, tag.kind ? tag.world : WORLD_EL2, reg);
}

/* AT writes PAR_EL1. */
static void translated(struct arm_checker *c, struct own *u, const struct arm_event *p)
{
    unsigned reg = c->regs.of_sysreg[SR_PAR_EL1];
    struct live *l = reg == REG_NONE ? NULL : own_live(u, p->cpu, reg);

    if (!l)
        return;
    struct site at = site_of(c, p);
    if (l->owner >= 0)
        lose(u, c, l, reg, &at);
    int owner = l->owner;
    l->owner = WORLD_EL2;
    l->written = true;
    l->tag = (struct tag){0};
    l->site = at;
    view_note(c, owner, reg);
    view_note(c, WORLD_EL2, reg);
}

/* A CPU that is switched on anew has nobody's values. */
static void forget(struct arm_checker *c, struct own *u, unsigned cpu)
{
    for (unsigned reg = 0; reg < c->regs.count; reg++)
        *own_live(u, cpu, reg) = (struct live){.owner = WORLD_NOBODY};
    for (unsigned k = 0; k < c->worlds.count; k++)
        if (c->worlds.list[k]->kind == WORLD_HOST && c->worlds.list[k]->pe == cpu)
            for (unsigned reg = 0; reg < c->regs.count; reg++)
                *own_wreg(u, c->worlds.list[k], reg) = (struct wreg){0};
}

/* The followed register by whose name EL2 has read its own, as HCR_EL2.E2H has it; or REG_NONE. */
static unsigned aliased_reg(const struct arm_checker *c, const struct arm_event *p)
{
    enum sysreg name = sysreg_lookup(p->sysreg_read.name);

    return p->sysreg_read.name != p->sysreg_read.sr && name != SR_NONE ? c->regs.of_sysreg[name]
                                                                       : REG_NONE;
}

static void event(struct arm_checker *c, void *state, const struct arm_event *p)
{
    struct own *u = state;
    unsigned reg = REG_NONE;

    own_config_event(c, u, p);
    if (p->cpu < c->cpu_count && p->kind == ARM_EVENT_WFX)
        own_timer_sleeps(c, u, p);
    else if (p->cpu < c->cpu_count && u->sleeps[p->cpu].since)
        own_timer_wakes(c, u, p->cpu);
    if (p->kind == ARM_EVENT_ERET)
        own_host_entered(c, p);
    if (p->kind == ARM_EVENT_EXCEPTION && p->el == 0)
        own_thread_left(c, u, p);
    if (p->kind == ARM_EVENT_SYSREG_READ && aliased_reg(c, p) != REG_NONE)
        u->aliased[aliased_reg(c, p)] = site_of(c, p);
    if (p->kind == ARM_EVENT_SYSREG_READ)
        reg = regs_accessed(c, p->cpu, p->sysreg_read.sr);
    if (p->kind == ARM_EVENT_EXCEPTION || p->kind == ARM_EVENT_ERET)
        own_window_event(c, u, p);
    else if (p->kind == ARM_EVENT_POWER)
        forget(c, state, p->cpu);
    else if (p->kind == ARM_EVENT_AT && c->guest_seen)
        translated(c, state, p);
    else if (p->kind == ARM_EVENT_SYSREG_READ && c->guest_seen && reg != REG_NONE &&
             !c->regs.desc[reg].message)
        own_slot_read(c, u, reg, p);
    else if (p->kind == ARM_EVENT_SYSREG_WRITE && c->prepared &&
             sysreg_lookup(p->sysreg_write.sr) != SR_NONE)
        written(c, state, p);
}

void own_saved(struct arm_checker *c, unsigned cpu, const struct tag *tag, uint64_t pa,
               uint64_t value, const struct site *at)
{
    if (tag->world < 0 || !own(c))
        return;
    if (c->moves)
        moves_saved(c, tag, at);
    if (c->regs.desc[tag->reg].message)
        flow_mark_slot(c->flow, pa);
    else
        own_slot_saved(c, cpu, c->worlds.list[tag->world], tag->reg, pa, value, at);
    const struct granule *g = flow_granule(c->flow, pa);
    if (g && g->slot && own_live(own(c), cpu, tag->reg)->owner == tag->world)
        own_window_moved(c, own(c), cpu, tag, false);
    struct wreg *r = own_wreg(own(c), c->worlds.list[tag->world], tag->reg);
    struct slot *s = &r->slots[0];
    for (unsigned k = 0; k < SLOTS; k++) {
        if (r->slots[k].pa == pa) {
            s = &r->slots[k];
            break;
        }
        if (r->slots[k].version < s->version)
            s = &r->slots[k];
    }
    *s = (struct slot){.pa = pa, .version = tag->version, .value = value, .at = *at};
    r->saved |= tag->version == r->version;
    view_note(c, tag->world, tag->reg);
}

void own_stored(struct arm_checker *c, unsigned cpu, const struct tag *slot)
{
    if (own(c) && slot->world >= WORLD_EL2)
        own_window_stored(c, own(c), cpu, slot);
}

void own_vector_written(struct arm_checker *c, unsigned cpu, unsigned n, const struct site *at)
{
    unsigned reg = REG_V(n);

    if (!own(c))
        return;
    struct live *l = own_live(own(c), cpu, reg);
    own_window_changed(c, own(c), cpu, reg, at);
    if (l->owner >= 0)
        lose(own(c), c, l, reg, at);
    int owner = l->owner;
    l->owner = WORLD_EL2;
    l->site = *at;
    l->tag = (struct tag){0};
    view_note(c, owner, reg);
}

void own_vector_loaded(struct arm_checker *c, unsigned cpu, unsigned n, const struct tag *tag)
{
    if (!own(c) || tag->kind != TAG_EXACT)
        return;
    own_live(own(c), cpu, REG_V(n))->tag = *tag;
    if (!tag->from || tag->reg != REG_V(n))
        return;
    flow_mark_slot(c->flow, tag->from);
    own_window_moved(c, own(c), cpu, tag, true);
}

bool own_has_vectors(const struct arm_checker *c, unsigned cpu)
{
    for (unsigned k = 0; own(c) && k < 32; k++) {
        const struct live *l = own_live(own(c), cpu, REG_V(k));
        if (l->owner >= 0 ||
            (l->owner == WORLD_EL2 && l->tag.kind == TAG_EXACT && l->tag.world >= 0))
            return true;
    }
    return false;
}

struct tag own_tag(const struct arm_checker *c, const struct world *w, unsigned reg)
{
    if (!own(c))
        return (struct tag){0};
    return (struct tag){.kind = TAG_EXACT,
                        .world = (int16_t)w->index,
                        .reg = (uint16_t)reg,
                        .version = own_wreg(own(c), w, reg)->version};
}

struct tag own_live_tag(const struct arm_checker *c, unsigned cpu, unsigned reg)
{
    const struct live *l = own(c) ? own_live(own(c), cpu, reg) : NULL;

    if (!l || l->owner == WORLD_NOBODY)
        return (struct tag){0};
    if (l->owner == WORLD_EL2 && l->tag.kind == TAG_EXACT)
        return l->tag; /* restored, and its world not yet entered */
    if (l->owner == WORLD_EL2)
        return (struct tag){.kind = TAG_EXACT, .world = WORLD_EL2, .reg = (uint16_t)reg};
    return own_tag(c, c->worlds.list[l->owner], reg);
}

struct tag own_read_tag(const struct arm_checker *c, const struct arm_event *p)
{
    unsigned reg = regs_accessed(c, p->cpu, p->sysreg_read.sr), named = aliased_reg(c, p);

    if (named != REG_NONE)
        return (struct tag){
            .kind = TAG_EXACT, .alias = true, .world = WORLD_EL2, .reg = (uint16_t)named};
    return reg == REG_NONE ? (struct tag){0} : own_live_tag(c, p->cpu, reg);
}

bool own_is_worlds(const struct arm_checker *c, unsigned reg, struct value128 v)
{
    for (unsigned k = 0; own(c) && k < own(c)->world_count; k++)
        if (own(c)->worlds[k][reg].version && same_value(own(c)->worlds[k][reg].value, v))
            return true;
    return !own(c);
}

bool own_is_el2s(const struct arm_checker *c, unsigned cpu, unsigned reg)
{
    return own(c) && own_live(own(c), cpu, reg)->owner == WORLD_EL2;
}

struct site own_written_at(const struct arm_checker *c, unsigned cpu, unsigned reg)
{
    return own(c) ? own_live(own(c), cpu, reg)->site : (struct site){0};
}

bool own_is_misread(const struct arm_checker *c, unsigned cpu, const struct tag *tag)
{
    return tag->alias && own(c) && own_live(own(c), cpu, tag->reg)->owner >= 0;
}

static void end(struct arm_checker *c, void *state)
{
    own_timer_end(c, state);
}

const struct check_unit unit_own = {
    .at_el2 = ARM_BIT(ARM_EVENT_SYSREG_WRITE) | ARM_BIT(ARM_EVENT_SYSREG_READ) |
              ARM_BIT(ARM_EVENT_EXCEPTION) | ARM_BIT(ARM_EVENT_ERET) | ARM_BIT(ARM_EVENT_AT) |
              ARM_BIT(ARM_EVENT_WFX),
    .everywhere = ARM_BIT(ARM_EVENT_POWER) | ARM_BIT(ARM_EVENT_STORE), /* STORE: of flow */
    .create = create,
    .event = event,
    .exit = leave,
    .enter = enter,
    .end = end,
    .destroy = destroy,
};
