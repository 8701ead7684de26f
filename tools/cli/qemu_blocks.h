/* The properties of -device virtio-blk-pci, virtio-scsi-pci and so on that are about blocks and
 * queues. */
#pragma once

#include "properties.h"
#include "qemu_devices.h"

/* For the device that is being filled. */
property_fn qemu_set_logical_block, qemu_set_physical_block, qemu_set_min_io, qemu_set_opt_io,
    qemu_set_discard_granularity, qemu_set_discard, qemu_set_write_zeroes, qemu_set_write_cache,
    qemu_set_queues;

/* How many queues of requests it has: if nothing is said, on PCI one for each CPU, as on QEMU. */
unsigned qemu_queues(const struct qemu *q, const struct qemu_device *device);
