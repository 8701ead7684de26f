/*
 * ASYMMETRIC-SWITCH: one half of a switch is missing this time. Values do not tell it while they
 * happen to be equal; what other switches have done does. A hypervisor that leaves out what has not
 * changed leaves it out each time: so only those saves and restores count as evidence that have
 * changed nothing.
 */
#include <glib.h>
#include <inttypes.h>

#include "checker/own_state.h"
#include "checker/unit.h"

#define EVIDENCE 2 /* switches */

static struct pair *pair_of(const struct own *u, unsigned cpu, unsigned reg)
{
    return &u->pairs[(size_t)cpu * REGS_MAX + reg];
}

void own_pair_create(struct arm_checker *c, struct own *u)
{
    u->pairs = g_new0(struct pair, (size_t)c->cpu_count * REGS_MAX);
    for (size_t k = 0; k < (size_t)c->cpu_count * REGS_MAX; k++)
        u->pairs[k].who = WORLD_NOBODY;
    u->saves = g_malloc0(REGS_MAX * sizeof(*u->saves));
    u->restores = g_malloc0(REGS_MAX * sizeof(*u->restores));
}

void own_pair_destroy(struct own *u)
{
    g_free(u->pairs);
    g_free(u->saves);
    g_free(u->restores);
}

/* Lazily switched groups have flags of their own, and traps that go with them. */
static bool is_paired(const struct arm_checker *c, unsigned reg)
{
    enum sysreg_owner owner = c->regs.desc[reg].owner;

    return reg >= REG_SYS && (owner == OWNER_EL0 || owner == OWNER_EL1 || owner == OWNER_PAUTH);
}

void own_pair_left(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                   bool changed, const struct arm_event *p)
{
    bool could = own_live(u, p->cpu, reg)->owner == (int)w->index && is_paired(c, reg) &&
                 !justify(checker_exit_state(c, w), w->kind == WORLD_HOST).anything;

    *pair_of(u, p->cpu, reg) = (struct pair){.who = could ? (int16_t)w->index : WORLD_NOBODY,
                                             .clean = !changed && own_wreg(u, w, reg)->saved};
}

void own_pair_read(struct own *u, unsigned cpu, unsigned reg)
{
    pair_of(u, cpu, reg)->read = true;
}

void own_pair_written(struct own *u, unsigned reg, const struct arm_event *p, const struct site *at)
{
    struct pair *r = pair_of(u, p->cpu, reg);

    r->equal = p->sysreg_write.before == p->sysreg_write.after;
    r->written = true;
    r->site = *at;
}

static void report(struct arm_checker *c, const struct world *w, unsigned reg,
                   const struct site *at, const char *what, uint32_t times,
                   const struct arm_event *p)
{
    struct finding f = finding_at(c, RULE_ASYMMETRIC_SWITCH, p);

    if (at->known) {
        f.other = f.at;
        f.other_role = "entered";
        f.at = *at;
    }
    f.world = w;
    f.reg = c->regs.desc[reg].number;
    f.hint = "a key, flag or feature test that says something else in each half of the switch";
    finding_say(&f, "%s; %" PRIu32 " switches before have done so, though it changed nothing", what,
                times);
    finding_report(c, &f);
}

/* @who has gone, and @w comes. */
static void switched(struct arm_checker *c, struct own *u, struct pair *r, const struct world *who,
                     const struct world *w, unsigned reg, const struct arm_event *p)
{
    unsigned kind = (who->kind == WORLD_HOST) * 2u + (w->kind == WORLD_HOST);
    uint32_t *saves = &u->saves[reg][kind], *restores = &u->restores[reg][kind];
    struct wreg *theirs = own_wreg(u, who, reg);
    struct site nowhere = {0};

    if (r->written && r->read) {
        *saves += r->clean;
        *restores += r->equal;
    } else if (r->written && *saves >= EVIDENCE) {
        theirs->unsaved = r->site; /* who has died is not saved: told when it comes back */
    } else if (!r->written && *restores >= EVIDENCE && own_wreg(u, w, reg)->version) {
        report(c, w, reg, &nowhere, "not restored at this switch", *restores, p);
    }
}

void own_pair_entered(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                      const struct arm_event *p)
{
    struct pair *r = pair_of(u, p->cpu, reg);
    struct wreg *mine = own_wreg(u, w, reg);
    const struct exit_state *s = checker_exit_state(c, w);

    if (mine->unsaved.known && s->valid)
        report(
            c, w, reg, &mine->unsaved, "overwritten at a switch, and not saved before",
            MAX(MAX(u->saves[reg][0], u->saves[reg][1]), MAX(u->saves[reg][2], u->saves[reg][3])),
            p);
    mine->unsaved.known = false;
    if (r->who >= 0 && r->who != (int)w->index)
        switched(c, u, r, c->worlds.list[r->who], w, reg, p);
    r->who = WORLD_NOBODY;
}
