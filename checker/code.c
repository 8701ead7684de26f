/*
 * ICACHE and ICACHE-SMP: EL2 has stored to instructions that it had executed, and they are executed
 * before the store has come there: DC CVAU, DSB, IC IVAU, DSB, and a context synchronization event
 * of the CPU that executes (B2.4.4, Ordering and observability of instruction fetches). CTR_EL0.IDC
 * and DIC say which of the two can be left out.
 *
 * Who executes first is told by DECODE. On several CPUs, those that have not synchronized are
 * looked at instruction by instruction, for a while.
 */
#include <glib.h>
#include <inttypes.h>

#include "arch/sysreg.h"
#include "base/addr.h"
#include "base/bits.h"
#include "checker/unit.h"

#define LINE_BYTES 64
#define LINE_WORDS (LINE_BYTES / 4)
#define LINES_MAX  2048
/* How long CPUs are looked at, in instructions of all. */
#define LOOK_MAX 2000000

struct line {
    uint64_t pa;
    struct site stored;
    unsigned depth; /* of exceptions within EL2 on that CPU then */
    uint16_t words; /* that have changed */
    uint32_t before[LINE_WORDS];
    bool clean_issued, cleaned; /* DC by VA; and a DSB */
    uint64_t issued[2];         /* CPUs that have executed IC for it and no DSB yet */
    bool issued_all;            /* one of these was broadcast */
    uint64_t invalid[2];        /* CPUs whose instruction caches have it no longer */
    uint64_t synchronized[2];   /* that have synchronized since: they execute what was stored */
};

struct code_unit {
    struct arm_checker *checker;
    GPtrArray *lines;
    GHashTable *pages; /* page numbers that EL2 has executed from */
    unsigned *depth;   /* for each CPU: exceptions from EL2 to EL2 that have not returned */
    int handle;        /* of the subscription to single instructions; 0: none */
    uint64_t until;    /* arm_retired() at which it ends */
};

static void *create(struct arm_checker *c)
{
    struct code_unit *u = g_new0(struct code_unit, 1);

    u->checker = c;
    u->lines = g_ptr_array_new_with_free_func(g_free);
    u->pages = g_hash_table_new(NULL, NULL);
    u->depth = g_new0(unsigned, c->cpu_count);
    return u;
}

static void destroy(void *state)
{
    struct code_unit *u = state;

    if (u->handle)
        arm_unsubscribe(u->checker->m, u->handle);
    g_ptr_array_unref(u->lines);
    g_hash_table_destroy(u->pages);
    g_free(u->depth);
    g_free(u);
}

static void set_cpu(uint64_t set[2], unsigned cpu)
{
    set[cpu / 64 % 2] |= BIT(cpu % 64);
}

static bool has_cpu(const uint64_t set[2], unsigned cpu)
{
    return bit(set[cpu / 64 % 2], cpu % 64);
}

static struct line *find(const struct code_unit *u, uint64_t pa)
{
    for (unsigned k = 0; k < u->lines->len; k++) {
        struct line *l = g_ptr_array_index(u->lines, k);
        if (l->pa == (pa & ~UINT64_C(63)))
            return l;
    }
    return NULL;
}

/* ---- the instruction stream ---- */

/* What may be executed, old or new, while another CPU stores it: B, BL, NOP, BRK, SVC, HVC, SMC,
 * ISB (B2.2.5, Concurrent modification and execution of instructions). */
static bool may_change_while_executed(uint32_t word)
{
    uint32_t call = word & UINT32_C(0xffe0001f);

    return (word & UINT32_C(0x7c000000)) == UINT32_C(0x14000000) || word == UINT32_C(0xd503201f) ||
           (word & UINT32_C(0xfffff0ff)) == UINT32_C(0xd50330df) || call == UINT32_C(0xd4200000) ||
           call == UINT32_C(0xd4000001) || call == UINT32_C(0xd4000002) ||
           call == UINT32_C(0xd4000003);
}

