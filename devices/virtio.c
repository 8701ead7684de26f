#include "devices/virtio.h"

#include <string.h>

#include "base/bits.h"
#include "base/state_io.h"

#define COMMON_FEATURES                                                                            \
    (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_INDIRECT_DESC) | BIT(VIRTIO_F_EVENT_IDX))
#define LEGACY_FEATURES (BIT(VIRTIO_F_NOTIFY_ON_EMPTY) | BIT(VIRTIO_F_ANY_LAYOUT))
#define MODERN_FEATURES (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_RING_PACKED))
#define LEGACY_ALIGN    4096 /* of the used ring, until the driver says so */

static void update_irq(struct virtio *v)
{
    irq_set(&v->irq, v->isr != 0);
}

void virtio_init(struct virtio *v, const struct virtio_ops *ops, const struct arm_log *log,
                 struct physmem *mem, unsigned queue_count, uint64_t request_queues,
                 uint64_t features)
{
    CHECK(queue_count <= VIRTIO_QUEUES_MAX);
    *v = (struct virtio){
        .ops = ops,
        .log = log,
        .mem = mem,
        .offered = features | COMMON_FEATURES,
        .queue_count = queue_count,
        .request_queues = request_queues,
    };
}

void virtio_destroy(struct virtio *v)
{
    if (v->ops && v->ops->destroy)
        v->ops->destroy(v);
}

void virtio_reset(struct virtio *v)
{
    v->features = 0;
    v->status = v->isr = 0;
    v->pending = v->turn = 0;
    v->busy = false;
    pace_stop(&v->pace);
    memset(v->queues, 0, sizeof(v->queues));
    for (unsigned i = 0; i < v->queue_count; i++) {
        v->queues[i].mem = v->mem;
        v->queues[i].who = (struct dma_master){ARM_DMA_VIRTIO, v->slot, v->iommu};
        v->queues[i].log = v->log;
        v->queues[i].size = VIRTQ_SIZE_MAX;
        v->queues[i].align = LEGACY_ALIGN;
    }
    if (v->ops->reset)
        v->ops->reset(v);
    update_irq(v);
}

/* Differs: configuration is little-endian also for a big-endian legacy guest. */
uint64_t virtio_offered(const struct virtio *v, bool legacy)
{
    return legacy ? (v->offered & ~MODERN_FEATURES) | LEGACY_FEATURES : v->offered;
}

/* 3.1.1, steps 5 and 6. */
static bool features_acceptable(const struct virtio *v)
{
    const uint64_t needed = BIT(VIRTIO_F_VERSION_1) | (v->offered & BIT(VIRTIO_F_ACCESS_PLATFORM));

    if (!(v->features & ~v->offered) && !(needed & ~v->features))
        return true;
    LOG(v->log, DEVICE, GUEST, "virtio %s: features %#llx not accepted, offered are %#llx",
        v->ops->name, (unsigned long long)v->features, (unsigned long long)v->offered);
    return false;
}

/* v->features has changed. */
static void tell_queues(struct virtio *v)
{
    for (unsigned i = 0; i < v->queue_count; i++) {
        v->queues[i].indirect = virtio_has(v, VIRTIO_F_INDIRECT_DESC);
        v->queues[i].event_idx = virtio_has(v, VIRTIO_F_EVENT_IDX);
        v->queues[i].notify_on_empty = virtio_has(v, VIRTIO_F_NOTIFY_ON_EMPTY);
    }
}

void virtio_set_features(struct virtio *v, uint64_t features)
{
    uint64_t offered = virtio_offered(v, v->legacy);

    if (v->legacy && (features & ~offered)) {
        LOG(v->log, DEVICE, GUEST, "virtio %s: features %#llx, of which are offered %#llx",
            v->ops->name, (unsigned long long)features, (unsigned long long)offered);
        features &= offered;
    }
    v->features = features;
    tell_queues(v);
}

/* Bits are only ever added (2.1.1); NEEDS_RESET is ours. */
void virtio_set_status(struct virtio *v, uint8_t status)
{
    uint8_t added = (uint8_t)(status & ~v->status & ~VIRTIO_NEEDS_RESET);

    if (status == 0) {
        virtio_reset(v);
        return;
    }
    if (v->legacy) {
        v->status = (uint8_t)((v->status & VIRTIO_NEEDS_RESET) | (status & ~VIRTIO_NEEDS_RESET));
        return;
    }
    if ((added & VIRTIO_FEATURES_OK) && !features_acceptable(v))
        added = (uint8_t)(added & ~VIRTIO_FEATURES_OK);
    if ((added & VIRTIO_DRIVER_OK) && !((v->status | added) & VIRTIO_FEATURES_OK)) {
        LOG(v->log, DEVICE, GUEST, "virtio %s: DRIVER_OK without FEATURES_OK", v->ops->name);
        added = (uint8_t)(added & ~VIRTIO_DRIVER_OK);
    }
    v->status |= added;
}

