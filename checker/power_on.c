/*
 * PSCI CPU_ON (DEN0022, "CPU_ON" and "Initial Core configuration"): the core starts at the entry
 * point, with the context in X0, interrupts masked, MMU and caches off. Who was told so is known by
 * VTTBR_EL2 and by the affinity; which of several calls was the one that counts is not: one of them
 * has to fit. One that is on stays as it is (ALREADY_ON).
 */
#include "checker/power_on.h"

#include <glib.h>
#include <inttypes.h>

#include "arch/esr.h"
#include "arch/psci.h"
#include "arch/sysreg.h"
#include "base/bits.h"
#include "checker/checker.h"
#include "checker/finding.h"
#include "checker/justify.h"

#define CALLS 8 /* for one virtual CPU that has not started yet, the last ones */

#define PSTATE_AIF MASK(8, 6)
#define EL1H       5
#define SCTLR_OFF  (FIELD_MASK(SCTLR_EL1_M) | FIELD_MASK(SCTLR_EL1_C) | FIELD_MASK(SCTLR_EL1_I))

struct call {
    uint64_t root, affinity, entry, context;
    bool was_on; /* who is called */
    struct site at;
};

struct power_on {
    GArray *calls; /* struct call, in their order */
    GArray *on;    /* bool by world: it has been entered in this life of its VM, and not left for
                    * good */
};

struct power_on *power_on_new(void)
{
    struct power_on *u = g_new0(struct power_on, 1);

    u->calls = g_array_new(FALSE, TRUE, sizeof(struct call));
    u->on = g_array_new(FALSE, TRUE, sizeof(bool));
    return u;
}

void power_on_free(struct power_on *u)
{
    g_array_unref(u->calls);
    g_array_unref(u->on);
    g_free(u);
}

static bool calls(const struct exit_state *s, uint32_t function)
{
    return justify_is_call(s) && (s->x[0] & MASK(31, 0) & ~(uint64_t)SMCCC_64) == function;
}

static bool *on(struct power_on *u, const struct world *w)
{
    if (u->on->len <= w->index)
        g_array_set_size(u->on, w->index + 1);
    return &g_array_index(u->on, bool, w->index);
}

/* The VM begins anew, by a reset or another one in its place: nobody is on. */
static void all_off(struct arm_checker *c, struct power_on *u, const struct world *w)
{
    for (unsigned k = 0; k < c->worlds.count; k++)
        if (c->worlds.list[k]->root == w->root)
            *on(u, c->worlds.list[k]) = false;
}

static bool is_for(const struct call *k, const struct world *w)
{
    return k->root == w->root && k->affinity == (w->vmpidr & MPIDR_AFFINITY);
}

void power_on_left(struct arm_checker *c, struct power_on *u, const struct world *w)
{
    const struct exit_state *s = checker_exit_state(c, w);
    uint64_t width = s->x[0] & SMCCC_64 ? ~UINT64_C(0) : MASK(31, 0);

    if (w->kind == WORLD_GUEST && justify_starts_anew(s)) {
        if (calls(s, PSCI_CPU_OFF))
            *on(u, w) = false;
        else
            all_off(c, u, w);
    }
    if (w->kind != WORLD_GUEST || !calls(s, PSCI_CPU_ON_32))
        return;
    struct call call = {.root = w->root,
                        .affinity = s->x[1] & width & MPIDR_AFFINITY,
                        .entry = s->x[2] & width,
                        .context = s->x[3] & width,
                        .at = s->at};
    for (unsigned k = 0; k < c->worlds.count; k++)
        call.was_on |= is_for(&call, c->worlds.list[k]) && *on(u, c->worlds.list[k]);
    unsigned same = 0, first = u->calls->len;
    for (unsigned k = u->calls->len; k--;) {
        const struct call *o = &g_array_index(u->calls, struct call, k);
        if (o->root == call.root && o->affinity == call.affinity) {
            first = k;
            same++;
        }
    }
    if (same == CALLS)
        g_array_remove_index(u->calls, first);
    g_array_append_val(u->calls, call);
}

/* The last call that @w begins by at @pc with @context, or at @pc, or else the last one. NULL:
 * none. */
