/* Virtio SCSI host device (Virtual I/O Device specification 1.2, section 5.6) with disks on its
 * bus. */
#pragma once

#include "devices/scsi.h"
#include "devices/virtio.h"

#define VIRTIO_SCSI_UNITS_MAX   32
#define VIRTIO_SCSI_TARGETS_MAX 256
#define VIRTIO_SCSI_CHUNK       65536

struct virtio_scsi_place {
    uint8_t target, lun;
    struct scsi_unit *unit; /* not owned */
};

struct virtio_scsi {
    struct virtio virtio; /* first */
    struct virtio_scsi_place places[VIRTIO_SCSI_UNITS_MAX];
    uint32_t count;
    /* The request being done. */
    struct scsi_request request;
    uint32_t at; /* 1 + its place; 0: there is no such unit */
    uint8_t response;
    uint8_t chunk[VIRTIO_SCSI_CHUNK]; /* on its way between unit and guest */
};

/* @queues: of requests, 1 to ARM_VIRTIO_SCSI_QUEUES. */
void virtio_scsi_init(struct virtio_scsi *s, const struct arm_log *log, struct physmem *mem,
                      unsigned queues);

/* A unit on the bus; false: the place is taken, or there is none. Before the first request. */
bool virtio_scsi_attach(struct virtio_scsi *s, unsigned target, unsigned lun,
                        struct scsi_unit *unit);
