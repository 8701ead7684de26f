/*
 * What of a TLB a snapshot has. A stale entry is what a guest may see until a TLBI, so everything
 * is kept that can be hit, or that decides which entry is given up next; entries of L1 by physical
 * address. What the entries say is not judged: a guest's tables may say anything.
 */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "base/physmem.h"
#include "base/state_io.h"
#include "mmu/tlb.h"
#include "mmu/tlb_internal.h"

static void span_state(struct state_io *io, struct tlb_span *s)
{
    STATE(io, s->base);
    STATE(io, s->mask);
}

/* ---- L2, stage 2, table addresses: entries behind their numbers ---- */

/* An entry is written all at once, as there are most of them: half of what a snapshot took was to
 * save them one number after another. */
#define FIELD_BYTES(field) +sizeof(e->field)
#define FIELD_SAVE(field)                                                                          \
    memcpy(to, &e->field, sizeof(e->field));                                                       \
    to += sizeof(e->field);
#define FIELD_PASS(field) STATE(io, e->field);
#define STATE_FIELDS(io, FIELDS)                                                                   \
    do {                                                                                           \
        uint8_t *to = state_room(io, 0 FIELDS(FIELD_BYTES));                                       \
        if (to) {                                                                                  \
            FIELDS(FIELD_SAVE)                                                                     \
        } else {                                                                                   \
            FIELDS(FIELD_PASS)                                                                     \
        }                                                                                          \
    } while (0)

#define L2_FIELDS(FIELD)                                                                           \
    FIELD(tag)                                                                                     \
    FIELD(pa)                                                                                      \
    FIELD(gen)                                                                                     \
    FIELD(config)                                                                                  \
    FIELD(vmid)                                                                                    \
    FIELD(asid)                                                                                    \
    FIELD(cls)                                                                                     \
    FIELD(s1_shift)                                                                                \
    FIELD(perms)                                                                                   \
    FIELD(attr)                                                                                    \
    FIELD(flags)

static void l2_entry_state(struct state_io *io, struct tlb_l2_entry *e)
{
    STATE_FIELDS(io, L2_FIELDS);
    state_require(io, e->config < TLB_CONFIGS && e->cls < TLB_CLASSES && e->s1_shift < 64,
                  "e->cls");
}

/* Outdated ones too: the choice of a victim depends on them. */
static void l2_state(struct state_io *io, struct tlb *tlb)
{
    struct tlb_l2_entry *l2 = tlb->l2[0];
    const unsigned entries = tlb->l2_sets * TLB_L2_WAYS;
    uint64_t count = 0;
    uint32_t n = 0;

    for (unsigned k = 0; k < entries; k++)
        count += l2[k].gen != 0;
    count = state_count(io, "L2 entries", count, entries);
    if (state_restoring(io)) {
        memset(l2, 0, entries * sizeof(l2[0]));
        memset(tlb->classes, 0, sizeof(tlb->classes));
        tlb->classes_1g = 0;
    }
    for (; count && !state_failed(io); count--, n++) {
        while (!state_restoring(io) && l2[n].gen == 0)
            n++;
        STATE(io, n);
        if (!state_require(io, n < entries, "n"))
            break;
        l2_entry_state(io, &l2[n]);
        if (state_restoring(io) && !state_failed(io))
            tlb_classes_add(tlb, l2[n].tag << tlb_class_shift[l2[n].cls], l2[n].cls);
    }
}

#define S2_FIELDS(FIELD)                                                                           \
    FIELD(ipa)                                                                                     \
    FIELD(pa)                                                                                      \
    FIELD(config)                                                                                  \
    FIELD(vmid)                                                                                    \
    FIELD(shift)                                                                                   \
    FIELD(level)                                                                                   \
    FIELD(perms)                                                                                   \
    FIELD(memattr)                                                                                 \
    FIELD(sh)

static void s2_entry_state(struct state_io *io, struct tlb_s2_entry *e)
{
    STATE_FIELDS(io, S2_FIELDS);
    state_require(io, e->shift >= PAGE_SHIFT && e->shift < 64, "e->shift");
    state_require(io, e->level >= -1 && e->level <= 3, "e->level");
}

