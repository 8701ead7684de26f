/*
 * A register of a world is in the CPU or in its slot, and EL2 has used the other one: DEFER (a
 * write, which is lost) and STALE-READ.
 */
#include <inttypes.h>

#include "arch/esr.h"
#include "base/bits.h"
#include "checker/own_state.h"
#include "checker/unit.h"

static struct own *own(const struct arm_checker *c)
{
    return c->unit[UNIT_own];
}

/* Does @cpu hold @w's value of @reg, as the world has left it? */
static bool is_live(struct own *u, const struct world *w, unsigned cpu, unsigned reg)
{
    const struct live *l = own_live(u, cpu, reg);

    return l->owner == (int)w->index && !l->written;
}

static void report(struct arm_checker *c, enum rule rule, const struct world *w, unsigned reg,
                   const struct site *at, const struct site *other, const char *role,
                   const char *text, uint64_t value)
{
    struct finding f = {.rule = rule,
                        .world = w,
                        .reg = c->regs.desc[reg].number,
                        .at = *at,
                        .other = *other,
                        .other_role = other->known ? role : NULL};

    f.hint = rule == RULE_DEFER ? "where the register is decides where a write goes"
                                : "read the register where it is";
    finding_say(&f, "%s: %#" PRIx64, text, value);
    finding_report(c, &f);
}

/* ---- DEFER ---- */

/* A list register that was saved since its world left is in memory, whatever the CPU still has: and
 * what comes there then may be another's, whose registers are copied to one place to be loaded. */
static bool is_put(struct arm_checker *c, const struct world *w, const struct granule *g)
{
    return c->regs.desc[g->tag.reg].message && g->saved.known &&
           g->saved.total >= checker_exit_state(c, w)->at.total;
}

void own_modified(struct arm_checker *c, const struct granule *g, uint64_t now,
                  const struct site *at)
{
    if (!own(c) || g->tag.world < 0 || g->tag.reg < REG_SYS)
        return;
    const struct world *w = c->worlds.list[g->tag.world];
    struct wreg *r = own_wreg(own(c), w, g->tag.reg);
    bool same = (now & c->regs.desc[g->tag.reg].mask) == r->value.lo;

    if (!is_live(own(c), w, w->last_pe, g->tag.reg) || w->running || is_put(c, w, g))
        return;
    r->in_slot =
        (struct misplaced){.known = !same, .cpu = w->last_pe, .pa = g->pa, .value = now, .at = *at};
}

/* The save takes the register's value over what EL2 has put there meanwhile. */
void own_slot_saved(struct arm_checker *c, unsigned cpu, const struct world *w, unsigned reg,
                    uint64_t pa, uint64_t value, const struct site *at)
{
    struct wreg *r = own_wreg(own(c), w, reg);
    const struct misplaced *m = &r->in_slot;

    if (r->stale.known && r->stale.pa == pa) { /* it is the slot, then */
        report(c, RULE_STALE_READ, w, reg, &r->stale.at, at, "saved",
               "used from its slot while a newer value was in the CPU", r->stale.value);
        r->stale.known = false;
    }
    if (!m->known || m->pa != pa)
        return;
    if (m->cpu == cpu && value != m->value && is_live(own(c), w, cpu, reg))
        report(c, RULE_DEFER, w, reg, &m->at, at, "saved",
               "written in memory while the register is in the CPU, and lost at its save",
               m->value);
    r->in_slot.known = false;
}

/* What an exception to EL1 writes, to be found in ELR_EL1 and SPSR_EL1. */
static bool is_injected(const struct arm_checker *c, const struct exit_state *s, unsigned reg,
                        uint64_t value)
{
    enum sysreg sr = c->regs.desc[reg].sr;

    return (sr == SR_ELR_EL1 && (value == s->pc || value == s->pc + 4)) ||
           (sr == SR_SPSR_EL1 && value == s->pstate);
}

/* What a trapped write of @reg is to leave there; 0 is what EL2 writes for itself too. */
static bool is_asked_for(const struct arm_checker *c, const struct exit_state *s, unsigned reg,
                         uint64_t value)
{
    uint64_t rt = bits(s->esr, 9, 5);

    return justify_is_write_of(s, c->regs.desc[reg].number) && rt < 31 && value &&
           value == s->x[rt];
}

/* Where the world was at a vector, and goes on there, it executes the instruction again. */
static bool goes_to_vector(const struct arm_checker *c, const struct exit_state *s,
                           const struct arm_event *p)
{
    return p->world.target != s->pc &&
           justify_is_vector(s, checker_sysreg(c, p->cpu, SR_VBAR_EL1), p->world.target);
}

