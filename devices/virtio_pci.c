#include "devices/virtio_pci.h"

#include <stdio.h>

#include "base/bits.h"
#include "base/le.h"
#include "base/state_io.h"

#define VENDOR           0x1af4
#define DEVICE_MODERN    0x1040 /* 4.1.2: + the device type */
#define SUBSYSTEM_MODERN 0x1100 /* QEMU's */

/* The structures of the modern interface, each in a page of one BAR, as QEMU has them. */
#define MSIX_BAR     1
#define MODERN_BAR   4
#define MODERN_BYTES 0x4000
#define PART_BYTES   0x1000
#define NOTIFY_BYTES 4 /* notify_off_multiplier */
enum { COMMON = 0, ISR = 0x1000, DEVICE = 0x2000, NOTIFY = 0x3000 };

/* 4.1.4, struct virtio_pci_cap */
enum { CFG_COMMON = 1, CFG_NOTIFY = 2, CFG_ISR = 3, CFG_DEVICE = 4, CFG_PCI = 5 };
enum { CAP_LENGTH = 2, CAP_TYPE = 3, CAP_BAR = 4, CAP_OFFSET = 8, CAP_SIZE = 12, CAP_MORE = 16 };

/* 4.1.2.1, and the class codes that QEMU gives them. */
static const struct kind {
    uint32_t id;
    uint16_t transitional, class; /* transitional 0: it has the modern interface only */
} kinds[] = {
    {1, 0x1000, 0x0200}, /* network card */
    {2, 0x1001, 0x0100}, /* block device */
    {3, 0x1003, 0x0780}, /* console */
    {4, 0x1005, 0x00ff}, /* entropy source */
    {5, 0x1002, 0x00ff}, /* memory balloon */
    {8, 0x1004, 0x0100}, /* SCSI host */
    {9, 0x1009, 0x0002}, /* 9P transport */
    {16, 0, 0x0380},     /* GPU */
    {18, 0, 0x0980},     /* input device */
    {19, 0, 0x0780},     /* socket device */
    {25, 0, 0x0401},     /* sound device */
};

static struct virtio_pci *to_pci(struct pci_function *f)
{
    return (struct virtio_pci *)f;
}

static struct virtio_pci *owner(struct device *dev)
{
    return ((struct virtio_pci_regs *)dev)->owner;
}

/* QEMU too lets a legacy driver do without Bus Master Enable: there are such. */
static void attach(struct virtio_pci *p)
{
    p->virtio->detached =
        !p->virtio->legacy && !(pci_get(&p->function, PCI_COMMAND, 2) & PCI_COMMAND_MASTER);
}

void virtio_pci_speaks(struct virtio_pci *p, bool legacy)
{
    p->virtio->legacy = legacy;
    attach(p);
}

uint16_t virtio_pci_vector(const struct virtio_pci *p, uint64_t value)
{
    return value < p->function.msix.count ? (uint16_t)value : VIRTIO_PCI_NO_VECTOR;
}

/* ---- interrupts ---- */

static void signal(void *ctx, uint32_t n)
{
    struct virtio_pci *p = ctx;

    pci_msix_signal(&p->function,
                    n == VIRTIO_CONFIG_CHANGE ? p->config_vector : p->queue_vectors[n]);
}

static void set_line(void *ctx, unsigned n, bool level)
{
    (void)n;
    pci_intx_set(&((struct virtio_pci *)ctx)->function, level);
}

/* ---- common configuration, 4.1.4.3 ---- */

#define READ(name, value)                                                                          \
    static uint64_t read_##name(struct device *dev, uint64_t offset, unsigned size)                \
    {                                                                                              \
        struct virtio_pci *p = owner(dev);                                                         \
        const struct virtq *q = virtio_selected_queue(p->virtio, &p->selected);                    \
        (void)q, (void)offset, (void)size;                                                         \
        return (value);                                                                            \
    }
