#include "cpu/code_cache.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/host_memory.h"
#include "base/log.h"
#include "base/probe.h"
#include "cpu/code_cache_internal.h"

/* Stores into a page after which its records are given up. */
#define STORES_MAX 64

struct code_cache *code_cache_create(const struct code_engine *engine)
{
    struct code_cache *cache = host_pages(sizeof(*cache));

    if (!cache)
        return NULL;
    cache->engine = engine;
    cache->peer = cache;
    return cache;
}

void code_cache_join(struct code_cache *cache, struct code_cache *other)
{
    struct code_cache *next = cache->peer;

    cache->peer = other->peer;
    other->peer = next;
}

bool code_cache_sees_stores(struct physmem *mem, uint64_t pa)
{
    const struct ram_bank *bank = physmem_bank(mem, (pa_t){pa});

    return !bank || (page_flags(bank, pa - bank->base) & PAGE_HAS_CODE);
}

bool code_cache_kill(const struct code_cache *cache, struct code_page *p, unsigned first,
                     unsigned last)
{
    bool decoded = false;

    if (p->blank)
        return false;
    if (unlikely(p->blocks))
        cache->engine->kill(p, first, last);
    for (unsigned i = first; i <= last; i++) {
        decoded |= p->insn[i].fn != cache->engine->fresh;
        p->insn[i].fn = cache->engine->fresh;
    }
    return decoded;
}

static bool kill_page(const struct code_cache *cache, struct code_page *p)
{
    return code_cache_kill(cache, p, 0, CODE_PAGE_INSNS - 1);
}

/* Remove a dead page. */
static void free_page(struct code_cache *cache, struct code_page **link)
{
    struct code_page *p = *link;

    *link = p->next;
    code_cache_give_back(cache, p);
    cache->count--;
}

static void free_all(struct code_cache *cache)
{
    for (unsigned i = 0; i < CODE_CACHE_BUCKETS; i++) {
        while (cache->bucket[i]) {
            kill_page(cache, cache->bucket[i]);
            free_page(cache, &cache->bucket[i]);
        }
    }
}

void code_cache_destroy(struct code_cache *cache)
{
    if (cache)
        code_cache_free_slabs(cache);
    host_pages_free(cache, sizeof(*cache));
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
    return &cache->bucket[(pa >> PAGE_SHIFT ^ pa >> (PAGE_SHIFT + 12)) % CODE_CACHE_BUCKETS];
}

struct code_page *code_cache_find(struct code_cache *cache, uint64_t pa)
{
    struct code_page *p = *bucket(cache, pa);

    while (p && p->pa != pa)
        p = p->next;
    return p;
}

uint8_t *code_cache_flags(const struct ram_bank *bank, uint64_t pa)
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

static void drop_fetches_of(struct code_cache *cache, const struct code_page *p)
{
    for (unsigned i = 0; i < cache->tlb_count; i++)
        tlb_x_drop(cache->tlb[i], p);
}

/* @p has nothing any more, nor have those of other caches, and stores into it go direct. Whoever
 * fetches from it next must come by code_cache_page(): the caller drops the fetch entries of its
 * own cache. */
static void give_up(struct code_cache *cache, struct physmem *mem, struct code_page *p)
{
    struct ram_bank *bank = physmem_bank(mem, (pa_t){p->pa});
    bool decoded = kill_page(cache, p);

    if (bank)
        *code_cache_flags(bank, p->pa) &= (uint8_t)~PAGE_HAS_CODE;
    for (struct code_cache *peer = cache->peer; peer != cache; peer = peer->peer) {
        struct code_page *its = code_cache_find(peer, p->pa);
        if (!its)
            continue;
        decoded |= kill_page(peer, its);
        drop_fetches_of(peer, its);
    }
    if (decoded)
        tell(mem, p->pa, PAGE_SIZE, ARM_CODE_DROPPED);
}

static void drop_writes(struct code_cache *cache, const uint8_t *host)
{
    struct code_cache *c = cache;

    do {
        for (unsigned i = 0; i < c->tlb_count; i++)
            tlb_l1_drop_writes(c->tlb[i], host);
        c = c->peer;
    } while (c != cache);
}

void code_cache_see_stores(struct code_cache *cache, struct ram_bank *bank, uint64_t pa,
                           uint8_t flag)
{
    uint8_t *flags = code_cache_flags(bank, pa);

    if (*flags & PAGE_WRITE_CACHED)
        drop_writes(cache, bank->host + (pa - bank->base));
    *flags = (uint8_t)((*flags | flag) & ~PAGE_WRITE_CACHED);
}

struct code_page *code_cache_add(struct code_cache *cache, const struct ram_bank *bank, uint64_t pa)
{
    struct code_page *p = code_cache_take(cache);

