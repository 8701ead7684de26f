/*
 * ICACHE of guests: EL2, its host, a program of that or a device has stored to instructions that a
 * guest has executed, and a guest executes what stands there now. Unless CTR_EL0.DIC says that
 * fetches see it anyway, an IC by address or of everything has come between, by whoever: a guest
 * that expects a device to write there does it itself (B2.4.4, Ordering and observability of
 * instruction fetches). Only that there is none is looked at, not whether it was complete.
 */
#include <glib.h>

#include "arch/sysreg.h"
#include "base/addr.h"
#include "base/bits.h"
#include "checker/unit.h"

#define LINE_BYTES 64
#define LINE_WORDS (LINE_BYTES / 4)
#define LINES_MAX  (1U << 15) /* then all are given up: a host that clears memory for others */

struct line {
    uint64_t pa;
    struct site stored;
    uint16_t words; /* that have changed */
    uint32_t before[LINE_WORDS];
};

struct guest_code_unit {
    GHashTable *pages; /* page numbers that guests have executed from */
    GHashTable *lines; /* struct line by its address */
};

static void *create(struct arm_checker *c)
{
    struct guest_code_unit *u = g_new0(struct guest_code_unit, 1);

    (void)c;
    u->pages = g_hash_table_new(NULL, NULL);
    u->lines = g_hash_table_new_full(g_int64_hash, g_int64_equal, NULL, g_free);
    return u;
}

static void destroy(void *state)
{
    struct guest_code_unit *u = state;

    g_hash_table_destroy(u->pages);
    g_hash_table_destroy(u->lines);
    g_free(u);
}

static struct line *line_of(const struct guest_code_unit *u, uint64_t pa)
{
    uint64_t key = pa & ~UINT64_C(63);

    return g_hash_table_lookup(u->lines, &key);
}

static const struct world *guest_on(const struct arm_checker *c, unsigned cpu)
{
    const struct world *w = c->cpus[cpu].running;

    return w && w->kind == WORLD_GUEST ? w : NULL;
}

static void executed(struct arm_checker *c, struct guest_code_unit *u, const struct world *w,
                     const struct arm_event *p)
{
    struct line *l = line_of(u, p->decode.pa);
    unsigned n = (unsigned)(p->decode.pa % LINE_BYTES / 4);

    g_hash_table_add(u->pages, GSIZE_TO_POINTER(p->decode.pa >> PAGE_SHIFT));
    if (!l || !bit(l->words, n))
        return;
    l->words &= (uint16_t)~BIT(n);
    if (l->before[n] == p->decode.word)
        return;
    struct finding f = finding_at(c, RULE_ICACHE, p);
    f.world = w;
    f.other = l->stored;
    f.other_role = "stored";
    f.has_address = true;
    f.address = p->decode.pa;
    f.hint = "IC IVAU, or IC IALLUIS, and DSB ISH behind the store, before a guest executes it";
    finding_say(&f,
                "the instruction %#x was stored over %#x, which guests have executed: no "
                "instruction cache was invalidated since",
                p->decode.word, l->before[n]);
    finding_report(c, &f);
}

static struct line *new_line(struct guest_code_unit *u, uint64_t pa)
{
    struct line *l = line_of(u, pa);

    if (l)
        return l;
    if (g_hash_table_size(u->lines) == LINES_MAX)
        g_hash_table_remove_all(u->lines);
    l = g_new0(struct line, 1);
    l->pa = pa & ~UINT64_C(63);
    g_hash_table_insert(u->lines, &l->pa, l);
    return l;
}

/* Decoded instructions are about to be written. What a guest stores is its own affair. */
static void written(struct arm_checker *c, struct guest_code_unit *u, const struct arm_event *p)
{
    uint64_t pa = p->code.pa & ~UINT64_C(3), end = p->code.pa + p->code.size;

    if (p->code.cause == ARM_CODE_DROPPED ||
        (p->code.cause == ARM_CODE_STORE && guest_on(c, p->cpu)) ||
        CTR_EL0_DIC(checker_sysreg(c, p->cpu, SR_CTR_EL0)) ||
        !g_hash_table_contains(u->pages, GSIZE_TO_POINTER(p->code.pa >> PAGE_SHIFT)))
        return;
    for (; pa < end; pa += 4) {
        unsigned n = (unsigned)(pa % LINE_BYTES / 4);
        struct line *l = new_line(u, pa);
        if (!bit(l->words, n))
            arm_mem_read(c->m, pa, &l->before[n], 4);
        l->words |= (uint16_t)BIT(n);
        l->stored = site_of(c, p);
    }
}

static void maintained(struct arm_checker *c, struct guest_code_unit *u, const struct arm_event *p)
{
    enum sysreg op = sysreg_lookup(p->cache.op);
    uint64_t ctr = checker_sysreg(c, p->cpu, SR_CTR_EL0);
    uint64_t size = MAX(UINT64_C(4) << CTR_EL0_IminLine(ctr), LINE_BYTES);

    if (op == SR_IC_IALLU || op == SR_IC_IALLUIS)
        g_hash_table_remove_all(u->lines);
    for (uint64_t at = 0; op == SR_IC_IVAU && at < size; at += LINE_BYTES) {
        uint64_t key = (p->cache.pa & ~(size - 1)) + at;
        g_hash_table_remove(u->lines, &key);
    }
}

static void event(struct arm_checker *c, void *state, const struct arm_event *p)
{
    struct guest_code_unit *u = state;

    if (p->cpu >= c->cpu_count)
        return;
    if (p->kind == ARM_EVENT_DECODE && guest_on(c, p->cpu))
        executed(c, u, guest_on(c, p->cpu), p);
    else if (p->kind == ARM_EVENT_CODE)
        written(c, u, p);
    else if (p->kind == ARM_EVENT_CACHE && g_hash_table_size(u->lines))
        maintained(c, u, p);
}

const struct check_unit unit_guest_code = {
    .everywhere = ARM_BIT(ARM_EVENT_DECODE) | ARM_BIT(ARM_EVENT_CODE) | ARM_BIT(ARM_EVENT_CACHE),
    .create = create,
    .event = event,
    .destroy = destroy,
};
