/*
 * A world is entered with another value in a register than its newest. Why, and which instruction
 * was the first to go wrong: that is the rule.
 */
#include <inttypes.h>

#include "checker/own_why.h"
#include "checker/unit.h"

static bool is_value_rule(enum rule rule)
{
    return rule == RULE_LEAK || rule == RULE_UNSAVED || rule == RULE_LOST || rule == RULE_CLOBBER;
}

/* V registers, FPSR and FPCR change hands together: what is wrong with one of them is wrong with
 * the group, and the first that differs stands for it. */
static bool is_told(const struct why *y, enum rule rule)
{
    struct own *u = y->u;
    bool told = u->fp_told && u->fp_told_at == y->p->count && u->fp_told_by == y->p->cpu;

    if (y->c->regs.desc[y->reg].owner != OWNER_FP || !is_value_rule(rule))
        return false;
    u->fp_told = true;
    u->fp_told_at = y->p->count;
    u->fp_told_by = y->p->cpu;
    return told;
}

/* FP-OWNER is EL2's mistake about whose they are: it opens them to a world, and they are not its
 * own, though nothing of it was overwritten that had no copy (LOST), and it has had them before
 * (LEAK). */
static enum rule rule_of(const struct why *y, enum rule rule, const struct site *at)
{
    bool fp = y->c->regs.desc[y->reg].owner == OWNER_FP && is_value_rule(rule);

    return fp && y->r->version && !(rule == RULE_LOST && at) ? RULE_FP_OWNER : rule;
}

static void report(const struct why *y, enum rule rule, const struct site *at,
                   const struct site *other, const char *role, const char *how, const char *hint)
{
    if (is_told(y, rule))
        return;
    struct finding f = finding_at(y->c, rule_of(y, rule, at), y->p);
    uint64_t newest = y->r->value.lo;

    if (at && at->known)
        f.at = *at;
    if (other)
        f.other = *other;
    f.other_role = role;
    f.world = y->w;
    f.reg = y->c->regs.desc[y->reg].number;
    f.hint = hint;
    if (y->tag.from) {
        f.has_address = true;
        f.address = y->tag.from;
    }
    finding_say(&f, "%s: its value is %#" PRIx64 ", it is entered with %#" PRIx64, how, newest,
                y->v.lo);
    finding_report(y->c, &f);
}

/* It is still in another CPU, and nowhere else. */
static bool is_elsewhere(const struct why *y)
{
    for (unsigned cpu = 0; cpu < y->c->cpu_count; cpu++)
        if (cpu != y->p->cpu && !y->r->saved &&
            own_live(y->u, cpu, y->reg)->owner == (int)y->w->index)
            return true;
    return false;
}

/* The slot that the value comes from was this world's before. */
static bool slot_was_taken(const struct why *y)
{
    const struct granule *g = y->tag.from ? flow_granule(y->c->flow, y->tag.from) : NULL;

    return y->tag.kind == TAG_EXACT && g && g->before.kind && g->before.world == (int)y->w->index &&
           g->before.reg == y->reg && y->tag.world != WORLD_EL2 &&
           (y->tag.world != (int)y->w->index || y->tag.reg != y->reg);
}

/* What EL2 has in the register was saved where the world's was, and restored from there. */
static bool was_saved_again(const struct why *y, const struct granule *g)
{
    return g && g->tag.kind == TAG_EXACT && g->tag.world == WORLD_EL2 &&
           g->before.kind == TAG_EXACT && g->before.world == (int)y->w->index &&
           g->before.reg == y->reg && g->before.version == y->r->version;
}

