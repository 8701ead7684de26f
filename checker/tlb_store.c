/* Stores to translation tables: what they make stale, and what they may not do. */
#include <inttypes.h>

#include "arch/sysreg.h"
#include "base/addr.h"
#include "base/bits.h"
#include "checker/ldst.h"
#include "checker/tlb_unit.h"

/* A store makes @after of a descriptor of which TLBs may hold @r. */
static void not_broken(struct arm_checker *c, struct tlb_unit *u, struct stale *r, uint64_t after,
                       enum descriptor_change change, const struct arm_event *p)
{
    struct finding f = tlb_finding(c, RULE_BBM, p, r->pa);
    char where[60];

    f.other = r->changed;
    f.other_role = "changed";
    f.hint = "TLBI and DSB between the invalid descriptor and the new one";
    finding_say(&f,
                "the descriptor of %#" PRIx64 " in %s becomes %#" PRIx64
                ", and no TLBI has taken away %#" PRIx64 ": %s",
                r->ia, tlb_context_text(r->context, where, sizeof(where)), after, r->value,
                descriptor_change_text(change));
    tlb_blame(r, &f);
    tlb_report(c, u, r->context, &f);
    tlb_silence(r);
}

static void replaced(struct arm_checker *c, struct tlb_unit *u, const struct table_page *page,
                     unsigned index, uint64_t after, enum descriptor_change change,
                     const struct arm_event *p)
{
    struct finding f = tlb_finding(c, RULE_BBM, p, page->pa + 8 * index);
    char where[60];

    f.hint = "make it invalid, DSB, TLBI, DSB, and then valid again";
    finding_say(&f,
                "the descriptor of %#" PRIx64 " in %s is valid and becomes %#" PRIx64
                ", it was %#" PRIx64 ": %s",
                pages_ia(page, index), tlb_context_text(page->context, where, sizeof(where)), after,
                page->desc[index], descriptor_change_text(change));
    tlb_report(c, u, page->context, &f);
}

/* Hardware sets the dirty state of a descriptor with DBM at a guest's write. Who reads it and then
 * stores has not seen what came in between, and overwrites it. */
static void check_dirty(struct arm_checker *c, struct tlb_unit *u, const struct table_page *page,
                        unsigned index, const struct arm_event *p)
{
    struct finding f = tlb_finding(c, RULE_LOST, p, page->pa + 8 * index);
    char where[60];
    uint32_t word;

    if (p->el != 2 || !page->context->running ||
        !VTCR_EL2_HD(checker_sysreg(c, p->cpu, SR_VTCR_EL2)) ||
        !arm_virt_read(c->m, p->cpu, 2, p->pc, &word, sizeof(word)) || ldst_is_atomic(word))
        return;
    f.hint = "change it by CAS, SWP or an exclusive pair: what was there before tells whether the "
             "page is dirty";
    finding_say(&f,
                "the descriptor of %#" PRIx64 " in %s has DBM, and is replaced by a plain store "
                "while another CPU runs with it: that the page was written meanwhile is lost",
                pages_ia(page, index), tlb_context_text(page->context, where, sizeof(where)));
    tlb_report(c, u, page->context, &f);
}

/* Has EL2 unlinked it, being no host with other threads, and are the tables still a VM's? */
static bool is_owned(const struct arm_checker *c, const struct stale *r, unsigned cpu)
{
    return r->changed.el == 2 && !r->context->over &&
           !HCR_EL2_E2H(checker_sysreg(c, cpu, SR_HCR_EL2));
}

/* A page that was cut out of the tables gets a valid descriptor: it is used for something else,
 * and walks may come here still. */
static void reused(struct arm_checker *c, struct tlb_unit *u, struct table_page *page,
                   unsigned index, const struct arm_event *p)
{
    struct finding f = tlb_finding(c, RULE_TLB_MISS, p, page->pa + 8 * index);
    struct stale *r = g_hash_table_lookup(u->stale, &page->parent);
    char where[60];

    if (!r || r->said)
        return;
    f.other = page->cut_at;
    f.other_role = "unlinked";
    f.hint = "TLBI and DSB before a table's page is used again";
    finding_say(&f,
                "the page was a table of %#" PRIx64 " in %s, and no TLBI has taken that away: "
                "walks may read what is stored",
                page->ia, tlb_context_text(page->context, where, sizeof(where)));
    tlb_blame(r, &f);
    if (u->armed && is_owned(c, r, p->cpu))
        finding_report(c, &f);
    else
        tlb_report(c, u, page->context, &f);
    tlb_silence(r);
}

/* May TLBs hold this descriptor, which is valid? */
static bool cached(const struct table_page *page, unsigned index)
{
    const struct tlb_context *x = page->context;

    return x->stage == 1 || x->running || page->since[index] <= x->entered;
}

