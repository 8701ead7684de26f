/*
 * A program of a host at EL2 (HCR_EL2.{E2H,TGE} both 1) is no world: which of its threads runs, and
 * with what, is not known. But it may not find a guest's value in a register that it reads.
 */
#include <glib.h>
#include <inttypes.h>

#include "checker/own_state.h"
#include "checker/unit.h"

static struct own *own(const struct arm_checker *c)
{
    return c->unit[UNIT_own];
}

bool own_host_signs(const struct arm_checker *c, unsigned cpu)
{
    uint64_t sctlr = checker_sysreg(c, cpu, SR_SCTLR_EL2);

    return SCTLR_EL2_EnIA(sctlr) || SCTLR_EL2_EnIB(sctlr) || SCTLR_EL2_EnDA(sctlr) ||
           SCTLR_EL2_EnDB(sctlr);
}

/* Is the register one of EL0's, or open to it? */
static bool is_seen(const struct arm_checker *c, unsigned cpu, unsigned reg)
{
    enum sysreg_owner owner = c->regs.desc[reg].owner;

    if (reg < 31)
        return false; /* those that are handed over in them are not known */
    if (owner == OWNER_PAUTH)
        return own_host_signs(c, cpu);
    if (owner == OWNER_FP)
        return CPTR_EL2_FPEN(checker_sysreg(c, cpu, SR_CPTR_EL2)) == 3;
    return owner == OWNER_EL0;
}

static void report(struct arm_checker *c, const struct wreg *theirs, const struct world *w,
                   unsigned reg, const struct arm_event *p)
{
    struct finding f = finding_at(c, RULE_LEAK, p);

    f.world = w;
    f.reg = c->regs.desc[reg].number;
    f.other = theirs->left;
    f.other_role = "left";
    f.hint = "put the host's own value back before its programs run";
    finding_say(&f, "a program of the host is entered with the world's value, %#" PRIx64,
                theirs->value.lo);
    finding_report(c, &f);
}

/* The values that the host's programs are entered with, of the registers that are EL0's. */
static void remember(const struct arm_checker *c, struct own *u, unsigned cpu)
{
    for (unsigned reg = REG_SYS; reg < c->regs.count; reg++) {
        struct host_values *h = &u->host_values[reg];
        if (c->regs.desc[reg].owner != OWNER_EL0)
            continue;
        uint64_t v = regs_get(c, cpu, reg).lo;
        if (v && h->list[h->last] != v) {
            h->last = (h->last + 1) % HOST_VALUES;
            h->list[h->last] = v;
        }
    }
}

bool own_is_hosts(const struct own *u, unsigned reg, struct value128 v)
{
    for (unsigned k = 0; v.lo && k < HOST_VALUES; k++)
        if (u->host_values[reg].list[k] == v.lo)
            return true;
    return false;
}

/* V registers are one group: the first that is seen is told. */
void own_host_entered(struct arm_checker *c, const struct arm_event *p)
{
    struct own *u = own(c);
    bool fp_told = false;

    if (p->eret.target_el != 0 || !HCR_EL2_TGE(checker_sysreg(c, p->cpu, SR_HCR_EL2)))
        return;
    own_thread_entered(c, u, p);
    remember(c, u, p->cpu);
    for (unsigned reg = 31; c->guest_seen && reg < c->regs.count; reg++) {
        const struct live *l = own_live(u, p->cpu, reg);
        const struct world *w = l->owner >= 0 ? c->worlds.list[l->owner] : NULL;
        bool fp = c->regs.desc[reg].owner == OWNER_FP;
        if (!w || w->kind != WORLD_GUEST || (fp && fp_told) || !is_seen(c, p->cpu, reg))
            continue;
        const struct wreg *theirs = own_wreg(u, w, reg);
        struct value128 v = regs_get(c, p->cpu, reg);
        if (!theirs->changed || v.lo != theirs->value.lo || v.hi != theirs->value.hi ||
            !(v.lo | v.hi))
            continue;
        report(c, theirs, w, reg, p);
        fp_told |= fp;
    }
}
