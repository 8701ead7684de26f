#include "cpu/code_cache.h"

#include <stdlib.h>

#include "base/bits.h"
#include "base/log.h"
#include "base/probe.h"
#include "base/state_io.h"

#define BUCKETS   4096
#define PAGES_MAX 6144 /* about 150 MiB of records */

/* Stores into a page after which its records are given up. */
#define STORES_MAX 64

struct code_cache {
    const struct code_engine *engine;
    struct code_page *bucket[BUCKETS];
    unsigned count;
    struct tlb *tlb[CODE_CACHE_TLBS_MAX];
    unsigned tlb_count;
};

struct code_cache *code_cache_create(const struct code_engine *engine)
{
    struct code_cache *cache = calloc(1, sizeof(*cache));

    if (cache)
        cache->engine = engine;
    return cache;
}

/* The one function that ends what has been made from code, here from the instructions @first to
 * @last of a page: the page owns it all. Return: there was something. */
static bool kill_insns(const struct code_cache *cache, struct code_page *p, unsigned first,
                       unsigned last)
{
    bool decoded = false;

    for (unsigned i = first; i <= last; i++) {
        decoded |= p->insn[i].fn != cache->engine->fresh;
        p->insn[i].fn = cache->engine->fresh;
    }
    return decoded;
}

static bool kill_page(const struct code_cache *cache, struct code_page *p)
{
    return kill_insns(cache, p, 0, CODE_PAGE_INSNS - 1);
}

/* Remove a dead page. */
static void free_page(struct code_cache *cache, struct code_page **link)
{
    struct code_page *p = *link;

    *link = p->next;
    free(p);
    cache->count--;
}

static void free_all(struct code_cache *cache)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        while (cache->bucket[i]) {
            kill_page(cache, cache->bucket[i]);
            free_page(cache, &cache->bucket[i]);
        }
    }
}

void code_cache_destroy(struct code_cache *cache)
{
    if (cache)
        free_all(cache);
    free(cache);
}

void code_cache_attach(struct code_cache *cache, struct tlb *tlb)
{
    CHECK(cache->tlb_count < CODE_CACHE_TLBS_MAX);
    cache->tlb[cache->tlb_count++] = tlb;
}

void code_cache_detach(struct code_cache *cache, struct tlb *tlb)
{
    for (unsigned i = 0; i < cache->tlb_count; i++) {
        if (cache->tlb[i] == tlb) {
            cache->tlb[i] = cache->tlb[--cache->tlb_count];
            return;
        }
    }
}

static struct code_page **bucket(struct code_cache *cache, uint64_t pa)
{
    return &cache->bucket[(pa >> PAGE_SHIFT ^ pa >> (PAGE_SHIFT + 12)) % BUCKETS];
}

static struct code_page *find(struct code_cache *cache, uint64_t pa)
{
    struct code_page *p = *bucket(cache, pa);

    while (p && p->pa != pa)
        p = p->next;
    return p;
}

static uint8_t *page_flags(const struct ram_bank *bank, uint64_t pa)
{
    return &bank->flags[(pa - bank->base) >> PAGE_SHIFT];
}

static void tell(const struct physmem *mem, uint64_t pa, uint64_t size, unsigned cause)
{
    if (mem->probes && probe_wanted(mem->probes, ARM_EVENT_CODE))
        probe_fire_located(
            mem->probes,
            &(struct arm_event){.kind = ARM_EVENT_CODE,
                                .cpu = ARM_NO_CPU,
                                .code = {.pa = pa, .size = size, .cause = (uint8_t)cause}});
}

/* @p has nothing any more, and stores into it go direct. Whoever fetches from it next must come by
 * code_cache_page(): the caller drops the fetch entries. */
static void give_up(struct code_cache *cache, struct physmem *mem, struct code_page *p)
{
    struct ram_bank *bank = physmem_bank(mem, (pa_t){p->pa});

    if (bank)
        *page_flags(bank, p->pa) &= (uint8_t)~PAGE_HAS_CODE;
    if (kill_page(cache, p))
        tell(mem, p->pa, PAGE_SIZE, ARM_CODE_DROPPED);
}

/* From now on stores into the page have to be seen. */
static void watch(struct code_cache *cache, struct code_page *p, uint8_t *flags)
{
    if (*flags & PAGE_WRITE_CACHED)
        for (unsigned i = 0; i < cache->tlb_count; i++)
            tlb_l1_drop_writes(cache->tlb[i], p->host);
    *flags = (uint8_t)((*flags | PAGE_HAS_CODE) & ~PAGE_WRITE_CACHED);
    p->stores = 0;
}

/* A page of which nothing is decoded; NULL: no memory. */
static struct code_page *add(struct code_cache *cache, const struct ram_bank *bank, uint64_t pa)
{
    struct code_page *p = calloc(1, sizeof(*p));

    if (!p)
        return NULL;
    p->pa = pa;
    p->host = bank->host + (pa - bank->base);
    kill_page(cache, p);
    p->insn[CODE_PAGE_INSNS].fn = cache->engine->page_end;
    p->next = *bucket(cache, pa);
    *bucket(cache, pa) = p;
    cache->count++;
    return p;
}

struct code_page *code_cache_page(struct code_cache *cache, struct physmem *mem, uint64_t pa)
{
    struct ram_bank *bank = physmem_bank(mem, (pa_t){pa});
    struct code_page *p = find(cache, pa);

    if (!bank)
        return NULL;
    if (!p)
        p = add(cache, bank, pa);
    if (!p)
        return NULL;
    p->recent = true;
    uint8_t *flags = page_flags(bank, pa);
    if (!(*flags & PAGE_HAS_CODE))
        watch(cache, p, flags);
    return p;
}

