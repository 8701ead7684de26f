/*
 * Virtio GPU device, 2D (Virtual I/O Device specification 1.2, section 5.7): one scanout, a pointer
 * and EDID; neither 3D nor blobs.
 */
#pragma once

#include "devices/display.h"
#include "devices/edid.h"
#include "devices/virtio.h"

/* All that the guest makes the host keep, in bytes: pixels and the lists of their backing. */
#define VIRTIO_GPU_MEMORY_MAX    (UINT64_C(256) << 20)
#define VIRTIO_GPU_RESOURCES_MAX 1024
#define VIRTIO_GPU_ENTRIES_MAX   16384 /* of a resource's backing */
#define VIRTIO_GPU_SIDE_MAX      EDID_SIDE_MAX

struct host_failure;

struct virtio_gpu_rect {
    uint32_t x, y, width, height;
};

/* A piece of guest memory behind a resource. */
struct virtio_gpu_entry {
    uint64_t addr;
    uint32_t len;
};

struct virtio_gpu_resource {
    uint32_t id; /* not 0 */
    uint32_t width, height;
    const struct pixel_format *format;
    uint8_t *pixels;                  /* owned; line by line, nothing between them */
    struct virtio_gpu_entry *entries; /* owned; NULL: no backing */
    uint32_t entry_count;
};

struct virtio_gpu {
    struct virtio virtio;   /* first */
    uint32_t width, height; /* that the display is said to like best */
    const struct host_failure *host;
    struct display_source source; /* for display_add() */
    uint64_t changes;             /* what was flushed so far, and more */

    struct virtio_gpu_resource *resources[VIRTIO_GPU_RESOURCES_MAX]; /* the first of them, owned */
    unsigned resource_count;
    uint64_t memory;           /* bytes, of VIRTIO_GPU_MEMORY_MAX */
    uint32_t scanout_resource; /* 0: the scanout is off */
    struct virtio_gpu_rect scanout;
    struct display_pointer pointer;
};

/* It must not move afterwards. @width, @height: 1 to VIRTIO_GPU_SIDE_MAX. @host: may be NULL. */
void virtio_gpu_init(struct virtio_gpu *gpu, const struct arm_log *log, struct physmem *mem,
                     unsigned width, unsigned height, const struct host_failure *host);

/* -- resources, for devices/virtio_gpu.c: devices/virtio_gpu_resource.c -- */

enum virtio_gpu_answer {
    VIRTIO_GPU_OK_NODATA = 0x1100,
    VIRTIO_GPU_OK_DISPLAY_INFO = 0x1101,
    VIRTIO_GPU_OK_EDID = 0x1104,
    VIRTIO_GPU_ERR_UNSPEC = 0x1200,
    VIRTIO_GPU_ERR_OUT_OF_MEMORY = 0x1201,
    VIRTIO_GPU_ERR_INVALID_SCANOUT_ID = 0x1202,
    VIRTIO_GPU_ERR_INVALID_RESOURCE_ID = 0x1203,
    VIRTIO_GPU_ERR_INVALID_PARAMETER = 0x1205,
};

/* NULL: there is none of that number. */
struct virtio_gpu_resource *virtio_gpu_find(struct virtio_gpu *gpu, uint32_t id);

enum virtio_gpu_answer virtio_gpu_create(struct virtio_gpu *gpu, uint32_t id, uint32_t format,
                                         uint32_t width, uint32_t height);
void virtio_gpu_unref(struct virtio_gpu *gpu, struct virtio_gpu_resource *resource);
void virtio_gpu_unref_all(struct virtio_gpu *gpu);

/* Backing of @count entries, all zero; they are checked to be RAM, and the caller fills them
 * before. NULL: *answer says why. */
struct virtio_gpu_entry *virtio_gpu_attach(struct virtio_gpu *gpu,
                                           struct virtio_gpu_resource *resource, uint32_t count,
                                           enum virtio_gpu_answer *answer);
void virtio_gpu_detach(struct virtio_gpu *gpu, struct virtio_gpu_resource *resource);

/* Is it in the resource? */
bool virtio_gpu_has_rect(const struct virtio_gpu_resource *resource,
                         const struct virtio_gpu_rect *rect);

/* Copy lines *line and on of @rect, which is in the resource, from its backing, @offset being
 * where the first of them is; about @budget bytes. *line: the next one. Return: what it cost, in
 * bytes. */
uint32_t virtio_gpu_transfer(struct virtio_gpu *gpu, struct virtio_gpu_resource *resource,
                             const struct virtio_gpu_rect *rect, uint64_t offset, uint32_t budget,
                             uint32_t *line);

void virtio_gpu_resources_state(struct state_io *io, struct virtio_gpu *gpu);
