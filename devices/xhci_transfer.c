/* An xHCI's transfer rings (4.10, 4.11): a TRB at a time, its data in pieces. */
#include <string.h>

#include "base/bits.h"
#include "base/le.h"
#include "devices/xhci_internal.h"

#define CHUNK     4096 /* bytes at once: packets of every size fit in it without a rest */
#define TURN      16   /* steps before another endpoint's turn */
#define IMMEDIATE 8    /* bytes in a TRB itself, 4.11.2 */

struct usb_device *xhci_device(struct xhci *x, const struct xhci_slot *s)
{
    const struct xhci_port *p = s->port ? &x->ports[s->port - 1] : NULL;

    return p && p->portsc & PORTSC_ENABLED ? usb_follow(p->device, s->route) : NULL;
}

void xhci_forget_transfer(struct xhci_endpoint *e)
{
    e->skip = e->told = false;
    e->done = e->moved = 0;
    e->code = CODE_SUCCESS;
}

/* What is being done. */
struct step {
    struct xhci *x;
    struct xhci_slot *slot;
    struct xhci_endpoint *e;
    unsigned dci;
    struct xhci_trb trb;
    uint64_t at; /* where the TRB is */
};

/* 6.4.2.1. @left: bytes of the TRB that were not moved. */
static void tell(const struct step *s, uint8_t code, uint32_t left)
{
    uint32_t block = s->trb.control & TRB_BLOCK_INTERRUPT;

    xhci_event(s->x, TRB_TARGET(&s->trb),
               &(struct xhci_trb){.parameter = s->at,
                                  .status = (uint32_t)code << 24 | left,
                                  .control = TRB_TRANSFER_EVENT << 10 | s->dci << 16 | block |
                                             xhci_slot_id(s->x, s->slot) << 24});
}

/* 4.11.5.2: an event with a value of the driver's, and the bytes since the last one. */
static void tell_event_data(const struct step *s)
{
    xhci_event(s->x, TRB_TARGET(&s->trb),
               &(struct xhci_trb){.parameter = s->trb.parameter,
                                  .status = (uint32_t)s->e->code << 24 | zext(s->e->moved, 24),
                                  .control = TRB_TRANSFER_EVENT << 10 | TRB_EVENT_IS_DATA |
                                             s->dci << 16 | (s->trb.control & TRB_BLOCK_INTERRUPT) |
                                             xhci_slot_id(s->x, s->slot) << 24});
    s->e->moved = 0;
}

/* 4.8.3: it stays halted until the driver resets it. */
static bool halt(const struct step *s, uint8_t code, uint32_t left)
{
    s->e->state = XHCI_HALTED;
    s->e->pending = false;
    tell(s, code, left);
    xhci_forget_transfer(s->e);
    xhci_put_endpoint(s->x, s->slot, s->dci);
    return false;
}

/* This TRB is over. The last one of a Transfer Descriptor ends what is kept of it. */
static bool next(const struct step *s)
{
    struct xhci_endpoint *e = s->e;

    xhci_advance(&e->ring);
    e->done = 0;
    if (s->trb.control & TRB_CHAIN)
        return true;
    e->skip = e->told = false;
    e->moved = 0;
    e->code = CODE_SUCCESS;
    return true;
}

/* 4.10.1.1: of a short packet the driver is told once, at the TRB where it came if that asks for
 * it, or else at the first one behind it that does. */
static void tell_if_asked(const struct step *s, uint32_t left)
{
    struct xhci_endpoint *e = s->e;
    uint32_t wants = TRB_ON_COMPLETION | (e->code == CODE_SHORT_PACKET ? TRB_ON_SHORT : 0);

    if (e->told || !(s->trb.control & wants))
        return;
    tell(s, e->code, left);
    e->told = e->code == CODE_SHORT_PACKET;
}

static bool goes_in(const struct step *s)
{
    if (s->e->type == ENDPOINT_CONTROL)
        return TRB_TYPE(&s->trb) == TRB_NORMAL ? s->e->in : (s->trb.control & TRB_DIR_IN) != 0;
    return s->e->type & ENDPOINT_CONTROL;
}

/* The next piece: how many bytes were moved, or what the endpoint answered. */
static int move(const struct step *s, struct usb_device *d, uint32_t n)
{
    uint8_t bytes[CHUNK];
    uint64_t at = s->trb.parameter + s->e->done;
    int got;

    if (goes_in(s)) {
        got = usb_in(d, s->dci / 2, bytes, n);
        if (got > 0 && !xhci_write(s->x, at, bytes, (size_t)got))
            return USB_GONE;
        return got;
    }
    if (s->trb.control & TRB_IMMEDIATE)
        le_put(bytes, IMMEDIATE, s->trb.parameter);
    else if (n && !xhci_read(s->x, at, bytes, n))
        return USB_GONE;
    return usb_out(d, s->dci / 2, bytes, n);
}

