/*
 * Threads of a host, at EL2 (HCR_EL2.{E2H,TGE} both 1) or at EL1. One that goes on at EL0 where an
 * exception has interrupted it, with the stacks of before, is the thread that was there, and finds
 * its registers as they were: those of EL0, V registers, keys of pointer authentication.
 */
#include <glib.h>
#include <inttypes.h>

#include "arch/esr.h"
#include "arch/vector.h"
#include "base/bits.h"
#include "checker/own_state.h"
#include "checker/unit.h"

#define KEPT_MAX   64
#define STACK_SIZE 0x4000 /* of a thread, at EL2: as far below its top as it runs a guest */

/* A thread as an exception has left it. */
struct host_thread {
    uint64_t stack; /* SP_EL2 or SP_EL1: of the host's kernel, for this thread */
    uint64_t pc, sp;
    bool called;    /* by an SVC, which may ask for other keys */
    bool fp;        /* V registers are its own */
    bool has_guest; /* it has run one since */
    struct value128 values[KEPT_MAX];
    struct site left;
};

/* SP_EL0 is compared apart. */
static bool is_kept(const struct arm_checker *c, unsigned reg)
{
    enum sysreg_owner owner = c->regs.desc[reg].owner;

    return reg >= 31 && c->regs.desc[reg].sr != SR_SP_EL0 &&
           (owner == OWNER_EL0 || owner == OWNER_FP || owner == OWNER_PAUTH);
}

/* The host is at EL2, and CPTR_EL2 in the layout of HCR_EL2.E2H. */
static bool is_at_el2(const struct arm_checker *c, unsigned cpu)
{
    return HCR_EL2_TGE(checker_sysreg(c, cpu, SR_HCR_EL2));
}

static uint64_t stack_of(const struct arm_checker *c, unsigned cpu)
{
    return checker_sysreg(c, cpu, is_at_el2(c, cpu) ? SR_SP_EL2 : SR_SP_EL1);
}

/* EL0 has FP and SIMD. */
static bool has_fp(const struct arm_checker *c, unsigned cpu)
{
    if (is_at_el2(c, cpu))
        return CPTR_EL2_FPEN(checker_sysreg(c, cpu, SR_CPTR_EL2)) == 3;
    return CPACR_EL1_FPEN(checker_sysreg(c, cpu, SR_CPACR_EL1)) == 3 && regs_fp_enabled(c, cpu);
}

void own_thread_left(struct arm_checker *c, struct own *u, const struct arm_event *p)
{
    struct host_thread *t;
    uint64_t stack;

    if (p->exception.target_el != (is_at_el2(c, p->cpu) ? 2 : 1))
        return;
    stack = stack_of(c, p->cpu);
    t = g_hash_table_lookup(u->threads, &stack);
    if (!t) {
        t = g_new0(struct host_thread, 1);
        t->stack = stack;
        g_hash_table_insert(u->threads, &t->stack, t);
    }
    t->pc = p->pc;
    t->sp = checker_sysreg(c, p->cpu, SR_SP_EL0);
    t->called = vector_kind(p->exception.vector) == VECTOR_SYNC &&
                bits(p->exception.esr, 31, 26) == ESR_EC_SVC64;
    t->fp = has_fp(c, p->cpu);
    t->has_guest = false;
    t->left = site_bare(c, p);
    for (unsigned n = 0; n < KEPT_MAX && u->kept[n] != REG_NONE; n++)
        t->values[n] = regs_get(c, p->cpu, u->kept[n]);
}

/* EL2 enters a guest: for the thread on whose stack it stands. */
void own_thread_runs(struct arm_checker *c, struct own *u, const struct arm_event *p)
{
    uint64_t sp = checker_sysreg(c, p->cpu, SR_SP_EL2);
    GHashTableIter all;
    void *t;

    g_hash_table_iter_init(&all, u->threads);
    while (g_hash_table_iter_next(&all, NULL, &t))
        if (((struct host_thread *)t)->stack - sp < STACK_SIZE)
            ((struct host_thread *)t)->has_guest = true;
}

static void report_changed(struct arm_checker *c, struct own *u, const struct host_thread *t,
                           unsigned n, struct value128 now, const struct arm_event *p)
{
    const struct live *l = own_live(u, p->cpu, u->kept[n]);
    bool fp = c->regs.desc[u->kept[n]].owner == OWNER_FP;
    struct finding f = finding_at(c, fp ? RULE_FP_OWNER : RULE_CLOBBER, p);

    f.reg = c->regs.desc[u->kept[n]].number;
    f.other = t->left;
    f.other_role = "left";
    if (l->site.known)
        f.at = l->site;
    f.hint = "save the host's own value before a world's is loaded, and put it back behind it";
    finding_say(&f,
                "a program of the host had %#" PRIx64 " in it, and goes on at pc %#" PRIx64
                " with %#" PRIx64,
                t->values[n].lo ^ (t->values[n].lo == now.lo ? t->values[n].hi : 0), t->pc,
                now.lo ^ (t->values[n].lo == now.lo ? now.hi : 0));
    finding_report(c, &f);
}

