#include "devices/pci_port.h"

#include "base/bits.h"
#include "devices/pci_host.h"

/* Header of type 1, 3.2 */
enum {
    PRIMARY_BUS = 0x18,
    SECONDARY_BUS = 0x19,
    SUBORDINATE_BUS = 0x1a,
    IO_BASE = 0x1c, /* and limit */
    MEMORY_BASE = 0x20,
    PREFETCH_BASE = 0x24,
    PREFETCH_UPPER = 0x28, /* of base and limit */
    BRIDGE_CONTROL = 0x3e,
};

#define HEADER_BRIDGE    1
#define PREFETCH_64BIT   1
#define BUS_RESET        0x40
#define CONTROL_WRITABLE 0x005f /* errors, ISA, VGA, reset */

unsigned pci_port_bus(const struct pci_function *f)
{
    return f->root_bus ? f->root_bus : f->config[SECONDARY_BUS];
}

static bool is_between(uint64_t address, uint64_t base, uint64_t limit)
{
    return address >= base && address <= limit;
}

/* 3.2.5.6 to 3.2.5.9: the low bits of a base are zeros, those of a limit ones. */
bool pci_port_forwards(const struct pci_function *f, bool io, uint64_t address)
{
    uint64_t command = pci_get(f, PCI_COMMAND, 2);
    uint64_t base = pci_get(f, MEMORY_BASE, 2) >> 4, limit = pci_get(f, MEMORY_BASE + 2, 2) >> 4;
    uint64_t pre_base = pci_get(f, PREFETCH_BASE, 2) >> 4;
    uint64_t pre_limit = pci_get(f, PREFETCH_BASE + 2, 2) >> 4;

    if (f->root_bus)
        return true;
    if (io)
        return (command & PCI_COMMAND_IO) &&
               is_between(address >> 12, f->config[IO_BASE] >> 4, f->config[IO_BASE + 1] >> 4);
    pre_base |= pci_get(f, PREFETCH_UPPER, 4) << 12;
    pre_limit |= pci_get(f, PREFETCH_UPPER + 4, 4) << 12;
    return (command & PCI_COMMAND_MEMORY) && (is_between(address >> 20, base, limit) ||
                                              is_between(address >> 20, pre_base, pre_limit));
}

static bool is_behind(const struct pci_function *f, const struct pci_function *bridge)
{
    while (f && f->port != bridge)
        f = f->port;
    return f != NULL;
}

static void config_written(struct pci_function *f, unsigned offset, unsigned size)
{
    if (offset > BRIDGE_CONTROL || offset + size <= BRIDGE_CONTROL ||
        !(f->config[BRIDGE_CONTROL] & BUS_RESET))
        return;
    for (unsigned i = 0; i < f->host->count; i++)
        if (is_behind(f->host->functions[i], f))
            pci_reset(f->host->functions[i]);
}

static const struct pci_ops port_ops = {.name = "PCI bridge", .config_written = config_written};
static const struct pci_ops expander_ops = {.name = "PCIe expander"};

/* As QEMU's of these names, whose root port has one message for what it never says here. */
static const struct row {
    uint16_t vendor, device, class;
    bool is_bridge, is_express, conventional, pin;
    uint8_t revision;
    enum pci_express_kind express;
} rows[] = {
    [PCI_PORT_ROOT] = {0x1b36, 0x000c, 0x0604, true, true, false, true, 0, PCI_EXPRESS_ROOT_PORT},
    [PCI_PORT_UPSTREAM] = {0x104c, 0x8232, 0x0604, true, true, false, false, 2,
                           PCI_EXPRESS_UPSTREAM},
    [PCI_PORT_DOWNSTREAM] = {0x104c, 0x8233, 0x0604, true, true, false, false, 1,
                             PCI_EXPRESS_DOWNSTREAM},
    [PCI_PORT_PCIE_PCI] = {0x1b36, 0x000e, 0x0604, true, true, true, true, 0, PCI_EXPRESS_TO_PCI},
    [PCI_PORT_PCI_PCI] = {.vendor = 0x1b36,
                          .device = 0x0001,
                          .class = 0x0604,
                          .is_bridge = true,
                          .conventional = true,
                          .pin = true},
    [PCI_PORT_DMI_PCI] = {.vendor = 0x8086,
                          .device = 0x244e,
                          .class = 0x0604,
                          .is_bridge = true,
                          .conventional = true,
                          .revision = 0x92},
    [PCI_PORT_EXPANDER] = {.vendor = 0x1b36, .device = 0x000b, .class = 0x0600},
};

static void add_bridge(struct pci_function *f)
{
    pci_field(f, PCI_HEADER_TYPE, 1, HEADER_BRIDGE, 0);
    pci_field(f, PRIMARY_BUS, 3, 0, 0xffffff);
    pci_field(f, IO_BASE, 2, 0, 0xf0f0);
    pci_field(f, MEMORY_BASE, 4, 0, 0xfff0fff0);
    pci_field(f, PREFETCH_BASE, 4, PREFETCH_64BIT << 16 | PREFETCH_64BIT, 0xfff0fff0);
    pci_field(f, PREFETCH_UPPER, 8, 0, UINT64_MAX);
    pci_field(f, BRIDGE_CONTROL, 2, 0, CONTROL_WRITABLE);
}

void pci_port_init(struct pci_port *port, enum pci_port_kind kind, const struct arm_log *log,
                   unsigned number)
{
    const struct row *row = &rows[kind];
    struct pci_function *f = &port->function;

    pci_init(f, row->is_bridge ? &port_ops : &expander_ops, log,
             &(struct pci_identity){.vendor = row->vendor,
                                    .device = row->device,
                                    .class = row->class,
                                    .revision = row->revision,
                                    .pin = row->pin});
    f->conventional = row->conventional;
    f->root_bus = (uint8_t)(kind == PCI_PORT_EXPANDER ? number : 0);
    if (row->is_bridge)
        add_bridge(f);
    if (row->is_express)
        pci_add_express(f, row->express, number);
    if (kind == PCI_PORT_ROOT)
        pci_add_msix(f, 0, 1);
}
