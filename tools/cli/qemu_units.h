/* Controllers of `armillary qemu` and the disks on their buses. */
#pragma once

#include <stdbool.h>

#include "armillary.h"

struct qemu;
struct qemu_device;

/* The kind of a USB controller's bus, whatever controller that is. */
#define QEMU_USB ARM_USB_XHCI

struct qemu_bus {
    const char *id; /* its controller's, or what QEMU calls it without one */
    enum arm_device_kind kind;
    unsigned controller; /* its index in the configuration */
};

struct qemu_units {
    struct qemu_bus buses[ARM_DEVICES_MAX];
    struct arm_unit taken[ARM_DEVICES_MAX];
    unsigned bus_count, taken_count;
};

/* The controller that is the configuration's next device has a bus. */
void qemu_add_bus(struct qemu *q, const struct qemu_device *device, enum arm_device_kind kind);

/* The bus that @device is to be on: ID or ID.N, as QEMU names them, or the first of its kind. @*n:
 * N, or -1. NULL: a message was printed. */
const struct qemu_bus *qemu_find_bus(struct qemu *q, const struct qemu_device *device,
                                     enum arm_device_kind kind, int *n);

/* The disk of the drive that @device names; false: a message was printed. */
bool qemu_add_disk(struct qemu *q, const struct qemu_device *device, struct arm_device disk);

/* The drive that @device names; NULL: a message was printed. */
struct qemu_drive *qemu_drive_of(struct qemu *q, const struct qemu_device *device);
