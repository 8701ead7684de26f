#include "model/cache.h"

#include <glib.h>
#include <string.h>

/* Number 0 is a line too: an entry's is one more. */
#define NUMBER(line) ((line) + 1)

void cache_init(struct cache *c, uint64_t size_bytes, unsigned ways, unsigned line_bytes)
{
    uint64_t sets = size_bytes / line_bytes / ways;

    *c = (struct cache){.ways = ways};
    if (!sets)
        return;
    c->set_mask = sets - 1;
    c->lines = g_new0(uint64_t, sets * ways);
}

void cache_free(struct cache *c)
{
    g_free(c->lines);
}

void cache_clear(struct cache *c)
{
    if (c->lines)
        memset(c->lines, 0, (c->set_mask + 1) * c->ways * sizeof(c->lines[0]));
}

static uint64_t *set_of(const struct cache *c, uint64_t line)
{
    return c->lines + (line & c->set_mask) * c->ways;
}

uint64_t *cache_peek(const struct cache *c, uint64_t line)
{
    if (!c->lines)
        return NULL;
    uint64_t *set = set_of(c, line);
    for (unsigned k = 0; k < c->ways; k++)
        if (set[k] >> 8 == NUMBER(line))
            return &set[k];
    return NULL;
}

static void to_front(uint64_t *set, unsigned k, uint64_t entry)
{
    memmove(set + 1, set, k * sizeof(set[0]));
    set[0] = entry;
}

uint64_t *cache_find(struct cache *c, uint64_t line)
{
    uint64_t *entry = cache_peek(c, line);

    if (!entry)
        return NULL;
    uint64_t *set = set_of(c, line);
    if (entry != set)
        to_front(set, (unsigned)(entry - set), *entry);
    return set;
}

uint64_t cache_insert(struct cache *c, uint64_t line, unsigned flags)
{
    if (!c->lines || cache_find(c, line))
        return 0;
    uint64_t *set = set_of(c, line), victim = set[c->ways - 1];
    to_front(set, c->ways - 1, NUMBER(line) << 8 | flags);
    return victim;
}

void cache_drop(struct cache *c, uint64_t line)
{
    uint64_t *entry = cache_peek(c, line);

    if (!entry)
        return;
    uint64_t *set = set_of(c, line);
    unsigned k = (unsigned)(entry - set);
    memmove(entry, entry + 1, (c->ways - 1 - k) * sizeof(set[0]));
    set[c->ways - 1] = 0;
}