READ(device_features_sel, p->selected.device_features)
READ(device_features, virtio_offered_part(p->virtio, &p->selected, false))
READ(driver_features_sel, p->selected.driver_features)
READ(driver_features, virtio_features_part(p->virtio, &p->selected))
READ(config_vector, p->config_vector)
READ(queue_count, p->virtio->queue_count)
READ(status, virtio_status(p->virtio, false))
READ(generation, 0) /* the configuration never changes */
READ(queue_sel, p->selected.queue)
READ(queue_size, q ? q->size : 0)
READ(queue_vector, q ? p->queue_vectors[p->selected.queue] : VIRTIO_PCI_NO_VECTOR)
READ(queue_enable, q ? q->ready : 0)
READ(queue_notify_off, q ? p->selected.queue : 0)
READ(queue_desc, q ? reg64_get(q->desc, offset, size) : 0)
READ(queue_driver, q ? reg64_get(q->avail, offset, size) : 0)
READ(queue_device, q ? reg64_get(q->used, offset, size) : 0)
#undef READ

#define WRITE(name, action)                                                                        \
    static void write_##name(struct device *dev, uint64_t offset, unsigned size, uint64_t value)   \
    {                                                                                              \
        struct virtio_pci *p = owner(dev);                                                         \
        struct virtq *q = virtio_selected_queue(p->virtio, &p->selected);                          \
        (void)q, (void)offset, (void)size;                                                         \
        action;                                                                                    \
    }

/* 4.1.4.3.2: a queue is configured before it is enabled. */
#define WRITE_QUEUE(name, action)                                                                  \
    WRITE(                                                                                         \
        name, if (q && !q->ready) { action; } else LOG(                                            \
                  dev->log, DEVICE, GUEST, "virtio-pci: queue %u cannot be configured now",        \
                  p->selected.queue))

WRITE(device_features_sel, p->selected.device_features = (uint32_t)value)
WRITE(driver_features_sel, p->selected.driver_features = (uint32_t)value)
WRITE(driver_features, virtio_write_features_part(p->virtio, &p->selected, (uint32_t)value))
WRITE(config_vector, p->config_vector = virtio_pci_vector(p, value))
WRITE(queue_sel, p->selected.queue = (uint16_t)value)
WRITE(queue_vector, if (q) p->queue_vectors[p->selected.queue] = virtio_pci_vector(p, value))
WRITE_QUEUE(queue_size, q->size = (uint16_t)value)
WRITE_QUEUE(queue_enable,
            if (value == 1) virtio_set_queue_ready(p->virtio, p->selected.queue, true))
WRITE_QUEUE(queue_desc, q->desc = reg64_put(q->desc, offset, size, value))
WRITE_QUEUE(queue_driver, q->avail = reg64_put(q->avail, offset, size, value))
WRITE_QUEUE(queue_device, q->used = reg64_put(q->used, offset, size, value))
#undef WRITE_QUEUE
#undef WRITE

static void forget_vectors(struct virtio_pci *p)
{
    p->config_vector = VIRTIO_PCI_NO_VECTOR;
    for (unsigned n = 0; n < VIRTIO_QUEUES_MAX; n++)
        p->queue_vectors[n] = VIRTIO_PCI_NO_VECTOR;
}

void virtio_pci_set_status(struct virtio_pci *p, uint8_t status)
{
    virtio_set_status(p->virtio, status);
    if (status == 0)
        forget_vectors(p);
}

static void write_status(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    virtio_pci_set_status(owner(dev), (uint8_t)value);
}

#define ADDRESS_SIZES (REG_SIZE_32 | REG_SIZE_64)

static const struct reg_row common_regs[] = {
    {"device_feature_select", 0x00, 4, REG_SIZE_32, read_device_features_sel,
     write_device_features_sel},
    {"device_feature", 0x04, 4, REG_SIZE_32, read_device_features, NULL},
    {"driver_feature_select", 0x08, 4, REG_SIZE_32, read_driver_features_sel,
     write_driver_features_sel},
    {"driver_feature", 0x0c, 4, REG_SIZE_32, read_driver_features, write_driver_features},
    {"config_msix_vector", 0x10, 2, REG_SIZE_16, read_config_vector, write_config_vector},
    {"num_queues", 0x12, 2, REG_SIZE_16, read_queue_count, NULL},
    {"device_status", 0x14, 1, REG_SIZE_8, read_status, write_status},
    {"config_generation", 0x15, 1, REG_SIZE_8, read_generation, NULL},
    {"queue_select", 0x16, 2, REG_SIZE_16, read_queue_sel, write_queue_sel},
    {"queue_size", 0x18, 2, REG_SIZE_16, read_queue_size, write_queue_size},
    {"queue_msix_vector", 0x1a, 2, REG_SIZE_16, read_queue_vector, write_queue_vector},
    {"queue_enable", 0x1c, 2, REG_SIZE_16, read_queue_enable, write_queue_enable},
    {"queue_notify_off", 0x1e, 2, REG_SIZE_16, read_queue_notify_off, NULL},
    {"queue_desc", 0x20, 8, ADDRESS_SIZES, read_queue_desc, write_queue_desc},
    {"queue_driver", 0x28, 8, ADDRESS_SIZES, read_queue_driver, write_queue_driver},
    {"queue_device", 0x30, 8, ADDRESS_SIZES, read_queue_device, write_queue_device},
    {0},
};
static const struct device_ops common_ops = {.name = "virtio-pci", .regs = common_regs};

