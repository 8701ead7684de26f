/*
 * What all virtio devices have in common (Virtual I/O Device specification 1.1, sections 2 and 3):
 * status, features, queues and interrupt status. Registers are the transport's
 * (devices/virtio_mmio.h), requests the device type's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/irq.h"
#include "base/log.h"
#include "base/pace.h"
#include "base/physmem.h"
#include "devices/virtio_ring.h"

/* 2.1, Device Status Field */
#define VIRTIO_ACKNOWLEDGE 1
#define VIRTIO_DRIVER      2
#define VIRTIO_DRIVER_OK   4
#define VIRTIO_FEATURES_OK 8
#define VIRTIO_NEEDS_RESET 64
#define VIRTIO_FAILED      128

/* 6, Reserved Feature Bits; the first two are of 6.3, Legacy Interface */
#define VIRTIO_F_NOTIFY_ON_EMPTY 24
#define VIRTIO_F_ANY_LAYOUT      27
#define VIRTIO_F_INDIRECT_DESC   28
#define VIRTIO_F_EVENT_IDX       29
#define VIRTIO_F_VERSION_1       32
#define VIRTIO_F_ACCESS_PLATFORM 33
#define VIRTIO_F_RING_PACKED     34

#define VIRTIO_ISR_QUEUE  1 /* a queue has used buffers */
#define VIRTIO_ISR_CONFIG 2

#define VIRTIO_QUEUES_MAX 36
#define VIRTIO_CONFIG_MAX 136

#define VIRTIO_CONFIG_CHANGE UINT32_MAX /* in place of a queue's number */

struct state_io;
struct virtio;

struct virtio_ops {
    const char *name;
    uint32_t id;        /* 5, Device Types */
    uint16_t pci_class; /* 0: that of its type (devices/virtio_pci.c) */
    /* Begin the request v->chain of @q (v->done is 0), or go on with it: move about @budget bytes
     * from byte v->done on, and call virtio_done() when it is done. Returns how many it moved. */
    uint32_t (*request)(struct virtio *v, struct virtq *q, uint32_t budget);
    /* The driver writes @size bytes at @at of the configuration. NULL: they are read-only. */
    void (*config_write)(struct virtio *v, uint64_t at, unsigned size, uint64_t value);
    void (*fill)(struct virtio *v);    /* the other queues may have buffers; NULL: there are none */
    void (*reset)(struct virtio *v);   /* NULL: nothing to do */
    void (*destroy)(struct virtio *v); /* NULL: nothing to do */
    void (*state)(struct state_io *io, struct virtio *v); /* behind virtio_state(); NULL: nothing */
};

/* First member of each device type's struct. */
struct virtio {
    const struct virtio_ops *ops;
    const struct arm_log *log;
    struct physmem *mem;
    uint8_t slot; /* its transport's, for its events */
    struct irq_line irq;
    /* Told of each reason for an interrupt, which may have a message of its own: queue @n has used
     * buffers, or VIRTIO_CONFIG_CHANGE. NULL: the transport has the line only. */
    void (*signal)(void *ctx, uint32_t n);
    void *signal_ctx;
    bool legacy;             /* the driver uses, or must use, the legacy interface (1.3, 6.3) */
    bool detached;           /* the transport may not access memory now: queues wait */
    struct dma_iommu *iommu; /* with VIRTIO_F_ACCESS_PLATFORM, where addresses go; NULL: nowhere */
    struct pace pace;
    uint64_t offered; /* features; see virtio_offered() */
    unsigned queue_count;
    uint64_t request_queues; /* bit n: what comes in queue n are requests */
    uint32_t config_size;
    uint8_t config[VIRTIO_CONFIG_MAX]; /* little-endian */

    uint64_t features; /* what the driver has accepted */
    uint8_t status, isr;
    struct virtq queues[VIRTIO_QUEUES_MAX];

    uint64_t pending; /* bit n: queue n may have requests */
    unsigned turn;    /* of the queues; that of the request if there is one */
    bool busy;        /* there is one */
    struct virtq_chain chain;
    uint32_t done; /* bytes of it */
};

/* A device, to be connected and reset by its transport. @features beside the reserved ones that all
 * have here; bit n of @request_queues: queue n is one of requests. */
void virtio_init(struct virtio *v, const struct virtio_ops *ops, const struct arm_log *log,
                 struct physmem *mem, unsigned queue_count, uint64_t request_queues,
                 uint64_t features);
void virtio_destroy(struct virtio *v);

/* @clock must outlive the device, which must not move. @name: of its event there. The transport
 * sets the other members that are its own. */
void virtio_connect(struct virtio *v, const char *name, struct irq_line irq, struct clock *clock);

void virtio_reset(struct virtio *v);

/* The device and what its type has beside it. */
void virtio_state(struct state_io *io, struct virtio *v);

/* The driver's write of the features. A legacy driver may do so at any time; what was not offered
 * is dropped then. */
void virtio_set_features(struct virtio *v, uint64_t features);

/* The driver's write of the status: 0 resets; FEATURES_OK stays clear if the features are not a
 * subset of the offered ones with VIRTIO_F_VERSION_1. A legacy device keeps what is written. */
void virtio_set_status(struct virtio *v, uint8_t status);

/* Start or stop queue @n < queue_count, whose size and addresses have been set. Refused (log line)
 * if they make no sense. */
void virtio_set_queue_ready(struct virtio *v, unsigned n, bool ready);

/* The legacy interface's way to do so: all parts of queue @n are at @desc (0: stop it). */
void virtio_place_queue(struct virtio *v, unsigned n, uint64_t desc);

/* The driver notifies about queue @n, any number. Requests that are too long to be done at once go
 * on while the guest runs (base/pace.h). */
void virtio_notify(struct virtio *v, uint32_t n);

/* For ops->request(): the request is done, and @written bytes of its writable part are valid. */
void virtio_done(struct virtio *v, uint32_t written);

/* After queues were worked on: interrupt if the driver wants one, ask for a reset if one broke. */
void virtio_settle(struct virtio *v);

/* Clear bits of the interrupt status. */
void virtio_ack(struct virtio *v, uint8_t isr);

static inline bool virtio_has(const struct virtio *v, unsigned feature)
{
    return (v->features >> feature) & 1;
}

/* Its state as lines, for people. */
void virtio_describe(const struct virtio *v, void (*line)(void *ctx, const char *text), void *ctx);

/* Features that a driver of one of the interfaces is offered. */
uint64_t virtio_offered(const struct virtio *v, bool legacy);

/* The driver has finished its set-up: queues may be worked on. 3.1.2: legacy drivers have used
 * devices before they set DRIVER_OK. */
static inline bool virtio_is_live(const struct virtio *v)
{
    return ((v->status & VIRTIO_DRIVER_OK) || v->legacy) && !v->detached &&
           !(v->status & VIRTIO_NEEDS_RESET);
}
