#include "model/mapping.h"

#include <string.h>

#include "arch/sysreg.h"
#include "base/bits.h"

#define SLOTS    1024   /* recently used pages of a CPU */
#define KEEP_MAX 500000 /* mappings */
#define GLOBAL   0x10000
#define OFF_LOG2 52 /* a stage that is off translates everything alike */

/* All that says how a CPU translates at one EL. */
struct context {
    uint64_t hcr, sctlr, tcr, ttbr[2], vttbr, vtcr;
    uint32_t id;
    uint8_t regime; /* ARM_REGIME_xxx */
    uint16_t vmid;
    bool on; /* stage 1 */
};

struct key {
    uint64_t page; /* address >> log2 */
    uint32_t asid; /* or GLOBAL */
    uint16_t vmid;
    uint8_t log2, regime;
    uint8_t caching; /* SCTLR_ELx.C and I: what is cached depends on them */
};

struct entry {
    struct key key;
    struct mapping mapping;
};

struct slot {
    uint64_t page; /* of 4 KiB */
    uint32_t context, generation;
    const struct mapping *mapping;
};

struct cpu_contexts {
    const struct context *of[3]; /* by EL; NULL: to be looked up */
    struct slot slots[SLOTS];
};

struct mappings {
    struct arm_machine *m;
    unsigned cpu_count;
    struct cpu_contexts *cpus;
    GHashTable *contexts; /* set of struct context */
    GHashTable *entries;  /* set of struct entry */
    uint32_t last_context, last_id, generation;
};

/* ---- contexts ---- */

#define CONTEXT_BYTES offsetof(struct context, id)

static guint hash_bytes(const void *p, size_t size)
{
    const unsigned char *b = p;
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t k = 0; k < size; k++)
        h = (h ^ b[k]) * UINT64_C(0x100000001b3);
    return (guint)(h ^ h >> 32);
}

static guint context_hash(gconstpointer p)
{
    return hash_bytes(p, CONTEXT_BYTES);
}

static gboolean context_equal(gconstpointer a, gconstpointer b)
{
    return memcmp(a, b, CONTEXT_BYTES) == 0;
}

static guint entry_hash(gconstpointer p)
{
    const struct key *k = p;
    uint64_t h = k->page * UINT64_C(0x9e3779b97f4a7c15);

    h ^= ((uint64_t)k->asid << 24 | (uint64_t)k->vmid << 8 | (uint64_t)k->regime << 6 | k->log2) *
         UINT64_C(0xc2b2ae3d27d4eb4f);
    return (guint)(h ^ h >> 29 ^ h >> 43);
}

static gboolean entry_equal(gconstpointer p, gconstpointer q)
{
    const struct key *a = p, *b = q;

    return a->page == b->page && a->asid == b->asid && a->vmid == b->vmid && a->log2 == b->log2 &&
           a->regime == b->regime && a->caching == b->caching;
}

static uint64_t reg(const struct mappings *ms, unsigned cpu, enum sysreg sr)
{
    uint64_t value[2] = {0, 0};

    arm_reg_get(ms->m, cpu, sysreg_number(sr), value);
    return value[0];
}

static void read_el1(const struct mappings *ms, unsigned cpu, struct context *c)
{
    c->regime = ARM_REGIME_EL10;
    c->sctlr = reg(ms, cpu, SR_SCTLR_EL1);
    c->tcr = reg(ms, cpu, SR_TCR_EL1);
    c->ttbr[0] = reg(ms, cpu, SR_TTBR0_EL1);
    c->ttbr[1] = reg(ms, cpu, SR_TTBR1_EL1);
    if (HCR_EL2_VM(c->hcr)) {
        c->vttbr = reg(ms, cpu, SR_VTTBR_EL2);
        c->vtcr = reg(ms, cpu, SR_VTCR_EL2);
        c->vmid = (uint16_t)(c->vttbr >> 48);
    }
}

static void read_el2(const struct mappings *ms, unsigned cpu, struct context *c)
{
    c->regime = HCR_EL2_E2H(c->hcr) ? ARM_REGIME_EL20 : ARM_REGIME_EL2;
    c->sctlr = reg(ms, cpu, SR_SCTLR_EL2);
    c->tcr = reg(ms, cpu, SR_TCR_EL2);
    c->ttbr[0] = reg(ms, cpu, SR_TTBR0_EL2);
    c->ttbr[1] = HCR_EL2_E2H(c->hcr) ? reg(ms, cpu, SR_TTBR1_EL2) : 0;
}

