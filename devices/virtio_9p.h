/* Virtio 9P transport: a folder of the host. Its device type is reserved in the Virtio
 * specification (5, Device Types); queue, feature and configuration are as Linux' and QEMU's have
 * them. */
#pragma once

#include "devices/p9.h"
#include "devices/virtio.h"

#define VIRTIO_9P_TAG_MAX 31 /* characters */

struct virtio_9p {
    struct virtio virtio; /* first */
    struct p9 p9;
};

/* @folder is the device's from now on; @tag: the mount tag, cut to what fits. */
void virtio_9p_init(struct virtio_9p *v, const struct arm_log *log, struct physmem *mem,
                    const struct folder *folder, const char *tag);
