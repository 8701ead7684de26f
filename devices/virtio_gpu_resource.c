/* Resources of the virtio GPU: pictures that the host keeps, and the guest's memory behind them. */
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/host_failure.h"
#include "base/state_io.h"
#include "devices/virtio_gpu.h"

#define LINE_COST 64 /* bytes: to look for a line's place costs something, also if it is short */

static size_t stride_of(const struct virtio_gpu_resource *r)
{
    return (size_t)r->width * r->format->bytes;
}

/* The host gives memory in pages. */
static uint64_t pixels_cost(uint32_t width, uint32_t height, const struct pixel_format *format)
{
    return align_up((uint64_t)width * height * format->bytes, PAGE_SIZE);
}

static uint64_t entries_cost(uint32_t count)
{
    return align_up(count * sizeof(struct virtio_gpu_entry), PAGE_SIZE);
}

struct virtio_gpu_resource *virtio_gpu_find(struct virtio_gpu *gpu, uint32_t id)
{
    for (unsigned i = 0; i < gpu->resource_count; i++)
        if (gpu->resources[i]->id == id)
            return gpu->resources[i];
    return NULL;
}

/* The guest has asked for no more than it may; what the host lacks is not its affair. */
static enum virtio_gpu_answer no_memory(const struct virtio_gpu *gpu, uint64_t bytes)
{
    host_fail(gpu->host, ARM_ENOMEM, "virtio gpu: no memory for a picture of %llu bytes",
              (unsigned long long)bytes);
    return VIRTIO_GPU_ERR_OUT_OF_MEMORY;
}

static struct virtio_gpu_resource *new_resource(uint32_t width, uint32_t height,
                                                const struct pixel_format *format)
{
    struct virtio_gpu_resource *r = calloc(1, sizeof(*r));

    if (!r)
        return NULL;
    r->width = width;
    r->height = height;
    r->format = format;
    r->pixels = calloc(height, stride_of(r));
    if (r->pixels)
        return r;
    free(r);
    return NULL;
}

enum virtio_gpu_answer virtio_gpu_create(struct virtio_gpu *gpu, uint32_t id, uint32_t format,
                                         uint32_t width, uint32_t height)
{
    const struct pixel_format *f = pixel_format_of_virtio(format);

    if (id == 0 || virtio_gpu_find(gpu, id))
        return VIRTIO_GPU_ERR_INVALID_RESOURCE_ID;
    if (!f || width == 0 || height == 0 || width > DISPLAY_SIDE_MAX || height > DISPLAY_SIDE_MAX)
        return VIRTIO_GPU_ERR_INVALID_PARAMETER;
    uint64_t cost = pixels_cost(width, height, f);
    if (gpu->resource_count == VIRTIO_GPU_RESOURCES_MAX ||
        cost > VIRTIO_GPU_MEMORY_MAX - gpu->memory)
        return VIRTIO_GPU_ERR_OUT_OF_MEMORY;
    struct virtio_gpu_resource *r = new_resource(width, height, f);
    if (!r)
        return no_memory(gpu, cost);
    r->id = id;
    gpu->resources[gpu->resource_count++] = r;
    gpu->memory += cost;
    return VIRTIO_GPU_OK_NODATA;
}

void virtio_gpu_unref(struct virtio_gpu *gpu, struct virtio_gpu_resource *resource)
{
    unsigned i = 0;

    while (gpu->resources[i] != resource)
        i++;
    gpu->resources[i] = gpu->resources[--gpu->resource_count];
    virtio_gpu_detach(gpu, resource);
    gpu->memory -= pixels_cost(resource->width, resource->height, resource->format);
    if (gpu->scanout_resource == resource->id)
        gpu->scanout_resource = 0;
    free(resource->pixels);
    free(resource);
}

void virtio_gpu_unref_all(struct virtio_gpu *gpu)
{
    while (gpu->resource_count)
        virtio_gpu_unref(gpu, gpu->resources[gpu->resource_count - 1]);
}

struct virtio_gpu_entry *virtio_gpu_attach(struct virtio_gpu *gpu,
                                           struct virtio_gpu_resource *resource, uint32_t count,
                                           enum virtio_gpu_answer *answer)
{
    if (resource->entries || count == 0 || count > VIRTIO_GPU_ENTRIES_MAX) {
        *answer = VIRTIO_GPU_ERR_INVALID_PARAMETER;
        return NULL;
    }
    *answer = VIRTIO_GPU_ERR_OUT_OF_MEMORY;
    if (entries_cost(count) > VIRTIO_GPU_MEMORY_MAX - gpu->memory)
        return NULL;
    resource->entries = calloc(count, sizeof(*resource->entries));
    if (!resource->entries) {
        no_memory(gpu, entries_cost(count));
        return NULL;
    }
    resource->entry_count = count;
    gpu->memory += entries_cost(count);
    return resource->entries;
}

