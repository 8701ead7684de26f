/*
 * A program of EL2 that is interrupted may use V registers, SP_EL0 and TPIDR_EL0, which no
 * exception saves: a handler that enters worlds, or lets another program run, puts them back. Most
 * of what is in them is nobody's, or a world's that was left there, and may change; so what counts
 * is that the program reads what has changed before it has written it. Who saves what is there
 * reads it, too, for the world that it is of.
 */
#include "checker/resumed.h"

#include <glib.h>
#include <inttypes.h>

#include "base/bits.h"
#include "checker/checker.h"
#include "checker/flow_op.h"
#include "checker/own.h"

#define PAGE_BITS 12

static const enum sysreg sysregs[RESUMED_SYSREGS] = {SR_SP_EL0, SR_TPIDR_EL0};

/* A program that goes on, until it uses what has changed or something else runs. */
struct watch {
    uint64_t page;    /* of its stack */
    uint32_t vectors; /* BIT(n) */
    bool sysregs[RESUMED_SYSREGS];
    struct resumed_before before;
    struct site at; /* the ERET */
};

struct resumed {
    struct arm_checker *c;
    struct watch *watches; /* by CPU */
    uint64_t cpus[2];      /* whose use of vectors is told */
    int handle;            /* 0: none's */
};

struct resumed *resumed_new(struct arm_checker *c)
{
    struct resumed *u = g_new0(struct resumed, 1);

    u->c = c;
    u->watches = g_new0(struct watch, c->cpu_count);
    return u;
}

void resumed_free(struct resumed *u)
{
    if (u->handle)
        arm_unsubscribe(u->c->m, u->handle);
    g_free(u->watches);
    g_free(u);
}

static uint64_t page(const struct arm_checker *c, unsigned cpu)
{
    return (checker_sysreg(c, cpu, SR_SP_EL2) - 1) >> PAGE_BITS;
}

static void report(struct resumed *u, const struct watch *k, enum rule rule, uint32_t reg,
                   uint64_t was, uint64_t is, const struct arm_event *p)
{
    struct finding f = {.rule = rule,
                        .reg = reg,
                        .at = k->at,
                        .other = site_of(u->c, p),
                        .other_role = "used",
                        .hint = "who lets another program or a world run in between puts back what "
                                "this one had"};

    finding_say(&f,
                "EL2 goes on where an interrupt came, and uses it: it is %#" PRIx64
                ", and was %#" PRIx64,
                is, was);
    finding_report(u->c, &f);
}

/* ---- V registers ---- */

/* EOR of a register with itself is a way to write 0. */
static bool is_zeroing(uint32_t word)
{
    return (word & 0xbfe0fc00) == 0x2e201c00 && bits(word, 20, 16) == bits(word, 9, 5);
}

static void on_vectors(void *ctx, const struct arm_event *p);

/* Whether the use of vectors is told, of @cpu. */
static void toggle(struct resumed *u, unsigned cpu, bool on)
{
    if (on == (bool)bit(u->cpus[cpu / 64], cpu % 64))
        return;
    u->cpus[cpu / 64] ^= ARM_BIT(cpu % 64);
    if (u->handle)
        arm_unsubscribe(u->c->m, u->handle);
    const struct arm_filter filter = {.size = sizeof(filter),
                                      .events = ARM_BIT(ARM_EVENT_FP),
                                      .cpus = {u->cpus[0], u->cpus[1]},
                                      .els = ARM_BIT(2)};
    u->handle = u->cpus[0] | u->cpus[1] ? arm_subscribe(u->c->m, &filter, on_vectors, u) : 0;
}

