#include "base/blocks.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/host_memory.h"
#include "base/log.h"
#include "base/source_file.h"

/* Reference counts change atomically: a block's copies may belong to machines of different threads.
 * A count of 1 is the caller's own and stays so. */
struct block {
    unsigned refs;
    bool lent;                /* the bytes are somebody else's: who changes them says so before */
    struct block_slab *slab;  /* that it is in; NULL: it has memory of its own */
    struct block_pool *pool;  /* of one that is or was lent, where its bytes go; or NULL */
    uint8_t *bytes;           /* behind this, but for one that is or was lent; NULL: lost, or */
    struct source_file *file; /* here, at offset; NULL: nowhere */
    uint64_t offset;
};

/* Memory for lent blocks and their copies; what is given back is used again. It goes when nobody
 * refers to it. Of one thread. */
struct block_pool {
    unsigned refs;
    size_t block_bytes;
    struct pool_item *free;   /* of block_bytes each */
    struct pool_item *blocks; /* each a struct block */
    struct pool_chunk *chunks;
};

struct pool_item {
    struct pool_item *next;
};

struct pool_chunk {
    struct pool_chunk *next;
    void *memory;
};

/* In the host's small pages: a large one that nobody has used for a while may be dear to find.
 * docs/decisions/191 has the numbers. */
#define CHUNK_BYTES ((size_t)256 << 10)

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
    b->pool = from->pool;
    if (b->pool)
        b->pool->refs++;
    return true;
}

/* ---- a pool ---- */

static void pool_give_back(struct pool_item **list, void *memory)
{
    struct pool_item *item = memory;

    item->next = *list;
    *list = item;
}

/* More items of @bytes each for @list, one of @pool's, if the host has memory. */
static void grow(struct block_pool *pool, struct pool_item **list, size_t bytes)
{
    struct pool_chunk *chunk = malloc(sizeof(*chunk));
    uint8_t *memory = chunk ? host_pages(CHUNK_BYTES) : NULL;

    if (!memory) {
        free(chunk);
        return;
    }
    host_pages_find(memory, CHUNK_BYTES);
    *chunk = (struct pool_chunk){pool->chunks, memory};
    pool->chunks = chunk;
    for (size_t at = CHUNK_BYTES / bytes; at-- > 0;)
        pool_give_back(list, memory + at * bytes);
}

/* NULL: the host has no memory. */
static void *pool_take(struct block_pool *pool, struct pool_item **list, size_t bytes)
{
    if (!*list)
        grow(pool, list, bytes);
    struct pool_item *item = *list;
    if (item)
        *list = item->next;
    return item;
}

static void free_pool(struct block_pool *pool)
{
    struct pool_chunk *chunk;

    if (!pool || --pool->refs)
        return;
    while ((chunk = pool->chunks)) {
        pool->chunks = chunk->next;
        host_pages_free(chunk->memory, CHUNK_BYTES);
        free(chunk);
    }
    free(pool);
}

/* ---- life and death ---- */

static void free_slab(struct block_slab *slab)
{
    if (give_back(&slab->refs))
        host_memory_free(slab, slab->bytes);
}

static void free_block(struct block *block)
{
    if (!block || !give_back(&block->refs))
        return;
    if (block->slab) {
        free_slab(block->slab);
        return;
    }
    struct block_pool *pool = block->pool;
    if (!pool) {
        free(block);
        return;
    }
    if (block->bytes && !block->lent)
        pool_give_back(&pool->free, block->bytes);
    source_file_put(block->file);
    pool_give_back(&pool->blocks, block);
    free_pool(pool);
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
    free_pool(b->pool);
    *b = (struct blocks){0};
}

/* NULL: it is not there. */
static struct block *block_at(const struct blocks *b, uint64_t n)
{
    CHECK(n < b->count);
    const struct block_leaf *leaf = b->leaf[n / BLOCKS_LEAF];

    return leaf ? leaf->block[n % BLOCKS_LEAF] : NULL;
}

static void read_again(struct block *block)
{
    struct block_pool *pool = block->pool;
    uint8_t *bytes = pool_take(pool, &pool->free, pool->block_bytes);

    if (bytes && source_file_read(block->file, block->offset, bytes, pool->block_bytes))
        block->bytes = bytes;
    else if (bytes)
        pool_give_back(&pool->free, bytes);
}

