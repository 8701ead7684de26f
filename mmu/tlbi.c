#include "base/bits.h"
#include "mmu/tlb.h"
#include "mmu/tlb_internal.h"

/* By-address operations longer than this many 4K pages are done context-wide. */
#define PAGES_MAX 512

/* Does [base, base + 2^shift) meet the range of @op? */
static bool overlaps(const struct tlbi *op, uint64_t base, unsigned shift)
{
    uint64_t last = base | MASK(shift - 1, 0);

    return last >= op->start && (op->end == 0 || base < op->end);
}

static bool span_touched(const struct tlb_span *s, const struct tlbi *op)
{
    if (s->mask == 0)
        return false;
    return (s->base | ~s->mask) >= op->start && (op->end == 0 || s->base < op->end);
}

static uint64_t page_count(const struct tlbi *op)
{
    return (op->end - op->start) >> PAGE_SHIFT;
}

/* Is it an operation on what one context holds of a few pages? */
static bool by_address(const struct tlbi *op)
{
    return (op->scope == TLBI_VA || op->scope == TLBI_VAA);
}

/* Could @b hold entries that @op names? */
static bool bank_matches(const struct tlb_bank *b, const struct tlbi *op)
{
    if (!b->serial || b->regime != op->regime)
        return false;
    if (op->scope == TLBI_REGIME)
        return true;
    if (b->key.vmid != op->vmid)
        return false;
    if (op->scope != TLBI_ASID && op->scope != TLBI_VA)
        return true;
    if ((b->key.priv ? b->ng_asid : b->key.asid) == op->asid)
        return true;
    return op->scope == TLBI_VA && b->has_global;
}

/* One page out of one bank, global or not: more than asked for is allowed. */
static void bank_drop(struct tlb_bank *b, uint64_t page)
{
    unsigned n = (page >> PAGE_SHIFT) & (TLB_L1_SIZE - 1);
    struct tlb_x_entry *x = &b->x[(page >> PAGE_SHIFT) & (TLB_X_SIZE - 1)];

    if ((b->r[n].tag & ~PAGE_MASK) == page)
        b->r[n].tag = TLB_L1_EMPTY;
    if ((b->w[n].tag & ~PAGE_MASK) == page)
        b->w[n].tag = TLB_L1_EMPTY;
    if ((x->tag & ~PAGE_MASK) == page)
        x->tag = TLB_X_EMPTY;
}

static void bank_invalidate(struct tlb_bank *b, const struct tlbi *op)
{
    if (op->scope == TLBI_ASID && b->key.priv) {
        tlb_bank_clear_ng(b);
        return;
    }
    if (!by_address(op) || op->end - op->start > (PAGES_MAX << PAGE_SHIFT) ||
        span_touched(&b->span[0], op) || span_touched(&b->span[1], op)) {
        tlb_bank_clear(b);
        return;
    }
    for (uint64_t k = 0; k < page_count(op); k++)
        bank_drop(b, op->start + (k << PAGE_SHIFT));
}

/* Does @op name this L2 entry, by its tags? */
static bool l2_matches(const struct tlb *tlb, const struct tlb_l2_entry *e, const struct tlbi *op)
{
    unsigned shift = tlb_class_shift[e->cls];
    unsigned s1 = e->s1_shift > shift ? e->s1_shift : shift;
    uint64_t base = e->tag << shift;

    if (e->gen == 0 || tlb->config_regime[e->config] != op->regime || e->vmid != op->vmid)
        return false;
    if (op->scope == TLBI_VA && (e->flags & TLB_L2_NG) && e->asid != op->asid)
        return false;
    return s1 > 55 || overlaps(op, base & ~MASK(s1 - 1, 0), s1);
}

static inline __attribute__((always_inline)) void
l2_drop_set(struct tlb *tlb, struct tlb_l2_entry *set, const struct tlbi *op)
{
    for (unsigned i = 0; i < TLB_L2_WAYS; i++)
        if (l2_matches(tlb, &set[i], op))
            set[i].gen = 0;
}

