/*
 * Packed virtqueues (Virtual I/O Device specification 1.1, section 2.7): one ring of descriptors,
 * which the driver makes available and the device overwrites as used, in the order in which it is
 * done with them. Whose a descriptor is say two bits of it and the round of the ring.
 */
#include "base/bits.h"
#include "base/le.h"
#include "devices/virtio_ring_internal.h"

/* 2.7, The Virtqueue Descriptor Format: le64 addr, le32 len, le16 id, le16 flags. */
#define DESC_ID    12
#define DESC_FLAGS 14
#define DESC_AVAIL 0x80
#define DESC_USED  0x8000

/* 2.7, Event Suppression Structure Format: le16 offset and wrap counter, le16 flags. */
#define EVENT_BYTES   4
#define EVENT_FLAGS   2
#define EVENT_WRAP    15
#define EVENT_DISABLE 1
#define EVENT_DESC    2
#define EVENT_MASK    3

struct desc {
    uint64_t addr;
    uint32_t len;
    uint16_t id, flags;
};

/* -- positions: of two rounds of the ring, so that they tell the wrap counter too -- */

static uint16_t advance(const struct virtq *q, unsigned at, unsigned n)
{
    return (uint16_t)((at + n) % (2 * q->size));
}

/* From @from on to @to. */
static unsigned distance(const struct virtq *q, unsigned from, unsigned to)
{
    return (to + 2 * q->size - from) % (2 * q->size);
}

static bool wrap_counter(const struct virtq *q, unsigned at)
{
    return at < q->size;
}

static uint64_t desc_at(const struct virtq *q, unsigned at)
{
    return q->desc + DESC_BYTES * (uint64_t)(at % q->size);
}

/* -- what the driver has made available -- */

static const char *problem(const struct virtq *q)
{
    if (q->size == 0 || q->size > VIRTQ_SIZE_MAX)
        return "its size is not 1 to 256";
    if (!is_aligned(q->desc, DESC_BYTES) || !is_aligned(q->avail, EVENT_BYTES) ||
        !is_aligned(q->used, EVENT_BYTES))
        return "a part is not aligned";
    if (!dma_may_reach(q->mem, q->who, pa(q->desc), (uint64_t)DESC_BYTES * q->size) ||
        !dma_may_reach(q->mem, q->who, pa(q->avail), EVENT_BYTES) ||
        !dma_may_reach(q->mem, q->who, pa(q->used), EVENT_BYTES))
        return "a part is not in RAM";
    return NULL;
}

static bool get_desc(struct virtq *q, uint64_t addr, struct desc *d)
{
    uint8_t le[DESC_BYTES];

    if (!dma_read(q->mem, q->who, pa(addr), le, sizeof(le)))
        return virtq_break(q, "a descriptor is not in RAM");
    *d = (struct desc){le_get(le, 8), (uint32_t)le_get(le + 8, 4),
                       (uint16_t)le_get(le + DESC_ID, 2), (uint16_t)le_get(le + DESC_FLAGS, 2)};
    return true;
}

/* 2.7.1: its bits differ, and the one for available is the wrap counter. Only that of the first of
 * a chain counts, which the driver writes last (2.7.6). */
static bool is_available(struct virtq *q, unsigned at)
{
    bool wrap = wrap_counter(q, at);
    uint16_t flags;

    return virtq_get16(q, desc_at(q, at) + DESC_FLAGS, &flags) && !!(flags & DESC_AVAIL) == wrap &&
           !!(flags & DESC_USED) != wrap;
}

static unsigned waiting(struct virtq *q)
{
    unsigned chains = 0, slots = 0;
    struct desc d = {0};

    for (; slots < q->size; slots++) {
        unsigned at = advance(q, q->next_avail, slots);
        bool begins = !(d.flags & DESC_NEXT);
        if (begins && !is_available(q, at))
            break;
        if (!get_desc(q, desc_at(q, at), &d))
            return 0;
        chains += begins;
    }
    return chains;
}

/* 2.7.7: the table is one list from its first to its last descriptor, and of the flags in it only
 * the one for writing counts. */
