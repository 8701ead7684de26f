/* An xHCI's view of memory: numbers, and rings that it consumes. */
#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "devices/xhci_internal.h"

bool xhci_read(struct xhci *x, uint64_t at, void *buf, size_t n)
{
    if (dma_read(x->mem, x->who, pa(at), buf, n))
        return true;
    xhci_die(x, "reads", at);
    return false;
}

bool xhci_write(struct xhci *x, uint64_t at, const void *buf, size_t n)
{
    if (dma_write(x->mem, x->who, pa(at), buf, n))
        return true;
    xhci_die(x, "writes", at);
    return false;
}

#define WORDS_MAX 8

bool xhci_read32s(struct xhci *x, uint64_t at, uint32_t *values, unsigned count)
{
    uint8_t bytes[4 * WORDS_MAX];

    CHECK(count <= WORDS_MAX);
    memset(values, 0, count * sizeof(*values));
    if (!xhci_read(x, at, bytes, 4 * (size_t)count))
        return false;
    for (unsigned i = 0; i < count; i++)
        values[i] = (uint32_t)le_get(bytes + 4 * i, 4);
    return true;
}

bool xhci_write32s(struct xhci *x, uint64_t at, const uint32_t *values, unsigned count)
{
    uint8_t bytes[4 * WORDS_MAX];

    CHECK(count <= WORDS_MAX);
    for (unsigned i = 0; i < count; i++)
        le_put(bytes + 4 * i, 4, values[i]);
    return xhci_write(x, at, bytes, 4 * (size_t)count);
}

/* 4.9.2 and 4.11.5.1 */
bool xhci_fetch(struct xhci *x, struct xhci_ring *ring, struct xhci_trb *trb)
{
    uint32_t words[TRB_BYTES / 4];

    for (unsigned links = 0; links <= LINKS_MAX; links++) {
        if (!xhci_read32s(x, ring->dequeue, words, ARRAY_SIZE(words)))
            return false;
        *trb = (struct xhci_trb){words[0] | (uint64_t)words[1] << 32, words[2], words[3]};
        if ((trb->control & TRB_CYCLE) != ring->cycle)
            return false;
        if (TRB_TYPE(trb) != TRB_LINK)
            return true;
        ring->dequeue = trb->parameter & ~UINT64_C(0xf);
        ring->cycle ^= (trb->control & TRB_TOGGLE) != 0;
    }
    LOG(x->function.log, DEVICE, GUEST, "xhci: more than %d links in a row at %#llx", LINKS_MAX,
        (unsigned long long)ring->dequeue);
    return false;
}

void xhci_advance(struct xhci_ring *ring)
{
    ring->dequeue += TRB_BYTES;
}
