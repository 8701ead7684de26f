/* PCI Express on the board: the host bridge, ports and bridges, and who gets which place. */
#include "base/bits.h"
#include "base/le.h"
#include "gic/gic.h"
#include "machine/virt.h"

#define GITS_TRANSLATER UINT64_C(0x10040)
#define MSI_SETSPI_NS   UINT64_C(0x40) /* of a GICv2m frame */
#define DEVICE(devfn)   ((devfn) >> 3)

/* A message is a write to memory, of whatever address the driver has chosen. Of what is no
 * RAM, only the controller's doorbell is reached, so that no device's register leads back
 * to a device. */
static void message(void *ctx, uint32_t requester, uint64_t address, uint32_t data)
{
    struct virt_board *board = ctx;
    uint8_t bytes[4];

    le_put(bytes, sizeof(bytes), data);
    if (gic_its(board->gic) && address == virt_memmap[VIRT_ITS].base + GITS_TRANSLATER)
        gic_msi(board->gic, requester, data);
    else if (gic_message_frame(board->gic) &&
             address == virt_memmap[VIRT_GICV2M].base + MSI_SETSPI_NS)
        device_write(gic_message_frame(board->gic), MSI_SETSPI_NS, sizeof(bytes), data);
    else if (!dma_write(board->mem, (struct dma_master){ARM_DMA_VIRTIO, (uint8_t)requester, NULL},
                        pa(address), bytes, sizeof(bytes)))
        LOG(board->pci.config.log, DEVICE, GUEST,
            "PCIe: %02x:%02x.%u sends its message to %#llx: nobody takes it there", requester >> 8,
            DEVICE(requester & 0xff), requester & 7, (unsigned long long)address);
}

static bool translate(void *ctx, uint32_t requester, uint64_t addr, bool write, pa_t *pa,
                      uint64_t *bytes)
{
    struct virt_board *board = ctx;

    return smmuv3_translate(&board->smmu, requester, addr, write, pa, bytes);
}

static void create_smmu(struct virt_board *board, struct gic *gic, const struct arm_log *log)
{
    struct irq_line lines[SMMUV3_LINES];

    for (unsigned n = 0; n < SMMUV3_LINES; n++)
        lines[n] = gic_spi_line(gic, VIRT_SPI_SMMU + n);
    smmuv3_init(&board->smmu, log, board->mem, lines);
}

struct pci_function *virt_pci_port(struct virt_board *board, const struct arm_pci_place *place)
{
    return place->port ? &board->pcie_ports[place->port - 1].function : NULL;
}

/* ---- who is behind the SMMU ---- */

#define BUS_REQUESTERS 256u
#define REQUESTERS     0x10000u

/* The first root bus behind bus @after; NULL: there is none. */
static const struct arm_pcie_port *next_root(const struct virt_config *cfg, unsigned after)
{
    const struct arm_pcie_port *next = NULL;

    for (unsigned n = 0; n < cfg->pcie_port_count; n++) {
        const struct arm_pcie_port *port = &cfg->pcie_ports[n];
        if (port->kind == ARM_PCIE_EXPANDER && port->bus > after &&
            (!next || port->bus < next->bus))
            next = port;
    }
    return next;
}

/* A root bus has the numbers up to the next one's. */
void virt_divide_requesters(struct virt_config *cfg)
{
    bool bypass = cfg->bypass_iommu, some = bypass;
    unsigned bus = 0, count = 0;

    while (cfg->smmu && bus < BUS_REQUESTERS) {
        const struct arm_pcie_port *next = next_root(cfg, bus);
        uint32_t end = next && next->bus < BUS_REQUESTERS ? next->bus * BUS_REQUESTERS : REQUESTERS;
        cfg->requesters[count++] =
            (struct virt_requesters){bus * BUS_REQUESTERS, end - bus * BUS_REQUESTERS, !bypass};
        bus = end / BUS_REQUESTERS;
        bypass = next && next->bypass_iommu;
        some |= bypass;
    }
    cfg->requester_count = some ? count : 0;
}

/* The kinds of buses: what is behind each kind of port, and bus 0 as the last one. @on: on which
 * ones such a port may be; @devices: is there place for others? @first, @last: their devices. */
