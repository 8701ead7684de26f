/* Snapshots of the code cache: which pages are decoded, and how near each is to be given up. The
 * records follow from what is in RAM. */
#include <stdlib.h>

#include "base/state_io.h"
#include "cpu/code_cache_internal.h"

/* A turn that is paused may have added some. */
#define PAGES_RESTORED_MAX (4 * CODE_CACHE_PAGES)

/* No page is kept so far, and none has a flag that says so. */
static void begin_restore(struct code_cache *cache, struct physmem *mem)
{
    code_cache_drop_fetches(cache);
    for (unsigned i = 0; i < CODE_CACHE_BUCKETS; i++)
        for (struct code_page *p = cache->bucket[i]; p; p = p->next)
            p->kept = false;
    for (unsigned i = 0; i < mem->bank_count; i++)
        for (uint64_t n = 0; n < mem->banks[i].size >> PAGE_SHIFT; n++)
            mem->banks[i].flags[n] &= (uint8_t) ~(PAGE_HAS_CODE | PAGE_WRITE_CACHED);
}

static void end_restore(struct code_cache *cache)
{
    for (unsigned i = 0; i < CODE_CACHE_BUCKETS; i++) {
        struct code_page **link = &cache->bucket[i];
        while (*link) {
            struct code_page *p = *link;
            if (p->kept) {
                link = &p->next;
                continue;
            }
            code_cache_kill(cache, p, 0, CODE_PAGE_INSNS - 1); /* others may lead into it */
            *link = p->next;
            code_cache_give_back(cache, p);
            cache->count--;
        }
    }
}

/* A page less its records. */
struct page_facts {
    uint64_t pa;
    unsigned stores;
    bool recent, watched; /* watched: PAGE_HAS_CODE */
};

static void facts_state(struct state_io *io, struct page_facts *f)
{
    STATE(io, f->pa);
    STATE(io, f->stores);
    STATE(io, f->recent);
    STATE(io, f->watched);
}

static void save_page(struct state_io *io, struct physmem *mem, const struct code_page *p)
{
    struct ram_bank *bank = physmem_bank_or_hidden(mem, (pa_t){p->pa});
    struct page_facts f = {p->pa, p->stores, p->recent,
                           *code_cache_flags(bank, p->pa) & PAGE_HAS_CODE};

    facts_state(io, &f);
}

/* The records that are there still stand for what is in RAM. */
static void restore_page(struct state_io *io, struct code_cache *cache, struct physmem *mem)
{
    struct page_facts f = {0};

    facts_state(io, &f);
    struct ram_bank *bank = physmem_bank_or_hidden(mem, (pa_t){f.pa});
    struct code_page *p = code_cache_find(cache, f.pa);
    if (!state_require(io, bank && !(f.pa & PAGE_MASK) && !(p && p->kept), "f->pa") || !bank)
        return;
    if (!p)
        p = code_cache_add(cache, bank, f.pa);
    if (!p) {
        state_fail(io, ARM_ENOMEM, "no memory for decoded pages");
        return;
    }
    p->kept = true;
    p->stores = f.stores;
    p->recent = f.recent;
    if (f.watched)
        *code_cache_flags(bank, p->pa) |= PAGE_HAS_CODE;
    else
        code_cache_kill(cache, p, 0, CODE_PAGE_INSNS - 1);
}

static int by_address(const void *a, const void *b)
{
    const struct code_page *const *pa = a, *const *pb = b;

    return (*pa)->pa < (*pb)->pa ? -1 : (*pa)->pa > (*pb)->pa;
}

/* In the order of their addresses: the one in which they were made has no meaning. */
static void save_pages(struct state_io *io, struct code_cache *cache, struct physmem *mem)
{
    struct code_page **pages = calloc(cache->count ? cache->count : 1, sizeof(*pages));
    unsigned n = 0;

    if (!pages) {
        state_fail(io, ARM_ENOMEM, "no memory for a list of decoded pages");
        return;
    }
    for (unsigned i = 0; i < CODE_CACHE_BUCKETS; i++)
        for (struct code_page *p = cache->bucket[i]; p; p = p->next)
            pages[n++] = p;
    qsort(pages, n, sizeof(*pages), by_address);
    for (unsigned k = 0; k < n; k++)
        save_page(io, mem, pages[k]);
    free(pages);
}

void code_cache_state(struct state_io *io, struct code_cache *cache, struct physmem *mem)
{
    uint64_t count = state_count(io, "pages", cache->count, PAGES_RESTORED_MAX);

    if (!state_restoring(io)) {
        save_pages(io, cache, mem);
        return;
    }
    begin_restore(cache, mem);
    for (; count && !state_failed(io); count--)
        restore_page(io, cache, mem);
    end_restore(cache);
}

static uint64_t pa_of(void *page)
{
    return ((const struct code_page *)page)->pa;
}

static void *page_at(void *ctx, uint64_t pa)
{
    struct code_cache *cache = ctx;
    struct code_page *p = code_cache_find(cache, pa);

    return p ? code_cache_fill(cache, p) : NULL;
}

struct tlb_code code_cache_names(struct code_cache *cache)
{
    return (struct tlb_code){pa_of, page_at, cache};
}
