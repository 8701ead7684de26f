#include "devices/ehci.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "base/state_io.h"

/* Registers, chapter 2 */
enum { CAPABILITY = 0x00, OPERATIONAL = 0x20, CONFIGFLAG = 0x60, PORTS = 0x64, BAR_BYTES = 0x1000 };
#define VERSION    UINT32_C(0x0100)
#define HCCPARAMS  UINT32_C(0x80) /* a frame may be fetched ahead; addresses of 32 bits */
#define RELEASE    0x60           /* SBRN and FLADJ, 2.1.4 */
#define FRAME_NS   1000000
#define FRAME_BITS UINT32_C(0x3fff)

/* 2.3.1, USBCMD */
#define USBCMD_RUN      UINT32_C(0x1)
#define USBCMD_RESET    UINT32_C(0x2)
#define USBCMD_PERIODIC UINT32_C(0x10)
#define USBCMD_ASYNC    UINT32_C(0x20)
#define USBCMD_ADVANCE  UINT32_C(0x40)
#define USBCMD_KEPT     UINT32_C(0xff0031)
#define USBCMD_AT_RESET UINT32_C(0x80000)

/* 2.3.2, USBSTS: what the command says */
#define USBSTS_HALTED   UINT32_C(0x1000)
#define USBSTS_PERIODIC UINT32_C(0x4000)
#define USBSTS_ASYNC    UINT32_C(0x8000)

/* 2.3.9, PORTSC */
#define PORTSC_CONNECTED UINT32_C(0x1)
#define PORTSC_CSC       UINT32_C(0x2)
#define PORTSC_ENABLED   UINT32_C(0x4)
#define PORTSC_CHANGES   UINT32_C(0x2a)
#define PORTSC_RESUME    UINT32_C(0x40)
#define PORTSC_SUSPEND   UINT32_C(0x80)
#define PORTSC_RESET     UINT32_C(0x100)
#define PORTSC_POWER     UINT32_C(0x1000)
#define PORTSC_OWNER     UINT32_C(0x2000)
#define PORTSC_WAKES     UINT32_C(0x700000)

static struct ehci *owner(struct device *dev)
{
    return (struct ehci *)((char *)dev - offsetof(struct ehci, regs));
}

static struct ehci *to_ehci(struct pci_function *f)
{
    return (struct ehci *)f;
}

static void update_pin(struct ehci *e)
{
    pci_intx_set(&e->function, e->status & e->interrupts & EHCI_STS_CAUSES);
}

/* ---- frames ---- */

static bool is_running(const struct ehci *e)
{
    return e->command & USBCMD_RUN;
}

static void schedule_frame(struct ehci *e)
{
    bool works = is_running(e) && e->command & (USBCMD_PERIODIC | USBCMD_ASYNC);

    if (!works)
        clock_event_set(e->clock, &e->frame_over, CLOCK_NEVER);
    else if (e->frame_over.deadline_ns == CLOCK_NEVER)
        clock_event_set(e->clock, &e->frame_over, clock_now_ns(e->clock) + FRAME_NS);
}

/* 4.15.2.4: a Host System Error. */
static void die(struct ehci *e)
{
    LOG(e->function.log, DEVICE, GUEST, "ehci: its schedule leads to where there is no memory");
    e->command &= ~USBCMD_RUN;
    e->status |= EHCI_STS_HOST_ERROR;
}

static void frame_over(void *ctx, uint64_t now_ns)
{
    struct ehci *e = ctx;
    bool good = true;

    (void)now_ns;
    if (pci_is_master(&e->function)) {
        if (e->command & USBCMD_PERIODIC)
            good = ehci_walk_periodic(e);
        if (good && e->command & USBCMD_ASYNC)
            good = ehci_walk_async(e);
    }
    e->frame = (e->frame + 8) & FRAME_BITS;
    if (!e->frame)
        e->status |= EHCI_STS_ROLLOVER;
    if (!good)
        die(e);
    update_pin(e);
    schedule_frame(e);
}

/* ---- ports ---- */

/* 4.2: without companions a port that is not the controller's is nobody's. */
static void reset_ports(struct ehci *e)
{
    for (unsigned n = 0; n < EHCI_PORTS; n++) {
        struct ehci_port *p = &e->ports[n];
        p->portsc = PORTSC_POWER | PORTSC_OWNER;
        if (p->device)
            usb_reset(p->device);
    }
}

