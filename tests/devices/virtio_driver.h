/* A driver for the tests of virtio devices: it uses the registers of a slot and rings in RAM as a
 * guest would. */
#pragma once

#include <stdio.h>
#include <unistd.h>

#include "base/le.h"
#include "base/physmem.h"
#include "devices/virtio_mmio.h"
#include "tests/devices/fixture.h"

#define RAM      UINT64_C(0x40000000)
#define RAM_SIZE (UINT64_C(4) << 20)
#define RINGS    RAM              /* of queue n: at RINGS + n * RING_STRIDE */
#define BUFFERS  (RAM + 0x100000) /* free for the tests */
#define QUEUE    64               /* size of the queues */

/* Also where version 1 has the parts, with QueueAlign = USED_AT. */
#define RING_STRIDE 0x1000
#define DESC_AT     0x000
#define AVAIL_AT    (16 * QUEUE)
#define USED_AT     0x800

#define DESC_NEXT     1
#define DESC_WRITE    2
#define DESC_INDIRECT 4

enum {
    MAGIC_VALUE = 0x000,
    VERSION_REG = 0x004,
    DEVICE_ID_REG = 0x008,
    DEVICE_FEATURES = 0x010,
    DEVICE_FEATURES_SEL = 0x014,
    DRIVER_FEATURES = 0x020,
    DRIVER_FEATURES_SEL = 0x024,
    QUEUE_SEL = 0x030,
    QUEUE_NUM_MAX = 0x034,
    QUEUE_NUM = 0x038,
    QUEUE_READY = 0x044,
    QUEUE_NOTIFY = 0x050,
    INTERRUPT_STATUS = 0x060,
    INTERRUPT_ACK = 0x064,
    STATUS = 0x070,
    QUEUE_DESC = 0x080,
    QUEUE_DRIVER = 0x090,
    QUEUE_DEVICE = 0x0a0,
    CONFIG_SPACE = 0x100,
};

/* Version 1 */
enum { GUEST_PAGE_SIZE = 0x028, QUEUE_ALIGN = 0x03c, QUEUE_PFN = 0x040 };

struct driver {
    struct virtio_mmio slot;
    struct physmem mem;
    struct clock clock;
    struct watched watched;
    struct arm_log log;
    uint16_t avail[VIRTIO_QUEUES_MAX]; /* entries made available so far, by queue */
};

static inline struct device *driver_dev(struct driver *d)
{
    return &d->slot.dev;
}

/* RAM and a log; the device comes by driver_plug(). */
static inline void driver_begin(struct driver *d)
{
    memset(d, 0, sizeof(*d));
    d->log = watched_log(&d->watched);
    d->clock.next_ns = CLOCK_NEVER;
    assert_int_equal(physmem_add_ram(&d->mem, pa(RAM), RAM_SIZE, NULL), 0);
}

static inline void driver_plug(struct driver *d, struct virtio *v)
{
    virtio_mmio_init(&d->slot, 0, &d->log, watched_line(&d->watched), &d->clock, false, v);
}

static inline void driver_plug_legacy(struct driver *d, struct virtio *v)
{
    virtio_mmio_init(&d->slot, 0, &d->log, watched_line(&d->watched), &d->clock, true, v);
}

static inline void driver_end(struct driver *d)
{
    physmem_destroy(&d->mem);
}

static inline void poke(struct driver *d, uint64_t addr, unsigned bytes, uint64_t v)
{
    uint8_t le[8];

    le_put(le, bytes, v);
    assert_true(physmem_write(&d->mem, pa(addr), le, bytes));
}

static inline uint64_t peek(struct driver *d, uint64_t addr, unsigned bytes)
{
    uint8_t le[8];

    assert_true(physmem_read(&d->mem, pa(addr), le, bytes));
    return le_get(le, bytes);
}

static inline uint64_t ring(unsigned queue)
{
    return RINGS + (uint64_t)queue * RING_STRIDE;
}

static inline void driver_queue(struct driver *d, unsigned n)
{
    struct device *dev = driver_dev(d);

    wr(dev, QUEUE_SEL, n);
    wr(dev, QUEUE_NUM, QUEUE);
    wr(dev, QUEUE_DESC, ring(n) + DESC_AT);
    wr(dev, QUEUE_DESC + 4, 0);
    wr(dev, QUEUE_DRIVER, ring(n) + AVAIL_AT);
    wr(dev, QUEUE_DEVICE, ring(n) + USED_AT);
    wr(dev, QUEUE_READY, 1);
}

