/* An xHCI: its registers (5.3 to 5.6), and what it does when. */
#include "devices/xhci.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "devices/xhci_internal.h"

/* Where its registers are in its BAR. */
enum {
    CAPABILITY = 0x00,
    EXTENDED = 0x20,
    OPERATIONAL = 0x40,
    PORTS = OPERATIONAL + 0x400,
    RUNTIME = 0x1000,
    INTERRUPTERS = RUNTIME + 0x20,
    DOORBELLS = 0x2000,
    BAR_BYTES = 0x4000,
};

#define MSIX_BAR          2
#define PORT_BYTES        0x10
#define INTERRUPTER_BYTES 0x20
#define VERSION           UINT32_C(0x0100)
#define ERST_MAX_LOG2     4
#define MICROFRAME_NS     125000
#define RELEASE           0x60 /* SBRN, 5.2.3: the release of USB */
#define NOTIFY_BITS       UINT32_C(0xffff)
#define CONFIG_BITS       UINT32_C(0x3ff)
#define ERST_SIZE_BITS    UINT32_C(0xffff)
#define COMMANDS_TURN     16 /* commands before endpoints' turn */

static struct xhci *owner(struct device *dev)
{
    return (struct xhci *)((char *)dev - offsetof(struct xhci, regs));
}

static struct xhci *to_xhci(struct pci_function *f)
{
    return (struct xhci *)f;
}

/* ---- what it does ---- */

void xhci_die(struct xhci *x, const char *what, uint64_t at)
{
    if (x->status & USBSTS_HOST_ERROR)
        return;
    LOG(x->function.log, DEVICE, GUEST, "xhci: it %s %#llx, where there is no memory, and stops",
        what, (unsigned long long)at);
    x->command &= ~USBCMD_RUN;
    x->status |= USBSTS_HALTED | USBSTS_HOST_ERROR;
    x->commands_running = false;
}

/* One round of every endpoint that has something to do. */
static bool pump_slots(struct xhci *x)
{
    bool more = false;

    for (unsigned n = 0; n < XHCI_SLOTS; n++)
        for (unsigned dci = 1; x->slots[n].enabled && dci < XHCI_ENDPOINTS; dci++)
            if (x->slots[n].endpoints[dci].pending)
                more |= xhci_transfer(x, &x->slots[n], dci);
    return more;
}

static bool can_work(const struct xhci *x)
{
    return xhci_is_running(x) && pci_is_master(&x->function);
}

static bool pump_once(struct xhci *x)
{
    bool more = xhci_tell_ports(x);

    for (unsigned n = 0; n < COMMANDS_TURN && x->commands_running; n++) {
        pace_spend(&x->pace, TRB_COST);
        if (!pace_left(&x->pace) || !xhci_command(x))
            break;
        more = true;
    }
    return pump_slots(x) || more;
}

void xhci_pump(struct xhci *x)
{
    bool more = true;

    if (x->pumping)
        return;
    x->pumping = true;
    while (more && can_work(x) && pace_left(&x->pace)) {
        x->woken = false;
        more = pump_once(x) || x->woken;
    }
    x->pumping = false;
    if (can_work(x) && !pace_left(&x->pace))
        pace_wait(&x->pace);
}

static void go_on(void *ctx, uint64_t now_ns)
{
    (void)now_ns;
    xhci_pump(ctx);
}

/* A device has something for an endpoint that it had answered with NAK. */
void xhci_device_ready(void *ctx, struct usb_device *d, uint8_t address)
{
    struct xhci *x = ctx;
    unsigned dci = 2u * (address & 15) + (address & USB_DIR_IN ? 1 : 0);

    for (unsigned n = 0; n < XHCI_SLOTS; n++) {
        struct xhci_slot *s = &x->slots[n];
        if (s->enabled && xhci_device(x, s) == d && s->endpoints[dci].state == XHCI_RUNNING)
            s->endpoints[dci].pending = x->woken = true;
    }
    xhci_pump(x);
}