/* Somebody else's register was restored into this one. */
static void report_foreign(const struct why *y)
{
    const struct granule *g = y->tag.from ? flow_granule(y->c->flow, y->tag.from) : NULL;

    if (y->tag.world == WORLD_EL2 && y->tag.reg == y->reg && was_saved_again(y, g)) {
        report(y, RULE_FOREIGN_SAVE, &g->saved, &y->site, "restored",
               "what EL2 has in it was saved into its slot, where it was already",
               "it is saved once, before EL2 writes its own value");
        return;
    }
    if (y->tag.world == WORLD_EL2 && y->tag.reg == y->reg) {
        report(y, RULE_LEAK, NULL, &y->site, "written", "it has EL2's own value",
               "the restore of the world's value is missing");
        return;
    }
    if (!slot_was_taken(y)) {
        report(y, RULE_WRONG_SLOT, &y->site, g ? &g->saved : NULL, "saved",
               "restored from another's slot", "the index or the address of the slot is wrong");
        return;
    }
    if (y->tag.reg == y->reg)
        report(y, RULE_FOREIGN_SAVE, &g->saved, &y->site, "restored",
               "another world's value was saved into its slot",
               "the register was saved after another world had got it");
    else
        report(y, RULE_WRONG_SLOT, &g->saved, &y->site, "restored",
               "another register was saved into its slot", "the slot's index or offset is wrong");
}

/* An older value of the same register, by its tag or by what the slots hold. */
static const struct slot *stale_slot(const struct why *y)
{
    for (unsigned k = 0; k < SLOTS; k++) {
        const struct slot *s = &y->r->slots[k];
        if (s->pa && s->version < y->r->version && own_memory_is(y, s->pa, y->v.lo))
            return s;
    }
    return NULL;
}

/* The other side is the old save, where it was seen; else where the world left with the newest. */
static void report_stale(const struct why *y, const struct slot *s)
{
    const struct granule *g = y->tag.from ? flow_granule(y->c->flow, y->tag.from) : NULL;
    const struct site *saved = s ? &s->at : g && g->saved.known ? &g->saved : NULL;

    report(y, RULE_STALE_RESTORE, &y->site, saved ? saved : &y->r->left, saved ? "saved" : "left",
           "restored from a slot that is older", "the last save of the register is missing");
}

/* The only copy was overwritten; and then an older one may have taken its place, or what was stored
 * in its slot instead. */
static void report_lost(const struct why *y)
{
    const struct slot *s = stale_slot(y);
    const struct granule *g = y->tag.from ? flow_granule(y->c->flow, y->tag.from) : NULL;

    if (y->tag.kind == TAG_MODIFIED && g && g->modified.known) {
        report(y, RULE_LOST, &y->r->lost, &g->modified, "stored",
               "the only copy of its value was overwritten, and its slot has something else",
               "what is stored there is not what the register has");
        return;
    }
    report(y, RULE_LOST, &y->r->lost, &y->r->left, "left",
           "the only copy of its value was overwritten", "the save before this is missing");
    if (s && y->site.known && y->c->regs.desc[y->reg].owner != OWNER_FP &&
        y->site.total != y->r->lost.total)
        report_stale(y, s);
}

static void report_untagged(const struct why *y)
{
    const struct slot *s = stale_slot(y);
    const struct granule *g = y->tag.from ? flow_granule(y->c->flow, y->tag.from) : NULL;

    if (y->reg < 31 && y->tag.kind == TAG_MODIFIED && g && g->modified.known)
        report(y, RULE_CLOBBER, &g->modified, &y->r->left, "left",
               "its copy in memory was changed, which its exit does not justify",
               "an emulated access may change only the register that its syndrome names");
    else if (s)
        report_stale(y, s);
    else if (own_is_hosts(y->u, y->reg, y->v))
        report(y, RULE_LEAK, NULL, &y->site, "written", "it has the value of a program of the host",
               "the restore of the world's value is missing");
    else
        report(y, RULE_CLOBBER, &y->site, &y->r->left, "left", "nothing justifies the change",
               "EL2 has used the register and not restored it");
}

/* EL2's own value was saved as the world's: read by a name that HCR_EL2.E2H redirects. */
static void report_alias(const struct why *y)
{
    report(y, RULE_ALIAS, &y->u->aliased[y->reg], &y->site, "restored",
           "EL2's own register was read by this name and saved as the world's",
           "with HCR_EL2.E2H set the world's register is the one named _EL12 or _EL02");
}

/* What is in the CPU is what another world has left there. */
static bool is_others(const struct why *y)
{
    return y->l->owner >= 0 && y->l->owner != (int)y->w->index;
}

