/* An xHCI's event rings and interrupts (4.9.4, 4.17). */
#include "base/bits.h"
#include "devices/xhci_internal.h"

#define SEGMENT_MIN 16 /* TRBs, 6.5 */
#define SEGMENT_MAX 4096

static bool load_segment(struct xhci *x, struct xhci_interrupter *i, uint32_t segment)
{
    uint32_t words[4];

    if (!xhci_read32s(x, i->erst_base + UINT64_C(16) * segment, words, ARRAY_SIZE(words)))
        return false;
    i->segment = segment;
    i->segment_base = (words[0] | (uint64_t)words[1] << 32) & ~UINT64_C(0x3f);
    i->segment_size = words[2] & 0xffff;
    i->index = 0;
    if (i->segment_size >= SEGMENT_MIN && i->segment_size <= SEGMENT_MAX)
        return true;
    LOG(x->function.log, DEVICE, GUEST, "xhci: a segment of an event ring with %u TRBs",
        i->segment_size);
    return false;
}

void xhci_erst_written(struct xhci *x, unsigned n)
{
    struct xhci_interrupter *i = &x->interrupters_of[n];

    i->cycle = true;
    i->running = i->erst_size > 0 && load_segment(x, i, 0);
}

static uint64_t here(const struct xhci_interrupter *i)
{
    return i->segment_base + UINT64_C(16) * i->index;
}

/* Where the event behind the next one goes. */
static bool step(struct xhci *x, struct xhci_interrupter *i)
{
    if (++i->index < i->segment_size)
        return true;
    i->cycle ^= i->segment + 1 >= i->erst_size;
    return load_segment(x, i, i->segment + 1 < i->erst_size ? i->segment + 1 : 0);
}

/* 4.9.4: the ring is full when one more event would make it look empty. A driver that has given no
 * ring gets no events, and no transfer waits for it. */
bool xhci_has_room(struct xhci *x, unsigned n, unsigned events)
{
    struct xhci_interrupter next = x->interrupters_of[n < x->interrupters ? n : 0];

    while (next.running && events-- > 0)
        if (!step(x, &next) || here(&next) == (next.erdp & ERDP_POINTER))
            return false;
    return true;
}

/* 4.17.3.1: the pin is interrupter 0's. */
void xhci_update_pin(struct xhci *x)
{
    const uint32_t both = IMAN_PENDING | IMAN_ENABLE;

    pci_intx_set(&x->function,
                 (x->command & USBCMD_INTERRUPTS) && (x->interrupters_of[0].iman & both) == both);
}

/* 4.17.5. Differs: interrupts are not moderated. */
static void interrupt(struct xhci *x, unsigned n)
{
    struct xhci_interrupter *i = &x->interrupters_of[n];
    bool busy = i->erdp & ERDP_BUSY;

    i->erdp |= ERDP_BUSY;
    i->iman |= IMAN_PENDING;
    x->status |= USBSTS_EVENT;
    if (!busy && (i->iman & IMAN_ENABLE) && (x->command & USBCMD_INTERRUPTS) &&
        pci_msix_enabled(&x->function)) {
        i->iman &= ~IMAN_PENDING;
        pci_msix_signal(&x->function, n);
    }
    xhci_update_pin(x);
}

void xhci_event(struct xhci *x, unsigned n, const struct xhci_trb *event)
{
    struct xhci_interrupter *i;
    uint32_t words[4] = {(uint32_t)event->parameter, (uint32_t)(event->parameter >> 32),
                         event->status, 0};

    n = n < x->interrupters ? n : 0;
    i = &x->interrupters_of[n];
    if (!i->running || !xhci_has_room(x, n, 1)) {
        LOG(x->function.log, DEVICE, GUEST, "xhci: an event for interrupter %u is lost: %s", n,
            i->running ? "its ring is full" : "it has no ring");
        return;
    }
    words[3] = (event->control & ~(TRB_CYCLE | TRB_BLOCK_INTERRUPT)) | i->cycle;
    if (!xhci_write32s(x, here(i), words, ARRAY_SIZE(words)))
        return;
    i->running = step(x, i);
    if (!(event->control & TRB_BLOCK_INTERRUPT))
        interrupt(x, n);
}

/* 4.17.2: what has come meanwhile interrupts again. */
void xhci_erdp_written(struct xhci *x, unsigned n, uint64_t value)
{
    struct xhci_interrupter *i = &x->interrupters_of[n];
    bool clears = value & ERDP_BUSY;

    i->erdp = (value & ~ERDP_BUSY) | (clears ? 0 : i->erdp & ERDP_BUSY);
    if (clears && i->running && here(i) != (i->erdp & ERDP_POINTER))
        interrupt(x, n);
}
