#include "mmu/tlb.h"

#include <string.h>

#include "base/bits.h"
#include "base/host_memory.h"
#include "mmu/regime_bits.h"
#include "mmu/tlb_internal.h"

/* Sizes of L2 pieces, by class. */
const uint8_t tlb_class_shift[TLB_CLASSES] = {12, 16, 21, 30};

static size_t l2_bytes(const struct tlb *tlb)
{
    return tlb->l2_sets * sizeof(*tlb->l2);
}

/* L2 and the banks, one behind the other: they are looked at all over, and small against a large
 * page of the host. A program with one context only has hardly more of them than the first bank,
 * and is often done before a large page would be cleared: these come with the second. */
static size_t tables_bytes(const struct tlb *tlb)
{
    return l2_bytes(tlb) + TLB_BANKS * sizeof(*tlb->banks);
}

struct tlb *tlb_create(bool wide)
{
    struct tlb *tlb = host_pages(sizeof(*tlb));

    if (!tlb)
        return NULL;
    tlb->l2_sets = wide ? TLB_L2_SETS_WIDE : TLB_L2_SETS;
    tlb->l2 = host_memory_for_later(tables_bytes(tlb));
    if (!tlb->l2) {
        tlb_destroy(tlb);
        return NULL;
    }
    tlb->banks = (struct tlb_bank *)((uintptr_t)tlb->l2 + l2_bytes(tlb));
    tlb_flush_all(tlb);
    return tlb;
}

void tlb_enlarge(struct tlb *tlb)
{
    host_memory_enlarge(tlb->l2, tables_bytes(tlb));
}

void tlb_destroy(struct tlb *tlb)
{
    if (tlb)
        host_memory_free(tlb->l2, tables_bytes(tlb));
    host_pages_free(tlb, sizeof(*tlb));
}

void tlb_s2_clear(struct tlb *tlb)
{
    tlb->gen_s2++;
    tlb->s2_span = (struct tlb_span){0};
}

void tlb_flush_all(struct tlb *tlb)
{
    for (unsigned i = 0; i < REGIME_COUNT; i++)
        tlb->gen_regime[i]++;
    tlb_s2_clear(tlb);
    tlb->gen_walk++;
    for (unsigned i = 0; i < tlb->bank_count; i++)
        tlb_bank_clear(&tlb->banks[i]);
}

static unsigned hash(uint64_t a, unsigned b, unsigned size)
{
    uint64_t h = (a ^ (uint64_t)b << 40) * UINT64_C(0x9e3779b97f4a7c15);

    return (unsigned)(h >> 40) & (size - 1);
}

uint32_t *tlb_gen_vmid(struct tlb *tlb, enum regime_id regime, uint16_t vmid)
{
    return &tlb->gen_vmid[hash(vmid, regime, TLB_GENS)];
}

uint32_t *tlb_gen_asid(struct tlb *tlb, enum regime_id regime, uint16_t vmid, uint16_t asid)
{
    return &tlb->gen_asid[hash((uint64_t)vmid << 16 | asid, regime, TLB_GENS)];
}

/* The generation of global entries of @x, and with the ASID's part that of nG ones. */
static uint32_t gen_global(struct tlb *tlb, const struct xlat *x)
{
    return tlb->gen_regime[x->rg.id] + *tlb_gen_vmid(tlb, x->rg.id, x->vmid);
}

static uint32_t gen_asid(struct tlb *tlb, const struct xlat *x)
{
    return *tlb_gen_asid(tlb, x->rg.id, x->vmid, x->asid);
}

/* ---- configurations ---- */

void tlb_config(struct tlb *tlb, struct xlat *x, uint64_t extra)
{
    const struct regime *rg = &x->rg;
    uint64_t sctlr =
        SCTLR_M | SCTLR_A | SCTLR_C | SCTLR_NAA | SCTLR_WXN | SCTLR_E0E | SCTLR_EE | SCTLR_EPAN;
    uint64_t hcr = HCR_VM | HCR_PTW | HCR_DC | HCR_TGE | HCR_CD | HCR_FWB;
    uint64_t key[TLB_CONFIG_WORDS] = {
        (rg->id & 3) | (uint64_t)rg->s2_ee << 2 | extra << 3 | (uint64_t)(rg->id >> 2) << 63,
        rg->sctlr & sctlr,
        rg->tcr,
        rg->mair,
        rg->id == REGIME_EL10 ? rg->hcr & hcr : 0,
        x->s2_on ? rg->vtcr : 0,
    };
    unsigned n = 0;

    while (n < tlb->config_count && memcmp(tlb->configs[n], key, sizeof(key)) != 0)
        n++;
    if (n == TLB_CONFIGS) {
        /* Out of numbers: all of them become free, with everything they tag. */
        tlb_flush_all(tlb);
        for (unsigned i = 0; i < tlb->bank_count; i++)
            tlb->banks[i].serial = 0;
        n = tlb->config_count = 0;
    }
    if (n == tlb->config_count) {
        tlb->by_asid[n] = false;
        memcpy(tlb->configs[n], key, sizeof(key));
        tlb->config_regime[n] = rg->id;
        tlb->config_count++;
    }
    x->config = (uint16_t)n;
}

