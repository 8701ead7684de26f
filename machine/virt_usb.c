#include "machine/virt_usb.h"

#include <stdlib.h>

#include "devices/ehci.h"
#include "devices/usb_hid.h"
#include "devices/usb_hub.h"
#include "devices/usb_storage.h"
#include "devices/xhci.h"

struct virt_usb {
    enum arm_device_kind kind;
    struct virt_usb *bus; /* of a device: the controller or hub that it is plugged into */
    union {
        struct pci_function function; /* of a controller */
        struct xhci xhci;
        struct ehci ehci;
        struct usb_device device; /* of what is none */
        struct usb_hid hid;
        struct usb_storage storage;
        struct usb_hub hub;
    };
};

static struct virt_usb *make(enum arm_device_kind kind, struct arm_error *err)
{
    struct virt_usb *usb = calloc(1, sizeof(*usb));

    if (usb)
        usb->kind = kind;
    else
        error_set(err, ARM_ENOMEM, "no memory for USB");
    return usb;
}

static void make_xhci(struct virt_usb *usb, struct virt_board *board, const struct virt_config *cfg,
                      unsigned index, const struct arm_log *log)
{
    bool messages = cfg->its || cfg->gic_v2;

    xhci_init(&usb->xhci,
              &(struct xhci_config){.mem = board->mem,
                                    .clock = board->clock,
                                    .unit = index,
                                    .vectors = messages ? XHCI_INTERRUPTERS : 0,
                                    .express = cfg->devices[index].pci.port != 0},
              log);
}

static void make_ehci(struct virt_usb *usb, struct virt_board *board, const struct virt_config *cfg,
                      unsigned index, const struct arm_log *log)
{
    ehci_init(&usb->ehci,
              &(struct ehci_config){.mem = board->mem,
                                    .clock = board->clock,
                                    .unit = index,
                                    .express = cfg->devices[index].pci.port != 0},
              log);
}

int virt_usb_create(struct virt_usb **out, struct virt_board *board, const struct virt_config *cfg,
                    unsigned index, const struct arm_log *log, struct arm_error *err)
{
    const struct arm_device *what = &cfg->devices[index];

    if (!what->pci.on)
        return error_set(err, ARM_EINVAL, "a USB controller that is not on PCI");
    if (!(*out = make(what->kind, err)))
        return -ARM_ENOMEM;
    (what->kind == ARM_USB_XHCI ? make_xhci : make_ehci)(*out, board, cfg, index, log);
    return 0;
}

static bool is_controller(const struct virt_usb *usb)
{
    return usb->kind == ARM_USB_XHCI || usb->kind == ARM_USB_EHCI;
}

struct pci_function *virt_usb_function(struct virt_usb *usb)
{
    return is_controller(usb) ? &usb->function : NULL;
}

const struct usb_device *virt_usb_device(const struct virt_usb *usb)
{
    return is_controller(usb) ? NULL : &usb->device;
}

const struct virt_usb *virt_usb_controller(const struct virt_usb *usb)
{
    while (usb->bus)
        usb = usb->bus;
    return usb;
}

static bool plug(struct virt_usb *bus, struct usb_device *device, unsigned port)
{
    if (bus->kind == ARM_USB_XHCI)
        return xhci_plug(&bus->xhci, device, port);
    if (bus->kind == ARM_USB_EHCI)
        return ehci_plug(&bus->ehci, device, port);
    return usb_hub_plug(&bus->hub, device, port);
}

static int attach(struct virt_usb *usb, struct virt_usb *bus, unsigned port, struct arm_error *err)
{
    if (!bus || !(is_controller(bus) || bus->kind == ARM_USB_HUB))
        return error_set(err, ARM_EINVAL, "a USB device on no controller before it");
    if (bus->kind == ARM_USB_EHCI && usb->device.speed != USB_HIGH)
        return error_set(err, ARM_EINVAL, "%s: it is of full speed, and an EHCI's ports are not",
                         usb->device.about->name);
    usb->bus = bus;
    if (plug(bus, &usb->device, port))
        return 0;
    return port ? error_set(err, ARM_EINVAL,
                            "USB port %u: it is taken, or there is none, or no hub fits in there",
                            port)
                : error_set(err, ARM_EINVAL, "no USB port is free");
}

int virt_usb_plug(struct virt_usb **out, struct virt_usb *bus, const struct arm_device *what,
                  struct host_input *host_input, struct arm_error *err)
{
    static const enum usb_hid_kind kinds[] = {
        [ARM_USB_KEYBOARD] = USB_KEYBOARD,
        [ARM_USB_MOUSE] = USB_MOUSE,
        [ARM_USB_TABLET] = USB_TABLET,
    };

    if (!(*out = make(what->kind, err)))
        return -ARM_ENOMEM;
    if (what->kind == ARM_USB_HUB) {
        usb_hub_init(&(*out)->hub);
    } else {
        usb_hid_init(&(*out)->hid, kinds[what->kind]);
        host_input_add(host_input, &(*out)->hid.host);
    }
    return attach(*out, bus, what->unit.target, err);
}

int virt_usb_plug_disk(struct virt_usb **out, struct virt_usb *bus, const struct arm_device *what,
                       struct scsi_unit *unit, struct arm_error *err)
{
    if (!(*out = make(what->kind, err)))
        return -ARM_ENOMEM;
    usb_storage_init(&(*out)->storage, unit, unit->serial[0] ? unit->serial : NULL);
    return attach(*out, bus, what->unit.target, err);
}
