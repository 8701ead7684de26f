/* USB devices of `armillary qemu`: each on the bus of a controller before it. */
#include <glib.h>
#include <string.h>

#include "parse.h"
#include "qemu.h"
#include "qemu_connect.h"

#define PORTS 6 /* of a controller of any kind; the machine knows how many this one has */

/* Its bus and port; false, and a message. */
static bool place(struct qemu *q, const struct qemu_device *device, struct arm_unit *unit)
{
    const struct qemu_bus *bus;
    uint64_t port = 0;
    int n;

    if (device->port && !parse_number(device->port, 1, PORTS, &port))
        return qemu_bad("-device %s,port=%s: expected 1 to %d; there are no hubs",
                        device->driver->name, device->port, PORTS);
    if (!(bus = qemu_find_bus(q, device, QEMU_USB, &n)))
        return false;
    unit->controller = bus->controller;
    unit->target = (unsigned)port;
    return true;
}

static bool add(struct qemu *q, const struct qemu_device *device, enum arm_device_kind kind)
{
    struct arm_device usb = {.kind = kind};

    return place(q, device, &usb.unit) && (devices_add(&q->devices.options, &usb, &q->req.config) ||
                                           qemu_bad("more than %d devices", ARM_DEVICES_MAX));
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

/* What is the host's, or at the other end of a connection, and does not come. */
bool qemu_connect_usb_unplugged(struct qemu *q, const struct qemu_device *device)
{
    struct arm_unit unit;

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