static void report_left(const struct why *y)
{
    report(y, y->u->switched_ever[y->reg] || y->reg < REG_SYS ? RULE_LEAK : RULE_UNSAVED, NULL,
           &own_wreg(y->u, y->c->worlds.list[y->l->owner], y->reg)->left, "theirs",
           "it has another world's value", "nothing restores the register on this way");
}

/* Its value is a register's of a world or of EL2. What an exit has written for EL2 is none: EL2 has
 * used the register. */
static bool is_registers(const struct why *y)
{
    return y->tag.kind == TAG_EXACT && y->tag.world != WORLD_STATUS;
}

static bool is_foreign(const struct why *y)
{
    return is_registers(y) && (y->tag.world != (int)y->w->index || y->tag.reg != y->reg);
}

static bool is_stale(const struct why *y)
{
    return is_registers(y) && y->tag.version < y->r->version;
}

static void report_wrong(const struct why *y)
{
    if (y->overwritten)
        report(y, RULE_LOST, &y->overwritten->modified, &y->overwritten->saved, "saved",
               "what was saved of it was overwritten in memory",
               "nobody has asked for the store: no exit of the world names the register");
    else if (y->tag.kind == TAG_EXACT && y->tag.alias && y->tag.reg == y->reg)
        report_alias(y);
    else if (slot_was_taken(y))
        report_foreign(y);
    else if (own_is_tampered(y))
        report_untagged(y);
    else if (own_is_given_otherwise(y))
        report(y, RULE_CLOBBER, &y->site, &y->r->left, "left",
               "its slot has what a trapped write has asked for, and this is computed from that",
               "bits for the time of a switch are to go before the entry");
    else if (own_is_lost(y->r) && y->reg >= 31)
        report_lost(y);
    else if (is_elsewhere(y))
        report(y, RULE_LOST, NULL, &y->r->left, "left", "its value is still in another CPU",
               "a world that moves must be saved where it ran");
    else if (is_others(y) && !y->l->written && y->reg >= 31)
        report_left(y);
    else if (is_foreign(y))
        report_foreign(y);
    else if (is_stale(y))
        report_stale(y, NULL);
    else
        report_untagged(y);
}

/* X registers that nobody has touched since another guest left: X0 may be what it hands over. */
static void first_general(const struct why *y)
{
    const struct world *theirs = y->tag.world >= 0 ? y->c->worlds.list[y->tag.world] : NULL;

    if (y->reg && theirs && theirs != y->w && theirs->kind == WORLD_GUEST &&
        y->tag.kind == TAG_EXACT && !y->tag.from && !y->site.known && y->tag.reg == y->reg &&
        y->v.lo)
        report(y, RULE_LEAK, NULL, &own_wreg(y->u, theirs, y->reg)->left, "theirs",
               "it has another world's value from the start",
               "nothing sets the register for a new world");
}

static bool starts_anew(const struct why *y)
{
    const struct exit_state *s = checker_exit_state(y->c, y->w);

    return !s->valid || justify(s, y->w->kind == WORLD_HOST).anything;
}

/* A first value: others' that they have made is a leak. Zero says nothing: EL2 has set it without
 * being seen, as a host at EL1 does, or the others have left it so. */
static void first_entry(const struct why *y)
{
    const struct live *l = y->l;

    if (y->reg < 31)
        first_general(y);
    if (l->owner < 0 || l->owner == (int)y->w->index || l->written || y->reg < 31 ||
        (y->reg < REG_SYS && y->site.known) || !(y->v.lo | y->v.hi))
        return;
    const struct wreg *theirs = own_wreg(y->u, y->c->worlds.list[l->owner], y->reg);
    if (theirs->changed && theirs->value.lo == y->v.lo)
        report(y, y->u->switched_ever[y->reg] || y->reg < REG_SYS ? RULE_LEAK : RULE_UNSAVED, NULL,
               &theirs->left, "theirs", "it has another world's value from the start",
               "nothing sets the register for a new world");
}

