#include "devices/virtio_ring.h"

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"
#include "devices/virtio_ring_internal.h"

static const struct virtq_layout *layout(const struct virtq *q)
{
    return q->packed ? &virtq_packed : &virtq_split;
}

/* May requests be taken from it and be given back? */
static bool is_live(const struct virtq *q)
{
    return q->ready && !q->broken;
}

const char *virtq_problem(const struct virtq *q)
{
    return layout(q)->problem(q);
}

void virtq_restart(struct virtq *q, bool packed)
{
    q->ready = false;
    q->packed = packed;
    q->broken = false;
    q->next_avail = q->next_used = q->signalled = 0;
    q->signal_all = true;
}

unsigned virtq_waiting(struct virtq *q)
{
    return is_live(q) ? layout(q)->waiting(q) : 0;
}

bool virtq_pop(struct virtq *q, struct virtq_chain *c)
{
    c->slots = 0;
    c->out_count = c->count = 0;
    c->out_bytes = c->in_bytes = 0;
    return is_live(q) && layout(q)->pop(q, c);
}

void virtq_push(struct virtq *q, const struct virtq_chain *c, uint32_t written)
{
    if (!q->broken)
        layout(q)->push(q, c, written);
}

bool virtq_wants_interrupt(struct virtq *q)
{
    return is_live(q) && q->signalled != q->next_used && layout(q)->wants_interrupt(q);
}

/* -- for both layouts -- */

bool virtq_break(struct virtq *q, const char *why)
{
    LOG(q->log, DEVICE, GUEST, "virtio: queue with descriptors at %#llx: %s",
        (unsigned long long)q->desc, why);
    q->broken = true;
    return false;
}

bool virtq_get16(struct virtq *q, uint64_t addr, uint16_t *out)
{
    uint8_t le[2];

    if (!dma_read(q->mem, q->who, pa(addr), le, sizeof(le)))
        return virtq_break(q, "a ring is not in RAM");
    *out = (uint16_t)le_get(le, sizeof(le));
    return true;
}

bool virtq_put16(struct virtq *q, uint64_t addr, uint16_t value)
{
    uint8_t le[2];

    le_put(le, sizeof(le), value);
    return dma_write(q->mem, q->who, pa(addr), le, sizeof(le)) ||
           virtq_break(q, "a ring is not in RAM");
}

/* 2.6.4.2 and 2.7, Scatter-Gather Support: what the device reads comes first. */
bool virtq_add_piece(struct virtq *q, struct virtq_chain *c, uint64_t addr, uint32_t len,
                     bool write)
{
    uint32_t *bytes = write ? &c->in_bytes : &c->out_bytes;

    if (c->count == VIRTQ_SIZE_MAX)
        return virtq_break(q, "a chain is too long, or a loop");
    if (!write && c->out_count != c->count)
        return virtq_break(q, "a readable descriptor behind a writable one");
    if (len > VIRTQ_BYTES_MAX || *bytes + len > VIRTQ_BYTES_MAX)
        return virtq_break(q, "a chain of too many bytes");
    if (len && !dma_may_reach(q->mem, q->who, pa(addr), len))
        return virtq_break(q, "a buffer is not in RAM");
    c->pieces[c->count++] = (struct virtq_piece){addr, len};
    if (!write)
        c->out_count++;
    *bytes += len;
    return true;
}

uint32_t virtq_indirect_count(struct virtq *q, uint32_t len, bool next)
{
    uint32_t count = len / DESC_BYTES;

    if (!q->indirect)
        virtq_break(q, "an indirect descriptor, which was not negotiated");
    else if (next)
        virtq_break(q, "an indirect descriptor with a successor");
    else if (len % DESC_BYTES || count == 0 || count > VIRTQ_SIZE_MAX)
        virtq_break(q, "an indirect table of a bad length");
    return q->broken ? 0 : count;
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

/* They are in the two rounds of the ring. */
static bool packed_positions(const struct virtq *q)
{
    return q->next_avail < 2 * q->size && q->next_used < 2 * q->size && q->signalled < 2 * q->size;
}

void virtq_state(struct state_io *io, struct virtq *q)
{
    STATE(io, q->size);
    STATE(io, q->ready);
    STATE(io, q->packed);
    STATE(io, q->desc);
    STATE(io, q->avail);
    STATE(io, q->used);
    STATE(io, q->align);
    STATE(io, q->next_avail);
    STATE(io, q->next_used);
    STATE(io, q->signalled);
    STATE(io, q->signal_all);
    STATE(io, q->broken);
    state_require(io, is_pow2(q->align), "q->align");
    state_require(io, !q->ready || !virtq_problem(q), "q->ready");
    state_require(io, !q->packed || !q->ready || packed_positions(q), "q->next_avail");
}

/* Add piece @p, of those that the device reads if they are @out; what virtq_add_piece() asks of it.
 */
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

    STATE(io, c->id);
    STATE(io, c->slots);
    state_require(io, c->slots <= q->size, "c->slots");
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
