/*
 * A world that is entered under another one's name: VMPIDR_EL2 or VTTBR_EL2 is another's, or stage
 * 2 is off, as for a host. It is known by its general registers; and at its first entry by where
 * they come from.
 */
#include "base/bits.h"
#include "checker/own_state.h"
#include "checker/unit.h"

static struct own *own(const struct arm_checker *c)
{
    return c->unit[UNIT_own];
}

#define MOST 16 /* of the general registers */

/* Whose values most general registers are, if they are one guest's; @loaded: from its slots. */
static const struct world *of_general(const struct arm_checker *c, unsigned cpu, bool loaded)
{
    const struct world *w = NULL;
    unsigned count = 0;

    for (unsigned k = 0; k < 31; k++) {
        struct tag tag = flow_x(c->flow, cpu, k);
        if (tag.kind != TAG_EXACT || tag.world < 0 || tag.reg != REG_X(k) || (loaded && !tag.from))
            continue;
        if (w && w->index != (unsigned)tag.world)
            return NULL;
        w = c->worlds.list[tag.world];
        count++;
    }
    return count >= MOST && w->kind == WORLD_GUEST && !w->running ? w : NULL;
}

/* A VM that has been seen with these tables, other than @w's. */
static bool is_root_of_another(const struct arm_checker *c, const struct world *w, uint64_t root)
{
    for (unsigned k = 0; k < c->worlds.count; k++)
        if (c->worlds.list[k]->kind == WORLD_GUEST && c->worlds.list[k]->root == root &&
            c->worlds.list[k]->vm != w->vm)
            return true;
    return false;
}

const struct world *own_known(const struct arm_checker *c, unsigned cpu)
{
    return own(c) && c->flow ? of_general(c, cpu, false) : NULL;
}

const struct world *own_restored(const struct arm_checker *c, unsigned cpu)
{
    return own(c) && c->flow ? of_general(c, cpu, true) : NULL;
}

/* Are the system registers of EL1 and EL0 that EL2 has restored, too, @w's? Then it is not only a
 * frame that is another's. */
static bool has_its_registers(const struct arm_checker *c, const struct world *w, unsigned cpu)
{
    unsigned its = 0, others = 0;

    for (unsigned reg = 31; reg < c->regs.count; reg++) {
        const struct live *l = own_live(own(c), cpu, reg);
        enum sysreg_owner owner = c->regs.desc[reg].owner;
        if ((owner != OWNER_EL1 && owner != OWNER_EL0) || l->owner != WORLD_EL2 ||
            l->tag.kind != TAG_EXACT || l->tag.world < 0)
            continue;
        its += l->tag.world == (int)w->index;
        others += l->tag.world != (int)w->index;
    }
    return its > others;
}

/* Does @w go on where it has left, or at a vector? Registers alone do not say so: a CPU that is
 * given to another party is often reset, and who left had zeros too. */
static bool goes_on(struct arm_checker *c, const struct world *w, const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);
    uint64_t pc = p->world.target;

    return !s->valid || pc - s->pc + 4 <= 8 ||
           justify_is_vector(s, checker_sysreg(c, p->cpu, SR_VBAR_EL1), pc);
}

/* How many general registers are not what @w has left, and not what its exit asks for. */
static unsigned differ_from(struct arm_checker *c, const struct world *w, unsigned cpu)
{
    struct allowance a = justify(checker_exit_state(c, w), w->kind == WORLD_HOST);
    unsigned count = 0;

    for (unsigned n = 0; n < 31; n++)
        count += !bit(a.x, n) &&
                 checker_reg(c, cpu, ARM_X(n)) != own_wreg(own(c), w, REG_X(n))->value.lo;
    return count;
}

/* Whose values all general registers are, and the PC, where nobody has followed the copies and who
 * is named has left with others. */
static const struct world *of_values(struct arm_checker *c, const struct arm_event *p)
{
    const struct world *named = worlds_named(&c->worlds, p);

    if (!c->flow || !named || !checker_exit_state(c, named)->valid ||
        justify(checker_exit_state(c, named), named->kind == WORLD_HOST).anything ||
        differ_from(c, named, p->cpu) < 2)
        return NULL;
    for (unsigned k = 0; k < c->worlds.count; k++) {
        const struct world *w = c->worlds.list[k];
        const struct exit_state *s = checker_exit_state(c, w);
        if (w != named && w->kind == WORLD_GUEST && !w->running && s->valid &&
            p->world.target - s->pc <= 4 && !differ_from(c, w, p->cpu))
            return w;
    }
    return NULL;
}

/* What has been copied says that the general registers are @w's, and so do their values: copies may
 * have been overwritten where nobody has followed it. Zeros are everybody's, and one that is not
 * may be, where a virtual CPU begins. */