/* What EL2 sets for a world: it may change its mind, but not leave another's. */
static void explain_config(const struct why *y)
{
    if (y->r->version && !y->l->written && y->l->owner >= 0 && y->l->owner != (int)y->w->index &&
        !regs_only_traps_more(y->c, y->p->cpu, y->reg, y->r->value.lo, y->v.lo))
        report(y,
               sysreg_owner(y->c->regs.desc[y->reg].sr) == OWNER_TIMER ? RULE_LEAK : RULE_TRAPCFG,
               NULL, &own_wreg(y->u, y->c->worlds.list[y->l->owner], y->reg)->left, "theirs",
               "it runs with what was set for another world", "nothing sets it on this way");
}

static struct why why_of(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                         struct value128 v, const struct arm_event *p)
{
    struct why y = {.c = c,
                    .u = u,
                    .w = w,
                    .reg = reg,
                    .v = v,
                    .p = p,
                    .r = own_wreg(u, w, reg),
                    .l = own_live(u, p->cpu, reg)};

    y.tag = reg < 31 ? flow_x(c->flow, p->cpu, reg) : y.l->tag;
    y.site = reg < 31 ? flow_x_site(c->flow, p->cpu, reg) : y.l->site;
    if (reg >= 31 && reg < REG_SYS && flow_v_site(c->flow, p->cpu, reg - 31).known) {
        y.tag = flow_v(c->flow, p->cpu, reg - 31);
        y.site = flow_v_site(c->flow, p->cpu, reg - 31);
    }
    return y;
}

/* The world's value does something that needs no access, and @v does not: counters count, debug
 * exceptions come. */
static bool is_missed(const struct arm_checker *c, struct own *u, const struct world *w,
                      unsigned reg, struct value128 v)
{
    const struct wreg *r = own_wreg(u, w, reg);
    uint64_t off = r->changed ? r->value.lo & ~v.lo : 0;
    unsigned set = c->regs.of_sysreg[SR_PMCNTENSET_EL0];

    if (c->regs.desc[reg].sr == SR_MDSCR_EL1)
        return off &
               (FIELD_MASK(MDSCR_EL1_SS) | FIELD_MASK(MDSCR_EL1_KDE) | FIELD_MASK(MDSCR_EL1_MDE));
    return c->regs.desc[reg].sr == SR_PMCR_EL0 && off & FIELD_MASK(PMCR_EL0_E) && set != REG_NONE &&
           own_wreg(u, w, set)->value.lo;
}

void own_check_unseen(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                      struct value128 v, const struct arm_event *p)
{
    if (!is_missed(c, u, w, reg, v))
        return;
    struct why y = why_of(c, u, w, reg, v, p);
    if (!own_is_right(&y))
        report(&y, RULE_LEAK, NULL, &y.site, "written",
               "what it does needs no access, and it has EL2's own value",
               "a register that has an effect is restored at once, not at the first access");
}

void own_explain(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                 struct value128 v, const struct arm_event *p)
{
    struct why y = why_of(c, u, w, reg, v, p);

    if (c->regs.desc[reg].owner == OWNER_EL2CFG)
        explain_config(&y);
    else if (!y.r->version || starts_anew(&y))
        first_entry(&y);
    else if (!own_is_right(&y))
        report_wrong(&y);
}

/* Overflows come while counters count, and only software takes them back: of the world's none is
 * missing, and none of who was there before has come along. */
static bool overflows_are_right(const struct why *y)
{
    uint64_t theirs =
        is_others(y) ? own_wreg(y->u, y->c->worlds.list[y->l->owner], y->reg)->value.lo : 0;

    return y->c->regs.desc[y->reg].sr == SR_PMOVSSET_EL0 &&
           !((y->r->value.lo & ~y->v.lo) | (theirs & y->v.lo & ~y->r->value.lo));
}

void own_explain_moving(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                        struct value128 v, const struct arm_event *p)
{
    struct why y = why_of(c, u, w, reg, v, p);
    const struct exit_state *s = checker_exit_state(c, w);

    if (!s->valid || justify(s, false).anything || y.r->trapped || overflows_are_right(&y))
        return;
    if (own_is_lost(y.r))
        report_lost(&y);
    else if (is_others(&y) && !y.l->written)
        report_left(&y);
    else if (is_foreign(&y))
        report_foreign(&y);
    else if (is_stale(&y))
        report_stale(&y, NULL);
}