/* ---- BARs ---- */

uint8_t virtio_pci_take_isr(struct virtio_pci *p)
{
    uint8_t isr = p->virtio->isr;

    virtio_ack(p->virtio, isr);
    return isr;
}

static uint64_t read_modern(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size)
{
    struct virtio_pci *p = to_pci(f);

    (void)bar;
    switch (align_down(offset, PART_BYTES)) {
    case COMMON:
        return device_read(&p->common.dev, offset, size);
    case ISR:
        return offset == ISR ? virtio_pci_take_isr(p) : 0;
    case DEVICE:
        return virtio_config(p->virtio, offset - DEVICE, size);
    }
    return 0;
}

static void write_modern(struct pci_function *f, unsigned bar, uint64_t offset, unsigned size,
                         uint64_t value)
{
    struct virtio_pci *p = to_pci(f);

    (void)bar;
    switch (align_down(offset, PART_BYTES)) {
    case COMMON:
        virtio_pci_speaks(p, false);
        device_write(&p->common.dev, offset, size, value);
        break;
    case DEVICE:
        virtio_config_write(p->virtio, offset - DEVICE, size, value);
        break;
    case NOTIFY: /* 4.1.4.4: where it is written says which queue, whatever is written */
        virtio_notify(p->virtio, (uint32_t)((offset - NOTIFY) / NOTIFY_BYTES));
        break;
    }
}

/* ---- configuration space ---- */

/* 4.1.4.9: does an access to these bytes reach the window into the BAR? Which, and where. */
static bool in_window(const struct virtio_pci *p, unsigned offset, unsigned size, uint64_t *at,
                      unsigned *bytes)
{
    unsigned cap = p->window_cap;
    uint64_t length;

    if (!cap || offset >= cap + CAP_MORE + 4 || offset + size <= cap + CAP_MORE)
        return false;
    *at = pci_get(&p->function, cap + CAP_OFFSET, 4);
    length = pci_get(&p->function, cap + CAP_SIZE, 4);
    *bytes = (unsigned)length;
    return p->function.config[cap + CAP_BAR] == MODERN_BAR &&
           (length == 1 || length == 2 || length == 4) && *at % length == 0 &&
           *at + length <= MODERN_BYTES;
}

static void config_read(struct pci_function *f, unsigned offset, unsigned size)
{
    struct virtio_pci *p = to_pci(f);
    uint64_t at;
    unsigned bytes;

    if (in_window(p, offset, size, &at, &bytes))
        le_put(f->config + p->window_cap + CAP_MORE, bytes, read_modern(f, MODERN_BAR, at, bytes));
}

static void config_written(struct pci_function *f, unsigned offset, unsigned size)
{
    struct virtio_pci *p = to_pci(f);
    uint64_t at;
    unsigned bytes;

    attach(p);
    if (in_window(p, offset, size, &at, &bytes))
        write_modern(f, MODERN_BAR, at, bytes, pci_get(f, p->window_cap + CAP_MORE, bytes));
}

static void reset(struct pci_function *f)
{
    struct virtio_pci *p = to_pci(f);

    p->selected = (struct virtio_selection){0};
    forget_vectors(p);
    virtio_pci_speaks(p, !f->bars[MODERN_BAR].size);
    virtio_reset(p->virtio);
}

static void state(struct state_io *io, struct pci_function *f)
{
    struct virtio_pci *p = to_pci(f);

    virtio_selection_state(io, &p->selected);
    STATE(io, p->config_vector);
    STATE_ARRAY(io, p->queue_vectors);
    STATE(io, p->virtio->legacy);
    if (state_restoring(io))
        attach(p);
    virtio_state(io, p->virtio);
}