static const struct call *call_of(const struct power_on *u, const struct world *w, uint64_t pc,
                                  uint64_t context)
{
    const struct call *best = NULL;
    int fits = -1;

    for (unsigned k = 0; k < u->calls->len; k++) {
        const struct call *o = &g_array_index(u->calls, struct call, k);
        int fit = o->entry != pc ? 0 : o->context != context ? 1 : 2;
        if (is_for(o, w) && fit >= fits) {
            best = o;
            fits = fit;
        }
    }
    return best;
}

static void forget(struct power_on *u, const struct world *w)
{
    for (unsigned k = u->calls->len; k--;)
        if (is_for(&g_array_index(u->calls, struct call, k), w))
            g_array_remove_index(u->calls, k);
}

static void report(struct arm_checker *c, const struct world *w, enum rule rule, uint32_t reg,
                   const struct call *call, const char *is, uint64_t value, uint64_t wanted,
                   const struct arm_event *p)
{
    struct finding f = finding_at(c, rule, p);

    f.world = w;
    f.reg = reg;
    f.other = call->at;
    f.other_role = "CPU_ON";
    f.hint = "PSCI's initial state: the entry point, X0, PSTATE with A, I and F at EL1h, and "
             "SCTLR_EL1 with M, C and I clear";
    finding_say(&f, "it is switched on with %#" PRIx64 ", %s %#" PRIx64, value, is, wanted);
    finding_report(c, &f);
}

/* @w goes on elsewhere than where it left: where a CPU_ON for it, which was on, begins. */
static bool check_on(struct arm_checker *c, const struct world *w, const struct call *call,
                     const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);
    uint64_t pc = p->world.target;

    if (!call || !call->was_on || pc != call->entry ||
        checker_reg(c, p->cpu, ARM_X(0)) != call->context)
        return false;
    struct finding f = finding_about(c, RULE_PC, w, SR_ELR_EL2, p);
    f.other = call->at;
    f.other_role = "CPU_ON";
    f.hint = "PSCI's ALREADY_ON: what runs keeps its registers";
    finding_say(&f, "it is switched on, at %#" PRIx64 ", and was on: it had left at %#" PRIx64, pc,
                s->pc);
    finding_report(c, &f);
    return true;
}

static void check_start(struct arm_checker *c, const struct world *w, const struct call *call,
                        const struct arm_event *p)
{
    uint64_t pc = p->world.target, x0 = checker_reg(c, p->cpu, ARM_X(0));
    uint64_t pstate = checker_sysreg(c, p->cpu, SR_SPSR_EL2);
    uint64_t sctlr = checker_sysreg(c, p->cpu, SR_SCTLR_EL1);

    if (pc != call->entry)
        report(c, w, RULE_PC, sysreg_number(SR_ELR_EL2), call, "and its entry point is", pc,
               call->entry, p);
    else if ((pstate & (PSTATE_AIF | MASK(4, 0))) != (PSTATE_AIF | EL1H))
        report(c, w, RULE_PC, sysreg_number(SR_SPSR_EL2), call, "not with EL1h and masks,", pstate,
               PSTATE_AIF | EL1H, p);
    else if (x0 != call->context)
        report(c, w, RULE_CLOBBER, ARM_X(0), call, "and its context is", x0, call->context, p);
    else if (sctlr & SCTLR_OFF)
        report(c, w, RULE_CLOBBER, sysreg_number(SR_SCTLR_EL1), call, "which is to be without",
               sctlr, SCTLR_OFF, p);
}

bool power_on_entered(struct arm_checker *c, struct power_on *u, const struct world *w,
                      const struct arm_event *p)
{
    const struct exit_state *s = checker_exit_state(c, w);
    uint64_t pc = p->world.target;
    bool stays = s->valid && (pc == s->pc || pc == s->pc + 4); /* a CPU_OFF that was denied, too */
    const struct call *call = w->kind == WORLD_GUEST && !stays
                                  ? call_of(u, w, pc, checker_reg(c, p->cpu, ARM_X(0)))
                                  : NULL;
    bool starts = !s->valid || calls(s, PSCI_CPU_OFF);
    bool told = !starts && !justify_starts_anew(s) && *on(u, w) && check_on(c, w, call, p);

    if (starts && call)
        check_start(c, w, call, p);
    else if (s->reset && !told)
        all_off(c, u, w);
    if (call && (starts || told))
        forget(u, w);
    *on(u, w) = true;
    return told;
}
