#include "checker/account.h"

#include <glib.h>
#include <inttypes.h>
#include <string.h>

#include "arch/esr.h"
#include "arch/sysreg_owner.h"
#include "arch/vector.h"
#include "base/bits.h"
#include "checker/account_state.h"
#include "checker/checker.h"

/* An instruction this close before a register access is of the access's phase: it computes its
 * value. */
#define PHASE_REACH 16

/* Passages of a reason whose accesses to memory are counted: the first ones, and then each so many.
 * An observed passage is slower. One that grows longer is given up: behind it a host has done
 * something else. */
#define MEASURED_FIRST 4
#define MEASURED_EACH  64
#define MEASURED_INSNS 20000

const char *const phase_words[PHASE_COUNT] = {
#define PHASE(name, word, text) word,
#include "checker/phases.def"
#undef PHASE
    "total"};

const char *const metric_words[METRIC_COUNT] = {
#define X(member, word) word,
    METRICS(X)
#undef X
};

_Static_assert(METRIC_COUNT * sizeof(uint64_t) == sizeof(struct tally), "a tally is an array");

const char *const kind_words[2] = {[WORLD_HOST] = "host", [WORLD_GUEST] = "guest"};

uint64_t account_metric(const struct tally *t, size_t k)
{
    uint64_t v;

    memcpy(&v, (const char *)t + k * sizeof(v), sizeof(v));
    return v;
}

struct account *account_new(struct arm_machine *m, unsigned cpu_count)
{
    struct account *a = g_new0(struct account, 1);

    a->m = m;
    a->cpu_count = cpu_count;
    a->open = g_new0(struct passage, cpu_count);
    a->limits = g_array_new(FALSE, TRUE, sizeof(struct limit));
    return a;
}

void account_free(struct account *a)
{
    if (!a)
        return;
    if (a->handle)
        arm_unsubscribe(a->m, a->handle);
    g_array_unref(a->limits);
    g_free(a->open);
    g_free(a);
}

static enum phase phase_of_owner(enum sysreg sr)
{
    switch (sysreg_owner(sr)) {
    case OWNER_EL0:
    case OWNER_EL1:
    case OWNER_PAUTH:
        return PHASE_EL1;
    case OWNER_FP:
        return PHASE_FP;
    case OWNER_TIMER:
        return PHASE_TIMERS;
    case OWNER_GICV:
    case OWNER_GICC:
        return PHASE_GIC;
    case OWNER_DEBUG:
    case OWNER_PMU:
        return PHASE_DEBUG;
    case OWNER_EL2CFG:
        return PHASE_CONFIG;
    default:
        return PHASE_HANDLER;
    }
}

/* A register's phase is its owner's, but for what EL2 configures for one of the groups. */
static enum phase phase_of(uint16_t number)
{
    enum sysreg sr = sysreg_lookup(number);

    switch (sr) {
    case SR_VTTBR_EL2:
    case SR_VTCR_EL2:
        return PHASE_STAGE2;
    case SR_CPTR_EL2:
        return PHASE_FP;
    case SR_MDCR_EL2:
        return PHASE_DEBUG;
    case SR_ICC_SRE_EL2:
        return PHASE_GIC;
    case SR_ELR_EL2:
    case SR_SPSR_EL2:
    case SR_ESR_EL2:
    case SR_FAR_EL2:
    case SR_HPFAR_EL2:
        return PHASE_SYNDROME;
    case SR_NONE:
        return PHASE_HANDLER;
    default:
        return phase_of_owner(sr);
    }
}

/* The instructions up to @count are of @phase, if it comes close behind them. */
static struct tally *advance(struct passage *o, enum phase phase, uint64_t count)
{
    uint64_t gap = count - o->upto;
    enum phase of = !o->begun ? PHASE_TRAP : gap <= PHASE_REACH ? phase : PHASE_HANDLER;

    o->tally[of].insns += gap;
    o->tally[of].bytes += o->bytes;
    o->begun = true;
    o->upto = count;
    o->bytes = 0;
    return &o->tally[phase];
}

/* What the machine has listed of @cpu's reads since comes before what it tells now. */
static void take_listed(struct account *a, unsigned cpu)
{
    struct passage *o = &a->open[cpu];
    size_t count;
    const struct arm_listed_read *read = arm_take_listed(a->m, cpu, &count);

    for (size_t k = 0; o->open && k < count; k++)
        advance(o, phase_of((uint16_t)read[k].reg), read[k].count)->reads++;
}

