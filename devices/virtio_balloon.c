#include "devices/virtio_balloon.h"

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

#define DEVICE_ID 5

#define VIRTIO_BALLOON_F_STATS_VQ 1

enum { INFLATEQ, DEFLATEQ, STATSQ, QUEUES };

/* struct virtio_balloon_config; little-endian in the legacy interface too (5.5.4.0.0.1). */
enum { NUM_PAGES = 0, ACTUAL = 4, CONFIG_SIZE = 8 };

/* Numbers of 4 KiB pages, for which there is nothing to do. */
static uint32_t request(struct virtio *v, struct virtq *q, uint32_t budget)
{
    (void)q, (void)budget;
    virtio_done(v, 0);
    return v->chain.out_bytes;
}

/* 5.5.6: the driver says how many pages there are in the balloon now. */
static void config_write(struct virtio *v, uint64_t at, unsigned size, uint64_t value)
{
    if (at >= ACTUAL && at < CONFIG_SIZE && size <= CONFIG_SIZE - at)
        le_put(v->config + at, size, value);
}

static void reset(struct virtio *v)
{
    le_put(v->config + ACTUAL, 4, 0);
}

static void state(struct state_io *io, struct virtio *v)
{
    state_bytes(io, "actual", v->config + ACTUAL, 4);
}

static const struct virtio_ops ops = {.name = "balloon",
                                      .id = DEVICE_ID,
                                      .request = request,
                                      .config_write = config_write,
                                      .reset = reset,
                                      .state = state};

/* A buffer of the statistics queue stays with the device until it wants newer ones (5.5.6.3). */
void virtio_balloon_init(struct virtio_balloon *balloon, const struct arm_log *log,
                         struct physmem *mem)
{
    virtio_init(&balloon->virtio, &ops, log, mem, QUEUES, BIT(INFLATEQ) | BIT(DEFLATEQ),
                BIT(VIRTIO_BALLOON_F_STATS_VQ));
    balloon->virtio.config_size = CONFIG_SIZE;
}
