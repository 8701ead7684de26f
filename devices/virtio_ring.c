#include "devices/virtio_ring.h"

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

/* 2.6.5, struct virtq_desc */
#define DESC_BYTES    16
#define DESC_NEXT     1
#define DESC_WRITE    2
#define DESC_INDIRECT 4

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

static bool broken(struct virtq *q, const char *why)
{
    LOG(q->log, DEVICE, GUEST, "virtio: queue with descriptors at %#llx: %s",
        (unsigned long long)q->desc, why);
    q->broken = true;
    return false;
}

static bool get16(struct virtq *q, uint64_t addr, uint16_t *out)
{
    uint8_t le[2];

    if (!dma_read(q->mem, q->who, pa(addr), le, sizeof(le)))
        return broken(q, "a ring is not in RAM");
    *out = (uint16_t)le_get(le, sizeof(le));
    return true;
}

static bool put16(struct virtq *q, uint64_t addr, uint16_t value)
{
    uint8_t le[2];

    le_put(le, sizeof(le), value);
    return dma_write(q->mem, q->who, pa(addr), le, sizeof(le)) || broken(q, "a ring is not in RAM");
}

static bool get_desc(struct virtq *q, const struct table *t, uint32_t index, struct desc *d)
{
    uint8_t le[DESC_BYTES];

    if (index >= t->count)
        return broken(q, "index of a descriptor behind the table's end");
    if (!dma_read(q->mem, q->who, pa(t->addr + (uint64_t)index * DESC_BYTES), le, sizeof(le)))
        return broken(q, "a descriptor is not in RAM");
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

unsigned virtq_waiting(struct virtq *q)
{
    uint16_t idx, count;

    if (!q->ready || q->broken || !get16(q, q->avail + 2, &idx))
        return 0;
    count = (uint16_t)(idx - q->next_avail);
    if (count > q->size) {
        broken(q, "more requests available than the queue has descriptors");
        return 0;
    }
    return count;
}

/* -- chains -- */

/* 2.6.4.2: what the device reads comes first. */
static bool add_piece(struct virtq *q, struct virtq_chain *c, const struct desc *d)
{
    bool write = d->flags & DESC_WRITE;
    uint32_t *bytes = write ? &c->in_bytes : &c->out_bytes;

    if (c->count == VIRTQ_SIZE_MAX)
        return broken(q, "a chain is too long, or a loop");
    if (!write && c->out_count != c->count)
        return broken(q, "a readable descriptor behind a writable one");
    if (d->len > VIRTQ_BYTES_MAX || *bytes + d->len > VIRTQ_BYTES_MAX)
        return broken(q, "a chain of too many bytes");
    if (d->len && !dma_may_reach(q->mem, q->who, pa(d->addr), d->len))
        return broken(q, "a buffer is not in RAM");
    c->pieces[c->count++] = (struct virtq_piece){d->addr, d->len};
    if (!write)
        c->out_count++;
    *bytes += d->len;
    return true;
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
        if (!add_piece(q, c, last))
            return false;
        if (!(last->flags & DESC_NEXT))
            return true;
    }
}

/* 2.6.5.3: an indirect descriptor ends a chain, and its table holds no other. */
static bool walk_indirect(struct virtq *q, struct virtq_chain *c, const struct desc *d)
{
    const struct table t = {d->addr, d->len / DESC_BYTES};
    struct desc last;

    if (!q->indirect)
        return broken(q, "an indirect descriptor, which was not negotiated");
    if (d->flags & DESC_NEXT)
        return broken(q, "an indirect descriptor with a successor");
    if (d->len % DESC_BYTES || t.count == 0 || t.count > VIRTQ_SIZE_MAX)
        return broken(q, "an indirect table of a bad length");
    if (!walk(q, c, &t, 0, &last))
        return false;
    return !(last.flags & DESC_INDIRECT) || broken(q, "an indirect table in an indirect table");
}

bool virtq_pop(struct virtq *q, struct virtq_chain *c)
{
    const struct table own = {q->desc, q->size};
    struct desc last;

    if (virtq_waiting(q) == 0)
        return false;
    c->out_count = c->count = 0;
    c->out_bytes = c->in_bytes = 0;
    if (!get16(q, q->avail + RING_HEADER + AVAIL_ENTRY * (q->next_avail & (q->size - 1)), &c->head))
        return false;
    if (!walk(q, c, &own, c->head, &last))
        return false;
    if ((last.flags & DESC_INDIRECT) && !walk_indirect(q, c, &last))
        return false;
    q->next_avail++;
    /* 2.6.7.2: avail_event, so that the driver notifies about every new request. */
    return !q->event_idx || put16(q, q->used + RING_HEADER + USED_ENTRY * q->size, q->next_avail);
}