static bool data(const struct step *s, struct usb_device *d)
{
    struct xhci_endpoint *e = s->e;
    uint32_t length = TRB_LENGTH(&s->trb), left, n;
    int got;

    if (s->trb.control & TRB_IMMEDIATE && (goes_in(s) || length > IMMEDIATE))
        return halt(s, CODE_TRB_ERROR, length);
    if (TRB_TYPE(&s->trb) == TRB_DATA)
        e->in = s->trb.control & TRB_DIR_IN;
    left = length > e->done ? length - e->done : 0;
    n = left < CHUNK ? left : CHUNK;
    got = move(s, d, n);
    pace_spend(&s->x->pace, usb_take_cost(d));
    if (!xhci_is_running(s->x))
        return false;
    if (got == USB_NAK)
        return e->pending = false;
    if (got < 0)
        return halt(s, got == USB_STALL ? CODE_STALL : CODE_TRANSACTION_ERROR, left);
    pace_spend(&s->x->pace, (uint32_t)got);
    e->done += (uint32_t)got;
    e->moved += (uint32_t)got;
    left -= (uint32_t)got;
    if (left && (uint32_t)got == n)
        return true;
    if (left) {
        e->code = CODE_SHORT_PACKET;
        e->skip = true;
    }
    tell_if_asked(s, left);
    return next(s);
}

static bool setup(const struct step *s, struct usb_device *d)
{
    uint8_t bytes[USB_SETUP_BYTES];

    if (!(s->trb.control & TRB_IMMEDIATE) || TRB_LENGTH(&s->trb) != USB_SETUP_BYTES)
        return halt(s, CODE_TRB_ERROR, 0);
    le_put(bytes, USB_SETUP_BYTES, s->trb.parameter);
    usb_setup(d, bytes);
    tell_if_asked(s, 0);
    return next(s);
}

static bool status(const struct step *s, struct usb_device *d)
{
    uint8_t none[1];
    int got = goes_in(s) ? usb_in(d, 0, none, 0) : usb_out(d, 0, none, 0);

    if (got == USB_NAK)
        return s->e->pending = false;
    if (got < 0)
        return halt(s, CODE_STALL, 0);
    tell_if_asked(s, 0);
    return next(s);
}

/* What is left of a Transfer Descriptor that is over. */
static bool skip(const struct step *s)
{
    if (TRB_TYPE(&s->trb) == TRB_EVENT_DATA)
        tell_event_data(s);
    else
        tell_if_asked(s, TRB_LENGTH(&s->trb));
    return next(s);
}

static bool transfer(const struct step *s)
{
    struct usb_device *d = xhci_device(s->x, s->slot);
    bool control = s->e->type == ENDPOINT_CONTROL;

    if (!d)
        return halt(s, CODE_TRANSACTION_ERROR, TRB_LENGTH(&s->trb));
    if (s->e->skip)
        return skip(s);
    switch (TRB_TYPE(&s->trb)) {
    case TRB_NORMAL:
        return data(s, d);
    case TRB_DATA:
        return control ? data(s, d) : halt(s, CODE_TRB_ERROR, 0);
    case TRB_SETUP:
        return control ? setup(s, d) : halt(s, CODE_TRB_ERROR, 0);
    case TRB_STATUS:
        return control ? status(s, d) : halt(s, CODE_TRB_ERROR, 0);
    case TRB_EVENT_DATA:
        tell_event_data(s);
        return next(s);
    case TRB_NO_OP:
        tell_if_asked(s, 0);
        return next(s);
    }
    return halt(s, CODE_TRB_ERROR, 0);
}

bool xhci_transfer(struct xhci *x, struct xhci_slot *slot, unsigned dci)
{
    struct step s = {.x = x, .slot = slot, .e = &slot->endpoints[dci], .dci = dci};

    for (unsigned n = 0; n < TURN && s.e->pending && pace_left(&x->pace); n++) {
        pace_spend(&x->pace, TRB_COST);
        if (!xhci_fetch(x, &s.e->ring, &s.trb))
            return s.e->pending = false;
        if (!xhci_has_room(x, TRB_TARGET(&s.trb), 1))
            return false;
        s.at = s.e->ring.dequeue;
        if (!transfer(&s))
            return false;
    }
    return s.e->pending;
}

/* 4.6.9: where it stopped, if it was at something. */
void xhci_transfer_stopped(struct xhci *x, struct xhci_slot *slot, unsigned dci)
{
    struct step s = {.x = x, .slot = slot, .e = &slot->endpoints[dci], .dci = dci};
    uint32_t length;

    if (!xhci_fetch(x, &s.e->ring, &s.trb) || !xhci_has_room(x, TRB_TARGET(&s.trb), 1))
        return;
    s.at = s.e->ring.dequeue;
    length = TRB_TYPE(&s.trb) == TRB_EVENT_DATA ? 0 : TRB_LENGTH(&s.trb);
    tell(&s, CODE_STOPPED, length > s.e->done ? length - s.e->done : 0);
}