void own_slot_written(struct arm_checker *c, struct own *u, const struct live *l, unsigned reg,
                      const struct tag *tag, const struct arm_event *p)
{
    const struct world *last = c->cpus[p->cpu].last;
    uint64_t value = p->sysreg_write.after & c->regs.desc[reg].mask;

    if (l->owner >= 0)
        own_wreg(u, c->worlds.list[l->owner], reg)->in_slot.known = false;
    if (tag->from && tag->world >= 0 && tag->reg == reg &&
        (tag->kind == TAG_EXACT || tag->kind == TAG_MODIFIED))
        flow_mark_slot(c->flow, tag->from);
    if (!last || reg < REG_SYS)
        return;
    const struct exit_state *s = checker_exit_state(c, last);
    if (s->valid && (is_asked_for(c, s, reg, value) || is_injected(c, s, reg, value)))
        own_wreg(u, last, reg)->in_cpu =
            (struct misplaced){.known = true, .cpu = p->cpu, .value = value, .at = site_of(c, p)};
}

void own_slot_entered(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                      struct value128 v, const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);
    struct wreg *r = own_wreg(u, w, reg);
    const struct live *l = own_live(u, p->cpu, reg);
    bool same = r->version && v.lo == r->value.lo;

    if (s->valid && same && r->in_cpu.known && v.lo != r->in_cpu.value &&
        (is_asked_for(c, s, reg, r->in_cpu.value) || goes_to_vector(c, s, p)))
        report(c, RULE_DEFER, w, reg, &r->in_cpu.at, &l->site, "restored",
               "written in the CPU while its slot has the value, and lost at the restore",
               r->in_cpu.value);
    r->in_cpu.known = false;
    if (!r->in_slot.known)
        return;
    bool asked =
        s->valid && (is_asked_for(c, s, reg, r->in_slot.value) ||
                     (is_injected(c, s, reg, r->in_slot.value) && goes_to_vector(c, s, p)));
    if (same && asked && r->in_slot.cpu == p->cpu) {
        struct site here = site_of(c, p);
        report(c, RULE_DEFER, w, reg, &r->in_slot.at, &here, "entered",
               "written in memory while the register is in the CPU, which the world runs with",
               r->in_slot.value);
        r->in_slot.known = false;
    } else if (r->in_slot.cpu != p->cpu) {
        r->in_slot.known = false;
    }
}

void own_slot_assume(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                     const struct live *l)
{
    struct tag tag = own_tag(c, w, reg);
    uint64_t value; /* as it is there: the register may not hold all bits of it */

    (void)u;
    if (l->tag.kind == TAG_MEMORY && l->written && reg >= REG_SYS &&
        c->regs.desc[reg].owner != OWNER_EL2CFG &&
        arm_mem_read(c->m, l->tag.from, &value, sizeof(value)))
        flow_assume_slot(c->flow, l->tag.from, &tag, value);
}

void own_slot_left(struct own *u, struct wreg *r, unsigned cpu)
{
    r->in_cpu.known = false;
    u->vbars[cpu].known = false;
}

/* ---- STALE-READ ---- */

void own_slot_read(struct arm_checker *c, struct own *u, unsigned reg, const struct arm_event *p)
{
    const struct world *last = c->cpus[p->cpu].last;
    struct live *l = own_live(u, p->cpu, reg);
    bool is_vbar = c->regs.desc[reg].sr == SR_VBAR_EL1;

    u->switched_ever[reg] = l->fetched = true;
    own_pair_read(u, p->cpu, reg);
    own_serror_read(c, u, p);
    if (!last || l->owner == (int)last->index || !(flow_is_on(c->flow, p->cpu) || is_vbar))
        return; /* what it has read is followed nowhere */
    l->read = site_of(c, p);
    if (is_vbar)
        u->vbars[p->cpu] =
            (struct misplaced){.known = true, .value = p->sysreg_read.value, .at = l->read};
}

bool own_needs_reads(const struct arm_checker *c, unsigned cpu, enum sysreg sr)
{
    const struct own *u = c->unit[UNIT_own];
    unsigned reg = c->regs.of_sysreg[sr];
    struct tag tag = {0};

    if (u && c->prepared && reg != REG_NONE)
        tag = own_live_tag(c, cpu, reg);
    return u && (u->sleeps[cpu].since || (tag.kind && tag.world != WORLD_EL2));
}

/* CBZ or CBNZ: was anything saved ever? */
static bool is_presence_test(uint32_t word)
{
    return bits(word, 30, 25) == 0x1a;
}

