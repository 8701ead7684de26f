/*
 * TLB-MISS, TLB-SCOPE, BBM and VMID: what TLBs may hold is kept until a TLBI takes it away, however
 * small the machine's own TLB is. Descriptors are those of pages that walks have read (pages.h);
 * one that is valid while its tables are in use may be cached, walked or not.
 */
#include <inttypes.h>

#include "arch/sysreg.h"
#include "base/bits.h"
#include "checker/tlb_unit.h"
#include "checker/unit.h"

/* Deferred findings at most: tables that are dead for good leave some. */
#define DEFERRED_MAX 256

#define THREAD_STACK 0x4000 /* bytes of a thread's stack at EL2 that are looked at */

static void *create(struct arm_checker *c)
{
    struct tlb_unit *u = g_new0(struct tlb_unit, 1);

    u->checker = c;
    pages_init(&u->pages, c->cpu_count);
    u->cpu_count = c->cpu_count;
    u->cpu = g_new0(struct tlb_cpu, c->cpu_count);
    for (unsigned k = 0; k < c->cpu_count; k++) {
        u->cpu[k].marks = g_array_new(FALSE, FALSE, sizeof(struct tlb_mark));
        u->cpu[k].vmids = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    }
    u->stale = g_hash_table_new(g_int64_hash, g_int64_equal);
    u->deferred = g_array_new(FALSE, FALSE, sizeof(struct deferred));
    u->groups = g_array_new(FALSE, FALSE, sizeof(struct group_note));
    return u;
}

const char *tlb_context_text(const struct tlb_context *x, char *text, size_t size)
{
    if (x->stage == 2)
        g_snprintf(text, size, "stage 2 of VMID %u", x->vmid);
    else
        g_snprintf(text, size, "%s", x->regime == ARM_REGIME_EL2 ? "EL2" : "EL2&0");
    return text;
}

struct finding tlb_finding(const struct arm_checker *c, enum rule rule, const struct arm_event *p,
                           uint64_t pa)
{
    struct finding f = finding_at(c, rule, p);

    f.has_address = true;
    f.address = pa;
    return f;
}

/* Report @f now, or when the tables turn out to be in use still. */
void tlb_report(struct arm_checker *c, struct tlb_unit *u, const struct tlb_context *x,
                const struct finding *f)
{
    if (!u->armed)
        return;
    if (x->stage == 1 || x->running)
        finding_report(c, f);
    else if (u->deferred->len < DEFERRED_MAX)
        g_array_append_val(u->deferred, ((struct deferred){x, *f}));
}

/* @f relies on @r being invalid in TLBs. If a TLBI tried, then it is to blame. */
void tlb_blame(const struct stale *r, struct finding *f)
{
    char where[60];
    struct site relied = f->at;

    if (r->issued) {
        f->rule = RULE_NODSB;
        f->other = r->issued_at;
        f->other_role = "invalidated";
        f->hint = "a DSB behind the TLBI, before anything relies on it";
        finding_say(f,
                    "the descriptor of %#" PRIx64
                    " in %s was invalidated, and no DSB has completed that",
                    r->ia, tlb_context_text(r->context, where, sizeof(where)));
        return;
    }
    if (r->miss == MISS_NONE)
        return;
    f->rule = r->miss == MISS_UNORDERED ? RULE_NODSB : RULE_TLB_SCOPE;
    f->at = r->miss_at;
    f->other = r->changed;
    f->other_role = "changed";
    f->hint = r->miss == MISS_UNORDERED ? "DSB ISHST before the TLBI" : NULL;
    finding_say(f,
                "TLBI for the descriptor of %#" PRIx64
                " in %s: %s; that it is gone is relied on at pc %#" PRIx64,
                r->ia, tlb_context_text(r->context, where, sizeof(where)), stale_miss_text(r->miss),
                relied.pc);
}

/* @r, and what has changed with it, is told. */
void tlb_silence(struct stale *r)
{
    for (unsigned k = 0; k < r->context->stale->len; k++) {
        struct stale *other = g_ptr_array_index(r->context->stale, k);
        other->said |= other->clock == r->clock;
    }
}

/* EL2 returns to a program of its: the thread has done what it was asked for. */
static void returned(struct arm_checker *c, struct tlb_unit *u, const struct arm_event *p)
{
    uint64_t top = checker_sysreg(c, p->cpu, SR_SP_EL2);

    for (unsigned n = 0; n < u->pages.contexts->len; n++) {
        const struct tlb_context *x = g_ptr_array_index(u->pages.contexts, n);
        for (unsigned k = 0; k < x->stale->len; k++) {
            struct stale *r = g_ptr_array_index(x->stale, k);
            if (!tlb_is_tightened(r) || top - r->sp >= THREAD_STACK)
                continue;
            r->returned = site_of(c, p);
            u->tightened--;
        }
    }
}

/* A right that a thread has taken from @x, which is entered: it has returned, and no TLBI has come,
 * by whichever thread. */
static bool is_forgotten(const struct tlb_cpu *cpu, const struct tlb_context *x,
                         const struct stale *r)
{
    return cpu->running == x && r->returned.known;
}

/* What this CPU has changed and not invalidated, when it enters a world: with @running's tables,
 * or, where EL2 is no host that other threads of its may go on in, with any. */
static void check_unfinished(struct arm_checker *c, struct tlb_unit *u, const struct world *w,
                             struct tlb_context *x, bool host, const struct arm_event *p)
{
    char where[60];

