/*
 * List registers: EL2 makes what a world finds in them anew for each entry, in memory, and loads
 * them from there. Nothing can be said of their values; but what EL2 has put into the slot of one
 * since the world left is to be in a list register when it is entered, and what is in one is not
 * another world's (IHI0069, ICH_LR<n>_EL2).
 */
#include <inttypes.h>

#include "checker/gic_state.h"
#include "checker/own_state.h"

static struct own *own(const struct arm_checker *c)
{
    return c->unit[UNIT_own];
}

void own_message_left(struct own *u, const struct world *w, unsigned reg, struct value128 v,
                      unsigned cpu)
{
    struct wreg *r = own_wreg(u, w, reg);

    own_live(u, cpu, reg)->owner = (int16_t)w->index;
    if (r->version && r->value.lo == v.lo)
        return;
    r->value = v;
    r->version = ++u->versions;
    r->saved = false;
}

void own_message_written(struct arm_checker *c, struct own *u, unsigned reg, const struct tag *tag,
                         const struct arm_event *p)
{
    struct live *l = own_live(u, p->cpu, reg);

    l->owner = WORLD_EL2;
    l->written = true;
    l->tag = *tag;
    l->site = site_of(c, p);
}

static void report_dropped(struct arm_checker *c, const struct world *w, unsigned reg,
                           const struct granule *g, uint64_t lr, const struct arm_event *p)
{
    struct finding f = finding_at(c, RULE_DEFER, p);

    f.other = f.at;
    f.other_role = "entered";
    f.at = g->modified;
    f.world = w;
    f.reg = c->regs.desc[reg].number;
    f.has_address = true;
    f.address = g->pa;
    f.hint = "load as many list registers as EL2 has filled in memory, each from its slot";
    finding_say(&f,
                "interrupt %" PRIu64 " was put into its slot, pending, and is in no list "
                "register: it does not come",
                LR_VINTID(lr));
    finding_report(c, &f);
}

/* What @cpu had in the list register that held the interrupt of @lr when @w left; it keeps the
 * number when the state goes. */
static bool was_there(const struct gic_cpu *g, uint64_t lr)
{
    for (unsigned n = 0; n < LRS_MAX; n++)
        if (LR_VINTID(g->lr_at_exit[n]) == LR_VINTID(lr))
            return true;
    return false;
}

/* Numbers of interrupts, and nothing where ICH_LR<n>_EL2 has none. */
static bool is_list_register(uint64_t v)
{
    return LR_VINTID(v) < 0x10000 && !(v & (MASK(59, 56) | MASK(47, 45)));
}

void own_emptied(struct arm_checker *c, unsigned cpu, uint64_t pa, uint64_t lr,
                 const struct site *at)
{
    const struct gic *u = c->unit[UNIT_gic];
    const struct world *w = c->cpus[cpu].last;

    if (!own(c) || !u || !w || w->kind != WORLD_GUEST || c->cpus[cpu].running ||
        !u->cpus[cpu].elrsr.known || !is_list_register(lr) || !(LR_STATE(lr) & 1) ||
        was_there(&u->cpus[cpu], lr))
        return;
    struct finding f = {.rule = RULE_DEFER,
                        .world = w,
                        .reg = sysreg_number(SR_ICH_ELRSR_EL2),
                        .at = *at,
                        .other = u->cpus[cpu].elrsr,
                        .other_role = "read",
                        .has_address = true,
                        .address = pa};
    f.hint = "a list register reads as empty that was never loaded from memory";
    finding_say(&f,
                "interrupt %" PRIu64
                ", pending here, is taken for done, and was in no list register: it "
                "does not come",
                LR_VINTID(lr));
    finding_report(c, &f);
}

/* The list register, which holds @v, was loaded from another place than @pa: what was saved there
 * may have been moved, and be another's by now. */
static bool is_from_elsewhere(const struct live *l, uint64_t pa, uint64_t v)
{
    return l->written && (LR_STATE(v) || (l->tag.from && l->tag.from != pa));
}

