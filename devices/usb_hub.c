#include "devices/usb_hub.h"

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

/* Class requests, 11.24.2: bmRequestType and bRequest. */
enum { TO_HUB = 0x20, TO_PORT = 0x23, OF_HUB = 0xa0, OF_PORT = 0xa3 };
enum { GET_STATUS = 0, CLEAR_FEATURE = 1, SET_FEATURE = 3, GET_DESCRIPTOR = 6 };

/* Features of ports, table 11-17; changes are the bits of wPortChange from C_CONNECTION on. */
enum {
    PORT_ENABLE = 1,
    PORT_SUSPEND = 2,
    PORT_RESET = 4,
    PORT_POWER = 8,
    C_CONNECTION = 16,
    C_RESET = 20,
    PORT_INDICATOR = 22,
};
#define HUB_FEATURES 2 /* C_HUB_LOCAL_POWER and C_HUB_OVER_CURRENT, which never change */

/* wPortStatus and wPortChange, 11.24.2.7 */
#define STATUS_CONNECTED  UINT16_C(0x001)
#define STATUS_ENABLED    UINT16_C(0x002)
#define STATUS_SUSPENDED  UINT16_C(0x004)
#define STATUS_POWER      UINT16_C(0x100)
#define STATUS_LOW        UINT16_C(0x200)
#define CHANGE_CONNECTION UINT16_C(0x01)
#define CHANGE_SUSPEND    UINT16_C(0x04)
#define CHANGE_RESET      UINT16_C(0x10)

#define CHANGES          1 /* the endpoint of changes, 11.12.3 */
#define CHANGES_BYTES    2 /* a bit for the hub and one for each port */
#define DESCRIPTOR       0x29
#define DESCRIPTOR_BYTES 11

static struct usb_hub *to_hub(struct usb_device *d)
{
    return (struct usb_hub *)d;
}

/* ---- ports ---- */

/* By its number, from 1; NULL: there is none. */
static struct usb_hub_port *port_at(struct usb_hub *h, unsigned number)
{
    return number >= 1 && number <= USB_HUB_PORTS ? &h->ports[number - 1] : NULL;
}

static unsigned changed_ports(const struct usb_hub *h)
{
    unsigned bits = 0;

    for (unsigned n = 0; n < USB_HUB_PORTS; n++)
        bits |= h->ports[n].change ? 1u << (n + 1) : 0;
    return bits;
}

/* 11.12.4 has the host polled for as long as there is a change, once in an interval. CU-choice: as
 * there are no intervals here, it is told when a change comes, and when it has seen to one and
 * there are more. */
static void tell(struct usb_hub *h)
{
    h->told = false;
    if (changed_ports(h))
        usb_ready(&h->usb, CHANGES | USB_DIR_IN);
}

/* 11.24.2.13. The reset is over at once. */
static int set_port(struct usb_hub *h, struct usb_hub_port *p, unsigned feature)
{
    switch (feature) {
    case PORT_RESET:
        if (!p->device)
            return 0;
        usb_reset(p->device);
        p->status = (uint16_t)((p->status | STATUS_ENABLED) & ~STATUS_SUSPENDED);
        p->change |= CHANGE_RESET;
        tell(h);
        return 0;
    case PORT_SUSPEND:
        if (p->status & STATUS_ENABLED)
            p->status |= STATUS_SUSPENDED;
        return 0;
    case PORT_POWER:
    case PORT_INDICATOR:
        return 0;
    }
    return USB_STALL;
}

/* 11.24.2.2 */
static int clear_port(struct usb_hub *h, struct usb_hub_port *p, unsigned feature)
{
    if (feature >= C_CONNECTION && feature <= C_RESET) {
        p->change &= (uint16_t)~BIT(feature - C_CONNECTION);
        tell(h);
        return 0;
    }
    switch (feature) {
    case PORT_ENABLE:
        p->status &= (uint16_t) ~(STATUS_ENABLED | STATUS_SUSPENDED);
        return 0;
    case PORT_SUSPEND:
        if (p->status & STATUS_SUSPENDED) {
            p->status &= (uint16_t)~STATUS_SUSPENDED;
            p->change |= CHANGE_SUSPEND;
            tell(h);
        }
        return 0;
    case PORT_POWER:
    case PORT_INDICATOR:
        return 0;
    }
    return USB_STALL;
}

/* ---- requests ---- */

/* 11.23.2.1: no switches of power, over-current by port, nothing that cannot be removed. */
static int descriptor(uint8_t *data)
{
    static const uint8_t bytes[DESCRIPTOR_BYTES] = {
        DESCRIPTOR_BYTES, DESCRIPTOR, USB_HUB_PORTS, 0x0a, 0, 1, 0, 0, 0, 0xff, 0xff};

    for (unsigned n = 0; n < DESCRIPTOR_BYTES; n++)
        data[n] = bytes[n];
    return DESCRIPTOR_BYTES;
}

static int of_hub(const struct usb_request *r, uint8_t *data)
{
    if (r->code == GET_DESCRIPTOR && r->value >> 8 == DESCRIPTOR)
        return descriptor(data);
    if (r->code != GET_STATUS)
        return USB_STALL;
    le_put(data, 4, 0);
    return 4;
}

