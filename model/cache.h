/* A set-associative cache of lines, least recently used out first: which lines it has, and nothing
 * of what is in them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* Flags of a line. */
#define LINE_DIRTY      1U /* written */
#define LINE_OWNED      2U /* no other CPU has it */
#define LINE_PREFETCHED 4U /* and not yet used */

struct cache {
    uint64_t *lines; /* sets x ways, the most recent first: number << 8 | flags; 0: none */
    uint64_t set_mask;
    unsigned ways;
};

/* @size_bytes: 0 is a cache that has nothing, ever. */
void cache_init(struct cache *c, uint64_t size_bytes, unsigned ways, unsigned line_bytes);
void cache_free(struct cache *c);
void cache_clear(struct cache *c);

/* The entry of line number @line, which becomes the most recent; NULL: it is not there. Flags may
 * be changed in it. */
uint64_t *cache_find(struct cache *c, uint64_t line);

/* The same, and nothing becomes more recent. */
uint64_t *cache_peek(const struct cache *c, uint64_t line);

/* Put it in, if it is not there. Return: the entry that had to go, 0: none. */
uint64_t cache_insert(struct cache *c, uint64_t line, unsigned flags);

void cache_drop(struct cache *c, uint64_t line);

static inline uint64_t cache_line_of(uint64_t entry)
{
    return (entry >> 8) - 1;
}