/* Of its slots, those that EL2 has written since @w left. */
static void check_slots(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                        uint64_t v, const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);
    const struct live *l = own_live(u, p->cpu, reg);
    const struct wreg *r = own_wreg(u, w, reg);

    for (unsigned k = 0; s->valid && k < SLOTS; k++) {
        uint64_t lr = 0;
        bool full;
        const struct granule *g = r->slots[k].pa ? flow_granule(c->flow, r->slots[k].pa) : NULL;
        if (!g || !g->slot || g->tag.kind != TAG_MODIFIED || g->tag.world != (int)w->index ||
            g->tag.reg != reg || !g->modified.known || g->modified.total < s->at.total ||
            is_from_elsewhere(l, g->pa, v) || !arm_mem_read(c->m, g->pa, &lr, sizeof(lr)) ||
            !(LR_STATE(lr) & 1) || gic_state_of(c, LR_VINTID(lr), p->cpu, &full))
            continue;
        report_dropped(c, w, reg, g, lr, p);
        return;
    }
}

/* A pending interrupt was put into the slot while the list register was in the CPU, whose save has
 * taken it away again; if the world could have it now, it is lost. */
static void check_overwritten(struct arm_checker *c, const struct world *w, struct wreg *r,
                              unsigned reg, const struct arm_event *p)
{
    const struct misplaced *m = &r->in_slot;
    const struct granule *g = m->known ? flow_granule(c->flow, m->pa) : NULL;
    bool full;

    r->in_slot.known = false;
    if (!g || !is_list_register(m->value) || !(LR_STATE(m->value) & 1) ||
        g->tag.kind != TAG_EXACT || g->tag.world != (int)w->index || g->tag.reg != reg ||
        gic_state_of(c, LR_VINTID(m->value), p->cpu, &full) || full)
        return;
    struct finding f = {.rule = RULE_DEFER,
                        .world = w,
                        .reg = c->regs.desc[reg].number,
                        .at = m->at,
                        .other = g->saved,
                        .other_role = "saved",
                        .has_address = true,
                        .address = m->pa};
    f.hint = "where the register is decides where a write goes";
    finding_say(&f,
                "interrupt %" PRIu64 " was put into its slot, pending, while the register was in "
                "the CPU, and is lost at its save",
                LR_VINTID(m->value));
    finding_report(c, &f);
}

/* It was loaded from where another world's was saved, and not written since. */
static void check_foreign(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                          uint64_t v, const struct arm_event *p)
{
    const struct live *l = own_live(u, p->cpu, reg);
    const struct granule *g = l->tag.from ? flow_granule(c->flow, l->tag.from) : NULL;

    if (!l->written || !g || g->again || l->tag.kind != TAG_EXACT || l->tag.world < 0 ||
        l->tag.world == (int)w->index || !LR_STATE(v))
        return;
    struct finding f = finding_at(c, RULE_WRONG_SLOT, p);
    f.at = l->site;
    f.other = g->saved;
    f.other_role = "saved";
    f.world = w;
    f.reg = c->regs.desc[reg].number;
    f.hint = "the address of the slot is another virtual CPU's";
    finding_say(&f, "interrupt %" PRIu64 " was restored from a slot of %s", LR_VINTID(v),
                c->worlds.list[l->tag.world]->name);
    finding_report(c, &f);
}

void own_message_entered(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                         uint64_t v, const struct arm_event *p)
{
    uint64_t hcr = checker_sysreg(c, p->cpu, SR_ICH_HCR_EL2);

    if (w->kind != WORLD_GUEST || !(hcr & HCR_EN) || !HCR_EL2_IMO(p->world.hcr))
        return;
    check_foreign(c, u, w, reg, v, p);
    check_overwritten(c, w, own_wreg(u, w, reg), reg, p);
    check_slots(c, u, w, reg, v, p);
}
