/* Guest memory with the rings of virtio queues in it, 4 KiB each, and what devices
 * need beside it. */
#pragma once

#include "base/clock.h"
#include "base/physmem.h"
#include "devices/virtio.h"
#include "tests/fuzz/input.h"

#define RAM      UINT64_C(0x40000000)
#define RAM_SIZE UINT64_C(0x20000)
#define QUEUE    32 /* 16 bytes of each are AVAIL_AT, so that the parts lie as version 1 has them */

/* Offsets in the 4 KiB of a queue. */
#define AVAIL_AT  0x200
#define USED_AT   0x400
#define BUFFER_AT 0x800

struct rings {
    struct physmem mem;
    struct clock clock;
    struct arm_log log;
    uint16_t avail[VIRTIO_QUEUES_MAX]; /* indices, as the driver counts them */
};

static inline void rings_init(struct rings *r)
{
    if (physmem_add_ram(&r->mem, pa(RAM), RAM_SIZE, NULL) != 0)
        abort();
    r->log = fuzz_log();
    r->clock.next_ns = CLOCK_NEVER;
}

/* The driver begins anew. */
static inline void rings_forget(struct rings *r)
{
    memset(r->avail, 0, sizeof(r->avail));
}

static inline uint64_t queue_at(unsigned n)
{
    return RAM + n * 0x1000;
}

static inline void poke(struct rings *r, uint64_t at, unsigned bytes, uint64_t v)
{
    uint8_t le[8];

    le_put(le, bytes, v);
    (void)physmem_write(&r->mem, pa(at), le, bytes);
}

/* The chain at @head of queue @n. */
static inline void make_available(struct rings *r, unsigned n, unsigned head)
{
    uint64_t avail = queue_at(n) + AVAIL_AT;

    poke(r, avail + 4 + 2 * (r->avail[n] % QUEUE), 2, head);
    poke(r, avail + 2, 2, ++r->avail[n]);
}

/* What a console or a network card sends. */
static inline void drop_output(void *ctx, const uint8_t *data, size_t n)
{
    (void)ctx, (void)data;
    CHECK(n > 0);
}
