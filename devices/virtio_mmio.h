/*
 * Virtio over MMIO (Virtual I/O Device specification 1.1, section 4.2): the registers of one
 * device, or of an empty slot, in version 2 or in version 1, the legacy one (4.2.4).
 */
#pragma once

#include "base/device.h"
#include "devices/virtio_transport.h"

#define VIRTIO_MMIO_BYTES 0x200

struct virtio_mmio {
    struct device dev;
    struct virtio *virtio; /* not owned; NULL: an empty slot */
    struct virtio_selection selected;
    unsigned version;    /* 1 or 2 */
    unsigned page_shift; /* version 1: log2 of GuestPageSize */
};

/* Slot @number of its bus. @legacy: version 1. @virtio: may be NULL; gets @irq and @clock. All must
 * outlive the slot. */
void virtio_mmio_init(struct virtio_mmio *slot, unsigned number, const struct arm_log *log,
                      struct irq_line irq, struct clock *clock, bool legacy, struct virtio *virtio);
