/*
 * A function of EL2 that enters a world, and returns to its caller when that has left: X19 to X29
 * are the caller's (AAPCS64, 6.1.1 "General-purpose registers"), and were the world's in between.
 * It is the same call if it returns behind its BL with the same SP, was followed from there to the
 * entry and from the exit to the RET, and one world was entered once. A function that keeps to
 * another convention does not load them, or has computed what it returns with.
 */
#include "checker/called.h"

#include <glib.h>
#include <inttypes.h>

#include "arch/sysreg.h"
#include "base/bits.h"
#include "checker/checker.h"
#include "checker/finding.h"
#include "checker/flow.h"
#include "checker/own.h"

#define FIRST      19
#define KEPT       11 /* X19 to X29 */
#define LINK       KEPT
#define OPEN_MAX   8
#define RETURN_MAX 8

/* That are right, of who keeps to it: if all were loaded, from somewhere, and if not. */
#define LOADED_LEAST 6
#define RIGHT_LEAST  9

struct call {
    uint64_t back, sp, x[KEPT];
    uint64_t sp_el0;
    bool own_sp_el0; /* that is a value of EL2's */
    bool entered;    /* a world, since */
    struct site at, entry;
    struct site gone[KEPT + 1]; /* what wrote each before that; the last: X30 */
};

struct caller {
    struct call open[OPEN_MAX];
    unsigned count;
    bool prepares;  /* an entry, since a world has left */
    bool left;      /* a world has, and no function has returned since that was called before */
    unsigned depth; /* functions that were called since */
    uint64_t sp;    /* as it left */
};

struct called {
    struct arm_checker *c;
    struct caller *cpus;
    uint64_t returns[RETURN_MAX]; /* where functions have returned to behind an exit, the latest */
    unsigned return_count;
};

struct called *called_new(struct arm_checker *c)
{
    struct called *u = g_new0(struct called, 1);

    u->c = c;
    u->cpus = g_new0(struct caller, c->cpu_count);
    return u;
}

void called_free(struct called *u)
{
    g_free(u->cpus);
    g_free(u);
}

static uint64_t kept(const struct called *u, unsigned cpu, unsigned n)
{
    return checker_reg(u->c, cpu, ARM_X(FIRST + n));
}

static bool is_return(const struct called *u, uint64_t pc)
{
    for (unsigned k = 0; k < RETURN_MAX; k++)
        if (u->returns[k] == pc)
            return true;
    return false;
}

/* Where EL2 is a host, SP_EL0 is who runs (Linux), and no world's. */
static bool is_own_sp_el0(const struct called *u, uint64_t value)
{
    return u->c->threads &&
           !own_is_worlds(u->c, u->c->regs.of_sysreg[SR_SP_EL0], (struct value128){.lo = value});
}

/* It has not returned, and never will: another function is called with this SP, and not by what
 * the world has left to. */
static bool is_over(const struct caller *v, const struct call *k, uint64_t sp)
{
    return k->sp < sp || (k->sp == sp && !(k->entered && v->left));
}

void called_call(struct called *u, const struct arm_event *p)
{
    struct caller *v = &u->cpus[p->cpu];
    uint64_t sp;

    v->depth += v->left;
    if (!v->prepares && !is_return(u, p->pc + 4))
        return;
    sp = checker_sysreg(u->c, p->cpu, SR_SP_EL2);
    while (v->count && is_over(v, &v->open[v->count - 1], sp))
        v->count--;
    if (v->count == OPEN_MAX)
        return;
    struct call *k = &v->open[v->count++];
    *k = (struct call){.back = p->pc + 4, .sp = sp, .at = site_bare(u->c, p)};
    k->sp_el0 = checker_sysreg(u->c, p->cpu, SR_SP_EL0);
    k->own_sp_el0 = is_own_sp_el0(u, k->sp_el0);
    for (unsigned n = 0; n < KEPT; n++)
        k->x[n] = kept(u, p->cpu, n);
}

void called_prepare(struct called *u, unsigned cpu)
{
    u->cpus[cpu].prepares = true;
}

void called_enter(struct called *u, const struct arm_event *p)
{
    struct caller *v = &u->cpus[p->cpu];

    v->left = false;
    if (v->count && (v->open[0].entered || !flow_is_on(u->c->flow, p->cpu)))
        v->count = 0;
    for (unsigned k = 0; k < v->count; k++) {
        v->open[k].entered = true;
        v->open[k].entry = site_bare(u->c, p);
        for (unsigned n = 0; n <= LINK; n++)
            v->open[k].gone[n] = flow_x_site(u->c->flow, p->cpu, FIRST + n);
    }
}

void called_exit(struct called *u, unsigned cpu)
{
    struct caller *v = &u->cpus[cpu];

    v->prepares = false;
    v->left = true;
    v->depth = 0;
    v->sp = checker_sysreg(u->c, cpu, SR_SP_EL2);
}

void called_lapse(struct called *u, unsigned cpu)
{
    u->cpus[cpu].count = 0;
    u->cpus[cpu].left = u->cpus[cpu].prepares = false;
}

/* ---- what is wrong ---- */

static bool is_loaded(const struct called *u, unsigned cpu, unsigned n)
{
    return flow_x_from(u->c->flow, cpu, FIRST + n) != 0;
}

static bool is_worlds(const struct called *u, unsigned cpu, unsigned n)
{
    struct tag tag = flow_x(u->c->flow, cpu, FIRST + n);

    return !is_loaded(u, cpu, n) && tag.kind == TAG_EXACT && tag.world >= 0;
}

