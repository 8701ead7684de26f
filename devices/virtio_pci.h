/*
 * Virtio over PCI (Virtual I/O Device specification 1.1, section 4.1): one function with the modern
 * interface, the legacy one (4.1.4.8) or both, which makes it a transitional device.
 */
#pragma once

#include "base/device.h"
#include "devices/pci.h"
#include "devices/virtio_transport.h"

#define VIRTIO_PCI_NO_VECTOR 0xffff

struct virtio_pci;

struct virtio_pci_config {
    struct virtio *virtio; /* outlives it */
    unsigned unit;         /* in events of DMA */
    bool modern, legacy;   /* interfaces: one of them, or both */
    bool express;          /* it is behind a PCI Express port, else on a root bus */
    unsigned vectors;      /* of MSI-X; 0: none */
};

/* A block of registers in a BAR. */
struct virtio_pci_regs {
    struct device dev;
    struct virtio_pci *owner;
};

struct virtio_pci {
    struct pci_function function; /* first */
    struct virtio *virtio;
    struct virtio_pci_regs common, ports;
    unsigned window_cap; /* where the capability for accesses by configuration space is */
    struct virtio_selection selected;
    uint16_t config_vector, queue_vectors[VIRTIO_QUEUES_MAX];
};

/* Does a device of this type have a legacy interface? */
bool virtio_pci_has_legacy(const struct virtio *v);

/* Must not move afterwards; reset by pci_host_reset(). */
void virtio_pci_init(struct virtio_pci *p, const struct virtio_pci_config *config,
                     const struct arm_log *log, struct clock *clock);

/* -- for devices/virtio_pci_legacy.c -- */

#define VIRTIO_PCI_PORTS_BAR   0
#define VIRTIO_PCI_PORTS_BYTES 128

/* The driver uses this interface now. */
void virtio_pci_speaks(struct virtio_pci *p, bool legacy);

/* As virtio_set_status(): a reset takes the vectors away too. */
void virtio_pci_set_status(struct virtio_pci *p, uint8_t status);

/* 4.1.4.3: what cannot be had reads back as none. */
uint16_t virtio_pci_vector(const struct virtio_pci *p, uint64_t value);

/* 4.1.4.5: to read the interrupt status is to clear it. */
uint8_t virtio_pci_take_isr(struct virtio_pci *p);

extern const struct device_ops virtio_pci_ports_ops;
