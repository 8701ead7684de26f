#include "devices/virtio_rng.h"

#include "base/le.h"
#include "base/random.h"

#define DEVICE_ID 4

/* 5.4.6.1: a device may give less than was asked for. */
#define GIVE_MAX 4096

static struct virtio_rng *to_rng(struct virtio *v)
{
    return (struct virtio_rng *)v;
}

static void one_request(struct virtio_rng *rng, struct virtq *q)
{
    uint32_t len = rng->chain.in_bytes < GIVE_MAX ? rng->chain.in_bytes : GIVE_MAX, done = 0;
    uint8_t bytes[8];

    while (done < len) {
        uint32_t n = len - done < sizeof(bytes) ? len - done : (uint32_t)sizeof(bytes);
        le_put(bytes, sizeof(bytes), random_next(&rng->state));
        virtq_write(q, &rng->chain, done, bytes, n);
        done += n;
    }
    virtq_push(q, &rng->chain, len);
}

static void notify(struct virtio *v, unsigned queue)
{
    struct virtq *q = &v->queues[queue];

    for (unsigned n = virtq_waiting(q); n && virtq_pop(q, &to_rng(v)->chain); n--)
        one_request(to_rng(v), q);
}

static const struct virtio_ops ops = {.name = "rng", .id = DEVICE_ID, .notify = notify};

void virtio_rng_init(struct virtio_rng *rng, const struct log *log, struct physmem *mem,
                     uint64_t seed)
{
    virtio_init(&rng->virtio, &ops, log, mem, 1, 0);
    rng->state = seed;
}