static const char *missing(const struct line *l, const struct arm_event *p)
{
    if (!l->cleaned)
        return l->clean_issued ? "DC was not completed by a DSB"
                               : "the data cache was not cleaned (DC CVAU, DSB)";
    if (!has_cpu(l->invalid, p->cpu))
        return l->issued_all || has_cpu(l->issued, p->cpu)
                   ? "IC was not completed by a DSB"
                   : "the instruction cache was not invalidated (IC IVAU, DSB)";
    return "the CPU has not synchronized its context since (ISB)";
}

static void executed(struct arm_checker *c, struct code_unit *u, uint64_t pa, uint32_t word,
                     const struct arm_event *p)
{
    struct line *l = find(u, pa);
    unsigned n = (unsigned)(pa % LINE_BYTES / 4);

    if (!l || !bit(l->words, n) || has_cpu(l->synchronized, p->cpu) || l->before[n] == word)
        return;
    bool safe = may_change_while_executed(word) && may_change_while_executed(l->before[n]);
    /* Another CPU, or an exception in between: old or new, both are allowed until it is done. */
    bool apart = p->cpu != l->stored.cpu || u->depth[p->cpu] > l->depth;
    if (apart && safe && !has_cpu(l->invalid, p->cpu) && !has_cpu(l->synchronized, l->stored.cpu))
        return;
    struct finding f = finding_at(c, apart && safe ? RULE_ICACHE_SMP : RULE_ICACHE, p);
    f.other = l->stored;
    f.other_role = "stored";
    f.has_address = true;
    f.address = pa;
    f.hint =
        "DC CVAU, DSB ISH, IC IVAU, DSB ISH behind the store; ISB on each CPU that executes it";
    finding_say(&f, "the instruction %#x was stored over %#x: %s", word, l->before[n],
                missing(l, p));
    finding_report(c, &f);
    l->words &= (uint16_t)~BIT(n);
}

/* ---- single instructions of CPUs that have not synchronized ---- */

static void on_insn(void *ctx, const struct arm_event *p)
{
    struct code_unit *u = ctx;

    if (arm_retired(u->checker->m) > u->until) {
        arm_unsubscribe(u->checker->m, u->handle);
        u->handle = 0;
        return;
    }
    executed(u->checker, u, p->insn.pa, p->insn.word, p);
}

/* Look at the CPUs that are behind, at EL2; at none on a machine of one CPU, where DECODE tells. */
static void look(struct arm_checker *c, struct code_unit *u)
{
    struct arm_filter filter = {
        .size = sizeof(filter), .events = ARM_BIT(ARM_EVENT_INSN), .els = ARM_BIT(2)};

    if (u->handle)
        arm_unsubscribe(c->m, u->handle);
    u->handle = 0;
    if (c->cpu_count == 1)
        return;
    for (unsigned n = 0; n < u->lines->len; n++) {
        const struct line *l = g_ptr_array_index(u->lines, n);
        for (unsigned k = 0; l->words && k < c->cpu_count; k++)
            if (!has_cpu(l->synchronized, k))
                set_cpu(filter.cpus, k);
    }
    if (filter.cpus[0] | filter.cpus[1])
        u->handle = arm_subscribe(c->m, &filter, on_insn, u);
}

/* ---- stores ---- */

static struct line *new_line(struct arm_checker *c, struct code_unit *u, uint64_t pa)
{
    struct line *l = find(u, pa);

    if (l)
        return l;
    if (u->lines->len == LINES_MAX)
        g_ptr_array_remove_index(u->lines, 0);
    l = g_new0(struct line, 1);
    l->pa = pa & ~UINT64_C(63);
    g_ptr_array_add(u->lines, l);
    for (unsigned k = 0; k < c->cpu_count; k++)
        if (arm_cpu_state(c->m, k) == ARM_CPU_OFF)
            set_cpu(l->synchronized, k); /* it will fetch what is there then */
    return l;
}

