/*
 * The device's side of a virtqueue, split or packed (Virtual I/O Device specification 1.1, sections
 * 2.6 and 2.7): devices need not know which. The rings are in guest memory and everything in them
 * is the guest's word only: indexes, lengths, addresses and chains are checked, and a queue found
 * malformed is broken until it is reset.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dma.h"
#include "base/log.h"

#define VIRTQ_SIZE_MAX  256                 /* descriptors of a queue, and of one chain */
#define VIRTQ_BYTES_MAX (UINT32_C(1) << 28) /* of one chain, in each direction */

struct state_io;

struct virtq {
    struct physmem *mem;
    struct dma_master who;
    const struct arm_log *log;

    uint32_t size; /* up to VIRTQ_SIZE_MAX; of a split queue a power of 2 */
    bool ready;
    bool packed;                /* its layout, since it is ready */
    uint64_t desc, avail, used; /* guest-physical; of a packed queue the descriptor ring, and the
                                   areas of the driver's and of the device's event suppression */
    uint32_t align; /* of the used ring behind the others, in the legacy layout; a power of 2 */
    bool indirect, event_idx, notify_on_empty; /* negotiated */

    /* The next entry to take and to give back: a split queue's indexes run freely, a packed one's
     * count two rounds of the ring, the first of which has the wrap counter 1. */
    uint16_t next_avail, next_used;
    uint16_t signalled; /* next_used at the last interrupt */
    bool signal_all;    /* there was none yet */
    bool broken;
};

/* One piece of guest memory; it has been checked to be RAM, unless an IOMMU says so only later. */
struct virtq_piece {
    uint64_t addr;
    uint32_t len;
};

/* A request: first what the device reads, then what it writes. */
struct virtq_chain {
    uint16_t id;    /* how the driver knows it: the head's index, or the buffer ID */
    uint16_t slots; /* descriptors of the ring that it takes; only a packed queue needs it */
    unsigned out_count, count;    /* pieces[0..out_count) are read, the rest is written */
    uint32_t out_bytes, in_bytes; /* in all */
    struct virtq_piece pieces[VIRTQ_SIZE_MAX];
};

/* What is wrong with its size and with where its parts are; NULL: nothing. What is in them is
 * checked when it is used. */
const char *virtq_problem(const struct virtq *q);

/* Begin anew in one of the layouts: no request has been taken, and it is not ready. */
void virtq_restart(struct virtq *q, bool packed);

/* How many requests wait; none if the queue is not ready or broken. At most @q->size. */
unsigned virtq_waiting(struct virtq *q);

/* Take the next request. False: there is none, or the queue is broken (now). */
bool virtq_pop(struct virtq *q, struct virtq_chain *chain);

/* The request is done; @written bytes of its writable part are valid. */
void virtq_push(struct virtq *q, const struct virtq_chain *chain, uint32_t written);

/* 2.6.2, Legacy Interfaces: A Note on Virtqueue Layout: the three parts are one block at @desc. */
void virtq_place_legacy(struct virtq *q, uint64_t desc);

/* Does the driver want an interrupt for what was pushed since the last one? */
bool virtq_wants_interrupt(struct virtq *q);

/* Copy out of the readable part or into the writable part, from byte @offset of it. Return: bytes
 * copied, less than @len at the part's end. */
size_t virtq_read(struct virtq *q, const struct virtq_chain *chain, uint32_t offset, void *buf,
                  size_t len);
size_t virtq_write(struct virtq *q, const struct virtq_chain *chain, uint32_t offset,
                   const void *buf, size_t len);

/* A queue less what follows from the features; and a request that has been taken from @q, whose
 * pieces are checked to be RAM again. */
void virtq_state(struct state_io *io, struct virtq *q);
void virtq_chain_state(struct state_io *io, struct virtq *q, struct virtq_chain *chain);
