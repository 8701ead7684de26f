#include "devices/virtio_transport.h"

#include "base/bits.h"
#include "base/state_io.h"

static uint32_t part_of(uint64_t features, uint32_t part)
{
    return part < 2 ? (uint32_t)(features >> (32 * part)) : 0;
}

struct virtq *virtio_selected_queue(struct virtio *v, const struct virtio_selection *s)
{
    return v && s->queue < v->queue_count ? &v->queues[s->queue] : NULL;
}

uint32_t virtio_offered_part(const struct virtio *v, const struct virtio_selection *s, bool legacy)
{
    return v ? part_of(virtio_offered(v, legacy), s->device_features) : 0;
}

uint32_t virtio_features_part(const struct virtio *v, const struct virtio_selection *s)
{
    return v ? part_of(v->features, s->driver_features) : 0;
}

void virtio_write_features_part(struct virtio *v, const struct virtio_selection *s, uint32_t part)
{
    unsigned lo = s->driver_features * 32;

    if (!v || s->driver_features > 1)
        return;
    if (v->status & VIRTIO_FEATURES_OK)
        LOG(v->log, DEVICE, GUEST, "virtio %s: features written after FEATURES_OK", v->ops->name);
    else
        virtio_set_features(v, set_bits(v->features, lo + 31, lo, part));
}

uint8_t virtio_status(const struct virtio *v, bool legacy)
{
    if (!v)
        return 0;
    return (uint8_t)(legacy ? v->status & ~VIRTIO_NEEDS_RESET : v->status);
}

uint64_t virtio_config(const struct virtio *v, uint64_t at, unsigned size)
{
    uint64_t value = 0;

    for (unsigned i = 0; v && i < size && at + i < v->config_size; i++)
        value |= (uint64_t)v->config[at + i] << (8 * i);
    return value;
}

void virtio_config_write(struct virtio *v, uint64_t at, unsigned size, uint64_t value)
{
    if (v && v->ops->config_write)
        v->ops->config_write(v, at, size, value);
}

void virtio_selection_state(struct state_io *io, struct virtio_selection *s)
{
    STATE(io, s->device_features);
    STATE(io, s->driver_features);
    STATE(io, s->queue);
}