/* ---- L2 ---- */

static inline struct tlb_l2_entry *l2_set(struct tlb *tlb, uint64_t va, unsigned cls)
{
    return tlb->l2[hash(va >> tlb_class_shift[cls], cls, tlb->l2_sets)];
}

struct tlb_l2_entry *tlb_l2_set(struct tlb *tlb, uint64_t va, unsigned cls)
{
    return l2_set(tlb, va, cls);
}

static unsigned class_of(unsigned shift)
{
    unsigned cls = TLB_CLASSES - 1;

    while (tlb_class_shift[cls] > shift)
        cls--;
    return cls;
}

/* Does @e serve @x: its configuration, VMID and ASID, and no TLBI since? */
static bool l2_serves(struct tlb *tlb, const struct tlb_l2_entry *e, const struct xlat *x)
{
    bool ng = e->flags & TLB_L2_NG;

    return e->config == x->config && e->vmid == x->vmid && (!ng || e->asid == x->asid) &&
           e->gen == gen_global(tlb, x) + (ng ? gen_asid(tlb, x) : 0);
}

/* Field by field: a copy would wait for each of them. */
static void l2_translation(const struct tlb_l2_entry *e, uint64_t va, struct translation *out)
{
    unsigned shift = tlb_class_shift[e->cls];

    out->pa = e->pa | zext(va, shift);
    out->page_shift = (uint8_t)shift;
    out->s1_shift = e->s1_shift;
    out->s2_shift = 0;
    out->perms = e->perms;
    out->attr = e->attr;
    out->sh = 0;
    out->guarded = e->flags & TLB_L2_GUARDED;
    out->ng = e->flags & TLB_L2_NG;
    out->ns = !(e->flags & TLB_L2_SECURE);
}

/* The set of the smallest class of @classes for @va. The host has hardly ever what is looked at. */
static inline struct tlb_l2_entry *l2_fetch(struct tlb *tlb, uint64_t va, unsigned classes)
{
    struct tlb_l2_entry *set = l2_set(tlb, va, (unsigned)__builtin_ctz(classes));

    __builtin_prefetch(&set[0]);
    __builtin_prefetch(&set[TLB_L2_WAYS / 2]);
    return set;
}

bool tlb_lookup(struct tlb *tlb, const struct xlat *x, uint64_t va, const struct mmu_access *a,
                struct translation *out)
{
    unsigned classes = tlb_classes(tlb, va);
    const struct tlb_l2_entry *set, *next = classes ? l2_fetch(tlb, va, classes) : NULL;

    while ((set = next)) {
        unsigned cls = (unsigned)__builtin_ctz(classes);
        uint64_t tag = va >> tlb_class_shift[cls];
        classes &= classes - 1;
        next = classes ? l2_fetch(tlb, va, classes) : NULL;
        for (unsigned i = 0; i < TLB_L2_WAYS; i++) {
            const struct tlb_l2_entry *e = &set[i];
            if (e->tag != tag || e->cls != cls || !l2_serves(tlb, e, x) ||
                !mmu_permits(e->perms, a))
                continue;
            l2_translation(e, va, out);
            tlb->l2_hits++;
            return true;
        }
    }
    return false;
}

/* The way to fill: one with the same tag (its permissions grew), an outdated one, or any. */
static struct tlb_l2_entry *l2_victim(struct tlb *tlb, struct tlb_l2_entry *set,
                                      const struct tlb_l2_entry *n)
{
    struct tlb_l2_entry *empty = NULL;

    for (unsigned i = 0; i < TLB_L2_WAYS; i++) {
        struct tlb_l2_entry *e = &set[i];
        if (e->gen == 0)
            empty = e;
        else if (e->tag == n->tag && e->config == n->config && e->vmid == n->vmid &&
                 e->asid == n->asid && e->cls == n->cls)
            return e;
    }
    return empty ? empty : &set[tlb->victim++ % TLB_L2_WAYS];
}