static void reset_controller(struct xhci *x)
{
    pace_stop(&x->pace);
    x->command = 0;
    x->status = USBSTS_HALTED;
    x->notify = x->config = 0;
    x->command_control = x->contexts = 0;
    x->commands = (struct xhci_ring){0};
    x->commands_running = false;
    memset(x->interrupters_of, 0, sizeof(x->interrupters_of));
    xhci_slots_reset(x);
    xhci_ports_reset(x);
    xhci_update_pin(x);
}

/* ---- capability registers, 5.3 and 7.2 ---- */

static uint64_t read_capability(struct device *dev, uint64_t offset, unsigned size)
{
    const uint32_t usb = 0x20425355; /* "USB " */
    const uint32_t words[] = {
        VERSION << 16 | OPERATIONAL,
        XHCI_SLOTS | owner(dev)->interrupters << 8 | (uint32_t)XHCI_PORTS << 24,
        ERST_MAX_LOG2 << 4 | 0xf, /* schedules may change up to the last frame */
        0,
        EXTENDED / 4 << 16 | 1, /* addresses of 64 bits */
        DOORBELLS,
        RUNTIME,
        0,
        /* Supported Protocol: USB 2.0, and behind it USB 3.0, which is the last one */
        0x02000000 | 4 << 8 | 2,
        usb,
        1 | XHCI_PORTS_EACH << 8,
        0,
        0x03000000 | 2,
        usb,
        (1 + XHCI_PORTS_EACH) | XHCI_PORTS_EACH << 8,
        0,
    };
    _Static_assert(sizeof(words) == OPERATIONAL, "all of it");

    (void)size;
    return words[offset / 4] >> (8 * (offset % 4));
}

/* ---- operational registers, 5.4, and MFINDEX ---- */

#define READ(name, value)                                                                          \
    static uint64_t read_##name(struct device *dev, uint64_t offset, unsigned size)                \
    {                                                                                              \
        const struct xhci *x = owner(dev);                                                         \
        (void)x, (void)offset, (void)size;                                                         \
        return (value);                                                                            \
    }
READ(usbcmd, x->command)
READ(usbsts, x->status)
READ(pagesize, 1) /* 4 KiB */
READ(dnctrl, x->notify)
READ(crcr, reg64_get(x->commands_running ? CRCR_RUNNING : 0, offset, size))
READ(dcbaap, reg64_get(x->contexts, offset, size))
READ(config, x->config)
READ(mfindex, xhci_is_running(x) ? clock_now_ns(x->clock) / MICROFRAME_NS & 0x3fff : 0)
#undef READ

#define WRITE(name, action)                                                                        \
    static void write_##name(struct device *dev, uint64_t offset, unsigned size, uint64_t value)   \
    {                                                                                              \
        struct xhci *x = owner(dev);                                                               \
        (void)offset, (void)size;                                                                  \
        action;                                                                                    \
    }
WRITE(usbsts, x->status &= ~((uint32_t)value & USBSTS_CLEARABLE)) /* a host error lasts */
WRITE(dnctrl, x->notify = (uint32_t)value & NOTIFY_BITS)
WRITE(dcbaap, x->contexts = reg64_put(x->contexts, offset, size, value) & ~UINT64_C(0x3f))
WRITE(config, x->config = (uint32_t)value & CONFIG_BITS)
#undef WRITE

static void start(struct xhci *x)
{
    x->status &= ~USBSTS_HALTED;
    xhci_ports_started(x);
}

static void stop(struct xhci *x)
{
    xhci_command_stop(x);
    x->status |= USBSTS_HALTED;
    pace_stop(&x->pace);
}

static void write_usbcmd(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct xhci *x = owner(dev);
    bool run = value & USBCMD_RUN;

    (void)offset, (void)size;
    if (value & (USBCMD_RESET | USBCMD_LIGHT_RESET)) {
        reset_controller(x);
        return;
    }
    if (x->status & USBSTS_HOST_ERROR)
        run = false;
    if (value & USBCMD_RESTORE) /* 4.23.2: nothing was saved, and the driver begins anew */
        x->status |= USBSTS_RESTORE_BAD;
    x->command = ((uint32_t)value & USBCMD_KEPT & ~USBCMD_RUN) | (run ? USBCMD_RUN : 0);
    if (run && !xhci_is_running(x))
        start(x);
    else if (!run && xhci_is_running(x))
        stop(x);
    xhci_update_pin(x);
    xhci_pump(x);
}

