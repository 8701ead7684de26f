/* PCIe in the board's device tree. */
#include <stdio.h>
#include <string.h>

#include "base/bits.h"
#include "machine/virt_fdt.h"

/* The interrupt-map of four devices' four pins (pci_host.c's pin_of()), and its mask. */
static void pcie_interrupts(struct dt *dt)
{
    enum { DEVICES = 4, CELLS = 10 };
    uint32_t map[DEVICES * PCI_PINS * CELLS], *to = map;

    for (unsigned device = 0; device < DEVICES; device++)
        for (unsigned pin = 0; pin < PCI_PINS; pin++) {
            const uint32_t row[CELLS] = {PCI_DEVFN(device, 0u) << 8,
                                         0,
                                         0,
                                         pin + 1,
                                         PHANDLE_GIC,
                                         0,
                                         0,
                                         SPI(VIRT_SPI_PCIE + (device + pin) % PCI_PINS)};
            memcpy(to, row, sizeof(row));
            to += CELLS;
        }
    DT_CELLS(dt, "#interrupt-cells", 1);
    dt_cells(dt, "interrupt-map", map, ARRAY_SIZE(map));
    DT_CELLS(dt, "interrupt-map-mask", PCI_DEVFN(DEVICES - 1, 0) << 8, 0, 0, 7);
}

/* Spaces of the ranges' first cell (Open Firmware's PCI Bus Binding, 2.2.1.1). */
#define PCI_IO              0x01000000
#define PCI_MEMORY          0x02000000
#define PCI_MEMORY64        0x03000000
#define RANGE(space, at, r) (space), CELLS64(at), REGION(r)

/* The pci-iommu binding; who is in no row goes past it. */
static void iommu_map(struct dt *dt, const struct virt_config *cfg)
{
    uint32_t cells[4 * VIRT_REQUESTERS_MAX], *to = cells;

    for (unsigned n = 0; n < cfg->requester_count; n++) {
        const struct virt_requesters *r = &cfg->requesters[n];
        const uint32_t row[4] = {r->first, PHANDLE_SMMU, r->first, r->count};
        if (r->smmu)
            memcpy(to, row, sizeof(row));
        to += r->smmu ? ARRAY_SIZE(row) : 0;
    }
    if (cfg->smmu && !cfg->requester_count)
        DT_CELLS(dt, "iommu-map", 0, PHANDLE_SMMU, 0, 0x10000);
    else if (to > cells)
        dt_cells(dt, "iommu-map", cells, (unsigned)(to - cells));
}

void virt_fdt_pcie(struct dt *dt, const struct virt_config *cfg)
{
    enum virt_region ecam = cfg->no_highmem ? VIRT_PCIE_ECAM : VIRT_HIGH_PCIE_ECAM;
    uint64_t mmio = virt_memmap[VIRT_PCIE_MMIO].base, high = virt_memmap[VIRT_HIGH_PCIE_MMIO].base;
    char name[40];

    snprintf(name, sizeof(name), "pcie@%llx", (unsigned long long)mmio);
    dt_begin(dt, name);
    dt_string(dt, "compatible", "pci-host-ecam-generic");
    dt_string(dt, "device_type", "pci");
    DT_CELLS(dt, "#address-cells", 3);
    DT_CELLS(dt, "#size-cells", 2);
    DT_CELLS(dt, "linux,pci-domain", 0);
    DT_CELLS(dt, "bus-range", 0, (uint32_t)(virt_memmap[ecam].size / PCI_ECAM_BUS) - 1);
    dt_empty(dt, "dma-coherent");
    if (cfg->its || cfg->gic_v2)
        DT_CELLS(dt, "msi-map", 0, PHANDLE_MSI, 0, 0x10000);
    iommu_map(dt, cfg);
    DT_CELLS(dt, "reg", REGION(ecam));
    if (cfg->no_highmem)
        DT_CELLS(dt, "ranges", RANGE(PCI_IO, 0, VIRT_PCIE_PIO),
                 RANGE(PCI_MEMORY, mmio, VIRT_PCIE_MMIO));
    else
        DT_CELLS(dt, "ranges", RANGE(PCI_IO, 0, VIRT_PCIE_PIO),
                 RANGE(PCI_MEMORY, mmio, VIRT_PCIE_MMIO),
                 RANGE(PCI_MEMORY64, high, VIRT_HIGH_PCIE_MMIO));
    pcie_interrupts(dt);
    dt_end(dt);
}

void virt_fdt_smmu(struct dt *dt, const struct virt_config *cfg)
{
    if (!cfg->smmu)
        return;
    virt_fdt_begin(dt, "smmuv3", VIRT_SMMU);
    dt_string(dt, "compatible", "arm,smmu-v3");
    DT_CELLS(dt, "interrupts", GIC_SPI, VIRT_SPI_SMMU + SMMUV3_EVENTQ, EDGE_RISING, GIC_SPI,
             VIRT_SPI_SMMU + SMMUV3_PRIQ, EDGE_RISING, GIC_SPI, VIRT_SPI_SMMU + SMMUV3_CMD_SYNC,
             EDGE_RISING, GIC_SPI, VIRT_SPI_SMMU + SMMUV3_GERROR, EDGE_RISING);
    DT_STRINGS(dt, "interrupt-names", "eventq\0priq\0cmdq-sync\0gerror");
    dt_empty(dt, "dma-coherent");
    DT_CELLS(dt, "#iommu-cells", 1);
    DT_CELLS(dt, "phandle", PHANDLE_SMMU);
    dt_end(dt);
}