static void l2_scan(struct tlb *tlb, const struct tlbi *op)
{
    for (unsigned s = 0; s < tlb->l2_sets; s++)
        l2_drop_set(tlb, tlb->l2[s], op);
}

/* Of the piece at @va, which lies in the range of @op, as do the pages that it is of. */
static void l2_drop_piece(struct tlb *tlb, uint64_t va, unsigned cls, const struct tlbi *op)
{
    struct tlb_l2_entry *set = tlb_l2_set(tlb, va, cls);

    for (unsigned i = 0; i < TLB_L2_WAYS; i++)
        if (set[i].gen && set[i].tag == va >> tlb_class_shift[cls] && set[i].cls == cls &&
            l2_matches(tlb, &set[i], op))
            set[i].gen = 0;
}

static void l2_invalidate_pages(struct tlb *tlb, const struct tlbi *op)
{
    if (op->end - op->start > (PAGES_MAX << PAGE_SHIFT) || span_touched(&tlb->l2_span[0], op) ||
        span_touched(&tlb->l2_span[1], op)) {
        l2_scan(tlb, op);
        return;
    }
    _Static_assert(PAGES_MAX << PAGE_SHIFT <= 1 << TLB_REGION_SHIFT, "no third region between");
    const unsigned classes = tlb_classes(tlb, op->start) | tlb_classes(tlb, op->end - 1);
    for (unsigned mask = classes; mask; mask &= mask - 1) {
        unsigned cls = (unsigned)__builtin_ctz(mask);
        unsigned shift = tlb_class_shift[cls];

        for (uint64_t n = op->start >> shift; n <= (op->end - 1) >> shift; n++)
            l2_drop_piece(tlb, n << shift, cls, op);
    }
}

/* Only stage-2 entries: combined ones are for the stage-1 operation that has to follow (DDI0487
 * D8.16, TLB maintenance and the interaction of the two stages). */
static void s2_drop(const struct tlb *tlb, struct tlb_s2_entry *e, const struct tlbi *op)
{
    if (e->gen == tlb->gen_s2 && e->vmid == op->vmid &&
        overlaps(op, e->ipa & ~MASK(e->shift - 1u, 0), e->shift))
        e->gen = tlb->gen_s2 - 1;
}

static void s2_invalidate(struct tlb *tlb, const struct tlbi *op)
{
    if (op->end - op->start > (PAGES_MAX << PAGE_SHIFT) || span_touched(&tlb->s2_span, op)) {
        for (unsigned i = 0; i < TLB_S2_SIZE; i++)
            s2_drop(tlb, &tlb->s2[i], op);
        return;
    }
    for (uint64_t k = 0; k < page_count(op); k++)
        s2_drop(tlb, tlb_s2_slot(tlb, op->start + (k << PAGE_SHIFT), op->vmid), op);
}

static void l2_invalidate(struct tlb *tlb, const struct tlbi *op)
{
    switch (op->scope) {
    case TLBI_REGIME:
        tlb->gen_regime[op->regime]++;
        break;
    case TLBI_VMID:
        ++*tlb_gen_vmid(tlb, op->regime, op->vmid);
        break;
    case TLBI_ASID:
        ++*tlb_gen_asid(tlb, op->regime, op->vmid, op->asid);
        break;
    case TLBI_VA:
    case TLBI_VAA:
        l2_invalidate_pages(tlb, op);
        break;
    case TLBI_IPA:
        break;
    }
}

void tlb_invalidate(struct tlb *tlb, const struct tlbi *op)
{
    if (op->scope == TLBI_IPA) {
        s2_invalidate(tlb, op);
        return;
    }
    if (op->stage2)
        tlb_s2_clear(tlb);
    if (!(by_address(op) && op->last_level))
        tlb->gen_walk++;
    l2_invalidate(tlb, op);
    for (struct tlb_bank *b = tlb->banks, *end = b + tlb->bank_count; b < end; b++)
        if (bank_matches(b, op))
            bank_invalidate(b, op);
}
