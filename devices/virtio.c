#include "devices/virtio.h"

#include <string.h>

#include "base/bits.h"

#define COMMON_FEATURES                                                                            \
    (BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_INDIRECT_DESC) | BIT(VIRTIO_F_EVENT_IDX))
#define LEGACY_FEATURES (BIT(VIRTIO_F_NOTIFY_ON_EMPTY) | BIT(VIRTIO_F_ANY_LAYOUT))
#define LEGACY_ALIGN    4096 /* of the used ring, until the driver says so */

static void update_irq(struct virtio *v)
{
    irq_set(&v->irq, v->isr != 0);
}

void virtio_init(struct virtio *v, const struct virtio_ops *ops, const struct log *log,
                 struct physmem *mem, unsigned queue_count, uint64_t features)
{
    CHECK(queue_count <= VIRTIO_QUEUES_MAX);
    *v = (struct virtio){
        .ops = ops,
        .log = log,
        .mem = mem,
        .offered = features | COMMON_FEATURES,
        .queue_count = queue_count,
    };
}

void virtio_destroy(struct virtio *v)
{
    if (v->ops && v->ops->destroy)
        v->ops->destroy(v);
}

/* The configuration is in the byte order of the guest then. Differs: always little-endian. */
void virtio_make_legacy(struct virtio *v)
{
    v->offered = (v->offered & ~BIT(VIRTIO_F_VERSION_1)) | LEGACY_FEATURES;
}

void virtio_reset(struct virtio *v)
{
    v->features = 0;
    v->status = v->isr = 0;
    memset(v->queues, 0, sizeof(v->queues));
    for (unsigned i = 0; i < v->queue_count; i++) {
        v->queues[i].mem = v->mem;
        v->queues[i].log = v->log;
        if (virtio_is_legacy(v)) {
            v->queues[i].size = VIRTQ_SIZE_MAX;
            v->queues[i].align = LEGACY_ALIGN;
        }
    }
    if (v->ops->reset)
        v->ops->reset(v);
    update_irq(v);
}

/* 3.1.1, steps 5 and 6. */
static bool features_acceptable(const struct virtio *v)
{
    if (!(v->features & ~v->offered) && virtio_has(v, VIRTIO_F_VERSION_1))
        return true;
    LOG(v->log, DEVICE, GUEST, "virtio %s: features %#llx not accepted, offered are %#llx",
        v->ops->name, (unsigned long long)v->features, (unsigned long long)v->offered);
    return false;
}

void virtio_set_features(struct virtio *v, uint64_t features)
{
    if (virtio_is_legacy(v) && (features & ~v->offered)) {
        LOG(v->log, DEVICE, GUEST, "virtio %s: features %#llx, of which are offered %#llx",
            v->ops->name, (unsigned long long)features, (unsigned long long)v->offered);
        features &= v->offered;
    }
    v->features = features;
    for (unsigned i = 0; i < v->queue_count; i++) {
        v->queues[i].indirect = virtio_has(v, VIRTIO_F_INDIRECT_DESC);
        v->queues[i].event_idx = virtio_has(v, VIRTIO_F_EVENT_IDX);
        v->queues[i].notify_on_empty = virtio_has(v, VIRTIO_F_NOTIFY_ON_EMPTY);
    }
}

/* Bits are only ever added (2.1.1); NEEDS_RESET is ours. */
void virtio_set_status(struct virtio *v, uint8_t status)
{
    uint8_t added = (uint8_t)(status & ~v->status & ~VIRTIO_NEEDS_RESET);

    if (status == 0) {
        virtio_reset(v);
        return;
    }
    if (virtio_is_legacy(v)) {
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

/* 2.6, alignment and size of the parts; what is in them is checked when it is used. */
static const char *queue_problem(const struct virtq *q)
{
    uint64_t size = q->size;

    if (!is_pow2(size) || size > VIRTQ_SIZE_MAX)
        return "its size is not a power of 2 up to 256";
    if (!is_aligned(q->desc, 16) || !is_aligned(q->avail, 2) || !is_aligned(q->used, 4))
        return "a part is not aligned";
    if (!physmem_ram(q->mem, pa(q->desc), 16 * size) ||
        !physmem_ram(q->mem, pa(q->avail), 6 + 2 * size) ||
        !physmem_ram(q->mem, pa(q->used), 6 + 8 * size))
        return "a part is not in RAM";
    return NULL;
}

void virtio_set_queue_ready(struct virtio *v, unsigned n, bool ready)
{
    struct virtq *q = &v->queues[n];
    const char *problem = ready ? queue_problem(q) : NULL;

    if (problem) {
        LOG(v->log, DEVICE, GUEST, "virtio %s: queue %u not ready: %s", v->ops->name, n, problem);
        return;
    }
    q->ready = ready;
    q->broken = false;
    q->next_avail = q->next_used = q->signalled = 0;
    q->signal_all = true;
}

void virtio_notify(struct virtio *v, uint32_t n)
{
    if (n >= v->queue_count || !virtio_is_live(v)) {
        LOG(v->log, DEVICE, GUEST, "virtio %s: notification of queue %u, status %#x", v->ops->name,
            n, v->status);
        return;
    }
    v->ops->notify(v, n);
    virtio_settle(v);
}

/* 2.1.2: a legacy driver knows nothing of DEVICE_NEEDS_RESET, and is not told. */
void virtio_settle(struct virtio *v)
{
    for (unsigned i = 0; i < v->queue_count; i++) {
        if (virtq_wants_interrupt(&v->queues[i]))
            v->isr |= VIRTIO_ISR_QUEUE;
        if (v->queues[i].broken && !(v->status & VIRTIO_NEEDS_RESET)) {
            v->status |= VIRTIO_NEEDS_RESET;
            if (!virtio_is_legacy(v))
                v->isr |= VIRTIO_ISR_CONFIG;
        }
    }
    update_irq(v);
}

void virtio_ack(struct virtio *v, uint8_t isr)
{
    v->isr = (uint8_t)(v->isr & ~isr);
    update_irq(v);
}