/* What has stored it, X@reg, between the call and the entry, if it is still there. */
static const struct flow_access *saved_at(const struct called *u, const struct call *k,
                                          unsigned reg, uint64_t value)
{
    const struct flow_access *a = flow_accesses(u->c->flow);

    for (unsigned n = 0; n < FLOW_ACCESSES; n++) {
        uint64_t pair[2] = {0}; /* of STP the second is noted */
        if (!a[n].pa || a[n].at.cpu != k->at.cpu || a[n].at.total < k->at.total ||
            a[n].at.total > k->entry.total ||
            !arm_mem_read(u->c->m, a[n].pa - 8, pair, sizeof(pair)))
            continue;
        if ((a[n].at.rt == reg && pair[1] == value) ||
            ((a[n].at.rt == reg + 1 || a[n].at.rt + 1u == reg) && pair[0] == value))
            return &a[n];
    }
    return NULL;
}

/* It was put back from elsewhere than it was saved; was not saved; or was not put back. What was
 * computed there is a result, by another convention. */
static void report(struct called *u, const struct call *k, unsigned n, const struct arm_event *p)
{
    uint64_t was = n < KEPT ? k->x[n] : k->back, now = kept(u, p->cpu, n);
    struct site restored = flow_x_site(u->c->flow, p->cpu, FIRST + n);
    const struct flow_access *saved = saved_at(u, k, FIRST + n, was);
    struct finding f = finding_at(u->c, RULE_LEAK, p);

    f.reg = ARM_X(FIRST + n);
    f.other = k->at;
    f.other_role = "called";
    if (is_loaded(u, p->cpu, n)) {
        f.rule = saved ? RULE_WRONG_SLOT : RULE_LOST;
        f.at = saved || !k->gone[n].known ? restored : k->gone[n];
        f.other = saved ? saved->at : restored;
        f.other_role = saved ? "saved" : "restored";
        f.has_address = true;
        f.address = flow_x_from(u->c->flow, p->cpu, FIRST + n);
    } else if (!is_worlds(u, p->cpu, n)) {
        return;
    }
    f.hint = "who runs a world saves its caller's X19 to X30 before, and puts them back behind it";
    finding_say(&f,
                "a function of EL2 has called what runs a world with %#" PRIx64
                " in it, and that returns with %#" PRIx64,
                was, now);
    finding_report(u->c, &f);
}

/* EL2 has written it behind the exit, and not with what it was. */
static void check_sp_el0(struct called *u, const struct call *k, const struct arm_event *p)
{
    uint64_t now = checker_sysreg(u->c, p->cpu, SR_SP_EL0);

    if (!k->own_sp_el0 || now == k->sp_el0 ||
        !own_is_el2s(u->c, p->cpu, u->c->regs.of_sysreg[SR_SP_EL0]))
        return;
    struct finding f = finding_about(u->c, RULE_LOST, NULL, SR_SP_EL0, p);
    f.at = own_written_at(u->c, p->cpu, u->c->regs.of_sysreg[SR_SP_EL0]);
    f.other = k->at;
    f.other_role = "called";
    f.hint = "who runs a world saves what EL2 has in SP_EL0 before, and puts it back behind it";
    finding_say(&f, "EL2 had %#" PRIx64 " of its own in it, and has put back %#" PRIx64, k->sp_el0,
                now);
    finding_report(u->c, &f);
}

static void check(struct called *u, const struct call *k, const struct arm_event *p)
{
    unsigned loaded = 0, right = 0; /* of those that are loaded: who loads none keeps none */

    for (unsigned n = 0; n < KEPT; n++) {
        loaded += is_loaded(u, p->cpu, n);
        right += is_loaded(u, p->cpu, n) && kept(u, p->cpu, n) == k->x[n];
    }
    bool astray = kept(u, p->cpu, LINK) != k->back;
    if (right < (loaded == KEPT && !astray ? LOADED_LEAST : RIGHT_LEAST))
        return;
    check_sp_el0(u, k, p);
    for (unsigned n = 0; n < KEPT; n++)
        if (kept(u, p->cpu, n) != k->x[n])
            report(u, k, n, p);
    if (astray)
        report(u, k, LINK, p);
}

/* ---- the return ---- */

/* The last call that is open with this stack. */
static const struct call *find(const struct caller *v, uint64_t sp)
{
    for (unsigned k = v->count; k-- > 0;)
        if (v->open[k].sp == sp)
            return &v->open[k];
    return NULL;
}

void called_return(struct called *u, const struct arm_event *p, unsigned rn)
{
    struct caller *v = &u->cpus[p->cpu];
    uint64_t sp = checker_sysreg(u->c, p->cpu, SR_SP_EL2);
    uint64_t to = checker_reg(u->c, p->cpu, ARM_X(rn));
    const struct call *k = find(v, sp);
    bool comes_back = k && k->back == to;

    if (v->left && sp >= v->sp && !is_return(u, to))
        u->returns[u->return_count++ % RETURN_MAX] = to;
    if (v->left && v->depth && !comes_back) {
        v->depth--;
        return;
    }
    bool astray =
        v->left && rn == FIRST + LINK && (is_loaded(u, p->cpu, LINK) || is_worlds(u, p->cpu, LINK));
    if (k && k->entered && (comes_back || astray))
        check(u, k, p);
    if (k)
        v->count = (unsigned)(k - v->open);
    v->left &= v->depth != 0 && !(k && k->entered);
}
