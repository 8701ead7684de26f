/* Virtio block device (Virtual I/O Device specification 1.1, section 5.2), whose
 * requests take turns, from whichever queue they come. */
#pragma once

#include "devices/disk.h"
#include "devices/virtio.h"

#define VIRTIO_BLK_CHUNK  65536
#define VIRTIO_BLK_SERIAL 20

struct virtio_blk_config {
    struct disk *disk;  /* whole sectors of 512 bytes; not owned */
    const char *serial; /* NULL: ours */
    unsigned queues;    /* of requests, 1 to ARM_VIRTIO_BLK_QUEUES */
    struct arm_blocks blocks;
};

struct virtio_blk {
    struct virtio virtio; /* first */
    struct disk *disk;
    uint32_t block;                 /* bytes: requests are of whole ones */
    char serial[VIRTIO_BLK_SERIAL]; /* filled up with zeros */
    /* The request being done. */
    uint32_t type, bytes; /* to move, or to zero */
    uint64_t sector;
    uint8_t status;
    uint8_t chunk[VIRTIO_BLK_CHUNK]; /* on its way between file and guest */
};

/* Return 0, -ARM_EFORMAT for a disk of a bad size, or -ARM_EINVAL for bad blocks. */
int virtio_blk_init(struct virtio_blk *blk, const struct arm_log *log, struct physmem *mem,
                    const struct virtio_blk_config *config, struct arm_error *err)
    __attribute__((warn_unused_result));