static void s2_state(struct state_io *io, struct tlb *tlb)
{
    uint64_t count = 0;
    uint32_t n = 0;

    for (unsigned k = 0; k < TLB_S2_SIZE; k++)
        count += tlb->s2[k].gen == tlb->gen_s2;
    count = state_count(io, "stage-2 entries", count, TLB_S2_SIZE);
    for (unsigned k = 0; k < TLB_S2_SIZE && state_restoring(io); k++)
        tlb->s2[k].gen = tlb->gen_s2 - 1;
    for (; count && !state_failed(io); count--, n++) {
        while (!state_restoring(io) && tlb->s2[n].gen != tlb->gen_s2)
            n++;
        STATE(io, n);
        if (!state_require(io, n < TLB_S2_SIZE, "n"))
            return;
        s2_entry_state(io, &tlb->s2[n]);
        tlb->s2[n].gen = tlb->gen_s2;
    }
}

#define WALK_FIELDS(FIELD)                                                                         \
    FIELD(va)                                                                                      \
    FIELD(table)                                                                                   \
    FIELD(config)                                                                                  \
    FIELD(vmid)                                                                                    \
    FIELD(asid)                                                                                    \
    FIELD(level)                                                                                   \
    FIELD(attrs)

static void walk_entry_state(struct state_io *io, struct tlb_walk_entry *e)
{
    STATE_FIELDS(io, WALK_FIELDS);
}

static void walk_state(struct state_io *io, struct tlb *tlb)
{
    uint64_t count = 0;
    uint32_t n = 0;

    for (unsigned k = 0; k < TLB_WALK_SIZE; k++)
        count += tlb->walk[k].gen == tlb->gen_walk;
    count = state_count(io, "table addresses", count, TLB_WALK_SIZE);
    for (unsigned k = 0; k < TLB_WALK_SIZE && state_restoring(io); k++)
        tlb->walk[k].gen = tlb->gen_walk - 1;
    for (; count && !state_failed(io); count--, n++) {
        while (!state_restoring(io) && tlb->walk[n].gen != tlb->gen_walk)
            n++;
        STATE(io, n);
        if (!state_require(io, n < TLB_WALK_SIZE, "n"))
            return;
        walk_entry_state(io, &tlb->walk[n]);
        tlb->walk[n].gen = tlb->gen_walk;
    }
}

/* ---- L1 banks ---- */

/* A page of L1, its load and store sides: both come from one tlb_l1_insert(). */
struct l1_page {
    uint64_t tag, pa;
    bool r, w;
};

#define L1_FIELDS(FIELD)                                                                           \
    FIELD(tag)                                                                                     \
    FIELD(pa)                                                                                      \
    FIELD(r)                                                                                       \
    FIELD(w)

static void l1_page_state(struct state_io *io, struct l1_page *e)
{
    STATE_FIELDS(io, L1_FIELDS);
}

/* A page of the fetch side. */
struct x_page {
    uint64_t tag, pa;
};

#define X_FIELDS(FIELD)                                                                            \
    FIELD(tag)                                                                                     \
    FIELD(pa)

static void x_page_state(struct state_io *io, struct x_page *e)
{
    STATE_FIELDS(io, X_FIELDS);
}

/* The first slot from @n on that may be filled, of @size, of which a bit of @used stands for @each;
 * @size: none. */
static unsigned next_used(uint64_t used, unsigned n, unsigned each, unsigned size)
{
    uint64_t left = n < size ? used >> (n / each) << (n / each) : 0;
    unsigned first = left ? (unsigned)__builtin_ctzll(left) * each : size;

    return first > n ? first : n;
}

static unsigned slot_of(uint64_t tag, unsigned size)
{
    return (tag >> PAGE_SHIFT) & (size - 1);
}

static bool l1_filled(const struct tlb_bank *b, unsigned n)
{
    return b->r[n].tag != TLB_L1_EMPTY || b->w[n].tag != TLB_L1_EMPTY;
}

static struct l1_page l1_get(const struct tlb_bank *b, unsigned n, struct physmem *mem)
{
    bool r = b->r[n].tag != TLB_L1_EMPTY, w = b->w[n].tag != TLB_L1_EMPTY;
    const struct tlb_l1_entry *e = r ? &b->r[n] : &b->w[n];
    uint64_t tag = e->tag & ~(uint64_t)TLB_L1_SHARED;
    const uint8_t *host = (const uint8_t *)(uintptr_t)(e->addend + (tag & ~PAGE_MASK));
    const struct ram_bank *ram = physmem_bank_of_host(mem, host);

    CHECK(ram);
    return (struct l1_page){tag, ram->base + (uint64_t)(host - ram->host), r, w};
}

