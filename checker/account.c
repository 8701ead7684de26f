#include "checker/account.h"

#include <errno.h>
#include <glib.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "arch/esr.h"
#include "arch/sysreg_owner.h"
#include "base/bits.h"
#include "base/error.h"
#include "checker/checker.h"

/* An instruction this close before a register access is of the access's phase: it computes its
 * value. */
#define PHASE_REACH 16

enum phase {
#define PHASE(name, word, text) PHASE_##name,
#include "checker/phases.def"
#undef PHASE
    PHASE_TOTAL,
    PHASE_COUNT
};

static const char *const phase_words[PHASE_COUNT] = {
#define PHASE(name, word, text) word,
#include "checker/phases.def"
#undef PHASE
    "total"};

/* What is counted: X(member, word). */
#define METRICS(X)                                                                                 \
    X(insns, "insns")                                                                              \
    X(reads, "reads")                                                                              \
    X(writes, "writes")                                                                            \
    X(bytes, "bytes")                                                                              \
    X(barriers, "barriers")                                                                        \
    X(tlbis, "tlbis")                                                                              \
    X(traps, "traps")

struct tally {
#define X(member, word) uint64_t member;
    METRICS(X)
#undef X
};

#define METRIC_COUNT (sizeof(struct tally) / sizeof(uint64_t))

static const char *const metric_words[METRIC_COUNT] = {
#define X(member, word) word,
    METRICS(X)
#undef X
};

_Static_assert(METRIC_COUNT * sizeof(uint64_t) == sizeof(struct tally), "a tally is an array");

static uint64_t metric(const struct tally *t, size_t k)
{
    uint64_t v;

    memcpy(&v, (const char *)t + k * sizeof(v), sizeof(v));
    return v;
}

/* Why a world was left: an exception class, or one of these. */
enum { REASON_IRQ = 64, REASON_FIQ, REASON_SERROR, REASON_COUNT };

static const char *const kind_words[] = {[WORLD_HOST] = "host", [WORLD_GUEST] = "guest"};

struct reason {
    uint64_t passages;
    struct tally sum[PHASE_COUNT], max[PHASE_COUNT];
    uint64_t min_insns;
};

struct limit {
    enum world_kind kind;
    unsigned reason, phase;
    size_t metric;
    uint64_t most;
    uint64_t seen, at; /* the most that exceeded it, and the machine's instruction count then */
};

/* What is open on a CPU. */
struct passage {
    bool open, begun; /* begun: a phase other than trap has come */
    enum world_kind kind;
    unsigned reason;
    uint64_t upto; /* instructions of the CPU that are counted */
    struct tally tally[PHASE_COUNT];
};

struct account {
    unsigned cpu_count;
    struct passage *open;
    struct reason reasons[2][REASON_COUNT];
    GArray *limits;
};

struct account *account_new(unsigned cpu_count)
{
    struct account *a = g_new0(struct account, 1);

    a->cpu_count = cpu_count;
    a->open = g_new0(struct passage, cpu_count);
    a->limits = g_array_new(FALSE, TRUE, sizeof(struct limit));
    return a;
}

void account_free(struct account *a)
{
    if (!a)
        return;
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

    if (!o->begun)
        o->tally[PHASE_TRAP].insns += gap;
    else
        o->tally[gap <= PHASE_REACH ? phase : PHASE_HANDLER].insns += gap;
    o->begun = true;
    o->upto = count;
    return &o->tally[phase];
}

void account_event(struct account *a, const struct arm_event *p)
{
    struct passage *o = p->cpu < a->cpu_count ? &a->open[p->cpu] : NULL;

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
    case ARM_EVENT_MEM:
        o->tally[o->begun ? PHASE_HANDLER : PHASE_TRAP].bytes += p->mem.size;
        break;
    case ARM_EVENT_EXCEPTION:
        advance(o, PHASE_HANDLER, p->count)->traps++;
        break;
    default:
        break;
    }
}

static unsigned reason_of(const struct arm_event *p)
{
    switch (p->world.vector & 0x180) {
    case 0x080:
        return REASON_IRQ;
    case 0x100:
        return REASON_FIQ;
    case 0x180:
        return REASON_SERROR;
    default:
        return (unsigned)bits(p->world.esr, 31, 26);
    }
}