static bool walk_indirect(struct virtq *q, struct virtq_chain *c, const struct desc *d)
{
    uint32_t count = virtq_indirect_count(q, d->len, d->flags & DESC_NEXT);
    struct desc piece;

    for (uint32_t i = 0; i < count; i++)
        if (!get_desc(q, d->addr + (uint64_t)i * DESC_BYTES, &piece) ||
            !virtq_add_piece(q, c, piece.addr, piece.len, piece.flags & DESC_WRITE))
            return false;
    return count > 0;
}

/* 2.7.6: a chain is of neighbours in the ring, and its last descriptor has the buffer ID. */
static bool walk(struct virtq *q, struct virtq_chain *c)
{
    struct desc d;

    do {
        if (c->slots == q->size)
            return virtq_break(q, "a chain that is longer than the ring");
        if (!get_desc(q, desc_at(q, advance(q, q->next_avail, c->slots++)), &d))
            return false;
        if (d.flags & DESC_INDIRECT) {
            if (c->slots > 1)
                return virtq_break(q, "an indirect descriptor in a chain of others");
            if (!walk_indirect(q, c, &d))
                return false;
        } else if (!virtq_add_piece(q, c, d.addr, d.len, d.flags & DESC_WRITE)) {
            return false;
        }
    } while (d.flags & DESC_NEXT);
    c->id = d.id;
    return true;
}

/* 2.7.10: the driver is to notify about the next descriptor that it makes available. */
static bool ask_for_notification(struct virtq *q)
{
    uint8_t le[EVENT_BYTES];

    le_put(le, 2, q->next_avail % q->size | (uint64_t)wrap_counter(q, q->next_avail) << EVENT_WRAP);
    le_put(le + EVENT_FLAGS, 2, EVENT_DESC);
    return dma_write(q->mem, q->who, pa(q->used), le, sizeof(le)) ||
           virtq_break(q, "the area of events is not in RAM");
}

static bool pop(struct virtq *q, struct virtq_chain *c)
{
    if (!is_available(q, q->next_avail) || !walk(q, c))
        return false;
    q->next_avail = advance(q, q->next_avail, c->slots);
    return !q->event_idx || ask_for_notification(q);
}

/* -- what the device has used -- */

/* 2.7.6: one descriptor stands for the whole chain, over which the next place is then; the flags,
 * which give it to the driver, come last. 2.7.3: they say whether anything was written. */
static void push(struct virtq *q, const struct virtq_chain *c, uint32_t written)
{
    uint64_t at = desc_at(q, q->next_used);
    unsigned flags = wrap_counter(q, q->next_used) ? DESC_AVAIL | DESC_USED : 0;
    uint8_t le[DESC_FLAGS - 8];

    le_put(le, 4, written);
    le_put(le + 4, 2, c->id);
    if (!dma_write(q->mem, q->who, pa(at + 8), le, sizeof(le)))
        virtq_break(q, "the ring is not in RAM");
    else if (virtq_put16(q, at + DESC_FLAGS, (uint16_t)(flags | (written ? DESC_WRITE : 0))))
        q->next_used = advance(q, q->next_used, c->slots);
}

/* 2.7.10: of the descriptors used since the last signal, is one that which the driver names? */
static bool wants_interrupt(struct virtq *q)
{
    unsigned old = q->signalled, off;
    bool all = q->signal_all;
    uint16_t event, flags;

    if (!virtq_get16(q, q->avail, &event) || !virtq_get16(q, q->avail + EVENT_FLAGS, &flags))
        return false;
    q->signalled = q->next_used;
    q->signal_all = false;
    if ((flags & EVENT_MASK) != EVENT_DESC || !q->event_idx)
        return (flags & EVENT_MASK) != EVENT_DISABLE;
    off = event & ((1u << EVENT_WRAP) - 1);
    if (off >= q->size) /* there is no such descriptor */
        return all;
    if (!(event >> EVENT_WRAP))
        off += q->size;
    return all || distance(q, old, off) < distance(q, old, q->next_used);
}

const struct virtq_layout virtq_packed = {problem, waiting, pop, push, wants_interrupt};
