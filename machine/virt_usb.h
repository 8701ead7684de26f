/* USB on the board: controllers, which are PCI functions, and what is plugged into them. */
#pragma once

#include "machine/virt.h"

struct scsi_unit;
struct usb_device;
struct virt_usb; /* a controller or a device; free() ends it */

/* Controller config.devices[@index]. Return 0 or -ARM_Exxx. */
int virt_usb_create(struct virt_usb **out, struct virt_board *board, const struct virt_config *cfg,
                    unsigned index, const struct arm_log *log, struct arm_error *err)
    __attribute__((warn_unused_result));

/* NULL: it is no controller. */
struct pci_function *virt_usb_function(struct virt_usb *usb);

/* The port, from 1, that a device is in at its controller; 0: it is in none of it. */
unsigned virt_usb_port(const struct virt_usb *bus, const struct virt_usb *device);

/* What is in a port, from 1, of a controller; NULL: nothing, or it has no such port. */
const struct usb_device *virt_usb_at(const struct virt_usb *bus, unsigned port);

/* A disk, whose unit is @unit, which outlives it; as virt_usb_plug(). */
int virt_usb_plug_disk(struct virt_usb **out, struct virt_usb *bus, const struct arm_device *what,
                       struct scsi_unit *unit, struct arm_error *err)
    __attribute__((warn_unused_result));

/* A keyboard, mouse or tablet at @bus, a controller; NULL or another thing is an error. */
int virt_usb_plug(struct virt_usb **out, struct virt_usb *bus, const struct arm_device *what,
                  struct host_input *host_input, struct arm_error *err)
    __attribute__((warn_unused_result));