static int of_port(const struct usb_hub_port *p, const struct usb_request *r, uint8_t *data)
{
    if (r->code != GET_STATUS)
        return USB_STALL;
    le_put(data, 4, p->status | (uint32_t)p->change << 16);
    return 4;
}

static int to_port(struct usb_hub *h, struct usb_hub_port *p, const struct usb_request *r)
{
    if (r->code == SET_FEATURE)
        return set_port(h, p, r->value);
    return r->code == CLEAR_FEATURE ? clear_port(h, p, r->value) : USB_STALL;
}

static int control(struct usb_device *d, const struct usb_request *r, uint8_t *data)
{
    struct usb_hub *h = to_hub(d);
    struct usb_hub_port *p = port_at(h, r->index & 0xff); /* above that: a selector */

    switch (r->type) {
    case OF_HUB:
        return of_hub(r, data);
    case TO_HUB:
        return (r->code == SET_FEATURE || r->code == CLEAR_FEATURE) && r->value < HUB_FEATURES
                   ? 0
                   : USB_STALL;
    case OF_PORT:
        return p ? of_port(p, r, data) : USB_STALL;
    case TO_PORT:
        return p ? to_port(h, p, r) : USB_STALL;
    }
    return USB_STALL;
}

static int in(struct usb_device *d, unsigned number, uint8_t *data, size_t n)
{
    struct usb_hub *h = to_hub(d);
    unsigned changed = changed_ports(h);
    uint8_t bytes[CHANGES_BYTES];

    (void)number; /* there is one */
    if (h->told || !changed)
        return USB_NAK;
    h->told = true;
    le_put(bytes, CHANGES_BYTES, changed);
    n = n < CHANGES_BYTES ? n : CHANGES_BYTES;
    for (size_t k = 0; k < n; k++)
        data[k] = bytes[k];
    return (int)n;
}

static int out(struct usb_device *d, unsigned number, const uint8_t *data, size_t n)
{
    (void)d, (void)number, (void)data, (void)n;
    return USB_STALL; /* there is no such endpoint */
}

/* CU-choice: ports have power always, also of a hub that is not configured (11.5.1.2). */
static void reset(struct usb_device *d)
{
    struct usb_hub *h = to_hub(d);

    h->told = false;
    for (unsigned n = 0; n < USB_HUB_PORTS; n++) {
        struct usb_hub_port *p = &h->ports[n];
        p->status = STATUS_POWER;
        p->change = 0;
        if (!p->device)
            continue;
        p->status |= STATUS_CONNECTED | (p->device->speed == USB_LOW ? STATUS_LOW : 0);
        p->change = CHANGE_CONNECTION;
        usb_reset(p->device);
    }
}

static void state(struct state_io *io, struct usb_device *d)
{
    struct usb_hub *h = to_hub(d);

    STATE(io, h->told);
    for (unsigned n = 0; n < USB_HUB_PORTS; n++) {
        struct usb_hub_port *p = &h->ports[n];
        STATE(io, p->status);
        STATE(io, p->change);
        state_require(io, p->device || !(p->status & STATUS_ENABLED), "p->status");
        if (p->device)
            usb_state(io, p->device);
    }
}

static struct usb_device *behind(struct usb_device *d, unsigned port)
{
    const struct usb_hub_port *p = port_at(to_hub(d), port);

    return p && p->status & STATUS_ENABLED ? p->device : NULL;
}

static const struct usb_device_ops ops = {
    .control = control, .in = in, .out = out, .reset = reset, .state = state, .behind = behind};

static const struct usb_endpoint endpoint = {CHANGES | USB_DIR_IN, USB_INTERRUPT, CHANGES_BYTES,
                                             0xff};

/* Names and numbers are QEMU's. */
static const struct usb_description description = {
    .vendor = 0x0409,
    .product = 0x55aa,
    .release = 0x0101,
    .manufacturer = "QEMU",
    .name = "QEMU USB Hub",
    .speed = USB_FULL,
    .class = USB_CLASS_HUB,
    .endpoints = &endpoint,
    .endpoint_count = 1,
};

void usb_hub_init(struct usb_hub *h)
{
    *h = (struct usb_hub){.told = false};
    usb_init(&h->usb, &ops, &description, "314159");
}

/* How many hubs it is behind. */
static unsigned depth(const struct usb_device *d)
{
    unsigned n = 0;

    while ((d = d->hub))
        n++;
    return n;
}

bool usb_hub_plug(struct usb_hub *h, struct usb_device *device, unsigned port)
{
    struct usb_hub_port *p;
    bool is_hub = device->ops->behind;
    bool fits =
        device->speed == USB_FULL || device->speed == USB_LOW || device->about->full_endpoints;

    for (unsigned n = 1; !port && n <= USB_HUB_PORTS; n++)
        if (!h->ports[n - 1].device)
            port = n;
    p = port_at(h, port);
    if (!p || p->device || !fits || (is_hub && depth(&h->usb) + 1 == USB_HUBS_DEEP))
        return false;
    if (device->about->full_endpoints)
        device->speed = USB_FULL;
    device->hub = &h->usb;
    device->port = (uint8_t)port;
    p->device = device;
    return true;
}
