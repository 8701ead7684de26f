/* USB devices of `armillary qemu`: each on the bus of a controller before it, and there at a port
 * of the controller or of a hub. */
#include <glib.h>
#include <string.h>

#include "parse.h"
#include "qemu.h"
#include "qemu_connect.h"

/* What has ports, and how many. */
static const struct {
    enum arm_device_kind kind;
    unsigned ports;
} buses[] = {{ARM_USB_XHCI, ARM_USB_XHCI_PORTS},
             {ARM_USB_EHCI, ARM_USB_EHCI_PORTS},
             {ARM_USB_HUB, ARM_USB_HUB_PORTS}};

/* Of device @n, if it is @bus or a hub behind it; else 0. */
static unsigned ports_of(const struct arm_config *c, unsigned n, unsigned bus)
{
    unsigned top = n;

    while (top != bus && c->devices[top].kind == ARM_USB_HUB)
        top = c->devices[top].unit.controller;
    for (size_t k = 0; top == bus && k < G_N_ELEMENTS(buses); k++)
        if (buses[k].kind == c->devices[n].kind)
            return buses[k].ports;
    return 0;
}

/* What is in a port, from 1; NULL: nothing. */
static const struct arm_device *in_port(const struct arm_config *c, unsigned on, unsigned port)
{
    for (unsigned n = on + 1; n < c->device_count; n++)
        if (c->devices[n].unit.controller == on && c->devices[n].unit.target == port)
            return &c->devices[n];
    return NULL;
}

/* How many ports of a bus are free, and the first of them. Those of a hub come behind all that were
 * there before it, as with QEMU. */
static unsigned free_ports(const struct arm_config *c, unsigned bus, struct arm_unit *first)
{
    unsigned count = 0;

    for (unsigned n = bus; n < c->device_count; n++)
        for (unsigned port = 1; port <= ports_of(c, n, bus); port++)
            if (!in_port(c, n, port) && count++ == 0) {
                first->controller = n;
                first->target = port;
            }
    return count;
}

/* A port by its path, such as 1.2; false: there is none, or it is taken. */
static bool follow(const struct arm_config *c, unsigned bus, const char *path,
                   struct arm_unit *unit)
{
    g_auto(GStrv) steps = g_strsplit(path, ".", -1);
    const struct arm_device *at = NULL;
    uint64_t port = 0;

    unit->controller = bus;
    for (unsigned k = 0; steps[k]; k++) {
        if (at)
            unit->controller = (unsigned)(at - c->devices);
        if ((k && !at) || !parse_number(steps[k], 1, ports_of(c, unit->controller, bus), &port))
            return false;
        at = in_port(c, unit->controller, (unsigned)port);
    }
    unit->target = (unsigned)port;
    return port && !at;
}

static bool add_at(struct qemu *q, enum arm_device_kind kind, const struct arm_unit *unit)
{
    const struct arm_device usb = {.kind = kind, .unit = *unit};

    return devices_add(&q->devices.options, &usb, &q->req.config) ||
           qemu_bad("more than %d devices", ARM_DEVICES_MAX);
}

/* The first port that is free. As with QEMU the last one is for a hub, which is added; but an EHCI
 * can have none. */
static bool take_first(struct qemu *q, const struct qemu_device *device, unsigned bus,
                       struct arm_unit *unit)
{
    const struct arm_config *c = &q->req.config;
    bool wants_hub =
        strcmp(device->driver->name, "usb-hub") != 0 && c->devices[bus].kind == ARM_USB_XHCI;
    unsigned count = free_ports(c, bus, unit);

    if (count == 1 && wants_hub) {
        if (!add_at(q, ARM_USB_HUB, unit))
            return false;
        count = free_ports(c, bus, unit);
    }
    return count || qemu_bad("-device %s: no USB port is free", device->driver->name);
}

/* Its bus and port; false, and a message. */
static bool place(struct qemu *q, const struct qemu_device *device, struct arm_unit *unit)
{
    const struct qemu_bus *bus;
    int n;

    if (!(bus = qemu_find_bus(q, device, QEMU_USB, &n)))
        return false;
    if (!device->port)
        return take_first(q, device, bus->controller, unit);
    return follow(&q->req.config, bus->controller, device->port, unit) ||
           qemu_bad("-device %s,port=%s: there is no such USB port, or it is taken",
                    device->driver->name, device->port);
}

static bool add(struct qemu *q, const struct qemu_device *device, enum arm_device_kind kind)
{
    struct arm_unit unit = {0};

    return place(q, device, &unit) && add_at(q, kind, &unit);
}

bool qemu_connect_usb_storage(struct qemu *q, const struct qemu_device *device)
{
    struct arm_device disk = {.kind = ARM_DISK};

    return place(q, device, &disk.unit) && qemu_add_disk(q, device, disk);
}

bool qemu_connect_usb_keyboard(struct qemu *q, const struct qemu_device *device)
{
    return add(q, device, ARM_USB_KEYBOARD);
}

bool qemu_connect_usb_mouse(struct qemu *q, const struct qemu_device *device)
{
    return add(q, device, ARM_USB_MOUSE);
}

bool qemu_connect_usb_tablet(struct qemu *q, const struct qemu_device *device)
{
    return add(q, device, ARM_USB_TABLET);
}

bool qemu_connect_usb_hub(struct qemu *q, const struct qemu_device *device)
{
    return add(q, device, ARM_USB_HUB);
}

/* What is the host's, or at the other end of a connection, and does not come. */
bool qemu_connect_usb_unplugged(struct qemu *q, const struct qemu_device *device)
{
    struct arm_unit unit = {0};

    if (!place(q, device, &unit))
        return false;
    qemu_note(q, "-device %s: nothing of the host's is handed through: nothing is plugged in there",
              device->driver->name);
    return true;
}

bool qemu_usbdevice(struct qemu *q, const char *option, const char *value)
{
    static const struct {
        const char *name, *driver;
    } devices[] = {{"keyboard", "usb-kbd"}, {"mouse", "usb-mouse"}, {"tablet", "usb-tablet"}};

    for (size_t k = 0; k < G_N_ELEMENTS(devices); k++)
        if (!strcmp(devices[k].name, value))
            return qemu_device(q, option, devices[k].driver);
    return qemu_bad("-usbdevice %s: expected keyboard, mouse or tablet", value);
}