/* A descriptor that leads to a table is so no longer: nor are all that stand below. */
static void cut(struct arm_checker *c, struct tlb_unit *u, const struct table_page *from,
                uint64_t desc, const struct arm_event *p)
{
    uint64_t table = descriptor_address(&from->at, desc);
    unsigned pieces = 1u << (from->at.granule_bits - PAGE_SHIFT);

    for (unsigned k = 0; k < pieces; k++) {
        struct table_page *page = pages_find(&u->pages, table + k * PAGE_SIZE);
        if (!page || page->cut || page->context != from->context ||
            page->at.level != from->at.level + 1)
            continue;
        page->cut = true;
        page->cut_at = site_of(c, p);
        for (unsigned n = 0; n < PAGE_DESCRIPTORS; n++) {
            if (!descriptor_valid(&page->at, page->desc[n]) || !cached(page, n))
                continue;
            tlb_stale_add(c, u, page, n, CHANGE_GONE, p);
            if (descriptor_is_table(&page->at, page->desc[n]))
                cut(c, u, page, page->desc[n], p);
        }
    }
}

/* The table at @desc is one again: what stands below, and has not changed, is not stale. */
static void mend(struct arm_checker *c, struct tlb_unit *u, const struct table_page *from,
                 uint64_t desc)
{
    uint64_t table = descriptor_address(&from->at, desc);

    for (unsigned k = 0; k < 1u << (from->at.granule_bits - PAGE_SHIFT); k++) {
        struct table_page *page = pages_find(&u->pages, table + k * PAGE_SIZE);
        if (!page || !page->cut)
            continue;
        page->cut = false;
        for (unsigned n = 0; n < PAGE_DESCRIPTORS; n++) {
            uint64_t pa = page->pa + 8 * n;
            struct stale *r = g_hash_table_lookup(u->stale, &pa);
            if (!r || r->value != page->desc[n])
                continue;
            if (descriptor_is_table(&page->at, r->value))
                mend(c, u, page, r->value);
            tlb_stale_forget(c, u, r);
        }
    }
}

/* What became stale before, and gets a new value now. */
static void check_stale(struct arm_checker *c, struct tlb_unit *u, const struct table_page *page,
                        unsigned index, uint64_t after, unsigned bbm, const struct arm_event *p)
{
    uint64_t pa = page->pa + 8 * index;
    struct stale *next;

    for (struct stale *r = g_hash_table_lookup(u->stale, &pa); r; r = next) {
        enum descriptor_change change = descriptor_compare(&r->at, r->value, after, bbm);
        next = r->next;
        if (change == CHANGE_NONE) { /* it is true again */
            if (descriptor_is_table(&r->at, after))
                mend(c, u, page, after);
            tlb_stale_forget(c, u, r);
        } else if (change > CHANGE_GONE && !r->said)
            not_broken(c, u, r, after, change, p);
    }
}

static void changed(struct arm_checker *c, struct tlb_unit *u, struct table_page *page,
                    unsigned index, uint64_t after, const struct arm_event *p)
{
    uint64_t before = page->desc[index];
    unsigned bbm = (unsigned)bits(checker_sysreg(c, p->cpu, SR_ID_AA64MMFR2_EL1), 55, 52);
    bool live = pages_live(c, &u->pages, page);

    if (live && descriptor_is_clean(&page->at, before))
        check_dirty(c, u, page, index, p);
    if (live)
        check_stale(c, u, page, index, after, bbm, p);
    else if (page->cut && descriptor_valid(&page->at, after))
        reused(c, u, page, index, p);
    if (live && descriptor_valid(&page->at, before) && cached(page, index)) {
        enum descriptor_change change = descriptor_compare(&page->at, before, after, bbm);
        if (change > CHANGE_GONE)
            replaced(c, u, page, index, after, change, p);
        struct stale *r =
            change == CHANGE_NONE ? NULL : tlb_stale_add(c, u, page, index, change, p);
        if (r && descriptor_is_table(&page->at, before) && change != CHANGE_PERMISSION)
            cut(c, u, page, before, p);
        if (r && change > CHANGE_GONE)
            tlb_silence(r);
    }
    page->desc[index] = after;
    page->since[index] = u->pages.clock;
    if (live)
        tlb_group_stored(c, u, page, index, before, p);
    if (page->at.stage == 2 && !page->parent && !page->context->running)
        page->context->over = pages_over(page);
}

void tlb_stored(struct arm_checker *c, struct tlb_unit *u, const struct arm_event *p)
{
    struct table_page *page = pages_find(&u->pages, p->store.pa);
    uint64_t now[PAGE_DESCRIPTORS];
    unsigned first = descriptor_index(p->store.pa);
    unsigned last = descriptor_index(p->store.pa + p->store.size - 1);

    if (!page || !arm_mem_read(c->m, page->pa + 8 * first, now, 8 * (last - first + 1)))
        return;
    if (!page->cut && !pages_live(c, &u->pages, page)) {
        pages_drop(c, &u->pages, page); /* its tables are no longer anybody's */
        return;
    }
    for (unsigned n = first; n <= last; n++)
        if (now[n - first] != page->desc[n])
            changed(c, u, page, n, now[n - first], p);
}