void virtio_gpu_detach(struct virtio_gpu *gpu, struct virtio_gpu_resource *resource)
{
    if (!resource->entries)
        return;
    free(resource->entries);
    resource->entries = NULL;
    gpu->memory -= entries_cost(resource->entry_count);
    resource->entry_count = 0;
}

bool virtio_gpu_has_rect(const struct virtio_gpu_resource *resource,
                         const struct virtio_gpu_rect *rect)
{
    return rect->x <= resource->width && rect->width <= resource->width - rect->x &&
           rect->y <= resource->height && rect->height <= resource->height - rect->y;
}

/* A place in a resource's backing, which only goes forward. */
struct place {
    const struct virtio_gpu_entry *entry, *end;
    uint64_t at; /* of the entry's first byte */
};

/* Copy @len bytes from @offset on; those behind the end stay as they are. */
static bool read_backing(struct virtio_gpu *gpu, struct place *p, uint64_t offset, uint8_t *to,
                         size_t len)
{
    const struct dma_master master = gpu->virtio.queues[0].who;

    while (p->entry < p->end && len) {
        uint64_t skip = offset - p->at;
        if (skip >= p->entry->len) {
            p->at += p->entry++->len;
            continue;
        }
        size_t n = p->entry->len - skip < len ? (size_t)(p->entry->len - skip) : len;
        if (!dma_read(gpu->virtio.mem, master, pa(p->entry->addr + skip), to, n))
            return false;
        offset += n;
        to += n;
        len -= n;
    }
    return true;
}

/* Offsets grow from line to line, but for one that wraps round 2^64, which is behind the end. */
uint32_t virtio_gpu_transfer(struct virtio_gpu *gpu, struct virtio_gpu_resource *resource,
                             const struct virtio_gpu_rect *rect, uint64_t offset, uint32_t budget,
                             uint32_t *line)
{
    struct place place = {resource->entries, resource->entries + resource->entry_count, 0};
    size_t stride = stride_of(resource), bytes = (size_t)rect->width * resource->format->bytes;
    uint64_t cost = entries_cost(resource->entry_count);

    if (offset > UINT64_MAX - stride * DISPLAY_SIDE_MAX)
        *line = rect->height;
    for (; *line < rect->height && cost < budget; ++*line) {
        uint8_t *to = resource->pixels + (rect->y + *line) * stride +
                      (size_t)rect->x * resource->format->bytes;
        if (!read_backing(gpu, &place, offset + *line * stride, to, bytes))
            LOG(gpu->virtio.log, DEVICE, GUEST, "virtio gpu: backing that is no RAM");
        cost += bytes + LINE_COST;
    }
    return cost < UINT32_MAX ? (uint32_t)cost : UINT32_MAX;
}

/* -- state -- */

static void entries_state(struct state_io *io, struct virtio_gpu *gpu,
                          struct virtio_gpu_resource *r)
{
    enum virtio_gpu_answer answer;
    uint32_t count =
        (uint32_t)state_count(io, "r->entry_count", r->entry_count, VIRTIO_GPU_ENTRIES_MAX);

    if (state_restoring(io) && count && !virtio_gpu_attach(gpu, r, count, &answer))
        state_fail(io, ARM_ENOMEM, "no memory for the backing of a picture");
    for (uint32_t i = 0; i < count && !state_failed(io); i++) {
        STATE(io, r->entries[i].addr);
        STATE(io, r->entries[i].len);
    }
}

/* @r: what there is, if not restoring. */
static void resource_state(struct state_io *io, struct virtio_gpu *gpu,
                           struct virtio_gpu_resource *r)
{
    const bool restoring = state_restoring(io);
    uint32_t id = restoring ? 0 : r->id, format = restoring ? 0 : r->format->virtio;
    uint32_t width = restoring ? 0 : r->width, height = restoring ? 0 : r->height;

    STATE(io, id);
    STATE(io, format);
    STATE(io, width);
    STATE(io, height);
    if (restoring && !state_failed(io)) {
        enum virtio_gpu_answer answer = virtio_gpu_create(gpu, id, format, width, height);
        r = answer == VIRTIO_GPU_OK_NODATA ? gpu->resources[gpu->resource_count - 1] : NULL;
        state_require(io, r != NULL, "resource");
    }
    if (!r || state_failed(io))
        return;
    state_bytes(io, "r->pixels", r->pixels, r->height * stride_of(r));
    entries_state(io, gpu, r);
}

void virtio_gpu_resources_state(struct state_io *io, struct virtio_gpu *gpu)
{
    uint64_t count =
        state_count(io, "gpu->resource_count", gpu->resource_count, VIRTIO_GPU_RESOURCES_MAX);

    if (state_restoring(io))
        virtio_gpu_unref_all(gpu);
    for (uint64_t i = 0; i < count && !state_failed(io); i++)
        resource_state(io, gpu, state_restoring(io) ? NULL : gpu->resources[i]);
}
