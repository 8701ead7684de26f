/* A virtio device for people: how far its driver has come, and its queues. */
#include <inttypes.h>
#include <stdio.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/physmem.h"
#include "devices/virtio.h"

#define RING_INDEX 2 /* behind the flags: 2.6.6, 2.6.8 */

static const struct {
    uint8_t bit;
    const char *name;
} steps[] = {
    {VIRTIO_ACKNOWLEDGE, "ACKNOWLEDGE"}, {VIRTIO_DRIVER, "DRIVER"},
    {VIRTIO_FEATURES_OK, "FEATURES_OK"}, {VIRTIO_DRIVER_OK, "DRIVER_OK"},
    {VIRTIO_NEEDS_RESET, "NEEDS_RESET"}, {VIRTIO_FAILED, "FAILED"},
};

static const char *queue_condition(const struct virtq *q)
{
    return q->broken ? "broken" : q->ready ? "ready" : "not ready";
}

/* What the driver has made available of a packed queue is in each of its descriptors. */
static void describe_packed(const struct virtq *q, unsigned n, char *text, size_t size)
{
    snprintf(text, size,
             "  queue %u: %s, packed, %" PRIu32 " entries, descriptors %#" PRIx64
             ", driver's events %#" PRIx64 ", device's %#" PRIx64
             "; in two rounds of the ring at %u taken, %u used",
             n, queue_condition(q), q->size, q->desc, q->avail, q->used, q->next_avail,
             q->next_used);
}

static void describe_split(const struct virtio *v, unsigned n, char *text, size_t size)
{
    const struct virtq *q = &v->queues[n];
    uint8_t index[2] = {0, 0};
    bool ram = physmem_read(v->mem, pa(q->avail + RING_INDEX), index, sizeof(index));

    snprintf(text, size,
             "  queue %u: %s, %" PRIu32 " entries, descriptors %#" PRIx64 ", available %#" PRIx64
             ", used %#" PRIx64 "; %u made available%s, %u taken, %u used",
             n, queue_condition(q), q->size, q->desc, q->avail, q->used,
             (unsigned)le_get(index, sizeof(index)), ram ? "" : " (not in RAM)", q->next_avail,
             q->next_used);
}

static void describe_queue(const struct virtio *v, unsigned n,
                           void (*line)(void *ctx, const char *text), void *ctx)
{
    const struct virtq *q = &v->queues[n];
    char text[240];

    if (!q->desc && !q->avail && !q->used)
        return;
    if (q->packed)
        describe_packed(q, n, text, sizeof(text));
    else
        describe_split(v, n, text, sizeof(text));
    line(ctx, text);
}

void virtio_describe(const struct virtio *v, void (*line)(void *ctx, const char *text), void *ctx)
{
    char text[240];
    int used = snprintf(text, sizeof(text), "virtio %s: status %#x", v->ops->name, v->status);

    for (size_t k = 0; k < ARRAY_SIZE(steps); k++)
        if (v->status & steps[k].bit)
            used += snprintf(text + used, sizeof(text) - (size_t)used, " %s", steps[k].name);
    snprintf(text + used, sizeof(text) - (size_t)used, ", features %#" PRIx64, v->features);
    line(ctx, text);
    for (unsigned n = 0; n < v->queue_count; n++)
        describe_queue(v, n, line, ctx);
}