/* It is what a guest has left there: LEAK, where the host is at EL2 (own_host_entered()). */
static bool is_guests(const struct arm_checker *c, struct own *u, unsigned cpu, unsigned reg,
                      struct value128 v)
{
    int owner = own_live(u, cpu, reg)->owner;

    if (owner < 0 || !is_at_el2(c, cpu))
        return false;
    const struct value128 *theirs = &own_wreg(u, c->worlds.list[owner], reg)->value;
    return theirs->lo == v.lo && theirs->hi == v.hi;
}

/* Does the thread have the register, so that it has to be as it was? */
static bool is_compared(const struct arm_checker *c, const struct host_thread *t, unsigned cpu,
                        unsigned reg)
{
    switch (c->regs.desc[reg].owner) {
    case OWNER_FP:
        return t->fp && has_fp(c, cpu);
    case OWNER_PAUTH:
        return is_at_el2(c, cpu) && own_host_signs(c, cpu) && (t->has_guest || !t->called);
    default:
        return true;
    }
}

/* V registers change hands together: the first that differs stands for them. */
static void check(struct arm_checker *c, struct own *u, const struct host_thread *t,
                  const struct arm_event *p)
{
    bool fp_told = false;

    for (unsigned n = 0; n < KEPT_MAX && u->kept[n] != REG_NONE; n++) {
        unsigned reg = u->kept[n];
        struct value128 now = regs_get(c, p->cpu, reg);
        bool fp = c->regs.desc[reg].owner == OWNER_FP;
        if ((now.lo == t->values[n].lo && now.hi == t->values[n].hi) || (fp && fp_told) ||
            !is_compared(c, t, p->cpu, reg) || is_guests(c, u, p->cpu, reg, now))
            continue;
        report_changed(c, u, t, n, now, p);
        fp_told |= fp;
    }
}

/* EL2 returns to EL0: to a thread that it has come from? What leads to other code, or with another
 * stack, a signal or a program that was replaced, says nothing. */
void own_thread_entered(struct arm_checker *c, struct own *u, const struct arm_event *p)
{
    uint64_t stack = stack_of(c, p->cpu);
    const struct host_thread *t = g_hash_table_lookup(u->threads, &stack);

    if (!t || !c->guest_seen || t->pc != p->eret.target ||
        t->sp != checker_sysreg(c, p->cpu, SR_SP_EL0))
        return;
    check(c, u, t, p);
    g_hash_table_remove(u->threads, &stack);
}

/* ---- a host at EL1 ---- */

/* Crossings of EL0 and EL1: of the host those that matter. */
static void on_crossing(void *ctx, const struct arm_event *p)
{
    struct arm_checker *c = ctx;
    struct own *u = c->unit[UNIT_own];
    const struct world *w = p->cpu < c->cpu_count ? c->cpus[p->cpu].running : NULL;

    if (!w || w->kind != WORLD_HOST)
        return;
    if (p->kind == ARM_EVENT_EXCEPTION && p->el == 0)
        own_thread_left(c, u, p);
    else if (p->kind == ARM_EVENT_ERET && p->eret.target_el == 0)
        own_thread_entered(c, u, p);
}

void own_thread_below(struct arm_checker *c)
{
    const struct arm_filter filter = {.size = sizeof(filter),
                                      .events =
                                          ARM_BIT(ARM_EVENT_EXCEPTION) | ARM_BIT(ARM_EVENT_ERET),
                                      .els = ARM_BIT(0) | ARM_BIT(1)};

    if (!c->handles[CHECKER_CROSSINGS])
        c->handles[CHECKER_CROSSINGS] = arm_subscribe(c->m, &filter, on_crossing, c);
}

void own_thread_create(struct arm_checker *c, struct own *u)
{
    unsigned n = 0;

    u->threads = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    u->kept = g_new(uint16_t, KEPT_MAX);
    for (unsigned reg = 0; reg < c->regs.count && n < KEPT_MAX; reg++)
        if (is_kept(c, reg))
            u->kept[n++] = (uint16_t)reg;
    if (n < KEPT_MAX)
        u->kept[n] = REG_NONE;
}

void own_thread_destroy(struct own *u)
{
    g_hash_table_destroy(u->threads);
    g_free(u->kept);
}