#define BUS_0       (ARM_PCIE_EXPANDER + 1)
#define ON(k)       BIT(ARM_##k)
#define ON_ANY_ROOT (BIT(BUS_0) | ON(PCIE_EXPANDER))
#define ON_LINK     (ON(PCIE_ROOT_PORT) | ON(PCIE_DOWNSTREAM))
#define ON_PCI      (ON(PCIE_TO_PCI) | ON(PCI_TO_PCI) | ON(PCI_DMI))
static const struct bus_kind {
    const char *name;
    uint64_t on;
    bool devices;
    unsigned first, last;
} buses[] = {
    [ARM_PCIE_ROOT_PORT] = {"PCIe root port", ON_ANY_ROOT, true, 0, 0},
    [ARM_PCIE_UPSTREAM] = {"PCIe upstream port", ON_ANY_ROOT | ON_LINK, false, 0, 31},
    [ARM_PCIE_DOWNSTREAM] = {"PCIe downstream port", ON(PCIE_UPSTREAM), true, 0, 0},
    [ARM_PCIE_TO_PCI] = {"PCIe to PCI bridge", ON_ANY_ROOT | ON_LINK, true, 1, 31},
    [ARM_PCI_TO_PCI] = {"PCI bridge", ON_ANY_ROOT | ON_PCI, true, 1, 31},
    [ARM_PCI_DMI] = {"DMI to PCI bridge", BIT(BUS_0), true, 0, 31},
    [ARM_PCIE_EXPANDER] = {"PCIe expander", BIT(BUS_0), false, 0, 31},
    [BUS_0] = {"bus 0", 0, true, 1, 31},
};

static unsigned bus_kind(const struct virt_config *cfg, unsigned port)
{
    return port ? (unsigned)cfg->pcie_ports[port - 1].kind : BUS_0;
}

/* As QEMU: the first device of which no function is there; -1: there is none. */
static int first_free(struct pci_host *host, const struct pci_function *port,
                      const struct bus_kind *bus)
{
    for (unsigned device = bus->first; device <= bus->last; device++) {
        bool taken = false;
        for (unsigned function = 0; function < 8; function++)
            taken |= pci_host_find(host, port, (uint8_t)PCI_DEVFN(device, function)) != NULL;
        if (!taken)
            return PCI_DEVFN((int)device, 0);
    }
    return -1;
}

bool virt_is_express(const struct virt_config *cfg, const struct arm_pci_place *place)
{
    return ON_LINK >> bus_kind(cfg, place->port) & 1;
}

static int place_on(struct virt_board *board, const struct virt_config *cfg,
                    const struct arm_pci_place *place, struct arm_error *err)
{
    const struct bus_kind *bus = &buses[bus_kind(cfg, place->port)];
    int devfn = (int)place->devfn;

    if (place->devfn > UINT8_MAX ||
        (devfn && (DEVICE(place->devfn) < bus->first || DEVICE(place->devfn) > bus->last)))
        return error_set(err, ARM_EINVAL,
                         "PCI device %02x.%u on or behind the %s: expected %x to %x",
                         DEVICE(place->devfn), place->devfn & 7, bus->name, bus->first, bus->last);
    if (!devfn && bus->last)
        devfn = first_free(&board->pci, virt_pci_port(board, place), bus);
    if (devfn < 0)
        return error_set(err, ARM_EINVAL, "no PCI device is free on or behind the %s", bus->name);
    if (pci_host_find(&board->pci, virt_pci_port(board, place), (uint8_t)devfn))
        return error_set(err, ARM_EINVAL, "PCI device %02x.%u%s: there is one already",
                         DEVICE((unsigned)devfn), (unsigned)devfn & 7,
                         place->port ? " behind a port" : "");
    return devfn;
}

int virt_pci_place(struct virt_board *board, const struct virt_config *cfg,
                   const struct arm_pci_place *place, struct arm_error *err)
{
    if (place->port > cfg->pcie_port_count)
        return error_set(err, ARM_EINVAL, "a device behind PCIe port %u: there are %u", place->port,
                         cfg->pcie_port_count);
    if (!buses[bus_kind(cfg, place->port)].devices)
        return error_set(err, ARM_EINVAL, "a device behind a %s: expected a port or a bridge there",
                         buses[bus_kind(cfg, place->port)].name);
    return place_on(board, cfg, place, err);
}