static const struct pci_ops ops = {
    .name = "virtio-pci",
    .read = read_modern,
    .write = write_modern,
    .config_read = config_read,
    .config_written = config_written,
    .reset = reset,
    .state = state,
};

/* ---- what it is ---- */

static const struct kind *kind_of(const struct virtio *v)
{
    const struct kind *kind = NULL;

    for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
        if (kinds[k].id == v->ops->id)
            kind = &kinds[k];
    CHECK(kind);
    return kind;
}

bool virtio_pci_has_legacy(const struct virtio *v)
{
    return kind_of(v)->transitional != 0;
}

static struct pci_identity identity(const struct virtio_pci_config *c)
{
    const struct kind *kind = kind_of(c->virtio);

    return (struct pci_identity){
        .vendor = VENDOR,
        .device = (uint16_t)(c->legacy ? kind->transitional : DEVICE_MODERN + kind->id),
        .subsystem_vendor = VENDOR,
        .subsystem = (uint16_t)(c->legacy ? kind->id : SUBSYSTEM_MODERN),
        .class = c->virtio->ops->pci_class ? c->virtio->ops->pci_class : kind->class,
        .revision = !c->legacy,
        .pin = true,
    };
}

/* @bytes: of the capability; @bar, @offset and @size may be the driver's to write. */
static unsigned add_structure(struct pci_function *f, uint8_t type, unsigned bytes, uint32_t offset)
{
    unsigned at = pci_add_cap(f, PCI_CAP_VENDOR, bytes);

    pci_field(f, at + CAP_LENGTH, 1, bytes, 0);
    pci_field(f, at + CAP_TYPE, 1, type, 0);
    if (type == CFG_PCI) {
        pci_field(f, at + CAP_BAR, 1, 0, 0xff);
        pci_field(f, at + CAP_OFFSET, 8, 0, UINT64_MAX);
        pci_field(f, at + CAP_MORE, 4, 0, UINT32_MAX);
        return at;
    }
    pci_field(f, at + CAP_BAR, 1, MODERN_BAR, 0);
    pci_field(f, at + CAP_OFFSET, 4, offset, 0);
    pci_field(f, at + CAP_SIZE, 4, PART_BYTES, 0);
    if (type == CFG_NOTIFY)
        pci_field(f, at + CAP_MORE, 4, NOTIFY_BYTES, 0);
    return at;
}

static void add_modern(struct virtio_pci *p)
{
    struct pci_function *f = &p->function;

    pci_add_bar(f, MODERN_BAR, (struct pci_bar){.size = MODERN_BYTES, .wide = true});
    add_structure(f, CFG_COMMON, 16, COMMON);
    add_structure(f, CFG_ISR, 16, ISR);
    add_structure(f, CFG_DEVICE, 16, DEVICE);
    add_structure(f, CFG_NOTIFY, 20, NOTIFY);
    p->window_cap = add_structure(f, CFG_PCI, 20, 0);
}

void virtio_pci_init(struct virtio_pci *p, const struct virtio_pci_config *config,
                     const struct arm_log *log, struct clock *clock)
{
    const struct pci_identity id = identity(config);
    struct pci_function *f = &p->function;
    struct virtio *v = config->virtio;
    char name[CLOCK_NAME_MAX];

    CHECK(config->modern || config->legacy);
    *p = (struct virtio_pci){
        .virtio = v, .common = {{&common_ops, log}, p}, .ports = {{&virtio_pci_ports_ops, log}, p}};
    pci_init(f, &ops, log, &id);
    if (config->express)
        pci_add_endpoint(f);
    if (config->legacy)
        pci_add_bar(
            f, VIRTIO_PCI_PORTS_BAR,
            (struct pci_bar){.size = VIRTIO_PCI_PORTS_BYTES, .io = true, .regs = &p->ports.dev});
    if (config->modern)
        add_modern(p);
    if (config->vectors)
        pci_add_msix(f, MSIX_BAR, config->vectors);
    v->slot = (uint8_t)config->unit;
    v->signal = signal;
    v->signal_ctx = p;
    snprintf(name, sizeof(name), "virtio-pci%u", config->unit);
    virtio_connect(v, name, (struct irq_line){set_line, p, 0}, clock);
    reset(f);
}