static void write_crcr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct xhci *x = owner(dev);
    uint64_t v = reg64_put(x->command_control, offset, size, value);

    if (x->commands_running) {
        if (v & (CRCR_STOP | CRCR_ABORT))
            xhci_command_stop(x);
        return;
    }
    x->command_control = v & (CRCR_POINTER | CRCR_CYCLE);
    x->commands = (struct xhci_ring){v & CRCR_POINTER, v & CRCR_CYCLE};
}

/* PORTSC; the other three of a port, of power and link management, are not there. */
static uint64_t read_port(struct device *dev, uint64_t offset, unsigned size)
{
    uint64_t at = offset - PORTS;

    (void)size;
    return at % PORT_BYTES ? 0 : xhci_port_read(owner(dev), (unsigned)(at / PORT_BYTES));
}

static void write_port(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    uint64_t at = offset - PORTS;

    (void)size;
    if (at % PORT_BYTES == 0) {
        xhci_port_write(owner(dev), (unsigned)(at / PORT_BYTES), (uint32_t)value);
        xhci_pump(owner(dev));
    }
}

/* ---- runtime registers, 5.5 ---- */

static struct xhci_interrupter *interrupter(struct device *dev, uint64_t offset)
{
    return &owner(dev)->interrupters_of[(offset - INTERRUPTERS) / INTERRUPTER_BYTES];
}

enum { IMAN = 0x00, IMOD = 0x04, ERSTSZ = 0x08, ERSTBA = 0x10, ERDP = 0x18 };

static uint64_t read_interrupter(struct device *dev, uint64_t offset, unsigned size)
{
    const struct xhci_interrupter *i = interrupter(dev, offset);
    uint64_t at = offset % INTERRUPTER_BYTES;

    switch (align_down(at, at < ERSTBA ? 4 : 8)) {
    case IMAN:
        return i->iman;
    case IMOD:
        return i->imod;
    case ERSTSZ:
        return i->erst_size;
    case ERSTBA:
        return reg64_get(i->erst_base, at, size);
    case ERDP:
        return reg64_get(i->erdp, at, size);
    }
    return 0;
}

static void write_iman(struct xhci *x, struct xhci_interrupter *i, uint32_t value)
{
    i->iman = (i->iman & ~(value & IMAN_PENDING) & IMAN_PENDING) | (value & IMAN_ENABLE);
    xhci_update_pin(x);
}

static void write_interrupter(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct xhci *x = owner(dev);
    struct xhci_interrupter *i = interrupter(dev, offset);
    unsigned n = (unsigned)(i - x->interrupters_of);
    uint64_t at = offset % INTERRUPTER_BYTES;

    switch (align_down(at, at < ERSTBA ? 4 : 8)) {
    case IMAN:
        write_iman(x, i, (uint32_t)value);
        break;
    case IMOD:
        i->imod = (uint32_t)value;
        break;
    case ERSTSZ:
        i->erst_size = (uint32_t)value & ERST_SIZE_BITS;
        break;
    case ERSTBA: /* 5.5.2.3.2: in two halves, the ring begins with the upper one */
        i->erst_base = reg64_put(i->erst_base, at, size, value) & ~UINT64_C(0x3f);
        if (size == 8 || at != ERSTBA)
            xhci_erst_written(x, n);
        break;
    case ERDP:
        xhci_erdp_written(x, n, reg64_put(i->erdp & ~ERDP_BUSY, at, size, value));
        break;
    }
    xhci_pump(x);
}

/* ---- doorbells, 5.6 ---- */

static void ring_endpoint(struct xhci_slot *s, unsigned dci)
{
    struct xhci_endpoint *e = &s->endpoints[dci];

    if (e->state != XHCI_RUNNING && e->state != XHCI_STOPPED)
        return;
    e->state = XHCI_RUNNING;
    e->pending = true;
}

