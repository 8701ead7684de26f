/* PCI Express on the board: the host bridge, its root ports, and who gets which place. */
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

/* As QEMU: the first device of which no function is there. */
static int first_free(struct pci_host *host)
{
    for (unsigned devfn = PCI_DEVFN(1, 0); devfn <= UINT8_MAX; devfn++) {
        bool taken = false;
        for (unsigned function = 0; function < 8; function++)
            taken |= pci_host_find(host, NULL, (uint8_t)((devfn & ~7u) | function)) != NULL;
        if (!taken)
            return (int)devfn;
        devfn |= 7;
    }
    return -1;
}

int virt_pci_place(struct virt_board *board, const struct virt_config *cfg,
                   const struct arm_pci_place *place, struct arm_error *err)
{
    int devfn = (int)place->devfn;

    if (place->port > cfg->pcie_port_count)
        return error_set(err, ARM_EINVAL, "a device behind PCIe root port %u: there are %u",
                         place->port, cfg->pcie_port_count);
    if (place->devfn > UINT8_MAX || (place->port && DEVICE(place->devfn)))
        return error_set(err, ARM_EINVAL, "PCI device %02x.%u: expected %s", DEVICE(place->devfn),
                         place->devfn & 7, place->port ? "0, behind a port" : "0 to 1f");
    if (!place->port && !devfn)
        devfn = first_free(&board->pci);
    if (devfn < 0)
        return error_set(err, ARM_EINVAL, "no PCI device is free on bus 0");
    if (pci_host_find(&board->pci, virt_pci_port(board, place), (uint8_t)devfn))
        return error_set(err, ARM_EINVAL, "PCI device %02x.%u%s: there is one already",
                         DEVICE((unsigned)devfn), (unsigned)devfn & 7,
                         place->port ? " behind a port" : "");
    return devfn;
}

int virt_create_pci(struct virt_board *board, const struct virt_config *cfg, struct gic *gic,
                    const struct arm_log *log, struct arm_error *err)
{
    struct pci_host_config config = {.log = log, .message = message, .message_ctx = board};

    if (cfg->pcie_port_count > ARM_PCIE_PORTS_MAX)
        return error_set(err, ARM_EINVAL, "%u PCIe root ports, expected at most %d",
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
    for (unsigned i = 0; i < cfg->pcie_port_count; i++) {
        const struct arm_pcie_port *port = &cfg->pcie_ports[i];
        int devfn = virt_pci_place(board, cfg, &(struct arm_pci_place){.devfn = port->devfn}, err);
        if (devfn < 0)
            return devfn;
        pci_port_init(&board->pcie_ports[i], log, port->slot);
        pci_host_add(&board->pci, &board->pcie_ports[i].function, NULL, (uint8_t)devfn);
    }
    return 0;
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
