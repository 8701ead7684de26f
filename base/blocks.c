#include "base/blocks.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/host_memory.h"
#include "base/log.h"

/* Reference counts change atomically: a block's copies may belong to machines of different threads.
 * A count of 1 is the caller's own and stays so. */
struct block {
    unsigned refs;
    struct block_slab *slab; /* that it is in; NULL: it has memory of its own */
    uint8_t bytes[];
};

/* Memory that goes when the last block in it does. Blocks are behind it. */
struct block_slab {
    unsigned refs;
    size_t bytes;
};

struct block_leaf {
    unsigned refs;
    unsigned used;
    struct block *block[BLOCKS_LEAF];
};

static void take(unsigned *refs)
{
    __atomic_fetch_add(refs, 1, __ATOMIC_RELAXED);
}

/* True: that was the last one. */
static bool give_back(unsigned *refs)
{
    return __atomic_fetch_sub(refs, 1, __ATOMIC_ACQ_REL) == 1;
}

static bool is_shared(const unsigned *refs)
{
    return __atomic_load_n(refs, __ATOMIC_ACQUIRE) != 1;
}

static uint64_t leaf_count(const struct blocks *b)
{
    return (b->count + BLOCKS_LEAF - 1) / BLOCKS_LEAF;
}

bool blocks_init(struct blocks *b, size_t block_bytes, uint64_t count)
{
    *b = (struct blocks){.block_bytes = block_bytes, .count = count};
    b->leaf = calloc(count ? leaf_count(b) : 1, sizeof(struct block_leaf *));
    return b->leaf != NULL;
}

bool blocks_copy(struct blocks *b, const struct blocks *from)
{
    if (!blocks_init(b, from->block_bytes, from->count))
        return false;
    for (uint64_t i = 0; i < leaf_count(b); i++) {
        b->leaf[i] = from->leaf[i];
        if (b->leaf[i])
            take(&b->leaf[i]->refs);
    }
    return true;
}

static void free_slab(struct block_slab *slab)
{
    if (give_back(&slab->refs))
        host_memory_free(slab, slab->bytes);
}

static void free_block(struct block *block)
{
    if (!block || !give_back(&block->refs))
        return;
    if (block->slab)
        free_slab(block->slab);
    else
        free(block);
}

static void free_leaf(struct block_leaf *leaf)
{
    if (!leaf || !give_back(&leaf->refs))
        return;
    for (unsigned i = 0; i < BLOCKS_LEAF; i++)
        free_block(leaf->block[i]);
    free(leaf);
}

void blocks_destroy(struct blocks *b)
{
    for (uint64_t i = 0; b->leaf && i < leaf_count(b); i++)
        free_leaf(b->leaf[i]);
    free(b->leaf);
    *b = (struct blocks){0};
}

const uint8_t *blocks_get(const struct blocks *b, uint64_t n)
{
    CHECK(n < b->count);
    const struct block_leaf *leaf = b->leaf[n / BLOCKS_LEAF];
    const struct block *block = leaf ? leaf->block[n % BLOCKS_LEAF] : NULL;

    return block ? block->bytes : NULL;
}

/* A leaf that is ours alone. */
static struct block_leaf *own_leaf(struct block_leaf **slot)
{
    struct block_leaf *old = *slot, *leaf;

    if (old && !is_shared(&old->refs))
        return old;
    leaf = calloc(1, sizeof(*leaf));
    if (!leaf)
        return NULL;
    if (old)
        memcpy(leaf, old, sizeof(*leaf));
    leaf->refs = 1;
    for (unsigned i = 0; i < BLOCKS_LEAF; i++)
        if (leaf->block[i])
            take(&leaf->block[i]->refs);
    free_leaf(old);
    *slot = leaf;
    return leaf;
}

/* Each at a multiple of its own alignment. */
static size_t block_size(size_t block_bytes)
{
    return align_up(sizeof(struct block) + block_bytes, _Alignof(max_align_t));
}

void blocks_room_begin(struct blocks_room *room, size_t block_bytes, uint64_t count)
{
    size_t header = align_up(sizeof(struct block_slab), _Alignof(max_align_t));
    size_t each = block_size(block_bytes);

    *room = (struct blocks_room){.block_bytes = block_bytes};
    if (count < HOST_LARGE_PAGE / 2 / each || count > (SIZE_MAX - header) / each)
        return;
    room->slab = host_memory(header + count * each);
    if (!room->slab)
        return;
    *room->slab = (struct block_slab){.refs = 1, .bytes = header + count * each};
    room->next = (uint8_t *)room->slab + header;
    room->left = count;
}

void blocks_room_end(struct blocks_room *room)
{
    if (room->slab)
        free_slab(room->slab);
    *room = (struct blocks_room){0};
}

static struct block *new_block(size_t block_bytes, struct blocks_room *room)
{
    struct block *block;

    if (!room || !room->left) {
        block = malloc(sizeof(*block) + block_bytes);
        if (block)
            *block = (struct block){.refs = 1};
        return block;
    }
    block = (struct block *)(void *)room->next;
    *block = (struct block){.refs = 1, .slab = room->slab};
    take(&room->slab->refs);
    room->next += block_size(block_bytes);
    room->left--;
    return block;
}

uint8_t *blocks_put(struct blocks *b, uint64_t n)
{
    return blocks_put_in(b, n, NULL);
}

uint8_t *blocks_put_in(struct blocks *b, uint64_t n, struct blocks_room *room)
{
    CHECK(n < b->count && (!room || room->block_bytes == b->block_bytes));
    struct block_leaf *leaf = own_leaf(&b->leaf[n / BLOCKS_LEAF]);
    struct block *old = leaf ? leaf->block[n % BLOCKS_LEAF] : NULL, *block;

    if (!leaf || (old && !is_shared(&old->refs)))
        return leaf ? old->bytes : NULL;
    block = new_block(b->block_bytes, room);
    if (!block)
        return NULL;
    if (old)
        memcpy(block->bytes, old->bytes, b->block_bytes);
    else
        memset(block->bytes, 0, b->block_bytes);
    leaf->used += !old;
    leaf->block[n % BLOCKS_LEAF] = block;
    free_block(old);
    return block->bytes;
}

uint64_t blocks_next(const struct blocks *b, uint64_t n)
{
    while (n < b->count) {
        const struct block_leaf *leaf = b->leaf[n / BLOCKS_LEAF];
        if (!leaf)
            n += BLOCKS_LEAF - n % BLOCKS_LEAF;
        else if (leaf->block[n % BLOCKS_LEAF])
            return n;
        else
            n++;
    }
    return b->count;
}

uint64_t blocks_next_unshared(const struct blocks *a, const struct blocks *b, uint64_t n)
{
    CHECK(a->count == b->count && a->block_bytes == b->block_bytes);
    while (n < a->count) {
        const struct block_leaf *in_a = a->leaf[n / BLOCKS_LEAF], *in_b = b->leaf[n / BLOCKS_LEAF];
        if (in_a == in_b)
            n += BLOCKS_LEAF - n % BLOCKS_LEAF;
        else if (blocks_get(a, n) != blocks_get(b, n))
            return n;
        else
            n++;
    }
    return a->count;
}

uint64_t blocks_used(const struct blocks *b)
{
    uint64_t n = 0;

    for (uint64_t i = 0; i < leaf_count(b); i++)
        n += b->leaf[i] ? b->leaf[i]->used : 0;
    return n;
}
