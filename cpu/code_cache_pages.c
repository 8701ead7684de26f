/* The memory of pages of records. */
#include "cpu/code_cache_internal.h"

struct code_slab {
    struct code_slab *next;
    struct code_page page[CODE_SLAB_PAGES];
};

static bool add_slab(struct code_cache *cache)
{
    struct code_slab *s = host_memory(sizeof(*s));

    if (!s)
        return false;
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
    if ((!cache->slabs || cache->slab_used == CODE_SLAB_PAGES) && !add_slab(cache))
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
        host_memory_free(s, sizeof(*s));
    }
}