/* X@n is a world's register, loaded from its slot, and another value of it is in the CPU. */
static void check_consumed(struct arm_checker *c, const struct arm_event *p, const struct tag *tag,
                           unsigned n)
{
    const struct granule *g = tag->from ? flow_granule(c->flow, tag->from) : NULL;

    if (!g || !g->slot || tag->kind != TAG_EXACT || tag->world < 0 || tag->reg < REG_SYS ||
        c->regs.desc[tag->reg].message)
        return;
    const struct world *w = c->worlds.list[tag->world];
    struct wreg *r = own_wreg(own(c), w, tag->reg);
    uint64_t value = checker_reg(c, p->cpu, ARM_X(n)) & c->regs.desc[tag->reg].mask;

    if (!is_live(own(c), w, p->cpu, tag->reg) || tag->version >= r->version ||
        value == r->value.lo || is_presence_test(p->insn.word))
        return;
    struct site at = site_of(c, p);
    if (g->assumed)
        r->stale =
            (struct misplaced){.known = true, .cpu = p->cpu, .pa = g->pa, .value = value, .at = at};
    else
        report(c, RULE_STALE_READ, w, tag->reg, &at, &g->saved, "saved",
               "used from its slot while a newer value is in the CPU", value);
}

void own_consumed(struct arm_checker *c, const struct arm_event *p, const struct tag *x,
                  uint32_t reads)
{
    unsigned first = (unsigned)__builtin_ctz(reads | 1U << 31);
    uint32_t others = reads & (reads - 1);

    if (!own(c) || !reads)
        return;
    /* Who compares the two copies knows that there are two. */
    if (others && x[first].world == x[__builtin_ctz(others)].world &&
        x[first].reg == x[__builtin_ctz(others)].reg)
        return;
    for (uint32_t m = reads; m; m &= m - 1)
        check_consumed(c, p, &x[__builtin_ctz(m)], (unsigned)__builtin_ctz(m));
}

/* A trapped read has got another world's register, or EL2's own. */
static void check_result(struct arm_checker *c, struct own *u, const struct world *w,
                         const struct exit_state *s, const struct arm_event *p)
{
    unsigned rt = (unsigned)bits(s->esr, 9, 5);
    struct tag tag = flow_x(c->flow, p->cpu, rt);
    const struct granule *g = tag.from ? flow_granule(c->flow, tag.from) : NULL;

    if (!justify_left_by(s, ESR_EC_SYS64) || !bit(s->esr, 0) || tag.kind != TAG_EXACT ||
        tag.world == (int)w->index || tag.reg < REG_SYS || tag.alias)
        return;
    const struct wreg *r = own_wreg(u, w, tag.reg);
    uint64_t value = checker_reg(c, p->cpu, ARM_X(rt));
    struct exit_state asked = {.esr = s->esr & ~UINT64_C(1)};
    const struct live *l = own_live(u, p->cpu, tag.reg);
    struct site at = l->read.known && l->read.total > s->at.total ? l->read
                     : g                                          ? g->saved
                         : flow_x_site(c->flow, p->cpu, rt);
    if (r->version && value != r->value.lo &&
        justify_is_write_of(&asked, c->regs.desc[tag.reg].number))
        report(c, RULE_STALE_READ, w, tag.reg, &at, &r->left, "left",
               "its trapped read gets what the CPU has, which is another's", value);
}

/* What VBAR_EL1 was taken to be, if @w is entered at a vector of that, and it is none of its. */
static const struct misplaced *stale_vector(const struct arm_checker *c, const struct world *w,
                                            const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state((struct arm_checker *)c, w);
    unsigned reg = c->regs.of_sysreg[SR_VBAR_EL1];
    uint64_t pc = p->world.target;

    if (reg == REG_NONE || !s->valid || pc - s->pc + 4 <= 8 || goes_to_vector(c, s, p))
        return NULL;
    const struct wreg *r = own_wreg(own(c), w, reg);
    const struct misplaced *m = &own(c)->vbars[p->cpu];
    if (m->known && m->value != r->value.lo && justify_is_vector(s, m->value, pc))
        return m;
    return r->stale.known && justify_is_vector(s, r->stale.value, pc) ? &r->stale : NULL;
}

bool own_enters_stale_vector(const struct arm_checker *c, const struct world *w,
                             const struct arm_event *p)
{
    return own(c) && stale_vector(c, w, p);
}

static void check_vector(struct arm_checker *c, struct own *u, const struct world *w,
                         const struct arm_event *p)
{
    const struct misplaced *m = stale_vector(c, w, p);
    unsigned reg = c->regs.of_sysreg[SR_VBAR_EL1];

    if (m)
        report(c, RULE_STALE_READ, w, reg, &m->at, &own_wreg(u, w, reg)->left, "left",
               "its exception goes where another VBAR_EL1 than its own says", m->value);
}

void own_slot_check_entry(struct arm_checker *c, struct own *u, const struct world *w,
                          const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);

    if (!s->valid || justify(s, w->kind == WORLD_HOST).anything || w->kind != WORLD_GUEST)
        return;
    check_result(c, u, w, s, p);
    check_vector(c, u, w, p);
}