/* False: there is no such RAM, or it may not be written directly. */
static bool l1_put(struct tlb_bank *b, const struct l1_page *p, struct physmem *mem)
{
    struct ram_bank *ram = physmem_bank(mem, pa(p->pa));
    uint64_t page = p->tag & ~PAGE_MASK, off = p->tag & PAGE_MASK;
    unsigned n = slot_of(page, TLB_L1_SIZE);

    if (!ram || (p->pa & PAGE_MASK) || (off & ~(uint64_t)(TLB_L1_ALIGNED | TLB_L1_OBSERVED)) ||
        !(p->r || p->w))
        return false;
    uint8_t *flags = &ram->flags[(p->pa - ram->base) >> PAGE_SHIFT];
    if (p->w && (ram->readonly || (*flags & PAGE_HAS_CODE)))
        return false;
    bool w = p->w && !(*flags & PAGE_WATCHED); /* who watches may have come later */
    uint64_t addend = (uint64_t)(uintptr_t)(ram->host + (p->pa - ram->base)) - page;
    if (p->r)
        b->r[n] = (struct tlb_l1_entry){p->tag, addend};
    if (w) {
        b->w[n] =
            (struct tlb_l1_entry){p->tag | (*flags & PAGE_CHANGED ? 0 : TLB_L1_SHARED), addend};
        *flags |= PAGE_WRITE_CACHED;
    }
    b->used |= BIT(n / TLB_USED_SLOTS);
    return true;
}

/* The first page of L1 from slot @n on; TLB_L1_SIZE: none. */
static unsigned l1_next(const struct tlb_bank *b, unsigned n)
{
    while ((n = next_used(b->used, n, TLB_USED_SLOTS, TLB_L1_SIZE)) < TLB_L1_SIZE &&
           !l1_filled(b, n))
        n++;
    return n;
}

static void l1_state(struct state_io *io, struct tlb_bank *b, struct physmem *mem)
{
    bool restoring = state_restoring(io);
    uint64_t count = 0;

    for (unsigned n = 0; !restoring && (n = l1_next(b, n)) < TLB_L1_SIZE; n++)
        count++;
    count = state_count(io, "L1 pages", count, TLB_L1_SIZE);
    for (unsigned n = 0; count && !state_failed(io); count--, n++) {
        struct l1_page p = {0};
        if (!restoring)
            p = l1_get(b, n = l1_next(b, n), mem);
        l1_page_state(io, &p);
        if (restoring && !state_failed(io))
            state_require(io, l1_put(b, &p, mem), "p.pa");
    }
}

/* The same of the fetch side. */
static unsigned x_next(const struct tlb_bank *b, unsigned n)
{
    while ((n = next_used(b->used_x, n, TLB_USED_X_SLOTS, TLB_X_SIZE)) < TLB_X_SIZE &&
           b->x[n].tag == TLB_X_EMPTY)
        n++;
    return n;
}

/* False: there is no code, or the tag has bits of nobody's. */
static bool x_put(struct tlb_bank *b, const struct x_page *p, const struct tlb_code *code)
{
    void *page = code->at(code->ctx, p->pa);
    unsigned n = slot_of(p->tag, TLB_X_SIZE);

    if (!page || (p->tag & PAGE_MASK & ~(uint64_t)TLB_X_GUARDED))
        return false;
    b->x[n] = (struct tlb_x_entry){p->tag, page};
    b->used_x |= BIT(n / TLB_USED_X_SLOTS);
    return true;
}

static void fetch_state(struct state_io *io, struct tlb_bank *b, const struct tlb_code *code)
{
    bool restoring = state_restoring(io);
    uint64_t count = 0;

    for (unsigned n = 0; !restoring && (n = x_next(b, n)) < TLB_X_SIZE; n++)
        count++;
    count = state_count(io, "fetch pages", count, TLB_X_SIZE);
    for (unsigned n = 0; count && !state_failed(io); count--, n++) {
        struct x_page p = {0};
        if (!restoring) {
            n = x_next(b, n);
            p = (struct x_page){b->x[n].tag, code->pa_of(b->x[n].page)};
        }
        x_page_state(io, &p);
        if (restoring && !state_failed(io))
            state_require(io, x_put(b, &p, code), "page_pa");
    }
}

/* How many banks were used longer ago: nothing but the order of stamps has a meaning. */
static uint64_t rank(const struct tlb *tlb, const struct tlb_bank *b)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < tlb->bank_count; i++)
        n += tlb->banks[i].stamp < b->stamp;
    return n;
}

