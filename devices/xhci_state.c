/* An xHCI's snapshot. */
#include "base/state_io.h"
#include "devices/xhci_internal.h"

static void ring_state(struct state_io *io, struct xhci_ring *ring)
{
    STATE(io, ring->dequeue);
    STATE(io, ring->cycle);
}

static void endpoint_state(struct state_io *io, struct xhci_endpoint *e)
{
    uint8_t state = (uint8_t)e->state;

    STATE(io, state);
    STATE(io, e->type);
    STATE(io, e->max_packet);
    ring_state(io, &e->ring);
    STATE(io, e->pending);
    STATE(io, e->skip);
    STATE(io, e->code);
    STATE(io, e->told);
    STATE(io, e->in);
    STATE(io, e->done);
    STATE(io, e->moved);
    if (state_require(io, state <= XHCI_ERROR, "e->state") && state_restoring(io))
        e->state = (enum xhci_endpoint_state)state;
}

static void slot_state(struct state_io *io, struct xhci_slot *s)
{
    uint8_t state = (uint8_t)s->state;

    STATE(io, s->enabled);
    STATE(io, state);
    STATE(io, s->port);
    STATE(io, s->route);
    STATE(io, s->context);
    for (unsigned dci = 1; dci < XHCI_ENDPOINTS; dci++)
        endpoint_state(io, &s->endpoints[dci]);
    state_require(io, s->port <= XHCI_PORTS, "s->port");
    state_require(io, s->route <= 0xfffff, "s->route");
    if (state_require(io, state <= XHCI_SLOT_CONFIGURED, "s->state") && state_restoring(io))
        s->state = (enum xhci_slot_state)state;
}

static void interrupter_state(struct state_io *io, struct xhci_interrupter *i)
{
    STATE(io, i->iman);
    STATE(io, i->imod);
    STATE(io, i->erst_size);
    STATE(io, i->erst_base);
    STATE(io, i->erdp);
    STATE(io, i->segment);
    STATE(io, i->segment_size);
    STATE(io, i->index);
    STATE(io, i->segment_base);
    STATE(io, i->cycle);
    STATE(io, i->running);
}

void xhci_state(struct state_io *io, struct pci_function *f)
{
    struct xhci *x = (struct xhci *)f;

    STATE(io, x->command);
    STATE(io, x->status);
    STATE(io, x->notify);
    STATE(io, x->config);
    STATE(io, x->command_control);
    STATE(io, x->contexts);
    ring_state(io, &x->commands);
    STATE(io, x->commands_running);
    for (unsigned port = 0; port < XHCI_PORTS; port++) {
        STATE(io, x->ports[port].portsc);
        STATE(io, x->ports[port].told);
        if (x->ports[port].device)
            usb_state(io, x->ports[port].device);
    }
    for (unsigned n = 0; n < XHCI_SLOTS; n++)
        slot_state(io, &x->slots[n]);
    for (unsigned n = 0; n < XHCI_INTERRUPTERS; n++)
        interrupter_state(io, &x->interrupters_of[n]);
    pace_state(io, &x->pace);
}