    if (!p)
        return NULL;
    p->pa = pa;
    p->host = bank->host + (pa - bank->base);
    p->stores = 0;
    p->recent = p->kept = false;
    p->blank = true;
    p->blocks = NULL;
    p->next = *bucket(cache, pa);
    *bucket(cache, pa) = p;
    cache->count++;
    return p;
}

struct code_page *code_cache_fill(const struct code_cache *cache, struct code_page *p)
{
    if (!p->blank)
        return p;
    p->blank = false;
    for (unsigned k = 0; k < CODE_PAGE_INSNS; k++)
        p->insn[k] = (struct insn){.fn = cache->engine->fresh};
    p->insn[CODE_PAGE_INSNS] = (struct insn){.fn = cache->engine->page_end};
    return p;
}

struct code_page *code_cache_page(struct code_cache *cache, struct physmem *mem, uint64_t pa)
{
    struct ram_bank *bank = physmem_bank(mem, (pa_t){pa});
    struct code_page *p = code_cache_find(cache, pa);

    if (!bank)
        return NULL;
    if (!p)
        p = code_cache_add(cache, bank, pa);
    if (!p)
        return NULL;
    p->recent = true;
    if (!(*code_cache_flags(bank, pa) & PAGE_HAS_CODE)) {
        code_cache_see_stores(cache, bank, pa, PAGE_HAS_CODE);
        p->stores = 0;
    }
    return code_cache_fill(cache, p);
}

void code_cache_drop_fetches(struct code_cache *cache)
{
    for (unsigned i = 0; i < cache->tlb_count; i++)
        tlb_x_flush(cache->tlb[i]);
}

/* The records of one page that [first, last] touch, byte offsets, in each cache. Return: there were
 * any. */
static bool kill_in_page(struct code_cache *cache, uint64_t page, unsigned first, unsigned last)
{
    struct code_cache *c = cache;
    bool decoded = false;

    do {
        struct code_page *p = code_cache_find(c, page);
        decoded |= p && code_cache_kill(c, p, first / 4, last / 4);
        c = c->peer;
    } while (c != cache);
    return decoded;
}

static void invalidate_in_page(struct code_cache *cache, const struct physmem *mem, uint64_t page,
                               unsigned first, unsigned last)
{
    if (kill_in_page(cache, page, first, last))
        tell(mem, page + first, last + 1 - first, ARM_CODE_WRITTEN);
}

/* A cache that has @page, @cache first; NULL: none. */
static struct code_cache *find_holder(struct code_cache *cache, uint64_t page)
{
    struct code_cache *c = cache;

    do {
        if (code_cache_find(c, page))
            return c;
        c = c->peer;
    } while (c != cache);
    return NULL;
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
    struct code_cache *holder = find_holder(cache, pa.a - offset);
    struct ram_bank *bank = physmem_bank(mem, pa);

    if (!bank)
        return false;
    if (!holder) {
        *code_cache_flags(bank, pa.a) &= (uint8_t)~PAGE_HAS_CODE;
        return false;
    }
    struct code_page *p = code_cache_find(holder, pa.a - offset);
    bool decoded =
        kill_in_page(holder, pa.a - offset, (unsigned)offset, (unsigned)(offset + size - 1));
    if (++p->stores < STORES_MAX || p->insn == running)
        return decoded;
    give_up(holder, mem, p);
    drop_fetches_of(holder, p);
    return decoded;
}

void code_cache_each(struct code_cache *cache,
                     void (*fn)(struct code_page *page, unsigned first, unsigned last))
{
    for (unsigned i = 0; i < CODE_CACHE_BUCKETS; i++)
        for (struct code_page *p = cache->bucket[i]; p; p = p->next)
            fn(p, 0, CODE_PAGE_INSNS - 1);
}

void code_cache_flush(struct code_cache *cache, struct physmem *mem)
{
    code_cache_drop_fetches(cache);
    for (unsigned i = 0; i < CODE_CACHE_BUCKETS; i++)
        for (struct code_page *p = cache->bucket[i]; p; p = p->next)
            give_up(cache, mem, p);
    free_all(cache);
}

/* Free the pages not used since the last call; forget which were. */
static void drop_idle(struct code_cache *cache, struct physmem *mem)
{
    for (unsigned i = 0; i < CODE_CACHE_BUCKETS; i++) {
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

bool code_cache_is_full(const struct code_cache *cache)
{
    return cache->count > CODE_CACHE_PAGES;
}

void code_cache_trim(struct code_cache *cache, struct physmem *mem)
{
    if (!code_cache_is_full(cache))
        return;
    code_cache_drop_fetches(cache);
    drop_idle(cache, mem);
    if (cache->count > CODE_CACHE_PAGES - CODE_CACHE_PAGES / 4)
        code_cache_flush(cache, mem);
}
