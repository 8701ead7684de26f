/*
 * Virtio network device (Virtual I/O Device specification 1.1, section 5.1): one pair of queues and
 * no offloads, so that a frame on the wire is what stands behind its header in a buffer.
 */
#pragma once

#include "devices/virtio.h"

#define VIRTIO_NET_MAC_BYTES 6
#define VIRTIO_NET_FRAME_MAX 9216 /* bytes; what is longer is lost, as on a wire */

/* A frame that the guest transmitted, without preamble and checksum; 1 <= @n <=
 * VIRTIO_NET_FRAME_MAX. */
typedef void virtio_net_send_fn(void *ctx, const uint8_t *frame, size_t n);

struct virtio_net {
    struct virtio virtio;     /* first */
    virtio_net_send_fn *send; /* NULL: frames are lost */
    void *send_ctx;
    struct virtq_chain rx_chain; /* of the queue that the device fills */
};

void virtio_net_init(struct virtio_net *net, const struct arm_log *log, struct physmem *mem,
                     const uint8_t mac[VIRTIO_NET_MAC_BYTES], virtio_net_send_fn *send,
                     void *send_ctx);

/* A frame arrives. Return: @len if it was taken, if only to be lost; 0: the driver has no buffer
 * for it, or it is longer than VIRTIO_NET_FRAME_MAX. */
size_t virtio_net_receive(struct virtio_net *net, const uint8_t *frame, size_t len);