static const struct context *look_up_context(struct mappings *ms, unsigned cpu, unsigned el)
{
    struct context c;

    memset(&c, 0, sizeof(c));
    c.hcr = reg(ms, cpu, SR_HCR_EL2) & (FIELD_MASK(HCR_EL2_VM) | FIELD_MASK(HCR_EL2_E2H) |
                                        FIELD_MASK(HCR_EL2_TGE) | FIELD_MASK(HCR_EL2_DC));
    bool host_el0 = el == 0 && HCR_EL2_E2H(c.hcr) && HCR_EL2_TGE(c.hcr);
    if (el == 2 || host_el0)
        read_el2(ms, cpu, &c);
    else
        read_el1(ms, cpu, &c);
    c.on = SCTLR_EL1_M(c.sctlr) || HCR_EL2_DC(c.hcr);
    /* Two regimes with equal registers are apart by this bit, which is hashed. */
    c.hcr |= (uint64_t)c.regime << 60;
    struct context *known = g_hash_table_lookup(ms->contexts, &c);
    if (!known) {
        known = g_memdup2(&c, sizeof(c));
        known->id = ++ms->last_context;
        g_hash_table_add(ms->contexts, known);
    }
    return known;
}

static const struct context *context_of(struct mappings *ms, unsigned cpu, unsigned el)
{
    const struct context **c = &ms->cpus[cpu].of[el];

    if (!*c)
        *c = look_up_context(ms, cpu, el);
    return *c;
}

void mappings_changed(struct mappings *ms, unsigned cpu)
{
    memset((void *)ms->cpus[cpu].of, 0, sizeof(ms->cpus[cpu].of));
}

bool mappings_register(uint16_t sr)
{
    enum sysreg row = sysreg_lookup(sr);

    return row != SR_NONE && (sysreg_rows[row].fx & SR_FX_REGIME);
}

/* ---- pages ---- */

/* What arm_walk() tells, and where it goes. */
struct walk {
    struct mapping *mapping;
    bool group; /* stage-2 steps of one address go on */
    uint64_t address;
};

static void on_walk(void *ctx, const struct arm_walk_step *s)
{
    struct walk *w = ctx;
    struct mapping *mp = w->mapping;

    if (mp->step_count == WALK_STEPS)
        return;
    if (w->group && s->stage == 2 && s->address == w->address)
        mp->steps[mp->step_count - 1].leaf = false;
    /* Of stage 1 the last one will be the leaf; of stage 2 the last of each group. */
    if (s->stage == 1)
        for (unsigned k = 0; k < mp->step_count; k++)
            if (mp->steps[k].stage == 1)
                mp->steps[k].leaf = false;
    mp->steps[mp->step_count++] = (struct walk_step){s->pa, s->stage, true};
    w->group = s->stage == 2;
    w->address = s->address;
}

/* Data of a stage 1 that is off is Device memory, and instructions are cached by SCTLR_ELx.I; with
 * it on, C and I decide as well as the attributes. */
static bool is_cached(const struct context *c, const struct arm_translation *t,
                      enum arm_access access)
{
    bool normal = t->attr & 0xf0, cacheable = normal && (t->attr >> 4) != 4 && (t->attr & 15) != 4;

    if (access == ARM_ACCESS_EXECUTE)
        return SCTLR_EL1_I(c->sctlr) && (!c->on || !normal || cacheable);
    if (!c->on)
        return false;
    return cacheable && (SCTLR_EL1_C(c->sctlr) || HCR_EL2_DC(c->hcr));
}

static uint32_t asid_of(const struct context *c)
{
    if (c->regime == ARM_REGIME_EL2)
        return GLOBAL;
    return (uint32_t)(c->ttbr[TCR_EL1_A1(c->tcr)] >> 48);
}

static unsigned page_log2(const struct arm_translation *t)
{
    unsigned log2 = MIN(t->stage1_log2, t->stage2_log2);

    return log2 < 12 ? 12 : log2 > OFF_LOG2 ? OFF_LOG2 : log2;
}