/* 3.1.1, Driver Requirements: Device Initialization, with @features accepted. */
static inline void driver_start(struct driver *d, uint64_t features, unsigned queues)
{
    struct device *dev = driver_dev(d);

    wr(dev, STATUS, 0);
    wr(dev, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    for (unsigned half = 0; half < 2; half++) {
        wr(dev, DRIVER_FEATURES_SEL, half);
        wr(dev, DRIVER_FEATURES, (uint32_t)(features >> (32 * half)));
    }
    wr(dev, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK);
    assert_true(rd(dev, STATUS) & VIRTIO_FEATURES_OK);
    for (unsigned n = 0; n < queues; n++)
        driver_queue(d, n);
    wr(dev, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_FEATURES_OK | VIRTIO_DRIVER_OK);
    memset(d->avail, 0, sizeof(d->avail));
}

/* 3.1.2, 4.2.4: what drivers of version 1 do; neither the order nor DRIVER_OK matters. */
static inline void driver_start_legacy(struct driver *d, uint32_t features, unsigned queues)
{
    struct device *dev = driver_dev(d);

    wr(dev, GUEST_PAGE_SIZE, RING_STRIDE);
    wr(dev, STATUS, 0);
    wr(dev, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER);
    wr(dev, DRIVER_FEATURES_SEL, 0);
    wr(dev, DRIVER_FEATURES, features);
    for (unsigned n = 0; n < queues; n++) {
        wr(dev, QUEUE_SEL, n);
        assert_int_equal(rd(dev, QUEUE_PFN), 0);
        wr(dev, QUEUE_NUM, QUEUE);
        wr(dev, QUEUE_ALIGN, USED_AT);
        wr(dev, QUEUE_PFN, ring(n) / RING_STRIDE);
    }
    wr(dev, STATUS, VIRTIO_ACKNOWLEDGE | VIRTIO_DRIVER | VIRTIO_DRIVER_OK);
    memset(d->avail, 0, sizeof(d->avail));
}

static inline void put_desc(struct driver *d, uint64_t table, unsigned index, uint64_t addr,
                            uint32_t len, unsigned flags, unsigned next)
{
    uint64_t at = table + 16 * index;

    poke(d, at, 8, addr);
    poke(d, at + 8, 4, len);
    poke(d, at + 12, 2, flags);
    poke(d, at + 14, 2, next);
}

static inline void make_available(struct driver *d, unsigned queue, unsigned head)
{
    uint64_t avail = ring(queue) + AVAIL_AT;

    poke(d, avail + 4 + 2 * (d->avail[queue] % QUEUE), 2, head);
    poke(d, avail + 2, 2, ++d->avail[queue]);
}

static inline unsigned used_count(struct driver *d, unsigned queue)
{
    return (unsigned)peek(d, ring(queue) + USED_AT + 2, 2);
}

static inline uint32_t used_len(struct driver *d, unsigned queue, unsigned entry)
{
    return (uint32_t)peek(d, ring(queue) + USED_AT + 4 + 8 * (entry % QUEUE) + 4, 4);
}

/* So many microseconds later. */
static inline void driver_wait(struct driver *d, unsigned us)
{
    clock_run(&d->clock, d->clock.now_ns + us * UINT64_C(1000));
}

/* Random descriptors, rings and registers: whatever a guest can write. For the sanitizers; it also
 * checks that the device is alive after a reset. */
static inline void driver_fuzz(struct driver *d, unsigned queues, unsigned rounds, uint64_t *rng)
{
    struct device *dev = driver_dev(d);

    while (rounds--) {
        unsigned n = (unsigned)(random_next(rng) % queues);
        if (d->slot.virtio->legacy)
            driver_start_legacy(d, (uint32_t)virtio_offered(d->slot.virtio, true), queues);
        else
            driver_start(d, d->slot.virtio->offered, queues);
        for (unsigned i = 0; i < QUEUE; i++)
            put_desc(d, ring(n), i,
                     random_next(rng) % 8 ? BUFFERS + random_next(rng) % 0x1000 : random_next(rng),
                     random_next(rng) % 8 ? (uint32_t)(random_next(rng) % 600)
                                          : (uint32_t)random_next(rng),
                     random_next(rng) % 8, (unsigned)(random_next(rng) % (QUEUE + 1)));
        for (unsigned i = 0; i < 0x1000; i += 8) /* what requests and indirect tables hold */
            poke(d, BUFFERS + i, 8,
                 random_next(rng) & 1 ? random_next(rng) % 16
                                      : BUFFERS + random_next(rng) % 0x1000);
        for (unsigned k = 0; k < QUEUE; k++)
            make_available(d, n, (unsigned)(random_next(rng) % (QUEUE + 1)));
        poke(d, ring(n) + AVAIL_AT + 2, 2, random_next(rng) % (QUEUE + 2));
        for (unsigned k = 0; k < 4; k++) {
            wr(dev, QUEUE_NOTIFY, random_next(rng) % (queues + 1));
            driver_wait(d, random_next(rng) % 2);
            uint64_t offset = align_down(random_next(rng) % VIRTIO_MMIO_BYTES, 4);
            device_write(dev, offset, 4,
                         random_next(rng) & 1 ? random_next(rng) % 64 : (uint32_t)random_next(rng));
            (void)rd(dev, align_down(random_next(rng) % VIRTIO_MMIO_BYTES, 4));
        }
    }
    wr(dev, STATUS, 0);
    assert_int_equal(rd(dev, STATUS), 0);
    assert_int_equal(rd(dev, INTERRUPT_STATUS), 0);
    assert_false(d->watched.level);
}