static void write_doorbell(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct xhci *x = owner(dev);
    unsigned slot = (unsigned)(offset - DOORBELLS) / 4, dci = value & 0xff;

    (void)size;
    if (!xhci_is_running(x))
        return;
    if (slot == 0 && dci == 0)
        x->commands_running = true;
    else if (slot && x->slots[slot - 1].enabled && dci && dci < XHCI_ENDPOINTS)
        ring_endpoint(&x->slots[slot - 1], dci);
    else
        LOG(dev->log, DEVICE, GUEST, "xhci: doorbell %u is rung with %#llx", slot,
            (unsigned long long)value);
    xhci_pump(x);
}

#define ANY  (REG_SIZE_8 | REG_SIZE_16 | REG_SIZE_32)
#define WIDE (REG_SIZE_32 | REG_SIZE_64)

static const struct reg_row registers[] = {
    {"capability registers", CAPABILITY, OPERATIONAL, ANY, read_capability, NULL},
    {"USBCMD", OPERATIONAL + 0x00, 4, REG_SIZE_32, read_usbcmd, write_usbcmd},
    {"USBSTS", OPERATIONAL + 0x04, 4, REG_SIZE_32, read_usbsts, write_usbsts},
    {"PAGESIZE", OPERATIONAL + 0x08, 4, REG_SIZE_32, read_pagesize, NULL},
    {"DNCTRL", OPERATIONAL + 0x14, 4, REG_SIZE_32, read_dnctrl, write_dnctrl},
    {"CRCR", OPERATIONAL + 0x18, 8, WIDE, read_crcr, write_crcr},
    {"DCBAAP", OPERATIONAL + 0x30, 8, WIDE, read_dcbaap, write_dcbaap},
    {"CONFIG", OPERATIONAL + 0x38, 4, REG_SIZE_32, read_config, write_config},
    {"PORTSC", PORTS, XHCI_PORTS *PORT_BYTES, REG_SIZE_32, read_port, write_port},
    {"MFINDEX", RUNTIME, 4, REG_SIZE_32, read_mfindex, NULL},
    {"interrupter registers", INTERRUPTERS, XHCI_INTERRUPTERS *INTERRUPTER_BYTES, WIDE,
     read_interrupter, write_interrupter},
    {"doorbells", DOORBELLS, 4 * (XHCI_SLOTS + 1), REG_SIZE_32, NULL, write_doorbell},
    {0},
};

static const struct device_ops register_ops = {.name = "xhci", .regs = registers};

/* ---- the PCI function ---- */

static void config_written(struct pci_function *f, unsigned offset, unsigned size)
{
    (void)offset, (void)size;
    xhci_pump(to_xhci(f)); /* it may be master now */
}

static void reset(struct pci_function *f)
{
    to_xhci(f)->who.iommu = pci_iommu(f); /* it has its place now */
    reset_controller(to_xhci(f));
}

static const struct pci_ops ops = {
    .name = "xhci",
    .config_written = config_written,
    .reset = reset,
    .state = xhci_state,
};

/* Names are QEMU's. */
static const struct pci_identity identity = {
    .vendor = 0x1b36,
    .device = 0x000d,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class = 0x0c03,
    .interface = 0x30, /* xHCI */
    .revision = 1,
    .pin = true,
};

void xhci_init(struct xhci *x, const struct xhci_config *config, const struct arm_log *log)
{
    struct pci_function *f = &x->function;
    char name[CLOCK_NAME_MAX];

    *x = (struct xhci){.mem = config->mem,
                       .who = {.device = ARM_DMA_USB, .unit = (uint8_t)config->unit},
                       .clock = config->clock,
                       .regs = {&register_ops, log},
                       .interrupters = config->vectors ? config->vectors : 1};
    CHECK(config->vectors <= XHCI_INTERRUPTERS);
    pci_init(f, &ops, log, &identity);
    pci_field(f, RELEASE, 1, 0x30, 0);
    if (config->express)
        pci_add_endpoint(f);
    pci_add_bar(f, 0, (struct pci_bar){.size = BAR_BYTES, .wide = true, .regs = &x->regs});
    if (config->vectors)
        pci_add_msix(f, MSIX_BAR, config->vectors);
    snprintf(name, sizeof(name), "xhci%u", config->unit);
    pace_init(&x->pace, config->clock, name, go_on, x);
    for (unsigned port = 0; port < XHCI_PORTS; port++)
        x->ports[port].told = true;
}