static void drop_fetch_entries(struct code_cache *cache)
{
    for (unsigned i = 0; i < cache->tlb_count; i++)
        tlb_x_flush(cache->tlb[i]);
}

/* The records of one page that [first, last] touch, byte offsets. */
static void invalidate_in_page(struct code_cache *cache, const struct physmem *mem, uint64_t page,
                               unsigned first, unsigned last)
{
    struct code_page *p = find(cache, page);

    if (p && kill_insns(cache, p, first / 4, last / 4))
        tell(mem, page + first, last + 1 - first, ARM_CODE_WRITTEN);
}

void code_cache_invalidate(struct code_cache *cache, struct physmem *mem, pa_t pa, uint64_t size)
{
    while (size) {
        uint64_t offset = pa.a & PAGE_MASK;
        uint64_t n = PAGE_SIZE - offset < size ? PAGE_SIZE - offset : size;
        invalidate_in_page(cache, mem, pa.a - offset, (unsigned)offset, (unsigned)(offset + n - 1));
        pa.a += n;
        size -= n;
    }
}

bool code_cache_store(struct code_cache *cache, struct physmem *mem, pa_t pa, unsigned size,
                      const struct insn *running)
{
    uint64_t offset = pa.a & PAGE_MASK;
    struct code_page *p = find(cache, pa.a - offset);
    struct ram_bank *bank = physmem_bank(mem, pa);

    if (!bank)
        return false;
    if (!p) {
        *page_flags(bank, pa.a) &= (uint8_t)~PAGE_HAS_CODE;
        return false;
    }
    bool decoded = kill_insns(cache, p, (unsigned)offset / 4, (unsigned)(offset + size - 1) / 4);
    if (++p->stores < STORES_MAX || p->insn == running)
        return decoded;
    give_up(cache, mem, p);
    drop_fetch_entries(cache);
    return decoded;
}

void code_cache_flush(struct code_cache *cache, struct physmem *mem)
{
    drop_fetch_entries(cache);
    for (unsigned i = 0; i < BUCKETS; i++)
        for (struct code_page *p = cache->bucket[i]; p; p = p->next)
            give_up(cache, mem, p);
    free_all(cache);
}

/* Free the pages not used since the last call; forget which were. */
static void drop_idle(struct code_cache *cache, struct physmem *mem)
{
    for (unsigned i = 0; i < BUCKETS; i++) {
        struct code_page **link = &cache->bucket[i];
        while (*link) {
            struct code_page *p = *link;
            if (p->recent) {
                p->recent = false;
                link = &p->next;
                continue;
            }
            give_up(cache, mem, p);
            free_page(cache, link);
        }
    }
}

void code_cache_trim(struct code_cache *cache, struct physmem *mem)
{
    if (cache->count <= PAGES_MAX)
        return;
    drop_fetch_entries(cache);
    drop_idle(cache, mem);
    if (cache->count > PAGES_MAX - PAGES_MAX / 4)
        code_cache_flush(cache, mem);
}

/* ---- state ---- */

/* Nothing is decoded, and no page has a flag that says so. */
static void forget_all(struct code_cache *cache, struct physmem *mem)
{
    drop_fetch_entries(cache);
    free_all(cache);
    for (unsigned i = 0; i < mem->bank_count; i++)
        for (uint64_t n = 0; n < mem->banks[i].size >> PAGE_SHIFT; n++)
            mem->banks[i].flags[n] &= (uint8_t) ~(PAGE_HAS_CODE | PAGE_WRITE_CACHED);
}

/* @page: all fields but its records. */
static void restore_page(struct state_io *io, struct code_cache *cache, struct physmem *mem,
                         const struct code_page *page, bool watched)
{
    struct ram_bank *bank = physmem_bank_or_hidden(mem, (pa_t){page->pa});

    if (!state_require(io, bank && !(page->pa & PAGE_MASK) && !find(cache, page->pa), "page.pa"))
        return;
    struct code_page *p = add(cache, bank, page->pa);
    if (!p) {
        state_fail(io, ARM_ENOMEM, "no memory for decoded pages");
        return;
    }
    p->stores = page->stores;
    p->recent = page->recent;
    *page_flags(bank, p->pa) |= watched ? PAGE_HAS_CODE : 0;
}

static void page_state(struct state_io *io, struct code_cache *cache, struct physmem *mem,
                       struct code_page *p)
{
    struct ram_bank *bank = physmem_bank_or_hidden(mem, (pa_t){p->pa});
    bool watched = bank && (*page_flags(bank, p->pa) & PAGE_HAS_CODE);

    STATE(io, p->pa);
    STATE(io, p->stores);
    STATE(io, p->recent);
    STATE(io, watched);
    if (state_restoring(io) && !state_failed(io))
        restore_page(io, cache, mem, p, watched);
}

void code_cache_state(struct state_io *io, struct code_cache *cache, struct physmem *mem)
{
    uint64_t count = state_count(io, "pages", cache->count, PAGES_MAX);

    if (!state_restoring(io)) {
        for (unsigned i = 0; i < BUCKETS; i++)
            for (struct code_page *p = cache->bucket[i]; p; p = p->next)
                page_state(io, cache, mem, p);
        return;
    }
    forget_all(cache, mem);
    for (; count && !state_failed(io); count--) {
        struct code_page p = {0};
        page_state(io, cache, mem, &p);
    }
}

static uint64_t pa_of(void *page)
{
    return ((const struct code_page *)page)->pa;
}

static void *page_at(void *cache, uint64_t pa)
{
    return find(cache, pa);
}

struct tlb_code code_cache_names(struct code_cache *cache)
{
    return (struct tlb_code){pa_of, page_at, cache};
}
