#include "devices/pci_host.h"

#include <stddef.h>
#include <stdio.h>

#include "base/bits.h"
#include "base/state_io.h"
#include "devices/pci_port.h"

#define VERSION          1
#define FUNCTION_VERSION 2 /* with packed queues of virtio */

/* What QEMU's generic host bridge says it is. */
#define SEVERAL 0x80 /* of the header type */

static const struct pci_identity bridge_identity = {
    .vendor = 0x1b36,
    .device = 0x0008,
    .subsystem_vendor = 0x1af4,
    .subsystem = 0x1100,
    .class = 0x0600,
};
static const struct pci_ops bridge_ops = {.name = "PCIe host bridge"};

/* ---- who is where ---- */

struct pci_function *pci_host_find(struct pci_host *host, const struct pci_function *port,
                                   uint8_t devfn)
{
    for (unsigned i = 0; i < host->count; i++)
        if (host->functions[i]->port == port && host->functions[i]->devfn == devfn)
            return host->functions[i];
    return NULL;
}

/* 0 behind a port: its bus has no number yet. */
static unsigned bus_of(const struct pci_function *f)
{
    return f->port ? pci_port_bus(f->port) : 0;
}

/* Requests from a conventional bus have no number; its bridge gives them one (PCI Express to
 * PCI/PCI-X Bridge Specification 1.0, 2.3: of device 0 on that bus), or its own. */
static uint32_t requester_of(const struct pci_function *f)
{
    uint32_t requester = bus_of(f) << 8 | f->devfn;

    for (const struct pci_function *port = f->port; port; port = port->port)
        if (port->conventional)
            requester = port->express ? pci_port_bus(port) << 8 : bus_of(port) << 8 | port->devfn;
    return requester;
}

static bool translate(struct dma_iommu *iommu, uint64_t addr, bool write, pa_t *pa, uint64_t *bytes)
{
    const struct pci_function *f =
        (struct pci_function *)((char *)iommu - offsetof(struct pci_function, iommu));
    const struct pci_host_config *c = &f->host->config;

    return c->translate(c->translate_ctx, requester_of(f), addr, write, pa, bytes);
}

/* Does it go past the IOMMU? Its root bus says so. */
static bool is_past_iommu(const struct pci_host *host, const struct pci_function *f)
{
    for (const struct pci_function *port = f->port; port; port = port->port)
        if (port->root_bus)
            return port->bypass;
    return host->config.bypass;
}

/* 6.2.1, Header Type: does the device have several functions? Each of them says so. */
static void tell_of_functions(struct pci_host *host, const struct pci_function *f)
{
    unsigned count = 0;

    for (unsigned turn = 0; turn < 2; turn++)
        for (unsigned i = 0; i < host->count; i++) {
            struct pci_function *other = host->functions[i];
            if (other->port != f->port || other->devfn >> 3 != f->devfn >> 3)
                continue;
            if (turn && count > 1)
                pci_field(other, PCI_HEADER_TYPE, 1, other->initial[PCI_HEADER_TYPE] | SEVERAL, 0);
            count += !turn;
        }
}

void pci_host_add(struct pci_host *host, struct pci_function *f, struct pci_function *port,
                  uint8_t devfn)
{
    CHECK(host->count < PCI_FUNCTIONS_MAX && !pci_host_find(host, port, devfn));
    f->host = host;
    f->port = port;
    f->devfn = devfn;
    f->iommu.translate = host->config.translate && !is_past_iommu(host, f) ? translate : NULL;
    host->functions[host->count++] = f;
    tell_of_functions(host, f);
}

static struct pci_function *at_number(struct pci_host *host, unsigned bus, uint8_t devfn)
{
    for (unsigned i = 0; i < host->count; i++) {
        struct pci_function *f = host->functions[i];
        if (f->devfn == devfn && bus_of(f) == bus && (bus || !f->port))
            return f;
    }
    return NULL;
}

/* ---- interrupts ---- */

