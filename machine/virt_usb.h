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

/* NULL: it is no device but a controller. */
const struct usb_device *virt_usb_device(const struct virt_usb *usb);

/* Where the hubs end that a device is behind; of a controller itself. */
const struct virt_usb *virt_usb_controller(const struct virt_usb *usb);

/* A disk, whose unit is @unit, which outlives it; as virt_usb_plug(). */
int virt_usb_plug_disk(struct virt_usb **out, struct virt_usb *bus, const struct arm_device *what,
                       struct scsi_unit *unit, struct arm_error *err)
    __attribute__((warn_unused_result));

/* A keyboard, mouse, tablet or hub at @bus, a controller or hub; NULL or another thing is an
 * error. */
int virt_usb_plug(struct virt_usb **out, struct virt_usb *bus, const struct arm_device *what,
                  struct host_input *host_input, struct arm_error *err)
    __attribute__((warn_unused_result));
