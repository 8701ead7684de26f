/* The memory of pages of records. */
#include "cpu/code_cache_internal.h"

/* The first one is small, in small pages: it is all that a program of some KiB needs, and clearing
 * a large page takes a host longer than that program. */
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
    struct code_slab *s = cache->slabs ? host_memory(slab_bytes(CODE_SLAB_PAGES))
                                       : host_pages(slab_bytes(CODE_SLAB_FIRST));

    if (!s)
        return false;
    s->next = cache->slabs;
    cache->slabs = s;
    cache->first = cache->first ? cache->first : s;
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
        if (s->next)
            host_memory_free(s, slab_bytes(CODE_SLAB_PAGES));
        else
            host_pages_free(s, slab_bytes(CODE_SLAB_FIRST));
    }
}
