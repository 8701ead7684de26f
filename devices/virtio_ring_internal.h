/* The two layouts of a virtqueue behind the functions of devices/virtio_ring.h. */
#pragma once

#include "devices/virtio_ring.h"

/* 2.6.5, struct virtq_desc, and 2.7's struct pvirtq_desc: these flags mean the same in both. */
#define DESC_BYTES    16
#define DESC_NEXT     1
#define DESC_WRITE    2
#define DESC_INDIRECT 4

/* What of a queue's functions depends on the layout. The queue is ready and not broken. */
struct virtq_layout {
    const char *(*problem)(const struct virtq *q);
    unsigned (*waiting)(struct virtq *q);
    bool (*pop)(struct virtq *q, struct virtq_chain *chain); /* which is empty */
    void (*push)(struct virtq *q, const struct virtq_chain *chain, uint32_t written);
    bool (*wants_interrupt)(struct virtq *q);
};

extern const struct virtq_layout virtq_split, virtq_packed;

/* The queue is broken: @why, for the log. Return: false. */
bool virtq_break(struct virtq *q, const char *why);

/* A word of a ring; false: it is not in RAM, and the queue is broken. */
bool virtq_get16(struct virtq *q, uint64_t addr, uint16_t *out);
bool virtq_put16(struct virtq *q, uint64_t addr, uint16_t value);

/* Add what a descriptor points to to the chain; false: the queue is broken. */
bool virtq_add_piece(struct virtq *q, struct virtq_chain *chain, uint64_t addr, uint32_t len,
                     bool write);

/* Of an indirect descriptor: may there be one, with its table of @len bytes? How many it holds; 0:
 * the queue is broken. */
uint32_t virtq_indirect_count(struct virtq *q, uint32_t len, bool next);