void tlb_insert(struct tlb *tlb, const struct xlat *x, uint64_t va, const struct translation *t)
{
    unsigned cls = class_of(t->page_shift), shift = tlb_class_shift[cls];
    struct tlb_l2_entry n = {
        .tag = va >> shift,
        .pa = t->pa & ~MASK(shift - 1, 0),
        .gen = gen_global(tlb, x) + (t->ng ? gen_asid(tlb, x) : 0),
        .config = x->config,
        .vmid = x->vmid,
        .asid = t->ng ? x->asid : 0,
        .cls = (uint8_t)cls,
        .s1_shift = t->s1_shift,
        .perms = t->perms,
        .attr = t->attr,
        .flags = (uint8_t)((t->ng ? TLB_L2_NG : 0) | (t->guarded ? TLB_L2_GUARDED : 0) |
                           (t->ns ? 0 : TLB_L2_SECURE)),
    };

    tlb_classes_add(tlb, va, cls);
    if (t->s1_shift > shift && t->s1_shift < 52)
        tlb_span_add(&tlb->l2_span[bit(va, 55)], va, t->s1_shift);
    *l2_victim(tlb, l2_set(tlb, va, cls), &n) = n;
}

/* ---- stage 2 and table addresses ---- */

static unsigned s2_index(uint64_t ipa, uint16_t vmid)
{
    return ((unsigned)(ipa >> PAGE_SHIFT) ^ vmid * 37u) & (TLB_S2_SIZE - 1);
}

const struct tlb_s2_entry *tlb_s2_lookup(const struct tlb *tlb, const struct xlat *x, uint64_t ipa)
{
    const struct tlb_s2_entry *e = &tlb->s2[s2_index(ipa, x->vmid)];

    return e->gen == tlb->gen_s2 && e->ipa == (ipa & ~PAGE_MASK) && e->vmid == x->vmid &&
                   e->config == x->config
               ? e
               : NULL;
}

struct tlb_s2_entry *tlb_s2_slot(struct tlb *tlb, uint64_t ipa, uint16_t vmid)
{
    return &tlb->s2[s2_index(ipa, vmid)];
}

void tlb_s2_insert(struct tlb *tlb, const struct xlat *x, const struct tlb_s2_entry *e)
{
    struct tlb_s2_entry *n = tlb_s2_slot(tlb, e->ipa, x->vmid);

    if (e->shift > PAGE_SHIFT)
        tlb_span_add(&tlb->s2_span, e->ipa, e->shift);
    *n = *e;
    n->gen = tlb->gen_s2;
    n->config = x->config;
    n->vmid = x->vmid;
}

/* log2 of what one table of @level translates. */
static unsigned table_span(const struct table_cfg *t, int level)
{
    return (unsigned)(4 - level) * (t->granule_bits - 3u) + t->granule_bits;
}

static unsigned walk_index(uint64_t tag, const struct xlat *x, int level)
{
    return hash(tag, (unsigned)level << 16 | x->asid, TLB_WALK_SIZE);
}

bool tlb_walk_lookup(const struct tlb *tlb, const struct xlat *x, const struct table_cfg *t,
                     uint64_t va, uint64_t *table, int *level, uint8_t *attrs)
{
    for (int l = 3; l > t->start_level && l >= 2; l--) {
        uint64_t tag = va >> table_span(t, l);
        const struct tlb_walk_entry *e = &tlb->walk[walk_index(tag, x, l)];

        if (e->gen == tlb->gen_walk && e->va == tag && e->level == l && e->config == x->config &&
            e->asid == x->asid && e->vmid == x->vmid) {
            *table = e->table;
            *level = l;
            *attrs = e->attrs;
            return true;
        }
    }
    return false;
}

void tlb_walk_insert(struct tlb *tlb, const struct xlat *x, const struct table_cfg *t, uint64_t va,
                     uint64_t table, int level, uint8_t attrs)
{
    uint64_t tag = va >> table_span(t, level);

    tlb->walk[walk_index(tag, x, level)] = (struct tlb_walk_entry){
        .va = tag,
        .table = table,
        .gen = tlb->gen_walk,
        .config = x->config,
        .vmid = x->vmid,
        .asid = x->asid,
        .level = (int8_t)level,
        .attrs = attrs,
    };
}