/* Decoded instructions are about to be stored to. */
static void stored(struct arm_checker *c, struct code_unit *u, const struct arm_event *p)
{
    if (p->code.cause != ARM_CODE_STORE || p->el != 2 || !c->cpus[p->cpu].guest_seen ||
        !g_hash_table_contains(u->pages, GSIZE_TO_POINTER(p->code.pa >> PAGE_SHIFT)))
        return;
    struct line *l = new_line(c, u, p->code.pa);
    for (uint64_t pa = p->code.pa & ~UINT64_C(3); pa < p->code.pa + p->code.size; pa += 4) {
        unsigned n = (unsigned)(pa % LINE_BYTES / 4);
        if ((pa & ~UINT64_C(63)) != l->pa)
            l = new_line(c, u, pa);
        if (!bit(l->words, n))
            arm_mem_read(c->m, pa, &l->before[n], 4);
        l->words |= (uint16_t)BIT(n);
        l->stored = site_of(c, p);
        l->depth = u->depth[p->cpu];
        l->clean_issued = l->cleaned = l->issued_all = false;
        for (unsigned k = 0; k < 2; k++)
            l->issued[k] = l->invalid[k] = 0;
        for (unsigned k = 0; k < c->cpu_count; k++)
            if (arm_cpu_state(c->m, k) != ARM_CPU_OFF)
                l->synchronized[k / 64 % 2] &= ~BIT(k % 64);
    }
    u->until = arm_retired(c->m) + LOOK_MAX;
    look(c, u);
}

/* ---- maintenance ---- */

static unsigned line_bytes(const struct arm_checker *c, const struct arm_event *p, unsigned low)
{
    return 4u << bits(checker_sysreg(c, p->cpu, SR_CTR_EL0), low + 3, low);
}

static void maintained(struct arm_checker *c, struct code_unit *u, const struct arm_event *p)
{
    enum sysreg op = sysreg_lookup(p->cache.op);
    bool all = op == SR_IC_IALLU || op == SR_IC_IALLUIS, ic = all || op == SR_IC_IVAU;
    bool dc = op == SR_DC_CVAU || op == SR_DC_CVAC || op == SR_DC_CIVAC || op == SR_DC_CVAP ||
              op == SR_DC_CVADP;
    uint64_t size = all ? 0 : line_bytes(c, p, ic ? CTR_EL0_IminLine_LO : CTR_EL0_DminLine_LO);

    for (unsigned k = 0; (ic || dc) && k < u->lines->len; k++) {
        struct line *l = g_ptr_array_index(u->lines, k);
        if (!all && ((l->pa ^ p->cache.pa) & ~(MAX(size, LINE_BYTES) - 1)))
            continue;
        if (dc)
            l->clean_issued = true;
        else if (l->cleaned) {
            set_cpu(l->issued, p->cpu);
            l->issued_all |= op != SR_IC_IALLU;
        }
    }
}

/* Do fetches see what is in the data caches? By CTR_EL0.IDC, or because CLIDR_EL1 has no level to
 * clean to the Point of Unification. */
static bool no_clean_needed(const struct arm_checker *c, const struct arm_event *p)
{
    uint64_t clidr = checker_sysreg(c, p->cpu, SR_CLIDR_EL1);

    return CTR_EL0_IDC(checker_sysreg(c, p->cpu, SR_CTR_EL0)) || bits(clidr, 26, 24) == 0 ||
           (bits(clidr, 29, 27) == 0 && bits(clidr, 23, 21) == 0);
}

/* A DSB of stores orders them, and does not complete cache maintenance (B2.3.10). */
static void completed(struct arm_checker *c, struct code_unit *u, const struct arm_event *p)
{
    bool full = p->barrier.type == 3;
    uint64_t ctr = checker_sysreg(c, p->cpu, SR_CTR_EL0);

    for (unsigned k = 0; k < u->lines->len; k++) {
        struct line *l = g_ptr_array_index(u->lines, k);
        if (!l->cleaned)
            l->cleaned =
                (l->clean_issued && full) || (no_clean_needed(c, p) && p->cpu == l->stored.cpu);
        if (!l->cleaned)
            continue;
        bool issued = full && has_cpu(l->issued, p->cpu);
        if (CTR_EL0_DIC(ctr) || (l->issued_all && issued && p->barrier.domain != 1))
            l->invalid[0] = l->invalid[1] = UINT64_MAX;
        else if (issued)
            set_cpu(l->invalid, p->cpu);
    }
}