/* ---- accesses to memory ---- */

static void on_access(void *ctx, const struct arm_event *p);

static void measure(struct account *a, unsigned cpu, bool on)
{
    struct passage *o = &a->open[cpu];

    if (o->measured == on)
        return;
    o->measured = on;
    a->measuring[cpu / 64] ^= ARM_BIT(cpu % 64);
    if (a->handle)
        arm_unsubscribe(a->m, a->handle);
    const struct arm_filter filter = {.size = sizeof(filter),
                                      .events = ARM_BIT(ARM_EVENT_MEM),
                                      .cpus = {a->measuring[0], a->measuring[1]},
                                      .els = ARM_BIT(2)};
    a->handle = a->measuring[0] | a->measuring[1] ? arm_subscribe(a->m, &filter, on_access, a) : 0;
    if (!a->handle)
        o->measured = false;
}

static void on_access(void *ctx, const struct arm_event *p)
{
    struct account *a = ctx;
    struct passage *o = &a->open[p->cpu];

    take_listed(a, p->cpu);
    if (!a->exact && p->count - o->left.count > MEASURED_INSNS)
        measure(a, p->cpu, false);
    else
        o->bytes += p->mem.size;
}

static bool is_measured(const struct account *a, const struct passage *o)
{
    uint64_t number = a->reasons[o->kind][o->reason].passages;

    return a->exact || number < MEASURED_FIRST || number % MEASURED_EACH == 0;
}

/* ---- passages ---- */

void account_event(struct account *a, const struct arm_event *p)
{
    struct passage *o = p->cpu < a->cpu_count ? &a->open[p->cpu] : NULL;

    if (o)
        take_listed(a, p->cpu);
    if (!o || !o->open)
        return;
    switch (p->kind) {
    case ARM_EVENT_SYSREG_READ:
        advance(o, phase_of(p->sysreg_read.sr), p->count)->reads++;
        break;
    case ARM_EVENT_SYSREG_WRITE:
        advance(o, phase_of(p->sysreg_write.sr), p->count)->writes++;
        break;
    case ARM_EVENT_TLBI:
        advance(o, PHASE_STAGE2, p->count)->tlbis++;
        break;
    case ARM_EVENT_BARRIER:
        o->tally[o->begun ? PHASE_HANDLER : PHASE_TRAP].barriers++;
        break;
    case ARM_EVENT_EXCEPTION:
        advance(o, PHASE_HANDLER, p->count)->traps++;
        break;
    default:
        break;
    }
}

unsigned account_reason_of(const struct arm_event *p)
{
    switch (vector_kind(p->world.vector)) {
    case VECTOR_IRQ:
        return REASON_IRQ;
    case VECTOR_FIQ:
        return REASON_FIQ;
    case VECTOR_SERROR:
        return REASON_SERROR;
    default:
        return (unsigned)bits(p->world.esr, 31, 26);
    }
}

void account_exit(struct account *a, const struct arm_checker *c, const struct world *w,
                  const struct arm_event *p)
{
    struct passage *o = &a->open[p->cpu];

    measure(a, p->cpu, false);
    *o = (struct passage){.open = true,
                          .kind = w->kind,
                          .reason = account_reason_of(p),
                          .left = site_of(c, p),
                          .upto = p->count};
    if (is_measured(a, o))
        measure(a, p->cpu, true);
}

static void add_total(struct passage *o)
{
    struct tally *t = &o->tally[PHASE_TOTAL];

    for (unsigned k = 0; k < PHASE_TOTAL; k++) {
#define X(member, word) t->member += o->tally[k].member;
        METRICS(X)
#undef X
    }
}

static void add_to_reason(struct reason *r, const struct passage *o)
{
    uint64_t insns = o->tally[PHASE_TOTAL].insns;

    if (!r->passages++ || insns < r->min_insns)
        r->min_insns = insns;
    r->measured += o->measured;
    for (unsigned k = 0; k < PHASE_COUNT; k++) {
#define X(member, word)                                                                            \
    r->sum[k].member += o->tally[k].member;                                                        \
    r->max[k].member = MAX(r->max[k].member, o->tally[k].member);
        METRICS(X)
#undef X
    }
}