/* Port @n, behind one before it. */
static int create_port(struct virt_board *board, const struct virt_config *cfg, unsigned n,
                       const struct arm_log *log, struct arm_error *err)
{
    static const enum pci_port_kind kinds[] = {
        [ARM_PCIE_ROOT_PORT] = PCI_PORT_ROOT,        [ARM_PCIE_UPSTREAM] = PCI_PORT_UPSTREAM,
        [ARM_PCIE_DOWNSTREAM] = PCI_PORT_DOWNSTREAM, [ARM_PCIE_TO_PCI] = PCI_PORT_PCIE_PCI,
        [ARM_PCI_TO_PCI] = PCI_PORT_PCI_PCI,         [ARM_PCI_DMI] = PCI_PORT_DMI_PCI,
        [ARM_PCIE_EXPANDER] = PCI_PORT_EXPANDER,
    };
    const struct arm_pcie_port *port = &cfg->pcie_ports[n];
    const struct arm_pci_place place = {.port = port->port, .devfn = port->devfn};
    bool expander = port->kind == ARM_PCIE_EXPANDER;

    if ((unsigned)port->kind >= ARRAY_SIZE(kinds))
        return error_set(err, ARM_EINVAL, "PCIe port %u is of kind %u: expected at most %zu", n,
                         (unsigned)port->kind, ARRAY_SIZE(kinds) - 1);
    if (port->port > n || !(buses[port->kind].on >> bus_kind(cfg, port->port) & 1))
        return error_set(err, ARM_EINVAL, "a %s on or behind the %s: it cannot be there",
                         buses[port->kind].name,
                         port->port > n ? "port after it" : buses[bus_kind(cfg, port->port)].name);
    if (expander && (!port->bus || port->bus > UINT8_MAX))
        return error_set(err, ARM_EINVAL, "a PCIe expander with bus %u: expected 1 to 255",
                         port->bus);
    int devfn = place_on(board, cfg, &place, err);
    if (devfn < 0)
        return devfn;
    pci_port_init(&board->pcie_ports[n], kinds[port->kind], log, expander ? port->bus : port->slot);
    board->pcie_ports[n].function.bypass = port->bypass_iommu;
    pci_host_add(&board->pci, &board->pcie_ports[n].function, virt_pci_port(board, &place),
                 (uint8_t)devfn);
    return 0;
}

int virt_create_pci(struct virt_board *board, const struct virt_config *cfg, struct gic *gic,
                    const struct arm_log *log, struct arm_error *err)
{
    struct pci_host_config config = {
        .log = log, .message = message, .message_ctx = board, .bypass = cfg->bypass_iommu};

    if (cfg->pcie_port_count > ARM_PCIE_PORTS_MAX)
        return error_set(err, ARM_EINVAL, "%u PCIe ports, expected at most %d",
                         cfg->pcie_port_count, ARM_PCIE_PORTS_MAX);
    board->gic = gic;
    if (cfg->smmu) {
        create_smmu(board, gic, log);
        config.translate = translate;
        config.translate_ctx = board;
    }
    for (unsigned pin = 0; pin < PCI_PINS; pin++)
        config.pins[pin] = gic_spi_line(gic, VIRT_SPI_PCIE + pin);
    pci_host_init(&board->pci, &config, virt_memmap[VIRT_PCIE_MMIO].base,
                  virt_memmap[VIRT_HIGH_PCIE_MMIO].base);
    int rc = 0;
    for (unsigned i = 0; !rc && i < cfg->pcie_port_count; i++)
        rc = create_port(board, cfg, i, log, err);
    return rc;
}

/* Both places of the ECAM, whichever the device tree names: a tree of the other one works too. */
int virt_map_pci(struct virt_board *board, struct physmem *mem, struct arm_error *err)
{
    const struct {
        enum virt_region region;
        struct device *dev;
    } windows[] = {
        {VIRT_PCIE_MMIO, &board->pci.memory.dev},
        {VIRT_PCIE_PIO, &board->pci.ports.dev},
        {VIRT_PCIE_ECAM, &board->pci.ecam},
        {VIRT_HIGH_PCIE_ECAM, &board->pci.ecam},
        {VIRT_HIGH_PCIE_MMIO, &board->pci.high_memory.dev},
        {VIRT_SMMU, board->smmu.dev.ops ? &board->smmu.dev : NULL},
    };
    int rc = 0;

    for (unsigned i = 0; !rc && i < ARRAY_SIZE(windows); i++) {
        const struct virt_memmap *m = &virt_memmap[windows[i].region];
        if (windows[i].dev)
            rc = physmem_add_device(mem, pa(m->base), m->size, windows[i].dev, 0, err);
    }
    return rc;
}
