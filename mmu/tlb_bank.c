/* L1: banks of what a translation context may use, found by address alone. */
#include "base/bits.h"
#include "mmu/tlb.h"
#include "mmu/tlb_internal.h"

static void clear_half(struct tlb_l1_entry *e)
{
    for (unsigned i = 0; i < TLB_USED_SLOTS; i++)
        e[i].tag = TLB_L1_EMPTY;
}

static void clear_x(struct tlb_bank *b)
{
    for (uint64_t used = b->used_x; used; used &= used - 1) {
        unsigned first = (unsigned)__builtin_ctzll(used) * TLB_USED_X_SLOTS;
        for (unsigned i = first; i < first + TLB_USED_X_SLOTS; i++)
            b->x[i].tag = TLB_X_EMPTY;
    }
    b->used_x = 0;
}

/* Its tags are all zero, which is an address's. */
struct tlb_bank *tlb_bank_add(struct tlb *tlb)
{
    struct tlb_bank *b = &tlb->banks[tlb->bank_count++];

    if (tlb->bank_count == 2)
        tlb_enlarge(tlb);
    b->used = b->used_x = ~UINT64_C(0);
    b->filled_count = TLB_LISTED + 1;
    tlb_bank_clear(b);
    return b;
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
    clear_x(b);
}

void tlb_bank_clear(struct tlb_bank *b)
{
    if (b->filled_count > TLB_LISTED)
        clear_used(b);
    for (unsigned i = 0; i < b->filled_count && b->filled_count <= TLB_LISTED; i++)
        clear_slot(b, b->filled[i]);
    b->filled_count = 0;
    b->used = b->used_x = 0;
    b->blank.tag = 0;
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

    if (tlb->bank_count < TLB_BANKS)
        return tlb_bank_add(tlb);
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
        tlb_span_add(&b->span[bit(va, 55)], page, t->s1_shift);
    note(b, n, t->ng);
}

void tlb_x_insert(struct tlb_bank *b, uint64_t va, const struct translation *t, void *page)
{
    uint64_t tag = va & ~PAGE_MASK;
    unsigned n = (tag >> PAGE_SHIFT) & (TLB_X_SIZE - 1);

    b->x[n] = (struct tlb_x_entry){tag | (t->guarded ? TLB_X_GUARDED : 0), page};
    b->used_x |= BIT(n / TLB_USED_X_SLOTS);
    if (t->s1_shift > PAGE_SHIFT && t->s1_shift < 52)
        tlb_span_add(&b->span[bit(va, 55)], tag, t->s1_shift);
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
                if (unlikely((((uintptr_t)host - e[k].addend) ^ e[k].tag) < PAGE_SIZE))
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
        clear_x(&tlb->banks[i]);
}
