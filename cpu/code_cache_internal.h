/* What the files of the code cache share. */
#pragma once

#include "base/host_memory.h"
#include "cpu/code_cache.h"

#define CODE_CACHE_BUCKETS 4096
#define CODE_CACHE_PAGES   6144 /* about 150 MiB of records */

/* Pages are taken from slabs, each in one large page of the host's but for the first, which is
 * small. */
#define CODE_SLAB_FIRST 3u
#define CODE_SLAB_PAGES ((HOST_LARGE_PAGE - sizeof(void *)) / sizeof(struct code_page))

struct code_cache {
    const struct code_engine *engine;
    struct code_page *bucket[CODE_CACHE_BUCKETS];
    unsigned count;
    struct code_slab *slabs; /* the newest has slab_used pages taken, others all */
    struct code_slab *first; /* the last of them, here for who looks for leaks and not into large
                                pages */
    unsigned slab_used;
    struct code_page *spare; /* given back */
    struct code_cache *peer; /* the next of those that have joined, in a circle */
    struct tlb *tlb[CODE_CACHE_TLBS_MAX];
    unsigned tlb_count;
};

/* Memory for a page, of no contents. NULL: no memory. */
struct code_page *code_cache_take(struct code_cache *cache);
void code_cache_give_back(struct code_cache *cache, struct code_page *p);
void code_cache_free_slabs(struct code_cache *cache);

/* NULL: it is not there. */
struct code_page *code_cache_find(struct code_cache *cache, uint64_t pa);

/* A page that nobody has asked for; NULL: no memory. */
struct code_page *code_cache_add(struct code_cache *cache, const struct ram_bank *bank,
                                 uint64_t pa);

/* Somebody asks for the records of @p, which is returned. */
struct code_page *code_cache_fill(const struct code_cache *cache, struct code_page *p);

/* The one function that ends what has been made from code, here from the instructions @first to
 * @last of a page: the page owns it all. Return: there was something. */
bool code_cache_kill(const struct code_cache *cache, struct code_page *p, unsigned first,
                     unsigned last);

/* Of the page at @pa, in @bank. */
uint8_t *code_cache_flags(const struct ram_bank *bank, uint64_t pa);

void code_cache_drop_fetches(struct code_cache *cache);
