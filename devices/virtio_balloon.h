/* Virtio memory balloon (Virtual I/O Device specification 1.1, section 5.5). The host asks for no
 * page back here: num_pages is 0. What the driver gives anyway stays as it is, which the device may
 * do with pages of the balloon (5.5.6.1: their contents are undefined), and statistics are not
 * asked for. */
#pragma once

#include "devices/virtio.h"

struct virtio_balloon {
    struct virtio virtio; /* first; the driver's "actual" is in its configuration */
};

void virtio_balloon_init(struct virtio_balloon *balloon, const struct arm_log *log,
                         struct physmem *mem);
