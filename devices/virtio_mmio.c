#include "devices/virtio_mmio.h"

#include <stdio.h>

#include "base/bits.h"
#include "base/state_io.h"

#define MAGIC  0x74726976 /* "virt" */
#define VENDOR 0x4c4d5241 /* "ARML" */

#define CONFIG 0x100

static struct virtio_mmio *to_slot(struct device *dev)
{
    return (struct virtio_mmio *)dev;
}

static struct virtq *queue(struct virtio_mmio *slot)
{
    return virtio_selected_queue(slot->virtio, &slot->selected);
}

/* The selected queue if it may be configured by version 2's registers: after the features, before
 * it is ready (4.2.3.2). */
static struct virtq *idle_queue(struct virtio_mmio *slot)
{
    struct virtq *q = queue(slot);

    if (q && !q->ready && (slot->virtio->status & VIRTIO_FEATURES_OK))
        return q;
    LOG(slot->dev.log, DEVICE, GUEST, "virtio-mmio: queue %u cannot be configured now",
        slot->selected.queue);
    return NULL;
}

/* -- registers; without a device those behind VendorID read as zero -- */

#define READ(name, value)                                                                          \
    static uint64_t read_##name(struct device *dev, uint64_t offset, unsigned size)                \
    {                                                                                              \
        struct virtio_mmio *slot = to_slot(dev);                                                   \
        (void)slot, (void)offset, (void)size;                                                      \
        return (value);                                                                            \
    }
READ(magic, MAGIC)
READ(version, slot->version)
READ(device_id, slot->virtio ? slot->virtio->ops->id : 0)
READ(vendor_id, VENDOR)
READ(device_features, virtio_offered_part(slot->virtio, &slot->selected, slot->version == 1))
READ(queue_num_max, queue(slot) ? VIRTQ_SIZE_MAX : 0)
READ(queue_ready, queue(slot) ? queue(slot)->ready : 0)
READ(interrupt_status, slot->virtio ? slot->virtio->isr : 0)
READ(status, virtio_status(slot->virtio, slot->version == 1))
READ(shm, slot->virtio ? UINT32_MAX : 0) /* 4.2.2, SHMLen: no such region */
READ(generation, 0)                      /* the configuration never changes */
#undef READ

#define WRITE(name, action)                                                                        \
    static void write_##name(struct device *dev, uint64_t offset, unsigned size, uint64_t value)   \
    {                                                                                              \
        struct virtio_mmio *slot = to_slot(dev);                                                   \
        (void)offset, (void)size;                                                                  \
        action;                                                                                    \
    }
WRITE(device_features_sel, slot->selected.device_features = (uint32_t)value)
WRITE(driver_features_sel, slot->selected.driver_features = (uint32_t)value)
WRITE(driver_features, virtio_write_features_part(slot->virtio, &slot->selected, (uint32_t)value))
WRITE(queue_sel, slot->selected.queue = (uint32_t)value)
#undef WRITE

static void write_queue_num(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct virtq *q = idle_queue(to_slot(dev));

    (void)offset, (void)size;
    if (q)
        q->size = (uint32_t)value;
}

static void write_queue_ready(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct virtio_mmio *slot = to_slot(dev);
    struct virtq *q = queue(slot);

    (void)offset, (void)size;
    if (q && q->ready && !(value & 1))
        virtio_set_queue_ready(slot->virtio, slot->selected.queue, false);
    else if ((value & 1) && idle_queue(slot))
        virtio_set_queue_ready(slot->virtio, slot->selected.queue, true);
}

static void write_queue_notify(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    if (to_slot(dev)->virtio)
        virtio_notify(to_slot(dev)->virtio, (uint32_t)value);
}

static void write_interrupt_ack(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    if (to_slot(dev)->virtio)
        virtio_ack(to_slot(dev)->virtio, (uint8_t)value);
}

static void write_status(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    if (to_slot(dev)->virtio)
        virtio_set_status(to_slot(dev)->virtio, (uint8_t)value);
    else if (value)
        LOG(dev->log, DEVICE, GUEST,
            "virtio-mmio: Status %#llx written to a slot without a device (its DeviceID is 0)",
            (unsigned long long)value);
}

#define WRITE_ADDRESS(name, member)                                                                \
    static void write_##name(struct device *dev, uint64_t offset, unsigned size, uint64_t value)   \
    {                                                                                              \
        struct virtq *q = idle_queue(to_slot(dev));                                                \
        if (q)                                                                                     \
            q->member = reg64_put(q->member, offset, size, value);                                 \
    }
WRITE_ADDRESS(queue_desc, desc)
WRITE_ADDRESS(queue_driver, avail)
WRITE_ADDRESS(queue_device, used)
#undef WRITE_ADDRESS