    for (unsigned k = 0; k < x->stale->len && !x->over; k++) {
        struct stale *r = g_ptr_array_index(x->stale, k);
        bool mine = u->cpu[p->cpu].running == x && (r->change != CHANGE_PERMISSION || !c->threads);
        bool forgotten = is_forgotten(&u->cpu[p->cpu], x, r);
        if (r->said || r->issued ||
            !(forgotten || (r->changed.cpu == p->cpu && (mine || (!host && r->changed.el == 2)))))
            continue;
        struct finding f = tlb_finding(c, RULE_TLB_MISS, p, r->pa);
        if (forgotten)
            f.at = r->returned;
        f.world = w;
        f.other = r->changed;
        f.other_role = "changed";
        f.hint = "DSB, TLBI, DSB between the change and the return";
        finding_say(&f,
                    "the descriptor of %#" PRIx64 " in %s was %#" PRIx64
                    " and has changed (%s); no "
                    "TLBI has taken away what TLBs hold of it",
                    r->ia, tlb_context_text(x, where, sizeof(where)), r->value,
                    descriptor_change_text(r->change));
        tlb_blame(r, &f);
        finding_report(c, &f);
        tlb_silence(r);
    }
}

static void say_deferred(struct arm_checker *c, struct tlb_unit *u, const struct tlb_context *x,
                         const struct world *w)
{
    unsigned kept = 0;

    for (unsigned k = 0; k < u->deferred->len; k++) {
        struct deferred d = g_array_index(u->deferred, struct deferred, k);
        if (d.context != x) {
            g_array_index(u->deferred, struct deferred, kept++) = d;
            continue;
        }
        d.finding.world = w;
        finding_report(c, &d.finding);
    }
    g_array_set_size(u->deferred, kept);
}

static void enter(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct tlb_unit *u = state;
    struct tlb_cpu *cpu = &u->cpu[p->cpu];
    bool host = HCR_EL2_E2H(p->world.hcr);

    u->pages.clock++;
    u->armed |= w->kind == WORLD_GUEST;
    tlb_control_check(c, u, w, p);
    if (u->groups->len)
        tlb_group_check(c, u, w, p);
    if (HCR_EL2_VM(p->world.hcr) && w->root) {
        cpu->running = pages_stage2(&u->pages, p->world.vmid, w->root);
        cpu->running->running++;
        cpu->running->over = false;
        cpu->running->entered = u->pages.clock;
        say_deferred(c, u, cpu->running, w);
        tlb_vmid_check(c, u, w, p);
    }
    for (unsigned n = 0; u->stale_count && u->armed && n < u->pages.contexts->len; n++)
        check_unfinished(c, u, w, g_ptr_array_index(u->pages.contexts, n), host, p);
}

static void stop_running(struct tlb_cpu *cpu)
{
    if (cpu->running)
        cpu->running->running--;
    cpu->running = NULL;
}

static void leave(struct arm_checker *c, void *state, struct world *w, const struct arm_event *p)
{
    struct tlb_unit *u = state;

    (void)c;
    (void)w;
    if (u->cpu[p->cpu].running)
        u->cpu[p->cpu].running->entered = ++u->pages.clock;
    stop_running(&u->cpu[p->cpu]);
}

static void power(struct tlb_cpu *cpu)
{
    stop_running(cpu);
    cpu->own.written.known = false;
}

static void event(struct arm_checker *c, void *state, const struct arm_event *p)
{
    struct tlb_unit *u = state;

    if (p->cpu >= c->cpu_count)
        return;
    u->pages.clock++;
    if (p->kind == ARM_EVENT_WALK)
        pages_walked(c, &u->pages, p);
    else if (p->kind == ARM_EVENT_STORE)
        tlb_stored(c, u, p);
    else if (p->kind == ARM_EVENT_TLBI)
        tlb_maintained(c, u, p);
    else if (p->kind == ARM_EVENT_BARRIER)
        tlb_barrier(c, u, p);
    else if (p->kind == ARM_EVENT_SYSREG_WRITE)
        tlb_control_written(c, u, p);
    else if (p->kind == ARM_EVENT_POWER)
        power(&u->cpu[p->cpu]);
    else if (p->kind == ARM_EVENT_ERET && p->el == 2 && p->eret.target_el == 0 && u->tightened)
        returned(c, u, p);
}

/* Also those in marks: they are in no list. */
static void free_marks(struct tlb_cpu *cpu)
{
    for (unsigned k = 0; k < cpu->marks->len; k++) {
        struct stale *r = g_array_index(cpu->marks, struct tlb_mark, k).stale;
        if (r && --r->marks == 0 && r->gone)
            g_free(r);
    }
    g_array_unref(cpu->marks);
    g_hash_table_destroy(cpu->vmids);
}

static void destroy(void *state)
{
    struct tlb_unit *u = state;

    for (unsigned k = 0; k < u->cpu_count; k++)
        free_marks(&u->cpu[k]);
    for (unsigned n = 0; n < u->pages.contexts->len; n++) {
        struct tlb_context *x = g_ptr_array_index(u->pages.contexts, n);
        for (unsigned k = 0; k < x->stale->len; k++)
            g_free(g_ptr_array_index(x->stale, k));
    }
    pages_free(u->checker, &u->pages);
    g_hash_table_destroy(u->stale);
    g_array_unref(u->deferred);
    g_array_unref(u->groups);
    g_free(u->cpu);
    g_free(u);
}

const struct check_unit unit_tlb = {
    .at_el2 = ARM_BIT(ARM_EVENT_TLBI) | ARM_BIT(ARM_EVENT_BARRIER) |
              ARM_BIT(ARM_EVENT_SYSREG_WRITE) | ARM_BIT(ARM_EVENT_ERET),
    .everywhere = ARM_BIT(ARM_EVENT_WALK) | ARM_BIT(ARM_EVENT_STORE) | ARM_BIT(ARM_EVENT_POWER),
    .create = create,
    .event = event,
    .exit = leave,
    .enter = enter,
    .destroy = destroy,
};
