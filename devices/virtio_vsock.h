/* Virtio socket device (Virtual I/O Device specification 1.1, section 5.10). At the host's end
 * nobody listens, and nobody there calls: each connection that the guest asks for is reset. */
#pragma once

#include "devices/virtio.h"

#define VIRTIO_VSOCK_RESETS 64 /* that wait for buffers of the driver */

/* A stream that is reset, as the guest has named it. */
struct virtio_vsock_reset {
    uint32_t guest_port, host_port;
    uint16_t type;
};

struct virtio_vsock {
    struct virtio virtio; /* first */
    struct virtq_chain rx_chain;
    struct virtio_vsock_reset resets[VIRTIO_VSOCK_RESETS]; /* a ring */
    uint32_t first, count;
};

/* @cid: the guest's address, from 3 on. */
void virtio_vsock_init(struct virtio_vsock *vsock, const struct arm_log *log, struct physmem *mem,
                       uint64_t cid);