void account_exit(struct account *a, const struct world *w, const struct arm_event *p)
{
    struct passage *o = &a->open[p->cpu];

    *o = (struct passage){.open = true, .kind = w->kind, .reason = reason_of(p), .upto = p->count};
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

static void check_limits(struct account *a, const struct arm_checker *c, const struct passage *o)
{
    for (unsigned k = 0; k < a->limits->len; k++) {
        struct limit *l = &g_array_index(a->limits, struct limit, k);
        if (l->kind != o->kind || l->reason != o->reason)
            continue;
        uint64_t seen = metric(&o->tally[l->phase], l->metric);
        if (seen > l->most && seen > l->seen) {
            l->seen = seen;
            l->at = arm_retired(c->m);
        }
    }
}

void account_enter(struct account *a, const struct arm_checker *c, const struct arm_event *p)
{
    struct passage *o = &a->open[p->cpu];

    if (!o->open)
        return;
    o->tally[PHASE_RETURN].insns += p->count - o->upto;
    add_total(o);
    struct reason *r = &a->reasons[o->kind][o->reason];
    uint64_t insns = o->tally[PHASE_TOTAL].insns;
    if (!r->passages++ || insns < r->min_insns)
        r->min_insns = insns;
    for (unsigned k = 0; k < PHASE_COUNT; k++) {
#define X(member, word)                                                                            \
    r->sum[k].member += o->tally[k].member;                                                        \
    r->max[k].member = MAX(r->max[k].member, o->tally[k].member);
        METRICS(X)
#undef X
    }
    check_limits(a, c, o);
    o->open = false;
}

static const char *reason_word(unsigned reason, char buf[16])
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

static void print_reason(const struct reason *r, const char *kind, const char *word,
                         arm_line_fn *line, void *ctx)
{
    char text[256];

    g_snprintf(text, sizeof(text),
               "%-5s %-14s %9" PRIu64 "  insns %" PRIu64 "/%" PRIu64 "/%" PRIu64 "  reads %" PRIu64
               "  writes %" PRIu64 "  barriers %" PRIu64 "  tlbis %" PRIu64 "  traps %" PRIu64
               "  bytes %" PRIu64,
               kind, word, r->passages, r->min_insns, r->sum[PHASE_TOTAL].insns / r->passages,
               r->max[PHASE_TOTAL].insns, r->sum[PHASE_TOTAL].reads / r->passages,
               r->sum[PHASE_TOTAL].writes / r->passages, r->sum[PHASE_TOTAL].barriers / r->passages,
               r->sum[PHASE_TOTAL].tlbis / r->passages, r->sum[PHASE_TOTAL].traps / r->passages,
               r->sum[PHASE_TOTAL].bytes / r->passages);
    line(ctx, text);
    for (unsigned k = 0; k < PHASE_TOTAL; k++) {
        const struct tally *t = &r->sum[k];
        if (!(t->insns | t->reads | t->writes | t->tlbis | t->barriers))
            continue;
        g_snprintf(text, sizeof(text),
                   "        %-9s insns %8.1f  reads %6.1f  writes %6.1f  barriers %5.1f  tlbis "
                   "%5.1f",
                   phase_words[k], (double)t->insns / (double)r->passages,
                   (double)t->reads / (double)r->passages, (double)t->writes / (double)r->passages,
                   (double)t->barriers / (double)r->passages,
                   (double)t->tlbis / (double)r->passages);
        line(ctx, text);
    }
}

typedef void reason_fn(void *ctx, enum world_kind kind, unsigned reason, const struct reason *r);

static void each_reason(const struct account *a, reason_fn *fn, void *ctx)
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

    print_reason(r, kind_words[kind], reason_word(reason, buf), to->line, to->ctx);
}

void account_print(const struct account *a, arm_line_fn *line, void *ctx)
{
    struct printer to = {line, ctx};

    line(ctx, "passages, by what left and why: count, instructions least/mean/most, means of a "
              "passage");
    each_reason(a, print_one, &to);
}