void account_enter(struct account *a, const struct arm_checker *c, const struct arm_event *p)
{
    struct passage *o = &a->open[p->cpu];

    if (!o->open)
        return;
    o->tally[PHASE_RETURN].insns += p->count - o->upto;
    o->tally[PHASE_RETURN].bytes += o->bytes;
    for (unsigned k = 0; !o->measured && k < PHASE_COUNT; k++)
        o->tally[k].bytes = 0;
    add_total(o);
    add_to_reason(&a->reasons[o->kind][o->reason], o);
    budget_check(a, c, o, p);
    o->open = false;
    measure(a, p->cpu, false);
}

const char *account_reason_word(unsigned reason, char buf[16])
{
    static const char *const words[REASON_COUNT] = {
#define ESR_EC(name, value, text) [value] = #name,
#include "arch/esr.def"
#undef ESR_EC
        [REASON_IRQ] = "IRQ", [REASON_FIQ] = "FIQ", [REASON_SERROR] = "SERROR_VECTOR"};

    g_snprintf(buf, 16, "EC_0x%02x", reason);
    return words[reason] ? words[reason] : buf;
}

/* ---- printing ---- */

/* Means of bytes are those of the passages that were measured. */
static void bytes_text(const struct reason *r, enum phase phase, char *buf, unsigned size)
{
    if (r->measured)
        g_snprintf(buf, size, "%.1f", (double)r->sum[phase].bytes / (double)r->measured);
    else
        g_snprintf(buf, size, "-");
}

static void print_phase(const struct reason *r, enum phase phase, arm_line_fn *line, void *ctx)
{
    const struct tally *t = &r->sum[phase];
    double n = (double)r->passages;
    char text[256], bytes[24];

    if (!(t->insns | t->reads | t->writes | t->tlbis | t->barriers))
        return;
    bytes_text(r, phase, bytes, sizeof(bytes));
    g_snprintf(text, sizeof(text),
               "        %-9s insns %8.1f  reads %6.1f  writes %6.1f  barriers %5.1f  tlbis %5.1f  "
               "bytes %s",
               phase_words[phase], (double)t->insns / n, (double)t->reads / n,
               (double)t->writes / n, (double)t->barriers / n, (double)t->tlbis / n, bytes);
    line(ctx, text);
}

static void print_reason(const struct reason *r, const char *kind, const char *word,
                         arm_line_fn *line, void *ctx)
{
    const struct tally *t = &r->sum[PHASE_TOTAL];
    char text[256], bytes[24];

    bytes_text(r, PHASE_TOTAL, bytes, sizeof(bytes));
    g_snprintf(text, sizeof(text),
               "%-5s %-14s %9" PRIu64 "  insns %" PRIu64 "/%" PRIu64 "/%" PRIu64 "  reads %" PRIu64
               "  writes %" PRIu64 "  barriers %" PRIu64 "  tlbis %" PRIu64 "  traps %" PRIu64
               "  bytes %s in %" PRIu64,
               kind, word, r->passages, r->min_insns, t->insns / r->passages,
               r->max[PHASE_TOTAL].insns, t->reads / r->passages, t->writes / r->passages,
               t->barriers / r->passages, t->tlbis / r->passages, t->traps / r->passages, bytes,
               r->measured);
    line(ctx, text);
    for (unsigned k = 0; k < PHASE_TOTAL; k++)
        print_phase(r, (enum phase)k, line, ctx);
}

void account_each_reason(const struct account *a, account_reason_fn *fn, void *ctx)
{
    for (unsigned kind = 0; kind < G_N_ELEMENTS(kind_words); kind++)
        for (unsigned k = 0; k < REASON_COUNT; k++)
            if (a->reasons[kind][k].passages)
                fn(ctx, (enum world_kind)kind, k, &a->reasons[kind][k]);
}

struct printer {
    arm_line_fn *line;
    void *ctx;
};

static void print_one(void *ctx, enum world_kind kind, unsigned reason, const struct reason *r)
{
    const struct printer *to = ctx;
    char buf[16];

    print_reason(r, kind_words[kind], account_reason_word(reason, buf), to->line, to->ctx);
}

void account_print(const struct account *a, arm_line_fn *line, void *ctx)
{
    struct printer to = {line, ctx};

    line(ctx, "passages, by what left and why: count, instructions least/mean/most, means of a "
              "passage; bytes of memory that EL2 accesses, in so many of them");
    account_each_reason(a, print_one, &to);
}

void account_be_exact(struct account *a)
{
    a->exact = true;
}
