/* An xHCI's root ports (4.19, 5.4.8). Nothing is plugged in or out while the machine runs. */
#include "base/bits.h"
#include "devices/xhci_internal.h"

static bool is_usb3(unsigned port)
{
    return port >= XHCI_PORTS_EACH;
}

static uint32_t with_link(uint32_t portsc, unsigned link)
{
    return (portsc & ~PORTSC_LINK) | link << PORTSC_LINK_SHIFT;
}

static unsigned link_of(uint32_t portsc)
{
    return (portsc & PORTSC_LINK) >> PORTSC_LINK_SHIFT;
}

/* 4.19.2: an event is due when the first change comes. */
static void change(struct xhci *x, unsigned port, uint32_t bits)
{
    struct xhci_port *p = &x->ports[port];

    if (!(p->portsc & PORTSC_CHANGES))
        p->told = false;
    p->portsc |= bits;
    x->status |= USBSTS_PORT_CHANGE;
}

static uint32_t at_power_on(const struct xhci *x, unsigned port)
{
    const struct usb_device *d = x->ports[port].device;

    if (!d)
        return with_link(PORTSC_POWER, LINK_RX_DETECT);
    if (is_usb3(port)) /* its link is trained without a reset, 4.19.1.2 */
        return with_link(PORTSC_POWER | PORTSC_CONNECTED | PORTSC_ENABLED | PORTSC_CSC, LINK_U0) |
               USB_SUPER << PORTSC_SPEED_SHIFT;
    return with_link(PORTSC_POWER | PORTSC_CONNECTED | PORTSC_CSC, LINK_POLLING) |
           (uint32_t)d->speed << PORTSC_SPEED_SHIFT;
}

void xhci_ports_reset(struct xhci *x)
{
    for (unsigned port = 0; port < XHCI_PORTS; port++) {
        x->ports[port].portsc = at_power_on(x, port);
        x->ports[port].told = true;
        if (x->ports[port].device)
            usb_reset(x->ports[port].device);
    }
}

/* Changes of before have their events now. */
void xhci_ports_started(struct xhci *x)
{
    for (unsigned port = 0; port < XHCI_PORTS; port++)
        if (x->ports[port].portsc & PORTSC_CHANGES) {
            x->ports[port].told = false;
            x->status |= USBSTS_PORT_CHANGE;
        }
}

bool xhci_tell_ports(struct xhci *x)
{
    for (unsigned port = 0; port < XHCI_PORTS; port++) {
        if (x->ports[port].told || !xhci_has_room(x, 0, 1))
            continue;
        x->ports[port].told = true;
        xhci_event(x, 0,
                   &(struct xhci_trb){.parameter = (uint64_t)(port + 1) << 24,
                                      .status = (uint32_t)CODE_SUCCESS << 24,
                                      .control = TRB_PORT_CHANGE << 10});
        return true;
    }
    return false;
}

uint32_t xhci_port_read(struct xhci *x, unsigned port)
{
    return x->ports[port].portsc;
}

/* 4.19.5: over at once. */
static void reset_port(struct xhci *x, unsigned port, bool warm)
{
    struct xhci_port *p = &x->ports[port];

    if (!p->device || (warm && !is_usb3(port)))
        return;
    usb_reset(p->device);
    p->portsc = with_link(p->portsc | PORTSC_ENABLED, LINK_U0);
    change(x, port, PORTSC_PRC | (warm ? PORTSC_WRC : 0));
}

/* 4.15: Differs: a suspended device does not wake the host. */
static void write_link(struct xhci *x, unsigned port, unsigned link)
{
    struct xhci_port *p = &x->ports[port];
    unsigned was = link_of(p->portsc);

    if (!(p->portsc & PORTSC_ENABLED))
        return;
    if (link == LINK_U3 || (link == LINK_RESUME && was == LINK_U3 && !is_usb3(port))) {
        p->portsc = with_link(p->portsc, link);
    } else if (link == LINK_U0 && was != LINK_U0) {
        p->portsc = with_link(p->portsc, LINK_U0);
        change(x, port, PORTSC_PLC);
    }
}

void xhci_port_write(struct xhci *x, unsigned port, uint32_t value)
{
    struct xhci_port *p = &x->ports[port];

    p->portsc &= ~(value & PORTSC_CHANGES);
    p->portsc = (p->portsc & ~(PORTSC_WAKES | PORTSC_INDICATOR)) | (value & PORTSC_WAKES);
    if (value & PORTSC_ENABLED && p->portsc & PORTSC_ENABLED)
        p->portsc =
            with_link(p->portsc & ~PORTSC_ENABLED, is_usb3(port) ? LINK_RX_DETECT : LINK_POLLING);
    else if (value & (PORTSC_RESET | PORTSC_WARM_RESET))
        reset_port(x, port, value & PORTSC_WARM_RESET);
    else if (value & PORTSC_LINK_WRITE)
        write_link(x, port, link_of(value));
}

bool xhci_plug(struct xhci *x, struct usb_device *device, unsigned port)
{
    unsigned first = device->speed == USB_SUPER ? XHCI_PORTS_EACH : 0;

    if (port > XHCI_PORTS_EACH)
        return false;
    if (!port)
        for (port = 1; port <= XHCI_PORTS_EACH; port++)
            if (!x->ports[port - 1].device && !x->ports[XHCI_PORTS_EACH + port - 1].device)
                break;
    if (port > XHCI_PORTS_EACH || x->ports[port - 1].device ||
        x->ports[XHCI_PORTS_EACH + port - 1].device)
        return false;
    x->ports[first + port - 1].device = device;
    device->port = (uint8_t)port;
    device->ready = xhci_device_ready;
    device->ready_ctx = x;
    return true;
}