/* ---- budgets ---- */

static bool find_word(const char *const *words, size_t count, const char *word, size_t *found)
{
    for (size_t k = 0; k < count; k++)
        if (!strcmp(words[k], word)) {
            *found = k;
            return true;
        }
    return false;
}

static bool find_reason(const char *word, unsigned *reason)
{
    char buf[16];

    for (*reason = 0; *reason < REASON_COUNT; ++*reason)
        if (!strcmp(reason_word(*reason, buf), word))
            return true;
    return false;
}

static bool parse_limit(char **words, struct limit *l)
{
    size_t kind, phase;
    char *end;

    if (g_strv_length(words) != 5 ||
        !find_word(kind_words, G_N_ELEMENTS(kind_words), words[0], &kind) ||
        !find_reason(words[1], &l->reason) ||
        !find_word(phase_words, PHASE_COUNT, words[2], &phase) ||
        !find_word(metric_words, METRIC_COUNT, words[3], &l->metric) || !g_ascii_isdigit(*words[4]))
        return false;
    l->kind = (enum world_kind)kind;
    l->phase = (unsigned)phase;
    l->most = g_ascii_strtoull(words[4], &end, 10);
    return *end == '\0';
}

int account_read_budget(struct account *a, const char *path, struct arm_error *err)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;

    if (!g_file_get_contents(path, &text, NULL, &error))
        return error_set(err, ARM_EIO, "%s: cannot read the budget: %s", path, error->message);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (unsigned k = 0; lines[k]; k++) {
        struct limit l = {0};
        lines[k][strcspn(lines[k], "#")] = '\0';
        g_autofree char *squeezed = g_strdup(g_strstrip(lines[k]));
        if (!*squeezed)
            continue;
        g_auto(GStrv) words = g_regex_split_simple("[ \t]+", squeezed, 0, 0);
        if (!parse_limit(words, &l))
            return error_set(err, ARM_EFORMAT,
                             "%s:%u: \"%s\" is no limit: expected WORLD REASON PHASE METRIC LIMIT, "
                             "as \"guest HVC64 total insns 1200\"",
                             path, k + 1, squeezed);
        g_array_append_val(a->limits, l);
    }
    return 0;
}

static void write_reason(void *ctx, enum world_kind kind, unsigned reason, const struct reason *r)
{
    char buf[16];

    for (unsigned phase = 0; phase < PHASE_COUNT; phase++)
        for (size_t k = 0; k < METRIC_COUNT; k++)
            if (phase == PHASE_TOTAL || metric(&r->max[phase], k))
                fprintf(ctx, "%s %s %s %s %" PRIu64 "\n", kind_words[kind],
                        reason_word(reason, buf), phase_words[phase], metric_words[k],
                        metric(&r->max[phase], k));
}

int account_write_budget(const struct account *a, const char *path, struct arm_error *err)
{
    FILE *f = fopen(path, "wb");

    if (f) {
        fputs("# WORLD REASON PHASE METRIC LIMIT: what one run has needed at most\n", f);
        each_reason(a, write_reason, f);
    }
    if (!f || fclose(f) != 0)
        return error_set(err, ARM_EIO, "%s: cannot write the budget: %s", path, strerror(errno));
    return 0;
}

unsigned account_print_budget(const struct account *a, arm_line_fn *line, void *ctx)
{
    unsigned count = 0;
    char buf[16], text[200];

    for (unsigned k = 0; k < a->limits->len; k++) {
        const struct limit *l = &g_array_index(a->limits, struct limit, k);
        if (!l->seen)
            continue;
        count++;
        g_snprintf(text, sizeof(text),
                   "budget: %s %s %s %s: %" PRIu64 ", expected at most %" PRIu64
                   "; at instruction %" PRIu64,
                   kind_words[l->kind], reason_word(l->reason, buf), phase_words[l->phase],
                   metric_words[l->metric], l->seen, l->most, l->at);
        line(ctx, text);
    }
    if (a->limits->len) {
        g_snprintf(text, sizeof(text), "budget: %u of %u limit(s) exceeded", count, a->limits->len);
        line(ctx, text);
    }
    return count;
}