static void own_ports(struct ehci *e, bool configured)
{
    for (unsigned n = 0; n < EHCI_PORTS; n++) {
        struct ehci_port *p = &e->ports[n];
        p->portsc = PORTSC_POWER | (configured ? 0 : PORTSC_OWNER);
        if (configured && p->device) {
            p->portsc |= PORTSC_CONNECTED | PORTSC_CSC;
            e->status |= EHCI_STS_PORT;
        }
    }
}

static void write_portsc(struct ehci_port *p, uint32_t value)
{
    bool resetting = p->portsc & PORTSC_RESET, resets = value & PORTSC_RESET;

    p->portsc &= ~(value & PORTSC_CHANGES);
    p->portsc = (p->portsc & ~PORTSC_WAKES) | (value & PORTSC_WAKES);
    if (p->portsc & PORTSC_OWNER)
        return;
    if (!(value & PORTSC_ENABLED))
        p->portsc &= ~(PORTSC_ENABLED | PORTSC_SUSPEND);
    if (p->portsc & PORTSC_ENABLED && value & PORTSC_SUSPEND)
        p->portsc |= PORTSC_SUSPEND;
    if (p->portsc & PORTSC_RESUME && !(value & PORTSC_RESUME))
        p->portsc &= ~(PORTSC_RESUME | PORTSC_SUSPEND);
    else if (p->portsc & PORTSC_SUSPEND && value & PORTSC_RESUME)
        p->portsc |= PORTSC_RESUME;
    if (!resetting && resets)
        p->portsc = (p->portsc & ~(PORTSC_ENABLED | PORTSC_SUSPEND | PORTSC_RESUME)) | PORTSC_RESET;
    if (!resetting || resets)
        return;
    p->portsc &= ~PORTSC_RESET;
    if (p->device) {
        usb_reset(p->device);
        p->portsc |= PORTSC_ENABLED;
    }
}

/* ---- registers ---- */

static void reset_controller(struct ehci *e)
{
    e->command = USBCMD_AT_RESET;
    e->status = e->interrupts = e->frame = e->periodic = e->async = e->configured = 0;
    reset_ports(e);
    schedule_frame(e);
    pace_stop(&e->pace);
    update_pin(e);
}

static uint64_t read_capability(struct device *dev, uint64_t offset, unsigned size)
{
    static const uint32_t words[] = {VERSION << 16 | OPERATIONAL, EHCI_PORTS, HCCPARAMS, 0};

    (void)dev, (void)size;
    return words[offset / 4] >> (8 * (offset % 4));
}

static uint32_t status(const struct ehci *e)
{
    uint32_t now = e->status;

    if (!is_running(e))
        return now | USBSTS_HALTED;
    return now | (e->command & USBCMD_PERIODIC ? USBSTS_PERIODIC : 0) |
           (e->command & USBCMD_ASYNC ? USBSTS_ASYNC : 0);
}

static void write_command(struct ehci *e, uint32_t value)
{
    if (value & USBCMD_RESET) {
        reset_controller(e);
        return;
    }
    if (e->status & EHCI_STS_HOST_ERROR)
        value &= ~USBCMD_RUN;
    e->command = value & USBCMD_KEPT;
    if (value & USBCMD_ADVANCE) /* 4.8.2: nothing of the list is kept between two frames */
        e->status |= EHCI_STS_ADVANCE;
    schedule_frame(e);
}

enum {
    USBCMD = 0x00,
    USBSTS = 0x04,
    USBINTR = 0x08,
    FRINDEX = 0x0c,
    PERIODICLISTBASE = 0x14,
    ASYNCLISTADDR = 0x18,
};

static uint64_t read_operational(struct device *dev, uint64_t offset, unsigned size)
{
    const struct ehci *e = owner(dev);

    (void)size;
    switch (offset - OPERATIONAL) {
    case USBCMD:
        return e->command;
    case USBSTS:
        return status(e);
    case USBINTR:
        return e->interrupts;
    case FRINDEX:
        return e->frame;
    case PERIODICLISTBASE:
        return e->periodic;
    case ASYNCLISTADDR:
        return e->async;
    }
    return 0;
}

