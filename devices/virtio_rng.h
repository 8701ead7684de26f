/* Virtio entropy device (Virtual I/O Device specification 1.1, section 5.4). What it gives follows
 * from a seed, so that a run can be repeated: it is not secret. */
#pragma once

#include "devices/virtio.h"

struct virtio_rng {
    struct virtio virtio; /* first */
    uint64_t state;       /* of the stream; a reset of the device does not rewind it */
};

void virtio_rng_init(struct virtio_rng *rng, const struct arm_log *log, struct physmem *mem,
                     uint64_t seed);
