/* Virtio block device (Virtual I/O Device specification 1.1, section 5.2) over a raw file. */
#pragma once

#include "devices/disk.h"
#include "devices/virtio.h"

#define VIRTIO_BLK_CHUNK  65536
#define VIRTIO_BLK_SERIAL 20

struct virtio_blk {
    struct virtio virtio; /* first */
    struct disk *disk;
    char serial[VIRTIO_BLK_SERIAL]; /* filled up with zeros */
    /* The request being done. */
    uint32_t type, bytes; /* to move, or to zero */
    uint64_t sector;
    uint8_t status;
    uint8_t chunk[VIRTIO_BLK_CHUNK]; /* on its way between file and guest */
};

/* @disk: a multiple of 512 bytes; not owned. @serial: NULL for ours. Return 0 or -ARM_EFORMAT. */
int virtio_blk_init(struct virtio_blk *blk, const struct arm_log *log, struct physmem *mem,
                    struct disk *disk, const char *serial, struct arm_error *err)
    __attribute__((warn_unused_result));
