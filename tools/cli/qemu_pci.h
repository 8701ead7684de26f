/* Where the devices of `armillary qemu` are on PCI: addr=, bus= and the root ports. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "armillary.h"
#include "properties.h"

struct qemu;
struct qemu_device;

/* What a device says about it. */
struct qemu_pci_wish {
    const char *addr; /* DEVICE[.FUNCTION], hexadecimal; NULL: the next one that is free */
    bool multifunction;
    bool no_modern;
    const char *no_legacy; /* on, off, or NULL: as its bus wants it */
    unsigned vectors;      /* as of struct arm_pci_place */
    unsigned slot;         /* of a root port */
};

/* A bus as far as it has been filled, in QEMU's order. */
struct qemu_pci_bus {
    uint8_t taken[32];  /* by device: functions */
    uint8_t shared[32]; /* by device: its function 0 has room for others */
};

struct qemu_pci {
    struct qemu_pci_bus buses[1 + ARM_PCIE_PORTS_MAX]; /* 0, and behind each port */
    struct arm_pcie_port ports[ARM_PCIE_PORTS_MAX];
    const char *port_ids[ARM_PCIE_PORTS_MAX];
    unsigned port_count;
};

/* Properties of all PCI devices, of those of virtio, and of root ports. */
extern const struct property qemu_pci_properties[], qemu_virtio_pci_properties[],
    qemu_port_properties[];
extern const size_t qemu_pci_property_count, qemu_virtio_pci_property_count,
    qemu_port_property_count;

/* A place for @device (NULL: any on bus 0); false, and a message. @what: for messages. */
bool qemu_pci_place(struct qemu *q, const struct qemu_device *device, const char *what,
                    struct arm_pci_place *place);