const uint8_t *blocks_get(const struct blocks *b, uint64_t n)
{
    struct block *block = block_at(b, n);

    if (block && !block->bytes && block->file)
        read_again(block);
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
            *block = (struct block){.refs = 1, .bytes = (uint8_t *)(block + 1)};
        return block;
    }
    block = (struct block *)(void *)room->next;
    *block = (struct block){.refs = 1, .slab = room->slab, .bytes = (uint8_t *)(block + 1)};
    take(&room->slab->refs);
    room->next += block_size(block_bytes);
    room->left--;
    return block;
}

/* @block in place of what is at @n of @leaf, which is the caller's own. */
static void replace(struct block_leaf *leaf, uint64_t n, struct block *block)
{
    struct block *old = leaf->block[n % BLOCKS_LEAF];

    leaf->used += !old;
    leaf->block[n % BLOCKS_LEAF] = block;
    free_block(old);
}

uint8_t *blocks_put(struct blocks *b, uint64_t n)
{
    CHECK(n < b->count);
    struct block_leaf *leaf = own_leaf(&b->leaf[n / BLOCKS_LEAF]);
    const struct block *old = leaf ? leaf->block[n % BLOCKS_LEAF] : NULL;

    if (!leaf || (old && !is_shared(&old->refs) && !old->lent))
        return leaf ? old->bytes : NULL;
    struct block *block = new_block(b->block_bytes, NULL);
    if (!block)
        return NULL;
    if (old)
        memcpy(block->bytes, old->bytes, b->block_bytes);
    else
        memset(block->bytes, 0, b->block_bytes);
    replace(leaf, n, block);
    return block->bytes;
}

bool blocks_set_in(struct blocks *b, uint64_t n, const uint8_t *bytes, struct blocks_room *room)
{
    CHECK(n < b->count && (!room || room->block_bytes == b->block_bytes));
    struct block_leaf *leaf = own_leaf(&b->leaf[n / BLOCKS_LEAF]);
    struct block *block = leaf ? new_block(b->block_bytes, room) : NULL;

    if (!block)
        return false;
    memcpy(block->bytes, bytes, b->block_bytes);
    replace(leaf, n, block);
    return true;
}

/* ---- lent ones ---- */

static bool has_pool(struct blocks *b)
{
    if (b->pool)
        return true;
    b->pool = malloc(sizeof(*b->pool));
    if (b->pool)
        *b->pool = (struct block_pool){.refs = 1, .block_bytes = b->block_bytes};
    return b->pool;
}

bool blocks_lend(struct blocks *b, uint64_t n, const uint8_t *bytes)
{
    CHECK(n < b->count);
    if (!has_pool(b))
        return false;
    struct block_leaf *leaf = own_leaf(&b->leaf[n / BLOCKS_LEAF]);
    struct block *block = leaf ? pool_take(b->pool, &b->pool->blocks, sizeof(*block)) : NULL;

    if (!block)
        return false;
    *block = (struct block){
        .refs = 1, .lent = true, .pool = b->pool, .bytes = (uint8_t *)(uintptr_t)bytes};
    b->pool->refs++;
    replace(leaf, n, block);
    return true;
}

void blocks_lend_of(struct blocks *b, uint64_t n, struct source_file *file, uint64_t offset)
{
    struct block *block = block_at(b, n);

    CHECK(block && block->lent && !block->file);
    block->file = source_file_get(file);
    block->offset = offset;
}

static bool keep(const struct block_leaf *leaf, unsigned n, size_t block_bytes, bool own)
{
    struct block *block = leaf ? leaf->block[n] : NULL;

    if (!block || !block->lent || (!own && !is_shared(&leaf->refs) && !is_shared(&block->refs)))
        return true;
    bool again = block->file && !own;
    uint8_t *copy = again ? NULL : pool_take(block->pool, &block->pool->free, block_bytes);
    if (copy)
        memcpy(copy, block->bytes, block_bytes);
    block->bytes = copy;
    block->lent = false;
    return copy || again;
}

bool blocks_keep(struct blocks *b, uint64_t n)
{
    CHECK(n < b->count);
    return keep(b->leaf[n / BLOCKS_LEAF], n % BLOCKS_LEAF, b->block_bytes, false);
}

bool blocks_keep_all(struct blocks *b, bool own)
{
    bool good = true;

    for (uint64_t n = 0; (n = blocks_next(b, n)) < b->count; n++)
        good &= keep(b->leaf[n / BLOCKS_LEAF], n % BLOCKS_LEAF, b->block_bytes, own);
    return good;
}

bool blocks_is_lost(const struct blocks *b, uint64_t n)
{
    return block_at(b, n) && !blocks_get(b, n);
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
        else if (block_at(a, n) != block_at(b, n))
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
