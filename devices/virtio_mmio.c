#include "devices/virtio_mmio.h"

#include "base/bits.h"

#define MAGIC   0x74726976 /* "virt" */
#define VERSION 2
#define VENDOR  0x4c4d5241 /* "ARML" */

#define CONFIG 0x100

static struct virtio_mmio *to_slot(struct device *dev)
{
    return (struct virtio_mmio *)dev;
}

/* The selected queue; NULL: there is none of that number. */
static struct virtq *queue(struct virtio_mmio *slot)
{
    struct virtio *v = slot->virtio;

    return v && slot->queue_sel < v->queue_count ? &v->queues[slot->queue_sel] : NULL;
}

/* The selected queue if it may be configured: after the features, before it is ready (4.2.3.2). */
static struct virtq *idle_queue(struct virtio_mmio *slot)
{
    struct virtq *q = queue(slot);

    if (q && !q->ready && (slot->virtio->status & VIRTIO_FEATURES_OK))
        return q;
    LOG(slot->dev.log, DEVICE, GUEST, "virtio-mmio: queue %u cannot be configured now",
        slot->queue_sel);
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
READ(version, VERSION)
READ(device_id, slot->virtio ? slot->virtio->ops->id : 0)
READ(vendor_id, VENDOR)
READ(device_features, slot->virtio && slot->device_features_sel < 2
                          ? slot->virtio->offered >> (32 * slot->device_features_sel)
                          : 0)
READ(queue_num_max, queue(slot) ? VIRTQ_SIZE_MAX : 0)
READ(queue_ready, queue(slot) ? queue(slot)->ready : 0)
READ(interrupt_status, slot->virtio ? slot->virtio->isr : 0)
READ(status, slot->virtio ? slot->virtio->status : 0)
READ(shm, UINT32_MAX) /* 4.2.2, SHMLen: no such region */
READ(generation, 0)   /* the configuration never changes */
#undef READ

#define WRITE(name, action)                                                                        \
    static void write_##name(struct device *dev, uint64_t offset, unsigned size, uint64_t value)   \
    {                                                                                              \
        struct virtio_mmio *slot = to_slot(dev);                                                   \
        (void)offset, (void)size;                                                                  \
        action;                                                                                    \
    }
WRITE(device_features_sel, slot->device_features_sel = (uint32_t)value)
WRITE(driver_features_sel, slot->driver_features_sel = (uint32_t)value)
WRITE(queue_sel, slot->queue_sel = (uint32_t)value)
#undef WRITE

/* 2.2.1: the features cannot change once the device has accepted them. */
static void write_driver_features(struct device *dev, uint64_t offset, unsigned size,
                                  uint64_t value)
{
    struct virtio_mmio *slot = to_slot(dev);
    unsigned lo = slot->driver_features_sel * 32;

    (void)offset, (void)size;
    if (!slot->virtio || slot->driver_features_sel > 1)
        return;
    if (slot->virtio->status & VIRTIO_FEATURES_OK)
        LOG(dev->log, DEVICE, GUEST, "virtio-mmio: DriverFeatures written after FEATURES_OK");
    else
        slot->virtio->features = set_bits(slot->virtio->features, lo + 31, lo, value);
}

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
        virtio_set_queue_ready(slot->virtio, slot->queue_sel, false);
    else if ((value & 1) && idle_queue(slot))
        virtio_set_queue_ready(slot->virtio, slot->queue_sel, true);
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
}

/* Low half at the register's offset, high half four bytes behind. */
static void set_half(uint64_t *address, uint64_t offset, uint64_t value)
{
    unsigned lo = offset & 4 ? 32 : 0;

    *address = set_bits(*address, lo + 31, lo, value);
}

#define WRITE_ADDRESS(name, member)                                                                \
    static void write_##name(struct device *dev, uint64_t offset, unsigned size, uint64_t value)   \
    {                                                                                              \
        struct virtq *q = idle_queue(to_slot(dev));                                                \
        (void)size;                                                                                \
        if (q)                                                                                     \
            set_half(&q->member, offset, value);                                                   \
    }
