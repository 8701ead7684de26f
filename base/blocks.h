/*
 * A long array of blocks of bytes, most of which are not there, that is copied at the cost of what
 * differs: copies share their blocks until one of them writes (a snapshot's pages, the clusters of
 * a disk that the guest has written). Copies may belong to different threads.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BLOCKS_LEAF 128 /* blocks whose table is shared or copied as a whole */

struct block;
struct block_leaf;
struct block_pool;
struct block_slab;
struct source_file;

struct blocks {
    size_t block_bytes;
    uint64_t count;           /* indexes below it exist */
    struct block_leaf **leaf; /* of count / BLOCKS_LEAF, rounded up; NULL: none of its blocks */
    struct block_pool *pool;  /* where copies of lent blocks go; NULL: none was ever lent */
};

/* No block is there. False: the host has no memory; then there is nothing to destroy. */
bool blocks_init(struct blocks *b, size_t block_bytes, uint64_t count);

/* @b: not in use before; shares everything with @from. */
bool blocks_copy(struct blocks *b, const struct blocks *from);
void blocks_destroy(struct blocks *b);

/* Block @n < count; NULL: it is not there. Valid until @b changes. */
const uint8_t *blocks_get(const struct blocks *b, uint64_t n);

/* The same to write to: of @b alone from now on, and zeros if it was not there. NULL: the host has
 * no memory, and nothing has changed. */
uint8_t *blocks_put(struct blocks *b, uint64_t n);

/* Memory for blocks of @block_bytes, of which @count are about to be put: if they are many, one
 * piece in the host's large pages, where a fault for each block would cost more than to fill it.
 * The piece goes with the last of its blocks. */
struct blocks_room {
    size_t block_bytes;
    struct block_slab *slab; /* NULL: each block has memory of its own */
    uint8_t *next;
    uint64_t left;
};

void blocks_room_begin(struct blocks_room *room, size_t block_bytes, uint64_t count);
void blocks_room_end(struct blocks_room *room);

/* Block @n becomes a copy of @bytes, with memory of @room as long as there is some; NULL: none.
 * False: the host has no memory, and nothing has changed. */
bool blocks_set_in(struct blocks *b, uint64_t n, const uint8_t *bytes, struct blocks_room *room);

/* Block @n becomes @bytes themselves, which their owner keeps as they are until blocks_keep(). All
 * copies of @b are then of one thread. False as of blocks_set_in(). */
bool blocks_lend(struct blocks *b, uint64_t n, const uint8_t *bytes);

/* Block @n, just lent, is what @file has at @offset: its bytes are read from there, when somebody
 * asks for them, in place of a copy that blocks_keep() would make. */
void blocks_lend_of(struct blocks *b, uint64_t n, struct source_file *file, uint64_t offset);

/* The bytes that were lent as block @n are about to change: who shares the block with @b has a copy
 * from now on, and @b, if nobody does, may not ask for it before it is set again. Of a block that
 * is not lent nothing happens. False: the host has no memory, and the block is lost to all.
 * blocks_keep_all(): of every block; @own: and @b has copies of those that nobody shares. */
bool blocks_keep(struct blocks *b, uint64_t n);
bool blocks_keep_all(struct blocks *b, bool own);

/* It was there, and the host had no memory for it, or its file is another one now: blocks_get() has
 * NULL. */
bool blocks_is_lost(const struct blocks *b, uint64_t n);

/* The first block from @n on that is there; count if none is. */
uint64_t blocks_next(const struct blocks *b, uint64_t n);

/* The first index from @n on where @a and @b, of the same shape, do not share; count if there is
 * none. Shared ones are equal. */
uint64_t blocks_next_unshared(const struct blocks *a, const struct blocks *b, uint64_t n);

/* How many are there. */
uint64_t blocks_used(const struct blocks *b);
