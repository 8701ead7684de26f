/* The memory of pages of records, in small pages of the host's, found many at once: large ones
 * would be dearer than what they save here (docs/decisions/216). */
#include "cpu/code_cache_internal.h"

struct code_slab {
    struct code_slab *next; /* NULL: the first */
    struct code_page page[];
};

static unsigned slab_pages(const struct code_slab *s)
{
    return s->next ? CODE_SLAB_PAGES : CODE_SLAB_FIRST;
}

static size_t slab_bytes(unsigned pages)
{
    return sizeof(struct code_slab) + pages * sizeof(struct code_page);
}

static bool add_slab(struct code_cache *cache)
{
    const size_t bytes = slab_bytes(cache->slabs ? CODE_SLAB_PAGES : CODE_SLAB_FIRST);
    struct code_slab *s = host_pages(bytes);

    if (!s)
        return false;
    if (cache->slabs) /* somebody executes much */
        host_pages_find(s, bytes);
    s->next = cache->slabs;
    cache->slabs = s;
    cache->slab_used = 0;
    return true;
}

struct code_page *code_cache_take(struct code_cache *cache)
{
    struct code_page *p = cache->spare;

    if (p) {
        cache->spare = p->next;
        return p;
    }
    if ((!cache->slabs || cache->slab_used == slab_pages(cache->slabs)) && !add_slab(cache))
        return NULL;
    return &cache->slabs->page[cache->slab_used++];
}

void code_cache_give_back(struct code_cache *cache, struct code_page *p)
{
    p->next = cache->spare;
    cache->spare = p;
}

void code_cache_free_slabs(struct code_cache *cache)
{
    while (cache->slabs) {
        struct code_slab *s = cache->slabs;
        cache->slabs = s->next;
        host_pages_free(s, slab_bytes(slab_pages(s)));
    }
}