static void on_vectors(void *ctx, const struct arm_event *p)
{
    struct resumed *u = ctx;
    struct watch *k = &u->watches[p->cpu];

    if (!k->vectors || k->page != page(u->c, p->cpu))
        return;
    struct flow_op o = flow_op_of(p->fp.word);
    uint32_t reads = is_zeroing(p->fp.word) ? 0 : o.v_reads & k->vectors;
    for (; reads; reads &= reads - 1) {
        unsigned n = (unsigned)__builtin_ctz(reads);
        struct value128 v = regs_get(u->c, p->cpu, REG_V(n));
        if (o.kind == FLOW_STORE && own_is_worlds(u->c, REG_V(n), v))
            continue;
        bool low = v.lo != k->before.v[n].lo;
        report(u, k, RULE_FP_OWNER, u->c->regs.desc[REG_V(n)].number,
               low ? k->before.v[n].lo : k->before.v[n].hi, low ? v.lo : v.hi, p);
        k->vectors = 0;
        break;
    }
    k->vectors &= ~o.v_writes;
    if (!k->vectors)
        toggle(u, p->cpu, false);
}

/* ---- system registers ---- */

void resumed_read(struct resumed *u, const struct arm_event *p)
{
    struct watch *k = &u->watches[p->cpu];

    for (unsigned n = 0; n < RESUMED_SYSREGS; n++) {
        if (!k->sysregs[n] || p->sysreg_read.sr != sysreg_number(sysregs[n]) ||
            k->page != page(u->c, p->cpu))
            continue;
        k->sysregs[n] = false;
        report(u, k, RULE_CLOBBER, p->sysreg_read.sr, k->before.s[n], p->sysreg_read.value, p);
    }
}

bool resumed_needs_reads(const struct resumed *u, unsigned cpu)
{
    const struct watch *k = &u->watches[cpu];
    bool needs = false;

    for (unsigned n = 0; n < RESUMED_SYSREGS; n++)
        needs |= k->sysregs[n];
    return needs;
}

/* ---- the interrupt ---- */

static bool is_worlds(const struct resumed *u, unsigned n, uint64_t value)
{
    return own_is_worlds(u->c, u->c->regs.of_sysreg[sysregs[n]], (struct value128){.lo = value});
}

void resumed_begin(struct resumed *u, struct resumed_before *b, const struct arm_event *p)
{
    const struct watch *k = &u->watches[p->cpu];

    b->cpu = p->cpu;
    b->vectors = k->page == page(u->c, p->cpu) ? k->vectors : 0;
    for (unsigned n = 0; n < RESUMED_VECTORS; n++)
        b->v[n] = bit(b->vectors, n) ? k->before.v[n] : regs_get(u->c, p->cpu, REG_V(n));
    for (unsigned n = 0; n < RESUMED_SYSREGS; n++) {
        b->s[n] = checker_sysreg(u->c, p->cpu, sysregs[n]);
        b->own[n] = own_is_el2s(u->c, p->cpu, u->c->regs.of_sysreg[sysregs[n]]) &&
                    !is_worlds(u, n, b->s[n]);
    }
}

void resumed_end(struct resumed *u, const struct resumed_before *b, const struct arm_event *p)
{
    struct watch *k = &u->watches[p->cpu];

    if (!u->c->guest_seen)
        return;
    *k = (struct watch){.page = page(u->c, p->cpu), .before = *b, .at = site_of(u->c, p)};
    for (unsigned n = 0; n < RESUMED_VECTORS; n++) {
        struct value128 v = regs_get(u->c, p->cpu, REG_V(n));
        k->vectors |= (uint32_t)(v.lo != b->v[n].lo || v.hi != b->v[n].hi) << n;
    }
    for (unsigned n = 0; n < RESUMED_SYSREGS; n++) {
        uint64_t v = checker_sysreg(u->c, p->cpu, sysregs[n]);
        k->sysregs[n] = b->own[n] && b->cpu == p->cpu && v != b->s[n] && is_worlds(u, n, v);
    }
    toggle(u, p->cpu, k->vectors != 0);
}

void resumed_stop(struct resumed *u, unsigned cpu)
{
    struct watch *k = &u->watches[cpu];

    if (k->vectors)
        toggle(u, cpu, false);
    *k = (struct watch){0};
}