static const struct mapping *walk(struct mappings *ms, unsigned cpu, unsigned el,
                                  const struct context *c, uint64_t va, enum arm_access access)
{
    struct entry *e = g_new0(struct entry, 1), *known;
    struct walk w = {.mapping = &e->mapping};
    struct arm_translation t;

    bool mapped = arm_walk(ms->m, cpu, el, va, access, on_walk, &w, &t);
    unsigned log2 = mapped ? page_log2(&t) : 12;
    bool global = mapped && (t.global || !c->on);
    /* A stage that is off has no entry of its own for what is fetched and what is read; apart by an
     * address bit that no page number has. */
    uint64_t page = log2 >= OFF_LOG2 ? (access == ARM_ACCESS_EXECUTE) + 2 * (uint64_t)c->id
                                     : (va & MASK(55, 0)) >> log2;
    e->key = (struct key){.page = page,
                          .asid = global ? GLOBAL : asid_of(c),
                          .vmid = c->vmid,
                          .log2 = (uint8_t)log2,
                          .regime = c->regime,
                          .caching = (uint8_t)(SCTLR_EL1_C(c->sctlr) | SCTLR_EL1_I(c->sctlr) << 1)};
    known = g_hash_table_lookup(ms->entries, e);
    if (known) {
        g_free(e);
        return &known->mapping;
    }
    e->mapping.id = ++ms->last_id;
    e->mapping.set = (uint32_t)page;
    e->mapping.cached = mapped && is_cached(c, &t, access);
    if (!mapped)
        e->mapping.step_count = 0;
    g_hash_table_add(ms->entries, e);
    return &e->mapping;
}

const struct mapping *mappings_find(struct mappings *ms, unsigned cpu, unsigned el, uint64_t va,
                                    enum arm_access access)
{
    const struct context *c = context_of(ms, cpu, el);
    uint64_t page = va >> 12 << 1 | (access == ARM_ACCESS_EXECUTE);
    struct slot *s = &ms->cpus[cpu].slots[(page ^ page >> 10 ^ c->id * 37) % SLOTS];

    if (s->mapping && s->page == page && s->context == c->id && s->generation == ms->generation)
        return s->mapping;
    *s = (struct slot){page, c->id, ms->generation, walk(ms, cpu, el, c, va, access)};
    return s->mapping;
}

/* ---- TLBI ---- */

static bool in_range(const struct key *k, const struct arm_event *p)
{
    uint64_t first = k->page << k->log2, last = first + MASK(k->log2 - 1, 0);
    uint64_t start = p->tlbi.start & MASK(55, 0), end = (p->tlbi.end - 1) & MASK(55, 0);

    return first <= end && last >= start;
}

static gboolean is_named(gpointer entry, gpointer value, gpointer ctx)
{
    const struct key *k = entry;
    const struct arm_event *p = ctx;

    (void)value;
    if (k->regime != p->tlbi.regime)
        return false;
    if (p->tlbi.scope != ARM_TLBI_REGIME && k->regime == ARM_REGIME_EL10 && k->vmid != p->tlbi.vmid)
        return false;
    switch (p->tlbi.scope) {
    case ARM_TLBI_ASID:
        return k->asid == p->tlbi.asid;
    case ARM_TLBI_VA:
        return (k->asid == GLOBAL || k->asid == p->tlbi.asid) && in_range(k, p);
    case ARM_TLBI_VAA:
        return in_range(k, p);
    default: /* by IPA: entries hold both stages, and which IPA is not kept */
        return true;
    }
}

void mappings_invalidate(struct mappings *ms, const struct arm_event *tlbi)
{
    ms->generation++;
    g_hash_table_foreach_remove(ms->entries, is_named, (gpointer)tlbi);
}

bool mappings_full(const struct mappings *ms)
{
    return g_hash_table_size(ms->entries) > KEEP_MAX || g_hash_table_size(ms->contexts) > KEEP_MAX;
}

void mappings_clear(struct mappings *ms)
{
    ms->generation++;
    g_hash_table_remove_all(ms->entries);
    for (unsigned k = 0; k < ms->cpu_count; k++)
        mappings_changed(ms, k);
    g_hash_table_remove_all(ms->contexts);
}

struct mappings *mappings_new(struct arm_machine *m)
{
    struct mappings *ms = g_new0(struct mappings, 1);

    ms->m = m;
    ms->cpu_count = arm_cpu_count(m);
    ms->cpus = g_new0(struct cpu_contexts, ms->cpu_count);
    ms->contexts = g_hash_table_new_full(context_hash, context_equal, g_free, NULL);
    ms->entries = g_hash_table_new_full(entry_hash, entry_equal, g_free, NULL);
    return ms;
}

void mappings_free(struct mappings *ms)
{
    g_hash_table_destroy(ms->contexts);
    g_hash_table_destroy(ms->entries);
    g_free(ms->cpus);
    g_free(ms);
}
