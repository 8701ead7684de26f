/*
 * What the registers of virtio's transports have in common (Virtual I/O Device specification 1.1,
 * 4.1.4.3 and 4.2.2): what the driver has selected, and what is read and written by that. A NULL
 * device is an empty slot, which has nothing.
 */
#pragma once

#include "devices/virtio.h"

struct virtio_selection {
    uint32_t device_features,
        driver_features; /* 32 bits of them: 0 the low ones, 1 the high ones */
    uint32_t queue;
};

/* The selected queue; NULL: there is none of that number. */
struct virtq *virtio_selected_queue(struct virtio *v, const struct virtio_selection *s);

/* The selected part of the features that a driver of one of the interfaces is offered, and of those
 * that it has accepted. */
uint32_t virtio_offered_part(const struct virtio *v, const struct virtio_selection *s, bool legacy);
uint32_t virtio_features_part(const struct virtio *v, const struct virtio_selection *s);

/* 2.2.1: the features cannot change once the device has accepted them. */
void virtio_write_features_part(struct virtio *v, const struct virtio_selection *s, uint32_t part);

/* The status as a driver sees it: a legacy one does not know of DEVICE_NEEDS_RESET (2.1.2). */
uint8_t virtio_status(const struct virtio *v, bool legacy);

/* Bytes of the device's configuration; zeros behind it. */
uint64_t virtio_config(const struct virtio *v, uint64_t at, unsigned size);

/* What happens when the driver writes there. */
void virtio_config_write(struct virtio *v, uint64_t at, unsigned size, uint64_t value);

void virtio_selection_state(struct state_io *io, struct virtio_selection *s);
