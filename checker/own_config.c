/*
 * EL2's configuration on each CPU: what EL2 has set on one, and a guest has run with there, it has
 * to set on the others too. A reset leaves most of it UNKNOWN.
 */
#include <glib.h>
#include <inttypes.h>

#include "base/bits.h"
#include "checker/justify.h"
#include "checker/own_state.h"
#include "checker/unit.h"

/* Of a CPU. */
struct own_config {
    bool ran;           /* a guest was entered here */
    bool set[REGS_MAX]; /* by EL2, since the CPU was reset */
    bool told[REGS_MAX];
};

/* What was before a run that does not begin at its reset is not known. */
static void reset(struct own_config *k, bool known)
{
    *k = (struct own_config){0};
    for (unsigned reg = 0; !known && reg < REGS_MAX; reg++)
        k->set[reg] = true;
}

void own_config_create(struct arm_checker *c, struct own *u)
{
    u->config = g_new0(struct own_config, c->cpu_count);
    for (unsigned cpu = 0; cpu < c->cpu_count; cpu++)
        reset(&u->config[cpu], arm_retired(c->m) == 0);
}

void own_config_event(struct arm_checker *c, struct own *u, const struct arm_event *p)
{
    unsigned reg = REG_NONE;

    if (p->kind == ARM_EVENT_POWER)
        reset(&u->config[p->cpu], true);
    else if (p->kind == ARM_EVENT_SYSREG_WRITE && sysreg_lookup(p->sysreg_write.sr) != SR_NONE)
        reg = regs_accessed(c, p->cpu, p->sysreg_write.sr);
    if (reg != REG_NONE)
        u->config[p->cpu].set[reg] = true;
}

/* Of what traps, the OS Lock: it keeps the world's debug exceptions back. */
static bool is_config(const struct arm_checker *c, unsigned reg)
{
    return c->regs.desc[reg].owner == OWNER_EL2CFG || c->regs.desc[reg].sr == SR_OSLSR_EL1;
}

/* It says what a virtual SError is, and there is none. */
static bool is_idle(const struct arm_checker *c, unsigned reg, const struct arm_event *p)
{
    return c->regs.desc[reg].sr == SR_VSESR_EL2 && !HCR_EL2_VSE(p->world.hcr);
}

static void report(struct arm_checker *c, const struct world *w, unsigned reg, uint64_t v,
                   unsigned other, uint64_t there, const struct arm_event *p)
{
    struct finding f = finding_entered(c, RULE_TRAPCFG, w, c->regs.desc[reg].sr,
                                       "every CPU that runs guests sets it, before the first", p);

    finding_say(&f,
                "EL2 has never set it on this CPU since its reset: it is %#" PRIx64
                ", and guests run with %#" PRIx64 " on cpu%u",
                v, there, other);
    finding_report(c, &f);
}

/* The world was on this CPU before, and has read another MIDR_EL1 there. */
static void check_constant(struct arm_checker *c, struct own *u, const struct world *w,
                           unsigned reg, uint64_t v, const struct arm_event *p)
{
    const struct wreg *r = own_wreg(u, w, reg);
    const struct live *l = own_live(u, p->cpu, reg);
    const struct exit_state *s = checker_exit_state(c, w);

    if (c->regs.desc[reg].sr != SR_VPIDR_EL2 || !r->version || r->value.lo == v || !l->written ||
        !s->valid || s->at.cpu != p->cpu || justify(s, false).anything)
        return;
    struct finding f = finding_entered(c, RULE_TRAPCFG, w, SR_VPIDR_EL2,
                                       "a virtual CPU keeps its MIDR_EL1 while it stays", p);
    f.at = l->site;
    finding_say(&f, "it was %#" PRIx64 " when the world left this CPU, and is %#" PRIx64 " now",
                r->value.lo, v);
    finding_report(c, &f);
}

void own_config_entered(struct arm_checker *c, struct own *u, const struct world *w, unsigned reg,
                        uint64_t v, const struct arm_event *p)
{
    struct own_config *here = &u->config[p->cpu];

    if (w->kind != WORLD_GUEST || !is_config(c, reg))
        return;
    here->ran = true;
    check_constant(c, u, w, reg, v, p);
    if (here->set[reg] || here->told[reg] || is_idle(c, reg, p))
        return;
    for (unsigned cpu = 0; cpu < c->cpu_count && !here->told[reg]; cpu++) {
        const struct own_config *k = &u->config[cpu];
        uint64_t there = u->entered[(size_t)cpu * REGS_MAX + reg].lo;
        if (!k->ran || !k->set[reg] || there == v)
            continue;
        here->told[reg] = true;
        report(c, w, reg, v, cpu, there, p);
    }
}