static void bank_key_state(struct state_io *io, const struct tlb *tlb, struct tlb_bank *b)
{
    uint64_t stamp = rank(tlb, b);

    STATE(io, b->key.config);
    STATE(io, b->key.vmid);
    STATE(io, b->key.asid);
    STATE(io, b->key.priv);
    STATE(io, b->key.pan);
    STATE(io, b->regime);
    STATE(io, b->serial);
    STATE(io, stamp);
    if (state_restoring(io))
        b->stamp = stamp;
    state_require(io, b->regime < REGIME_COUNT && b->key.config < TLB_CONFIGS, "b->regime");
}

static void bank_state(struct state_io *io, const struct tlb *tlb, struct tlb_bank *b,
                       struct physmem *mem, const struct tlb_code *code)
{
    if (state_restoring(io)) {
        tlb_bank_clear(b);
        b->filled_count = TLB_LISTED + 1; /* which they are is not listed */
    }
    bank_key_state(io, tlb, b);
    l1_state(io, b, mem);
    fetch_state(io, b, code);
    STATE(io, b->has_global);
    STATE(io, b->ng_asid);
    STATE(io, b->ng_count);
    if (!state_require(io, b->ng_count <= TLB_LISTED + 1, "b->ng_count"))
        return;
    for (unsigned k = 0; k < b->ng_count && k < TLB_LISTED; k++) {
        STATE(io, b->ng[k]);
        state_require(io, b->ng[k] < TLB_L1_SIZE + TLB_X_SIZE, "b->ng[k]");
    }
    span_state(io, &b->span[0]);
    span_state(io, &b->span[1]);
}

static void banks_state(struct state_io *io, struct tlb *tlb, struct physmem *mem,
                        const struct tlb_code *code)
{
    unsigned count = (unsigned)state_count(io, "banks", tlb->bank_count, TLB_BANKS);

    if (state_restoring(io)) {
        for (unsigned i = 0; i < tlb->bank_count; i++) {
            tlb_bank_clear(&tlb->banks[i]);
            tlb->banks[i].serial = 0;
        }
        while (tlb->bank_count < count)
            tlb_bank_add(tlb);
        tlb->bank_count = count;
    }
    for (unsigned i = 0; i < count && !state_failed(io); i++)
        bank_state(io, tlb, &tlb->banks[i], mem, code);
    if (state_restoring(io))
        tlb->clock = count;
}

/* ---- the whole ---- */

static void configs_state(struct state_io *io, struct tlb *tlb)
{
    tlb->config_count = (unsigned)state_count(io, "configurations", tlb->config_count, TLB_CONFIGS);
    for (unsigned n = 0; n < tlb->config_count && !state_failed(io); n++) {
        STATE_ARRAY(io, tlb->configs[n]);
        STATE(io, tlb->config_regime[n]);
        STATE(io, tlb->by_asid[n]);
        state_require(io, tlb->config_regime[n] < REGIME_COUNT, "tlb->config_regime[n]");
    }
}

void tlb_state(struct state_io *io, struct tlb *tlb, struct physmem *mem,
               const struct tlb_code *code)
{
    STATE(io, tlb->next_serial);
    STATE_ARRAY(io, tlb->gen_regime);
    STATE_ARRAY(io, tlb->gen_vmid);
    STATE_ARRAY(io, tlb->gen_asid);
    STATE(io, tlb->gen_s2);
    STATE(io, tlb->gen_walk);
    configs_state(io, tlb);
    span_state(io, &tlb->l2_span[0]);
    span_state(io, &tlb->l2_span[1]);
    span_state(io, &tlb->s2_span);
    STATE(io, tlb->victim);
    l2_state(io, tlb);
    s2_state(io, tlb);
    walk_state(io, tlb);
    banks_state(io, tlb, mem, code);
}

void tlb_share_writes(struct tlb *tlb)
{
    for (unsigned i = 0; i < tlb->bank_count; i++) {
        struct tlb_bank *b = &tlb->banks[i];
        b->blank.tag = 0;
        for (uint64_t used = b->used; used; used &= used - 1) {
            struct tlb_l1_entry *e = &b->w[__builtin_ctzll(used) * TLB_USED_SLOTS];
            for (unsigned k = 0; k < TLB_USED_SLOTS; k++)
                if (e[k].tag != TLB_L1_EMPTY)
                    e[k].tag |= TLB_L1_SHARED;
        }
    }
}
