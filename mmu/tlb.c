#include "mmu/tlb.h"

#include <stdlib.h>
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
 * page of the host. */
static size_t tables_bytes(const struct tlb *tlb)
{
    return l2_bytes(tlb) + TLB_BANKS * sizeof(*tlb->banks);
}

struct tlb *tlb_create(bool wide)
{
    struct tlb *tlb = calloc(1, sizeof(*tlb));

    if (!tlb)
        return NULL;
    tlb->l2_sets = wide ? TLB_L2_SETS_WIDE : TLB_L2_SETS;
    tlb->l2 = host_memory(tables_bytes(tlb));
    if (!tlb->l2) {
        tlb_destroy(tlb);
        return NULL;
    }
    tlb->banks = (struct tlb_bank *)((uintptr_t)tlb->l2 + l2_bytes(tlb));
    tlb_flush_all(tlb);
    return tlb;
}

void tlb_destroy(struct tlb *tlb)
{
    if (tlb)
        host_memory_free(tlb->l2, tables_bytes(tlb));
    free(tlb);
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

/* ---- L1 banks ---- */

static void clear_half(struct tlb_l1_entry *e)
{
    for (unsigned i = 0; i < TLB_USED_SLOTS; i++)
        e[i].tag = TLB_L1_EMPTY;
}

void tlb_bank_clear_x(struct tlb_bank *b)
{
    for (uint64_t used = b->used_x; used; used &= used - 1) {
        unsigned first = (unsigned)__builtin_ctzll(used) * TLB_USED_X_SLOTS;
        for (unsigned i = first; i < first + TLB_USED_X_SLOTS; i++)
            b->x[i].tag = TLB_X_EMPTY;
    }
    b->used_x = 0;
}

void tlb_bank_unused(struct tlb_bank *b)
{
    b->used = b->used_x = ~UINT64_C(0);
    b->filled_count = TLB_LISTED + 1;
    tlb_bank_clear(b);
}

/* Slot @n of L1, or TLB_L1_SIZE + n: of x. */
static void clear_slot(struct tlb_bank *b, unsigned n)
{
    if (n < TLB_L1_SIZE)
        b->r[n].tag = b->w[n].tag = TLB_L1_EMPTY;
    else
        b->x[n - TLB_L1_SIZE].tag = TLB_X_EMPTY;
}

static void clear_used(struct tlb_bank *b)
{
    for (uint64_t used = b->used; used; used &= used - 1) {
        unsigned first = (unsigned)__builtin_ctzll(used) * TLB_USED_SLOTS;
        clear_half(&b->r[first]);
        clear_half(&b->w[first]);
    }
    tlb_bank_clear_x(b);
}

void tlb_bank_clear(struct tlb_bank *b)
{
    if (b->filled_count > TLB_LISTED)
        clear_used(b);
    for (unsigned i = 0; i < b->filled_count && b->filled_count <= TLB_LISTED; i++)
        clear_slot(b, b->filled[i]);
    b->filled_count = 0;
    b->used = b->used_x = 0;
    b->has_global = false;
    b->ng_count = 0;
    b->span[0] = b->span[1] = (struct tlb_span){0};
}

/* Drop the nG entries of a privileged bank. */
void tlb_bank_clear_ng(struct tlb_bank *b)
{
    if (b->ng_count > TLB_LISTED) {
        tlb_bank_clear(b);
        return;
    }
    for (unsigned i = 0; i < b->ng_count; i++)
        clear_slot(b, b->ng[i]);
    b->ng_count = 0;
}

static bool key_equal(const struct tlb_bank_key *a, const struct tlb_bank_key *b)
{
    return a->config == b->config && a->vmid == b->vmid && a->asid == b->asid &&
           a->priv == b->priv && a->pan == b->pan;
}

/* @bank, which is empty, is that of the ASID of @x from now on, and other privileged banks of the
 * configuration will be those of theirs. */
static void divide_by_asid(struct tlb *tlb, struct tlb_bank *bank, const struct xlat *x)
{
    tlb->by_asid[bank->key.config] = true;
    for (unsigned i = 0; i < tlb->bank_count; i++) {
        struct tlb_bank *b = &tlb->banks[i];
        if (b == bank || !b->serial || !b->key.priv || b->key.config != bank->key.config)
            continue;
        tlb_bank_clear(b);
        b->serial = 0;
        b->stamp = 0;
    }
    bank->key.asid = x->asid;
    bank->serial = ++tlb->next_serial;
}

/* A kernel that gives user space tables of its own (Linux's KPTI) has an ASID for itself, and no
 * global entries: one bank for all ASIDs would be emptied at each system call. */
void tlb_bank_change_asid(struct tlb *tlb, struct tlb_bank *bank, const struct xlat *x)
{
    bool divide = bank->ng_count > TLB_LISTED && !bank->has_global;

    tlb_bank_clear_ng(bank);
    if (divide)
        divide_by_asid(tlb, bank, x);
    bank->ng_asid = x->asid;
}

/* A bank to give away, empty: a new one while there are any, else the one not used for longest. */
static struct tlb_bank *bank_victim(struct tlb *tlb)
{
    struct tlb_bank *lru = &tlb->banks[0];

    if (tlb->bank_count < TLB_BANKS) {
        lru = &tlb->banks[tlb->bank_count++];
        tlb_bank_unused(lru);
        return lru;
    }
    for (unsigned i = 1; i < TLB_BANKS; i++)
        if (tlb->banks[i].stamp < lru->stamp)
            lru = &tlb->banks[i];
    return lru;
}

struct tlb_bank *tlb_bank(struct tlb *tlb, const struct xlat *x, bool priv, bool pan)
{
    uint16_t asid = priv && !tlb->by_asid[x->config] ? 0 : x->asid;
    struct tlb_bank_key key = {x->config, x->vmid, asid, priv, pan};

    for (unsigned i = 0; i < tlb->bank_count; i++) {
        struct tlb_bank *b = &tlb->banks[i];
        if (b->serial && key_equal(&b->key, &key)) {
            tlb_bank_use(tlb, b, x);
            return b;
        }
    }
    struct tlb_bank *b = bank_victim(tlb);
    tlb_bank_clear(b);
    b->key = key;
    b->regime = x->rg.id;
    b->serial = ++tlb->next_serial;
    b->ng_asid = x->asid;
    b->stamp = ++tlb->clock;
    return b;
}

/* Let @s cover the page of 2^shift bytes at @va. */
static void span_add(struct tlb_span *s, uint64_t va, unsigned shift)
{
    uint64_t mask = shift > 55 ? ~MASK(55, 0) : ~MASK(shift - 1, 0);

    if (s->mask == 0) {
        *s = (struct tlb_span){va & mask, mask};
        return;
    }
    mask &= s->mask;
    while ((va ^ s->base) & mask)
        mask <<= 1;
    *s = (struct tlb_span){s->base & mask, mask}; /* bits 63..55 of a half are equal: not 0 */
}

/* One more of @list, or one too many. */
static void enlist(uint16_t list[TLB_LISTED], uint16_t *count, unsigned n)
{
    if (*count < TLB_LISTED)
        list[*count] = (uint16_t)n;
    if (*count <= TLB_LISTED)
        ++*count;
}

/* Slot @n was filled: remember what TLBI and a change of ASID have to know about it. */
static void note(struct tlb_bank *b, unsigned n, bool ng)
{
    enlist(b->filled, &b->filled_count, n);
    if (!ng)
        b->has_global = true;
    else if (b->key.priv)
        enlist(b->ng, &b->ng_count, n);
}

void tlb_l1_insert(struct tlb_bank *b, uint64_t va, const struct translation *t, uint8_t *host,
                   bool r, bool w, uint64_t tag_flags)
{
    uint64_t page = va & ~PAGE_MASK;
    unsigned n = (page >> PAGE_SHIFT) & (TLB_L1_SIZE - 1);
    const struct tlb_l1_entry empty = {TLB_L1_EMPTY, 0};
    struct tlb_l1_entry e = {page | tag_flags, (uint64_t)(uintptr_t)host - page};

    b->w[n] = w ? e : empty;
    e.tag &= ~(uint64_t)TLB_L1_SHARED;
    b->r[n] = r ? e : empty;
    b->used |= BIT(n / TLB_USED_SLOTS);
    if (t->s1_shift > PAGE_SHIFT && t->s1_shift < 52)
        span_add(&b->span[bit(va, 55)], page, t->s1_shift);
    note(b, n, t->ng);
}

void tlb_x_insert(struct tlb_bank *b, uint64_t va, const struct translation *t, void *page)
{
    uint64_t tag = va & ~PAGE_MASK;
    unsigned n = (tag >> PAGE_SHIFT) & (TLB_X_SIZE - 1);

    b->x[n] = (struct tlb_x_entry){tag | (t->guarded ? TLB_X_GUARDED : 0), page};
    b->used_x |= BIT(n / TLB_USED_X_SLOTS);
    if (t->s1_shift > PAGE_SHIFT && t->s1_shift < 52)
        span_add(&b->span[bit(va, 55)], tag, t->s1_shift);
    note(b, TLB_L1_SIZE + n, t->ng);
}

void tlb_x_mark(struct tlb *tlb, uint64_t page, bool on)
{
    unsigned n = (page >> PAGE_SHIFT) & (TLB_X_SIZE - 1);

    for (unsigned i = 0; i < tlb->bank_count; i++) {
        uint64_t *tag = &tlb->banks[i].x[n].tag;
        if ((*tag & ~PAGE_MASK) == page && *tag != TLB_X_EMPTY)
            *tag = (*tag & ~(uint64_t)TLB_X_MARKED) | (on ? TLB_X_MARKED : 0);
    }
}

void tlb_l1_drop_writes(struct tlb *tlb, const uint8_t *host)
{
    for (unsigned i = 0; i < tlb->bank_count; i++) {
        struct tlb_bank *b = &tlb->banks[i];
        for (uint64_t used = b->used; used; used &= used - 1) {
            struct tlb_l1_entry *e = &b->w[__builtin_ctzll(used) * TLB_USED_SLOTS];
            for (unsigned k = 0; k < TLB_USED_SLOTS; k++)
                if (e[k].tag != TLB_L1_EMPTY &&
                    e[k].addend + (e[k].tag & ~PAGE_MASK) == (uint64_t)(uintptr_t)host)
                    e[k].tag = TLB_L1_EMPTY;
        }
    }
}

void tlb_x_drop(struct tlb *tlb, const void *page)
{
    for (unsigned i = 0; i < tlb->bank_count; i++) {
        struct tlb_bank *b = &tlb->banks[i];
        for (uint64_t used = b->used_x; used; used &= used - 1) {
            struct tlb_x_entry *e = &b->x[__builtin_ctzll(used) * TLB_USED_X_SLOTS];
            for (unsigned k = 0; k < TLB_USED_X_SLOTS; k++)
                if (e[k].tag != TLB_X_EMPTY && e[k].page == page)
                    e[k].tag = TLB_X_EMPTY;
        }
    }
}

void tlb_x_flush(struct tlb *tlb)
{
    for (unsigned i = 0; i < tlb->bank_count; i++)
        tlb_bank_clear_x(&tlb->banks[i]);
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

static struct translation l2_translation(const struct tlb_l2_entry *e, uint64_t va)
{
    unsigned shift = tlb_class_shift[e->cls];

    return (struct translation){
        .pa = e->pa | zext(va, shift),
        .page_shift = (uint8_t)shift,
        .s1_shift = e->s1_shift,
        .perms = e->perms,
        .attr = e->attr,
        .guarded = e->flags & TLB_L2_GUARDED,
        .ns = !(e->flags & TLB_L2_SECURE),
        .ng = e->flags & TLB_L2_NG,
    };
}

bool tlb_lookup(struct tlb *tlb, const struct xlat *x, uint64_t va, const struct mmu_access *a,
                struct translation *out)
{
    const struct tlb_l2_entry *sets[TLB_CLASSES];

    /* The host has hardly ever what is looked at: have it bring the sets of all sizes at once. */
    for (unsigned mask = tlb->class_mask; mask; mask &= mask - 1) {
        unsigned cls = (unsigned)__builtin_ctz(mask);
        sets[cls] = l2_set(tlb, va, cls);
        __builtin_prefetch(&sets[cls][0]);
        __builtin_prefetch(&sets[cls][TLB_L2_WAYS / 2]);
    }
    for (unsigned mask = tlb->class_mask; mask; mask &= mask - 1) {
        unsigned cls = (unsigned)__builtin_ctz(mask);
        uint64_t tag = va >> tlb_class_shift[cls];
        for (unsigned i = 0; i < TLB_L2_WAYS; i++) {
            const struct tlb_l2_entry *e = &sets[cls][i];
            if (e->tag != tag || e->cls != cls || !l2_serves(tlb, e, x) ||
                !mmu_permits(e->perms, a))
                continue;
            *out = l2_translation(e, va);
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

    tlb->class_mask |= 1u << cls;
    if (t->s1_shift > shift && t->s1_shift < 52)
        span_add(&tlb->l2_span[bit(va, 55)], va, t->s1_shift);
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
        span_add(&tlb->s2_span, e->ipa, e->shift);
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