void virtio_set_queue_ready(struct virtio *v, unsigned n, bool ready)
{
    struct virtq *q = &v->queues[n];
    const char *problem;

    if (v->turn == n)
        v->busy = false;
    v->pending &= ~BIT(n);
    virtq_restart(q, virtio_has(v, VIRTIO_F_RING_PACKED) && !v->legacy);
    problem = ready ? virtq_problem(q) : NULL;
    if (problem)
        LOG(v->log, DEVICE, GUEST, "virtio %s: queue %u not ready: %s", v->ops->name, n, problem);
    q->ready = ready && !problem;
}

/* Drivers write what describes a queue in any order. */
void virtio_place_queue(struct virtio *v, unsigned n, uint64_t desc)
{
    virtio_set_queue_ready(v, n, false);
    virtq_place_legacy(&v->queues[n], desc);
    if (desc)
        virtio_set_queue_ready(v, n, true);
}

/* Is there a request to begin or to go on with? Queues take turns. */
static bool next_request(struct virtio *v)
{
    for (unsigned k = 0; !v->busy && k < v->queue_count; k++) {
        unsigned n = (v->turn + 1 + k) % v->queue_count;
        if (!(v->pending & BIT(n)))
            continue;
        if (virtq_pop(&v->queues[n], &v->chain)) {
            v->turn = n;
            v->done = 0;
            v->busy = true;
        } else {
            v->pending &= ~BIT(n);
        }
    }
    return v->busy;
}

void virtio_done(struct virtio *v, uint32_t written)
{
    virtq_push(&v->queues[v->turn], &v->chain, written);
    v->busy = false;
}

/* To walk a chain costs something, also if there is nothing in it. */
#define PIECE_COST 64 /* bytes */

static void work(void *ctx, uint64_t now_ns)
{
    struct virtio *v = ctx;

    (void)now_ns;
    while (virtio_is_live(v) && next_request(v)) {
        uint32_t budget = pace_left(&v->pace);
        if (budget == 0) {
            pace_wait(&v->pace);
            break;
        }
        pace_spend(&v->pace,
                   v->chain.count * PIECE_COST + v->ops->request(v, &v->queues[v->turn], budget));
    }
    if (v->ops->fill && virtio_is_live(v))
        v->ops->fill(v);
    virtio_settle(v);
}

void virtio_connect(struct virtio *v, const char *name, struct irq_line irq, struct clock *clock)
{
    v->irq = irq;
    pace_init(&v->pace, clock, name, work, v);
}

void virtio_notify(struct virtio *v, uint32_t n)
{
    if (n >= v->queue_count || !virtio_is_live(v)) {
        LOG(v->log, DEVICE, GUEST, "virtio %s: notification of queue %u, status %#x", v->ops->name,
            n, v->status);
        return;
    }
    v->pending |= BIT(n) & v->request_queues;
    work(v, 0);
}

static void interrupt(struct virtio *v, uint8_t isr, uint32_t reason)
{
    v->isr |= isr;
    if (v->signal)
        v->signal(v->signal_ctx, reason);
}

/* 2.1.2: a legacy driver knows nothing of DEVICE_NEEDS_RESET, and is not told. */
void virtio_settle(struct virtio *v)
{
    for (unsigned i = 0; i < v->queue_count; i++) {
        if (virtq_wants_interrupt(&v->queues[i]))
            interrupt(v, VIRTIO_ISR_QUEUE, i);
        if (v->queues[i].broken && !(v->status & VIRTIO_NEEDS_RESET)) {
            v->status |= VIRTIO_NEEDS_RESET;
            if (!v->legacy)
                interrupt(v, VIRTIO_ISR_CONFIG, VIRTIO_CONFIG_CHANGE);
        }
    }
    update_irq(v);
}

void virtio_ack(struct virtio *v, uint8_t isr)
{
    v->isr = (uint8_t)(v->isr & ~isr);
    update_irq(v);
}

/* The request that is going on. */
static void request_state(struct state_io *io, struct virtio *v)
{
    STATE(io, v->turn);
    STATE(io, v->busy);
    STATE(io, v->done);
    if (!state_require(io, v->turn < v->queue_count, "v->turn") || state_failed(io) || !v->busy)
        return;
    state_require(io, (v->request_queues & BIT(v->turn)) && v->queues[v->turn].ready, "v->busy");
    virtq_chain_state(io, &v->queues[v->turn], &v->chain);
}

void virtio_state(struct state_io *io, struct virtio *v)
{
    STATE(io, v->features);
    STATE(io, v->status);
    STATE(io, v->isr);
    STATE(io, v->pending);
    state_require(io, !v->legacy || !(v->features & ~virtio_offered(v, true)), "v->features");
    state_require(io, !(v->pending & ~v->request_queues), "v->pending");
    if (state_restoring(io))
        tell_queues(v);
    for (unsigned i = 0; i < v->queue_count; i++)
        virtq_state(io, &v->queues[i]);
    request_state(io, v);
    pace_state(io, &v->pace);
    if (v->ops->state)
        v->ops->state(io, v);
}
