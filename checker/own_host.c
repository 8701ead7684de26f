/*
 * A program of a host at EL2 (HCR_EL2.{E2H,TGE} both 1) is no world: which of its threads runs, and
 * with what, is not known. But it may not find a guest's value in a register that it reads; and one
 * that goes on where it was, with the stacks of before, is the thread that was there.
 */
#include <glib.h>
#include <inttypes.h>

#include "base/bits.h"
#include "checker/own_state.h"
#include "checker/unit.h"

static struct own *own(const struct arm_checker *c)
{
    return c->unit[UNIT_own];
}

/* Is the register one of EL0's, or open to it? */
static bool is_seen(const struct arm_checker *c, unsigned cpu, unsigned reg)
{
    enum sysreg_owner owner = c->regs.desc[reg].owner;

    if (reg < 31)
        return false; /* those that are handed over in them are not known */
    if (owner == OWNER_FP)
        return CPTR_EL2_FPEN(checker_reg(c, cpu, sysreg_number(SR_CPTR_EL2))) == 3;
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

/* ---- a thread that comes back ---- */

/* A program as an exception has left it. */
struct host_thread {
    uint64_t stack; /* SP_EL2: of EL2, for this thread */
    uint64_t pc, sp;
    uint64_t values[HOST_KEPT];
    struct site left;
};

static uint64_t sysreg(const struct arm_checker *c, unsigned cpu, enum sysreg sr)
{
    return checker_reg(c, cpu, sysreg_number(sr));
}

/* Registers of EL0 in order: the @n-th, or REG_NONE. SP_EL0 is compared apart. */
static unsigned kept_register(const struct arm_checker *c, unsigned n)
{
    for (unsigned reg = REG_SYS; reg < c->regs.count; reg++)
        if (c->regs.desc[reg].owner == OWNER_EL0 && c->regs.desc[reg].sr != SR_SP_EL0 && !n--)
            return reg;
    return REG_NONE;
}

void own_host_left(struct arm_checker *c, struct own *u, const struct arm_event *p)
{
    struct host_thread *t;
    uint64_t stack;

    if (p->exception.target_el != 2 || !HCR_EL2_TGE(sysreg(c, p->cpu, SR_HCR_EL2)))
        return;
    stack = sysreg(c, p->cpu, SR_SP_EL2);
    t = g_hash_table_lookup(u->threads, &stack);
    if (!t) {
        t = g_new0(struct host_thread, 1);
        t->stack = stack;
        g_hash_table_insert(u->threads, &t->stack, t);
    }
    t->pc = p->pc;
    t->sp = sysreg(c, p->cpu, SR_SP_EL0);
    t->left = site_bare(c, p);
    for (unsigned n = 0; n < HOST_KEPT && u->kept[n] != REG_NONE; n++)
        t->values[n] = regs_get(c, p->cpu, u->kept[n]).lo;
}

static void report_changed(struct arm_checker *c, struct own *u, const struct host_thread *t,
                           unsigned n, uint64_t now, const struct arm_event *p)
{
    const struct live *l = own_live(u, p->cpu, u->kept[n]);
    struct finding f = finding_at(c, RULE_CLOBBER, p);

    f.reg = c->regs.desc[u->kept[n]].number;
    f.other = t->left;
    f.other_role = "left";
    if (l->site.known)
        f.at = l->site;
    f.hint = "save the host's own value before a world's is loaded, and put it back behind it";
    finding_say(&f,
                "a program of the host had %#" PRIx64 " in it, and goes on at pc %#" PRIx64
                " with %#" PRIx64,
                t->values[n], t->pc, now);
    finding_report(c, &f);
}

/* EL2 returns to EL0: to a thread that it has come from? What leads to other code, or with another
 * stack, a signal or a program that was replaced, says nothing. */
static void check_thread(struct arm_checker *c, struct own *u, const struct arm_event *p)
{
    uint64_t stack = sysreg(c, p->cpu, SR_SP_EL2);
    const struct host_thread *t = g_hash_table_lookup(u->threads, &stack);

    if (!t || !c->guest_seen || t->pc != p->eret.target || t->sp != sysreg(c, p->cpu, SR_SP_EL0))
        return;
    for (unsigned n = 0; n < HOST_KEPT && u->kept[n] != REG_NONE; n++) {
        uint64_t now = regs_get(c, p->cpu, u->kept[n]).lo;
        const struct live *l = own_live(u, p->cpu, u->kept[n]);
        if (now != t->values[n] && l->owner < 0) /* else it is a guest's: LEAK */
            report_changed(c, u, t, n, now, p);
    }
    g_hash_table_remove(u->threads, &stack);
}

void own_host_create(struct arm_checker *c, struct own *u)
{
    u->threads = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    for (unsigned n = 0; n < HOST_KEPT; n++)
        u->kept[n] = (uint16_t)kept_register(c, n);
}

void own_host_destroy(struct own *u)
{
    g_hash_table_destroy(u->threads);
}

/* V registers are one group: the first that is seen is told. */
void own_host_entered(struct arm_checker *c, const struct arm_event *p)
{
    struct own *u = own(c);
    bool fp_told = false;

    if (p->eret.target_el != 0 || !HCR_EL2_TGE(checker_reg(c, p->cpu, sysreg_number(SR_HCR_EL2))))
        return;
    check_thread(c, u, p);
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
