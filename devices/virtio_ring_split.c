/*
 * Split virtqueues (Virtual I/O Device specification 1.1, section 2.6): a table of descriptors, a
 * ring by which the driver makes chains of them available, and one by which the device gives them
 * back.
 */
#include "base/bits.h"
#include "base/le.h"
#include "devices/virtio_ring_internal.h"

/* 2.6.6 and 2.6.8: flags, idx, ring[size], then the event index of the other side. */
#define RING_HEADER        4
#define AVAIL_ENTRY        2
#define USED_ENTRY         8
#define AVAIL_NO_INTERRUPT 1

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t flags, next;
};

/* A table of descriptors: the queue's own, or an indirect one. */
struct table {
    uint64_t addr;
    uint32_t count;
};

static bool get_desc(struct virtq *q, const struct table *t, uint32_t index, struct desc *d)
{
    uint8_t le[DESC_BYTES];

    if (index >= t->count)
        return virtq_break(q, "index of a descriptor behind the table's end");
    if (!dma_read(q->mem, q->who, pa(t->addr + (uint64_t)index * DESC_BYTES), le, sizeof(le)))
        return virtq_break(q, "a descriptor is not in RAM");
    *d = (struct desc){le_get(le, 8), (uint32_t)le_get(le + 8, 4), (uint16_t)le_get(le + 12, 2),
                       (uint16_t)le_get(le + 14, 2)};
    return true;
}

void virtq_place_legacy(struct virtq *q, uint64_t desc)
{
    q->desc = desc;
    q->avail = desc + (uint64_t)DESC_BYTES * q->size;
    /* used_event is part of the available ring. */
    q->used = align_up(q->avail + RING_HEADER + AVAIL_ENTRY * ((uint64_t)q->size + 1), q->align);
}

static const char *problem(const struct virtq *q)
{
    uint64_t size = q->size;

    if (!is_pow2(size) || size > VIRTQ_SIZE_MAX)
        return "its size is not a power of 2 up to 256";
    if (!is_aligned(q->desc, 16) || !is_aligned(q->avail, 2) || !is_aligned(q->used, 4))
        return "a part is not aligned";
    if (!dma_may_reach(q->mem, q->who, pa(q->desc), DESC_BYTES * size) ||
        !dma_may_reach(q->mem, q->who, pa(q->avail), 6 + 2 * size) ||
        !dma_may_reach(q->mem, q->who, pa(q->used), 6 + 8 * size))
        return "a part is not in RAM";
    return NULL;
}

static unsigned waiting(struct virtq *q)
{
    uint16_t idx, count;

    if (!virtq_get16(q, q->avail + 2, &idx))
        return 0;
    count = (uint16_t)(idx - q->next_avail);
    if (count > q->size) {
        virtq_break(q, "more requests available than the queue has descriptors");
        return 0;
    }
    return count;
}

/* Every descriptor adds a piece or ends the walk, so that a loop ends at the limit of pieces. */
static bool walk(struct virtq *q, struct virtq_chain *c, const struct table *t, uint32_t index,
                 struct desc *last)
{
    for (;; index = last->next) {
        if (!get_desc(q, t, index, last))
            return false;
        if (last->flags & DESC_INDIRECT)
            return true;
        if (!virtq_add_piece(q, c, last->addr, last->len, last->flags & DESC_WRITE))
            return false;
        if (!(last->flags & DESC_NEXT))
            return true;
    }
}

/* 2.6.5.3: an indirect descriptor ends a chain, and its table holds no other. */
static bool walk_indirect(struct virtq *q, struct virtq_chain *c, const struct desc *d)
{
    const struct table t = {d->addr, virtq_indirect_count(q, d->len, d->flags & DESC_NEXT)};
    struct desc last;

    if (t.count == 0 || !walk(q, c, &t, 0, &last))
        return false;
    return !(last.flags & DESC_INDIRECT) ||
           virtq_break(q, "an indirect table in an indirect table");
}

static bool pop(struct virtq *q, struct virtq_chain *c)
{
    const struct table own = {q->desc, q->size};
    struct desc last;

    if (waiting(q) == 0)
        return false;
    if (!virtq_get16(q, q->avail + RING_HEADER + AVAIL_ENTRY * (q->next_avail & (q->size - 1)),
                     &c->id))
        return false;
    if (!walk(q, c, &own, c->id, &last))
        return false;
    if ((last.flags & DESC_INDIRECT) && !walk_indirect(q, c, &last))
        return false;
    q->next_avail++;
    /* 2.6.7.2: avail_event, so that the driver notifies about every new request. */
    return !q->event_idx ||
           virtq_put16(q, q->used + RING_HEADER + USED_ENTRY * q->size, q->next_avail);
}

static void push(struct virtq *q, const struct virtq_chain *c, uint32_t written)
{
    uint8_t le[USED_ENTRY];

    le_put(le, 4, c->id);
    le_put(le + 4, 4, written);
    if (!dma_write(q->mem, q->who,
                   pa(q->used + RING_HEADER + USED_ENTRY * (q->next_used & (q->size - 1))), le,
                   sizeof(le))) {
        virtq_break(q, "the used ring is not in RAM");
        return;
    }
    if (virtq_put16(q, q->used + 2, (uint16_t)(q->next_used + 1)))
        q->next_used++;
}

/* 2.6.7.2 and the spec's vring_need_event(): has used_event been passed since the last signal? */
static bool wants_interrupt(struct virtq *q)
{
    uint16_t old = q->signalled, flags, event;
    bool all = q->signal_all, empty;

    if (old == q->next_used)
        return false;
    /* 6.3, VIRTIO_F_NOTIFY_ON_EMPTY: even if interrupts are suppressed. */
    empty = q->notify_on_empty && waiting(q) == 0;
    if (!q->event_idx) {
        if (!virtq_get16(q, q->avail, &flags))
            return false;
        q->signalled = q->next_used;
        return !(flags & AVAIL_NO_INTERRUPT) || empty;
    }
    if (!virtq_get16(q, q->avail + RING_HEADER + AVAIL_ENTRY * q->size, &event))
        return false;
    q->signalled = q->next_used;
    q->signal_all = false;
    return empty || all || (uint16_t)(q->next_used - event - 1) < (uint16_t)(q->next_used - old);
}

const struct virtq_layout virtq_split = {problem, waiting, pop, push, wants_interrupt};