static bool has_its_values(struct arm_checker *c, const struct world *w, const struct arm_event *p)
{
    unsigned count = 0, least = worlds_named(&c->worlds, p) ? 1 : 2;

    for (unsigned n = 0; n < 31; n++)
        count += checker_reg(c, p->cpu, ARM_X(n)) != 0;
    return count >= least && !differ_from(c, w, p->cpu);
}

const struct world *own_identity(struct arm_checker *c, const struct arm_event *p,
                                 enum sysreg *wrong)
{
    unsigned reg = c->regs.of_sysreg[SR_VMPIDR_EL2];
    uint64_t root = p->world.vttbr & MASK(47, 1);
    const struct world *w = own(c) && reg != REG_NONE ? of_general(c, p->cpu, false) : NULL;

    if (own(c) && reg != REG_NONE && (!w || w == worlds_named(&c->worlds, p)))
        w = of_values(c, p);
    if (!w || !goes_on(c, w, p) || !has_its_values(c, w, p))
        return NULL;
    if (!HCR_EL2_VM(p->world.hcr)) {
        *wrong = SR_HCR_EL2;
        return w;
    }
    *wrong = w->root == root ? SR_VMPIDR_EL2 : SR_VTTBR_EL2;
    if (w->root == root)
        return w->vmpidr != p->world.vmpidr &&
                       (!own_live(own(c), p->cpu, reg)->written || has_its_registers(c, w, p->cpu))
                   ? w
                   : NULL;
    return w->vmpidr == p->world.vmpidr && is_root_of_another(c, w, root) ? w : NULL;
}

/* A copy of what @w has left in X@n is in memory, and EL2 has kept it there. */
static bool is_kept(const struct arm_checker *c, const struct world *w, unsigned n)
{
    const struct wreg *r = own_wreg(own(c), w, REG_X(n));
    uint64_t there = 0;

    for (unsigned k = 0; k < SLOTS; k++)
        if (r->slots[k].pa && r->slots[k].version == r->version &&
            arm_mem_read(c->m, r->slots[k].pa, &there, sizeof(there)) && there == r->value.lo)
            return true;
    return false;
}

/* What @w has left in X@n is in memory, where it was saved or was loaded from before, and another
 * value is entered, from elsewhere, which may be where frames of all worlds are copied to.
 * *changed: it is another value. */
static bool is_elsewhere(const struct arm_checker *c, const struct world *w, unsigned cpu,
                         unsigned n, bool *changed)
{
    const struct wreg *r = own_wreg(own(c), w, REG_X(n));
    const struct granule *g = r->frame ? flow_granule(c->flow, r->frame) : NULL;
    uint64_t from = flow_x_from(c->flow, cpu, n), there = 0;
    struct tag tag = flow_x(c->flow, cpu, n);

    *changed = checker_reg(c, cpu, ARM_X(n)) != r->value.lo;
    if (from && !(tag.kind == TAG_EXACT && tag.world == (int)w->index) && is_kept(c, w, n))
        return true;
    return g && from && from != r->frame && g->tag.kind == TAG_EXACT &&
           g->tag.world == (int)w->index && g->tag.reg == REG_X(n) &&
           g->tag.version == r->version && arm_mem_read(c->m, r->frame, &there, sizeof(there)) &&
           there == r->value.lo;
}

/* By EL2, since a world has left this CPU. */
static bool is_written(const struct arm_checker *c, unsigned cpu, enum sysreg sr)
{
    unsigned reg = c->regs.of_sysreg[sr];

    return reg != REG_NONE && own_live(own(c), cpu, reg)->written;
}

bool own_is_twin(struct arm_checker *c, const struct arm_event *p, enum sysreg *wrong)
{
    const struct world *w = own(c) && c->flow ? worlds_named(&c->worlds, p) : NULL;
    const struct exit_state *s = w ? checker_exit_state(c, w) : NULL;
    unsigned elsewhere = 0, others;

    if (!s || !s->valid || own_known(c, p->cpu))
        return false;
    others = !goes_on(c, w, p); /* PC is one of them */
    struct allowance a = justify(s, w->kind == WORLD_HOST);
    for (unsigned n = 0; n < 31; n++) {
        bool changed;
        if (!is_elsewhere(c, w, p->cpu, n, &changed))
            continue;
        elsewhere++;
        others += changed && !bit(a.x, n);
    }
    *wrong = w->kind == WORLD_HOST ? SR_HCR_EL2
             : !is_written(c, p->cpu, SR_VTTBR_EL2) && is_written(c, p->cpu, SR_VMPIDR_EL2)
                 ? SR_VTTBR_EL2
                 : SR_VMPIDR_EL2;
    return !a.anything && elsewhere >= MOST && others > 1;
}