static bool all_synchronized(const struct arm_checker *c, const struct line *l)
{
    for (unsigned k = 0; k < c->cpu_count; k++)
        if (!has_cpu(l->synchronized, k))
            return false;
    return true;
}

static void synchronized(struct arm_checker *c, struct code_unit *u, unsigned cpu)
{
    bool changed = false;

    for (unsigned k = 0; k < u->lines->len; k++) {
        struct line *l = g_ptr_array_index(u->lines, k);
        if (!has_cpu(l->invalid, cpu) || has_cpu(l->synchronized, cpu))
            continue;
        set_cpu(l->synchronized, cpu);
        changed = true;
        if (all_synchronized(c, l))
            g_ptr_array_remove_index(u->lines, k--);
    }
    if (changed)
        look(c, u);
}

/* ---- events ---- */

static bool synchronizes(struct arm_checker *c, const struct arm_event *p, unsigned bit)
{
    return checker_sysreg(c, p->cpu, SR_SCTLR_EL2) & BIT(bit);
}

static void crossed(struct arm_checker *c, struct code_unit *u, const struct arm_event *p)
{
    bool entry = p->kind == ARM_EVENT_EXCEPTION;
    unsigned target = entry ? p->exception.target_el : p->eret.target_el;
    unsigned *depth = &u->depth[p->cpu];

    if (entry && p->el == 2)
        ++*depth;
    else if (entry && target == 2)
        *depth = 0;
    else if (!entry && target == 2 && *depth)
        --*depth;
    if (u->lines->len && (entry ? target == 2 : p->el == 2) &&
        synchronizes(c, p, entry ? SCTLR_EL2_EIS_LO : SCTLR_EL2_EOS_LO))
        synchronized(c, u, p->cpu);
}

static void barrier(struct arm_checker *c, struct code_unit *u, const struct arm_event *p)
{
    if (p->barrier.kind == ARM_BARRIER_ISB)
        synchronized(c, u, p->cpu);
    else if (p->barrier.kind == ARM_BARRIER_DSB && p->barrier.type != 1)
        completed(c, u, p);
}

static void event(struct arm_checker *c, void *state, const struct arm_event *p)
{
    struct code_unit *u = state;

    if (p->cpu >= c->cpu_count)
        return;
    if (p->kind == ARM_EVENT_DECODE) {
        g_hash_table_add(u->pages, GSIZE_TO_POINTER(p->decode.pa >> PAGE_SHIFT));
        executed(c, u, p->decode.pa, p->decode.word, p);
    } else if (p->kind == ARM_EVENT_CODE) {
        stored(c, u, p);
    } else if (p->kind == ARM_EVENT_EXCEPTION || p->kind == ARM_EVENT_ERET) {
        crossed(c, u, p);
    } else if (u->lines->len && p->kind == ARM_EVENT_CACHE) {
        maintained(c, u, p);
    } else if (u->lines->len && p->kind == ARM_EVENT_BARRIER) {
        barrier(c, u, p);
    }
}

const struct check_unit unit_code = {
    .at_el2 = ARM_BIT(ARM_EVENT_DECODE) | ARM_BIT(ARM_EVENT_CODE) | ARM_BIT(ARM_EVENT_CACHE) |
              ARM_BIT(ARM_EVENT_BARRIER) | ARM_BIT(ARM_EVENT_EXCEPTION) | ARM_BIT(ARM_EVENT_ERET),
    .create = create,
    .event = event,
    .destroy = destroy,
};
