/* The entropy device with a driver: the least that can stand behind the transport. */
#pragma once

#include "devices/virtio_rng.h"
#include "tests/devices/virtio_driver.h"

struct rng {
    struct driver d;
    struct virtio_rng dev;
};

static inline struct device *start(struct rng *r, uint64_t seed)
{
    driver_begin(&r->d);
    virtio_rng_init(&r->dev, &r->d.log, &r->d.mem, seed);
    driver_plug(&r->d, &r->dev.virtio);
    return driver_dev(&r->d);
}

static inline void ask(struct rng *r, uint64_t addr, uint32_t len)
{
    put_desc(&r->d, ring(0), 0, addr, len, DESC_WRITE, 0);
    make_available(&r->d, 0, 0);
    wr(driver_dev(&r->d), QUEUE_NOTIFY, 0);
}

static inline void nothing(struct device *dev, void *ctx)
{
    (void)dev, (void)ctx;
}
