/*
 * Virtio input device (Virtual I/O Device specification 1.2, section 5.8): a keyboard, a mouse or a
 * tablet that takes the host's events.
 */
#pragma once

#include "devices/host_input.h"
#include "devices/virtio.h"

enum virtio_input_kind { VIRTIO_INPUT_KEYBOARD, VIRTIO_INPUT_MOUSE, VIRTIO_INPUT_TABLET };

struct virtio_input {
    struct virtio virtio; /* first */
    enum virtio_input_kind kind;
    struct host_input_device host; /* for host_input_add() */
    uint8_t select, subsel;        /* what the configuration shows */
    struct virtq_chain event;      /* of the queue that the device fills */
};

/* It must not move afterwards. */
void virtio_input_init(struct virtio_input *input, const struct arm_log *log, struct physmem *mem,
                       enum virtio_input_kind kind);
