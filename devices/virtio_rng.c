#include "devices/virtio_rng.h"

#include "base/bits.h"
#include "base/le.h"
#include "base/random.h"
#include "base/state_io.h"

#define DEVICE_ID 4

/* 5.4.6.1: a device may give less than was asked for. */
#define GIVE_MAX 4096 /* a multiple of 8 */

static struct virtio_rng *to_rng(struct virtio *v)
{
    return (struct virtio_rng *)v;
}

static uint32_t request(struct virtio *v, struct virtq *q, uint32_t budget)
{
    uint32_t len = v->chain.in_bytes < GIVE_MAX ? v->chain.in_bytes : GIVE_MAX;
    uint8_t bytes[GIVE_MAX];

    (void)budget;
    for (uint32_t at = 0; at < len; at += 8)
        le_put(bytes + at, 8, random_next(&to_rng(v)->state));
    virtio_done(v, (uint32_t)virtq_write(q, &v->chain, 0, bytes, len));
    return len;
}

static void state(struct state_io *io, struct virtio *v)
{
    STATE(io, to_rng(v)->state);
}

static const struct virtio_ops ops = {
    .name = "rng", .id = DEVICE_ID, .request = request, .state = state};

void virtio_rng_init(struct virtio_rng *rng, const struct arm_log *log, struct physmem *mem,
                     uint64_t seed)
{
    virtio_init(&rng->virtio, &ops, log, mem, 1, BIT(0), 0);
    rng->state = seed;
}
