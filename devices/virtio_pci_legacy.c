/* The legacy interface of virtio over PCI (Virtual I/O Device specification
 * 1.1, 4.1.4.8): ports. */
#include "base/bits.h"
#include "devices/virtio_pci.h"

#define PAGE_SHIFT_LEGACY 12
#define VECTORS_AT        20 /* with MSI-X enabled: of the configuration and of the queue */
#define VECTORS_BYTES     4

static struct virtio_pci *owner(struct device *dev)
{
    return ((struct virtio_pci_regs *)dev)->owner;
}

#define READ(name, value)                                                                          \
    static uint64_t read_##name(struct device *dev, uint64_t offset, unsigned size)                \
    {                                                                                              \
        struct virtio_pci *p = owner(dev);                                                         \
        const struct virtq *q = virtio_selected_queue(p->virtio, &p->selected);                    \
        (void)q, (void)offset, (void)size;                                                         \
        return (value);                                                                            \
    }
READ(device_features, virtio_offered(p->virtio, true))
READ(driver_features, p->virtio->features)
READ(queue_pfn, q ? q->desc >> PAGE_SHIFT_LEGACY : 0)
READ(queue_size, q ? q->size : 0)
READ(queue_sel, p->selected.queue)
READ(status, virtio_status(p->virtio, true))
READ(isr, virtio_pci_take_isr(p))
#undef READ

#define WRITE(name, action)                                                                        \
    static void write_##name(struct device *dev, uint64_t offset, unsigned size, uint64_t value)   \
    {                                                                                              \
        struct virtio_pci *p = owner(dev);                                                         \
        struct virtio *v = p->virtio;                                                              \
        (void)v, (void)offset, (void)size;                                                         \
        virtio_pci_speaks(p, true);                                                                \
        action;                                                                                    \
    }
WRITE(driver_features, virtio_set_features(v, (uint32_t)value))
WRITE(queue_sel, p->selected.queue = (uint16_t)value)
WRITE(notify, virtio_notify(v, (uint16_t)value))
WRITE(status, virtio_pci_set_status(p, (uint8_t)value))
WRITE(queue_pfn, if (virtio_selected_queue(v, &p->selected))
                     virtio_place_queue(v, p->selected.queue, value << PAGE_SHIFT_LEGACY))
#undef WRITE

/* ---- vectors, which are there while MSI-X is enabled, and the device's configuration ---- */

static uint16_t *vector(struct virtio_pci *p, uint64_t offset)
{
    if (!pci_msix_enabled(&p->function) || offset >= VECTORS_AT + VECTORS_BYTES)
        return NULL;
    if (offset == VECTORS_AT)
        return &p->config_vector;
    return virtio_selected_queue(p->virtio, &p->selected) ? &p->queue_vectors[p->selected.queue]
                                                          : NULL;
}

static uint64_t read_rest(struct device *dev, uint64_t offset, unsigned size)
{
    struct virtio_pci *p = owner(dev);
    unsigned vectors = pci_msix_enabled(&p->function) ? VECTORS_BYTES : 0;
    const uint16_t *v = vector(p, offset);

    if (offset < VECTORS_AT + vectors)
        return v ? *v : VIRTIO_PCI_NO_VECTOR;
    return virtio_config(p->virtio, offset - VECTORS_AT - vectors, size);
}

static void write_rest(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct virtio_pci *p = owner(dev);
    unsigned vectors = pci_msix_enabled(&p->function) ? VECTORS_BYTES : 0;
    uint16_t *v = size == 2 ? vector(p, offset) : NULL;

    if (offset >= VECTORS_AT + vectors)
        virtio_config_write(p->virtio, offset - VECTORS_AT - vectors, size, value);
    else if (v)
        *v = virtio_pci_vector(p, value);
}

#define ANY_SIZE (REG_SIZE_8 | REG_SIZE_16 | REG_SIZE_32 | REG_SIZE_64)

static const struct reg_row ports_regs[] = {
    {"device features", 0, 4, REG_SIZE_32, read_device_features, NULL},
    {"driver features", 4, 4, REG_SIZE_32, read_driver_features, write_driver_features},
    {"queue address", 8, 4, REG_SIZE_32, read_queue_pfn, write_queue_pfn},
    {"queue_size", 12, 2, REG_SIZE_16, read_queue_size, NULL},
    {"queue_select", 14, 2, REG_SIZE_16, read_queue_sel, write_queue_sel},
    {"queue notify", 16, 2, REG_SIZE_16, NULL, write_notify},
    {"device status", 18, 1, REG_SIZE_8, read_status, write_status},
    {"ISR status", 19, 1, REG_SIZE_8, read_isr, NULL},
    {"configuration", VECTORS_AT, VIRTIO_PCI_PORTS_BYTES - VECTORS_AT, ANY_SIZE, read_rest,
     write_rest},
    {0},
};

const struct device_ops virtio_pci_ports_ops = {.name = "virtio-pci (legacy)", .regs = ports_regs};