static bool pin_level(const struct pci_function *f)
{
    return f->intx && !pci_msix_enabled(f) &&
           !(pci_get(f, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE);
}

/* PCI-to-PCI Bridge Specification, 9.1: each bridge turns the pins by the device's number. All root
 * buses have the same lines. */
static unsigned pin_of(const struct pci_function *f)
{
    unsigned pin = f->config[PCI_INTERRUPT_PIN] - 1u;

    for (; f && !f->root_bus; f = f->port)
        pin += f->devfn >> 3;
    return pin % PCI_PINS;
}

void pci_host_pin_changed(struct pci_function *f)
{
    struct pci_host *host = f->host;
    bool level = false;

    if (!host || !f->config[PCI_INTERRUPT_PIN])
        return;
    for (unsigned i = 0; i < host->count; i++) {
        const struct pci_function *other = host->functions[i];
        level |= pin_level(other) && pin_of(other) == pin_of(f);
    }
    irq_set(&host->config.pins[pin_of(f)], level);
}

struct dma_iommu *pci_iommu(struct pci_function *f)
{
    return f->iommu.translate ? &f->iommu : NULL;
}

void pci_host_message(struct pci_function *f, uint64_t address, uint32_t data)
{
    const struct pci_host_config *c = &f->host->config;
    uint64_t bytes = sizeof(data);
    pa_t at = {address};

    if (!f->iommu.translate ||
        c->translate(c->translate_ctx, requester_of(f), address, true, &at, &bytes))
        c->message(c->message_ctx, requester_of(f), at.a, data);
}

/* ---- configuration space ---- */

static struct pci_host *host_of_ecam(struct device *dev)
{
    return (struct pci_host *)((char *)dev - offsetof(struct pci_host, ecam));
}

static struct pci_function *at_ecam(struct device *dev, uint64_t offset)
{
    return at_number(host_of_ecam(dev), (unsigned)(offset / PCI_ECAM_BUS),
                     (uint8_t)bits(offset, 19, 12));
}

static uint64_t read_ecam(struct device *dev, uint64_t offset, unsigned size)
{
    struct pci_function *f = at_ecam(dev, offset);
    unsigned at = (unsigned)bits(offset, 11, 0);

    if (!f)
        return UINT64_MAX;
    if (at >= PCI_CONFIG_BYTES)
        return f->express ? 0 : UINT64_MAX;
    return pci_config_read(f, at, size);
}

static void write_ecam(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct pci_function *f = at_ecam(dev, offset);
    unsigned at = (unsigned)bits(offset, 11, 0);

    if (f && at < PCI_CONFIG_BYTES)
        pci_config_write(f, at, size, value);
}

/* ---- windows ---- */

/* Do all bridges on the way to @f hand on what is addressed to @address? */
static bool is_reached(const struct pci_function *f, bool io, uint64_t address)
{
    for (; f->port; f = f->port)
        if (!pci_port_forwards(f->port, io, address))
            return false;
    return true;
}

/* Whose BAR @address is in; which, and where in it. NULL: nobody's. */
static struct pci_function *at_address(struct pci_host *host, bool io, uint64_t address,
                                       unsigned *bar, uint64_t *offset)
{
    uint16_t enable = io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;

    for (unsigned i = 0; i < host->count; i++) {
        struct pci_function *f = host->functions[i];
        if (!(pci_get(f, PCI_COMMAND, 2) & enable) || !is_reached(f, io, address))
            continue;
        for (*bar = 0; *bar < PCI_BARS; ++*bar) {
            *offset = address - pci_bar_base(f, *bar);
            if (f->bars[*bar].io == io && *offset < f->bars[*bar].size)
                return f;
        }
    }
    return NULL;
}

/* Once: a guest that looks for devices reads a great many places. */
static void tell(const struct pci_window *w, uint64_t address, const char *access)
{
    if (w->host->told)
        return;
    w->host->told = true;
    LOG(w->dev.log, DEVICE, GUEST,
        "PCIe: %s of %s %#llx: no function has it: reads are ones, writes are lost (said once)",
        access, w->io ? "port" : "address", (unsigned long long)address);
}

static uint64_t read_window(struct device *dev, uint64_t offset, unsigned size)
{
    const struct pci_window *w = (const struct pci_window *)dev;
    uint64_t address = w->base + offset, in_bar;
    unsigned bar;
    struct pci_function *f = at_address(w->host, w->io, address, &bar, &in_bar);

    if (f)
        return pci_bar_read(f, bar, in_bar, size);
    tell(w, address, "read");
    return UINT64_MAX;
}

static void write_window(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    const struct pci_window *w = (const struct pci_window *)dev;
    uint64_t address = w->base + offset, in_bar;
    unsigned bar;
    struct pci_function *f = at_address(w->host, w->io, address, &bar, &in_bar);

    if (f)
        pci_bar_write(f, bar, in_bar, size, value);
    else
        tell(w, address, "write");
}

#define ANY_SIZE (REG_SIZE_8 | REG_SIZE_16 | REG_SIZE_32 | REG_SIZE_64)

static const struct reg_row ecam_regs[] = {{"ECAM", 0, UINT64_MAX, ANY_SIZE, read_ecam, write_ecam},
                                           {0}};
static const struct reg_row window_regs[] = {
    {"window", 0, UINT64_MAX, ANY_SIZE, read_window, write_window}, {0}};
static const struct device_ops ecam_ops = {.name = "PCIe ECAM", .regs = ecam_regs};
static const struct device_ops window_ops = {.name = "PCIe window", .regs = window_regs};

void pci_host_init(struct pci_host *host, const struct pci_host_config *config, uint64_t memory,
                   uint64_t high_memory)
{
    const struct device window = {&window_ops, config->log};

    *host = (struct pci_host){
        .config = *config,
        .ecam = {&ecam_ops, config->log},
        .memory = {window, host, memory, false},
        .high_memory = {window, host, high_memory, false},
        .ports = {window, host, 0, true},
    };
    pci_init(&host->bridge, &bridge_ops, config->log, &bridge_identity);
    pci_host_add(host, &host->bridge, NULL, 0);
}

void pci_host_reset(struct pci_host *host)
{
    host->told = false;
    for (unsigned i = 0; i < host->count; i++)
        pci_reset(host->functions[i]);
}

void pci_host_state(struct state_io *io, struct pci_host *host)
{
    char name[STATE_NAME_MAX];

    state_section_begin(io, "pci-host", VERSION);
    STATE(io, host->told);
    state_section_end(io);
    for (unsigned i = 0; i < host->count; i++) {
        snprintf(name, sizeof(name), "pci-function%u", i);
        state_section_begin(io, name, FUNCTION_VERSION);
        pci_state(io, host->functions[i]);
        state_section_end(io);
    }
}