/* -- version 1 (4.2.4, Legacy interface) -- */

/* As on QEMU: what is no power of 2 counts by its lowest bit, and 0 as 1. A reset by the driver
 * does not change it: Linux writes it before. */
static void write_guest_page_size(struct device *dev, uint64_t offset, unsigned size,
                                  uint64_t value)
{
    (void)offset, (void)size;
    if (!is_pow2(value))
        LOG(dev->log, DEVICE, GUEST, "virtio-mmio: GuestPageSize %#llx, expected a power of 2",
            (unsigned long long)value);
    to_slot(dev)->page_shift = value ? (unsigned)__builtin_ctzll(value) : 0;
}

/* The queue in use lies elsewhere now. */
static void place_queue(struct virtio_mmio *slot, uint64_t desc)
{
    virtio_place_queue(slot->virtio, slot->selected.queue, desc);
}

static void write_legacy_queue_num(struct device *dev, uint64_t offset, unsigned size,
                                   uint64_t value)
{
    struct virtq *q = queue(to_slot(dev));

    (void)offset, (void)size;
    if (!q || value == q->size)
        return;
    q->size = (uint32_t)value;
    place_queue(to_slot(dev), q->desc);
}

/* 0 leaves it as it is, as on QEMU. */
static void write_queue_align(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct virtq *q = queue(to_slot(dev));

    (void)offset, (void)size;
    if (!is_pow2(value))
        LOG(dev->log, DEVICE, GUEST, "virtio-mmio: QueueAlign %#llx, expected a power of 2",
            (unsigned long long)value);
    else if (q && value != q->align) {
        q->align = (uint32_t)value;
        place_queue(to_slot(dev), q->desc);
    }
}

static uint64_t read_queue_pfn(struct device *dev, uint64_t offset, unsigned size)
{
    struct virtio_mmio *slot = to_slot(dev);

    (void)offset, (void)size;
    return queue(slot) ? (uint32_t)(queue(slot)->desc >> slot->page_shift) : 0;
}

/* 0: the driver stops using the queue. */
static void write_queue_pfn(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct virtio_mmio *slot = to_slot(dev);

    (void)offset, (void)size;
    if (queue(slot))
        place_queue(slot, value << slot->page_shift);
}

/* -- both -- */

static uint64_t read_config(struct device *dev, uint64_t offset, unsigned size)
{
    return virtio_config(to_slot(dev)->virtio, offset - CONFIG, size);
}

static void write_config(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    virtio_config_write(to_slot(dev)->virtio, offset - CONFIG, size, value);
}

#define ANY_SIZE (REG_SIZE_8 | REG_SIZE_16 | REG_SIZE_32 | REG_SIZE_64)

static const struct reg_row modern_regs[] = {
#define V1(...)
#define V2(...)   {__VA_ARGS__},
#define BOTH(...) {__VA_ARGS__},
#include "devices/virtio_mmio.def"
#undef V1
#undef V2
    {0},
};

static const struct reg_row legacy_regs[] = {
#define V1(...) {__VA_ARGS__},
#define V2(...)
#include "devices/virtio_mmio.def"
#undef V1
#undef V2
#undef BOTH
    {0},
};

static void reset(struct device *dev)
{
    struct virtio_mmio *slot = to_slot(dev);

    slot->selected = (struct virtio_selection){0};
    slot->page_shift = 0;
    if (slot->virtio)
        virtio_reset(slot->virtio);
}

static void state(struct state_io *io, struct device *dev)
{
    struct virtio_mmio *slot = to_slot(dev);

    virtio_selection_state(io, &slot->selected);
    STATE(io, slot->page_shift);
    state_require(io, slot->page_shift < 64, "slot->page_shift");
    if (slot->virtio)
        virtio_state(io, slot->virtio);
}

static const struct device_ops modern_ops = {
    .name = "virtio-mmio", .regs = modern_regs, .reset = reset, .state = state};
static const struct device_ops legacy_ops = {
    .name = "virtio-mmio (version 1)", .regs = legacy_regs, .reset = reset, .state = state};

void virtio_mmio_init(struct virtio_mmio *slot, unsigned number, const struct arm_log *log,
                      struct irq_line irq, struct clock *clock, bool legacy, struct virtio *virtio)
{
    char name[CLOCK_NAME_MAX];

    snprintf(name, sizeof(name), "virtio-mmio%u", number);
    *slot = (struct virtio_mmio){.dev = {legacy ? &legacy_ops : &modern_ops, log},
                                 .virtio = virtio,
                                 .version = legacy ? 1 : 2};
    if (virtio) {
        virtio->slot = (uint8_t)number;
        virtio->legacy = legacy;
        virtio_connect(virtio, name, irq, clock);
    }
    reset(&slot->dev);
}