static void write_operational(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct ehci *e = owner(dev);
    uint32_t v = (uint32_t)value;

    (void)size;
    switch (offset - OPERATIONAL) {
    case USBCMD:
        write_command(e, v);
        break;
    case USBSTS: /* a host error lasts until a reset */
        e->status &= ~(v & EHCI_STS_CAUSES & ~EHCI_STS_HOST_ERROR);
        break;
    case USBINTR:
        e->interrupts = v & EHCI_STS_CAUSES;
        break;
    case FRINDEX:
        if (!is_running(e))
            e->frame = v & FRAME_BITS;
        break;
    case PERIODICLISTBASE:
        e->periodic = v & ~UINT32_C(0xfff);
        break;
    case ASYNCLISTADDR:
        e->async = v & ~UINT32_C(0x1f);
        break;
    }
    update_pin(e);
}

static uint64_t read_configflag(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return owner(dev)->configured;
}

static void write_configflag(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct ehci *e = owner(dev);

    (void)offset, (void)size;
    if (e->configured != (value & 1))
        own_ports(e, value & 1);
    e->configured = value & 1;
    update_pin(e);
}

static uint64_t read_port(struct device *dev, uint64_t offset, unsigned size)
{
    (void)size;
    return owner(dev)->ports[(offset - PORTS) / 4].portsc;
}

static void write_port(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)size;
    write_portsc(&owner(dev)->ports[(offset - PORTS) / 4], (uint32_t)value);
}

static const struct reg_row registers[] = {
    {"capability registers", CAPABILITY, 16, REG_SIZE_8 | REG_SIZE_16 | REG_SIZE_32,
     read_capability, NULL},
    {"operational registers", OPERATIONAL, 0x1c, REG_SIZE_32, read_operational, write_operational},
    {"CONFIGFLAG", CONFIGFLAG, 4, REG_SIZE_32, read_configflag, write_configflag},
    {"PORTSC", PORTS, 4 * EHCI_PORTS, REG_SIZE_32, read_port, write_port},
    {0},
};

static const struct device_ops register_ops = {.name = "ehci", .regs = registers};

/* ---- the PCI function ---- */

static void reset(struct pci_function *f)
{
    to_ehci(f)->who.iommu = pci_iommu(f); /* it has its place now */
    reset_controller(to_ehci(f));
}

static void state(struct state_io *io, struct pci_function *f)
{
    struct ehci *e = to_ehci(f);

    STATE(io, e->command);
    STATE(io, e->status);
    STATE(io, e->interrupts);
    STATE(io, e->frame);
    STATE(io, e->periodic);
    STATE(io, e->async);
    STATE(io, e->configured);
    for (unsigned n = 0; n < EHCI_PORTS; n++) {
        STATE(io, e->ports[n].portsc);
        if (e->ports[n].device)
            usb_state(io, e->ports[n].device);
    }
    pace_state(io, &e->pace);
}

static const struct pci_ops ops = {.name = "ehci", .reset = reset, .state = state};

/* Names are QEMU's: those of the controller in Intel's ICH4. */
static const struct pci_identity identity = {
    .vendor = 0x8086,
    .device = 0x24cd,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class = 0x0c03,
    .interface = 0x20, /* EHCI */
    .revision = 0x10,
    .pin = true,
};

static void nothing_waits(void *ctx, uint64_t now_ns)
{
    (void)ctx, (void)now_ns; /* what is left over is for the next frame */
}

void ehci_init(struct ehci *e, const struct ehci_config *config, const struct arm_log *log)
{
    struct pci_function *f = &e->function;
    char name[CLOCK_NAME_MAX];

    *e = (struct ehci){.mem = config->mem,
                       .who = {.device = ARM_DMA_USB, .unit = (uint8_t)config->unit},
                       .clock = config->clock,
                       .regs = {&register_ops, log},
                       .frame_over = {.fn = frame_over, .ctx = e}};
    pci_init(f, &ops, log, &identity);
    pci_field(f, RELEASE, 2, 0x2020, 0);
    if (config->express)
        pci_add_endpoint(f);
    pci_add_bar(f, 0, (struct pci_bar){.size = BAR_BYTES, .regs = &e->regs});
    snprintf(name, sizeof(name), "ehci%u", config->unit);
    pace_init(&e->pace, config->clock, name, nothing_waits, e);
    clock_event_add(config->clock, &e->frame_over, "ehci%u.frame", config->unit);
}

bool ehci_plug(struct ehci *e, struct usb_device *device, unsigned port)
{
    if (!port)
        for (port = 1; port <= EHCI_PORTS && e->ports[port - 1].device; port++)
            ;
    if (port > EHCI_PORTS || e->ports[port - 1].device || device->speed != USB_HIGH)
        return false;
    e->ports[port - 1].device = device;
    device->port = (uint8_t)port;
    return true;
}