WRITE_ADDRESS(queue_desc, desc)
WRITE_ADDRESS(queue_driver, avail)
WRITE_ADDRESS(queue_device, used)
#undef WRITE_ADDRESS

static uint64_t read_config(struct device *dev, uint64_t offset, unsigned size)
{
    const struct virtio *v = to_slot(dev)->virtio;
    uint64_t at = offset - CONFIG, value = 0;

    for (unsigned i = 0; v && i < size && at + i < v->config_size; i++)
        value |= (uint64_t)v->config[at + i] << (8 * i);
    return value;
}

#define ANY_SIZE (REG_SIZE_8 | REG_SIZE_16 | REG_SIZE_32 | REG_SIZE_64)

/* 4.2.2, MMIO Device Register Layout */
static const struct reg_row regs[] = {
    {"MagicValue", 0x000, 4, REG_SIZE_32, read_magic, NULL},
    {"Version", 0x004, 4, REG_SIZE_32, read_version, NULL},
    {"DeviceID", 0x008, 4, REG_SIZE_32, read_device_id, NULL},
    {"VendorID", 0x00c, 4, REG_SIZE_32, read_vendor_id, NULL},
    {"DeviceFeatures", 0x010, 4, REG_SIZE_32, read_device_features, NULL},
    {"DeviceFeaturesSel", 0x014, 4, REG_SIZE_32, NULL, write_device_features_sel},
    {"DriverFeatures", 0x020, 4, REG_SIZE_32, NULL, write_driver_features},
    {"DriverFeaturesSel", 0x024, 4, REG_SIZE_32, NULL, write_driver_features_sel},
    {"QueueSel", 0x030, 4, REG_SIZE_32, NULL, write_queue_sel},
    {"QueueNumMax", 0x034, 4, REG_SIZE_32, read_queue_num_max, NULL},
    {"QueueNum", 0x038, 4, REG_SIZE_32, NULL, write_queue_num},
    {"QueueReady", 0x044, 4, REG_SIZE_32, read_queue_ready, write_queue_ready},
    {"QueueNotify", 0x050, 4, REG_SIZE_32, NULL, write_queue_notify},
    {"InterruptStatus", 0x060, 4, REG_SIZE_32, read_interrupt_status, NULL},
    {"InterruptACK", 0x064, 4, REG_SIZE_32, NULL, write_interrupt_ack},
    {"Status", 0x070, 4, REG_SIZE_32, read_status, write_status},
    {"QueueDesc", 0x080, 8, REG_SIZE_32, NULL, write_queue_desc},
    {"QueueDriver", 0x090, 8, REG_SIZE_32, NULL, write_queue_driver},
    {"QueueDevice", 0x0a0, 8, REG_SIZE_32, NULL, write_queue_device},
    {"SHMSel", 0x0ac, 4, REG_SIZE_32, NULL, NULL},
    {"SHMLen, SHMBase", 0x0b0, 16, REG_SIZE_32, read_shm, NULL},
    {"ConfigGeneration", 0x0fc, 4, REG_SIZE_32, read_generation, NULL},
    {"Config", CONFIG, VIRTIO_MMIO_BYTES - CONFIG, ANY_SIZE, read_config, NULL},
    {0},
};

static void reset(struct device *dev)
{
    struct virtio_mmio *slot = to_slot(dev);

    slot->device_features_sel = slot->driver_features_sel = slot->queue_sel = 0;
    if (slot->virtio)
        virtio_reset(slot->virtio);
}

static const struct device_ops ops = {.name = "virtio-mmio", .regs = regs, .reset = reset};

void virtio_mmio_init(struct virtio_mmio *slot, const struct log *log, struct irq_line irq,
                      struct virtio *virtio)
{
    *slot = (struct virtio_mmio){.dev = {&ops, log}, .virtio = virtio};
    if (virtio)
        virtio->irq = irq;
    reset(&slot->dev);
}