void virtq_push(struct virtq *q, const struct virtq_chain *c, uint32_t written)
{
    uint8_t le[USED_ENTRY];

    if (q->broken)
        return;
    le_put(le, 4, c->head);
    le_put(le + 4, 4, written);
    if (!dma_write(q->mem, q->who,
                   pa(q->used + RING_HEADER + USED_ENTRY * (q->next_used & (q->size - 1))), le,
                   sizeof(le))) {
        broken(q, "the used ring is not in RAM");
        return;
    }
    if (put16(q, q->used + 2, (uint16_t)(q->next_used + 1)))
        q->next_used++;
}

/* 2.6.7.2 and the spec's vring_need_event(): has used_event been passed since the last signal? */
bool virtq_wants_interrupt(struct virtq *q)
{
    uint16_t old = q->signalled, flags, event;
    bool all = q->signal_all, empty;

    if (q->broken || !q->ready || old == q->next_used)
        return false;
    /* 6.3, VIRTIO_F_NOTIFY_ON_EMPTY: even if interrupts are suppressed. */
    empty = q->notify_on_empty && virtq_waiting(q) == 0;
    if (!q->event_idx) {
        if (!get16(q, q->avail, &flags))
            return false;
        q->signalled = q->next_used;
        return !(flags & AVAIL_NO_INTERRUPT) || empty;
    }
    if (!get16(q, q->avail + RING_HEADER + AVAIL_ENTRY * q->size, &event))
        return false;
    q->signalled = q->next_used;
    q->signal_all = false;
    return empty || all || (uint16_t)(q->next_used - event - 1) < (uint16_t)(q->next_used - old);
}

/* -- contents -- */

/* One step of a copy; false if what was checked when taken is not there any more, or an IOMMU says
 * so. */
static bool move(struct virtq *q, uint64_t addr, uint8_t *to, const uint8_t *from, size_t n)
{
    return to ? dma_read(q->mem, q->who, pa(addr), to, n)
              : dma_write(q->mem, q->who, pa(addr), from, n);
}

/* @to or @from: the host's side; the other one is NULL. */
static size_t copy(struct virtq *q, const struct virtq_piece *p, unsigned count, uint32_t offset,
                   uint8_t *to, const uint8_t *from, size_t len)
{
    size_t done = 0;

    for (; count && done < len; p++, count--) {
        size_t n = len - done;
        if (offset >= p->len) {
            offset -= p->len;
            continue;
        }
        if (n > p->len - offset)
            n = p->len - offset;
        if (!move(q, p->addr + offset, to ? to + done : NULL, from ? from + done : NULL, n))
            break;
        done += n;
        offset = 0;
    }
    return done;
}

size_t virtq_read(struct virtq *q, const struct virtq_chain *c, uint32_t offset, void *buf,
                  size_t len)
{
    return copy(q, c->pieces, c->out_count, offset, buf, NULL, len);
}

size_t virtq_write(struct virtq *q, const struct virtq_chain *c, uint32_t offset, const void *buf,
                   size_t len)
{
    return copy(q, c->pieces + c->out_count, c->count - c->out_count, offset, NULL, buf, len);
}

/* -- state -- */

void virtq_state(struct state_io *io, struct virtq *q)
{
    STATE(io, q->size);
    STATE(io, q->ready);
    STATE(io, q->desc);
    STATE(io, q->avail);
    STATE(io, q->used);
    STATE(io, q->align);
    STATE(io, q->next_avail);
    STATE(io, q->next_used);
    STATE(io, q->signalled);
    STATE(io, q->signal_all);
    STATE(io, q->broken);
}

/* Add piece @p, of those that the device reads if they are @out; what add_piece() asks of it. */
static bool restore_piece(struct virtq *q, struct virtq_chain *c, const struct virtq_piece *p,
                          bool out)
{
    uint32_t *bytes = out ? &c->out_bytes : &c->in_bytes;

    if (p->len > VIRTQ_BYTES_MAX || *bytes + p->len > VIRTQ_BYTES_MAX ||
        (p->len && !dma_may_reach(q->mem, q->who, pa(p->addr), p->len)))
        return false;
    c->pieces[c->count++] = *p;
    *bytes += p->len;
    return true;
}

void virtq_chain_state(struct state_io *io, struct virtq *q, struct virtq_chain *c)
{
    uint64_t count = state_count(io, "c->count", c->count, VIRTQ_SIZE_MAX);

    STATE(io, c->head);
    STATE(io, c->out_count);
    state_require(io, c->out_count <= count, "c->out_count");
    if (state_restoring(io))
        c->count = c->out_bytes = c->in_bytes = 0;
    for (unsigned n = 0; n < count && !state_failed(io); n++) {
        struct virtq_piece p = state_restoring(io) ? (struct virtq_piece){0} : c->pieces[n];
        STATE(io, p.addr);
        STATE(io, p.len);
        if (state_restoring(io))
            state_require(io, restore_piece(q, c, &p, n < c->out_count), "p.addr");
    }
}
