/* Memory as a PCI function reaches it, while its driver has made it a bus master: through the
 * IOMMU, if the host has one. */
#pragma once

#include "base/dma.h"
#include "devices/pci.h"

struct pci_dma {
    struct pci_function *function;
    struct physmem *mem;
    uint8_t unit; /* in its events */
};

static inline struct dma_master pci_dma_master(const struct pci_dma *d)
{
    return (struct dma_master){ARM_DMA_PCI, d->unit, pci_iommu(d->function)};
}

/* False: it is no master now, or not all of it is RAM. */
static inline bool pci_dma_read(const struct pci_dma *d, uint64_t addr, void *buf, size_t len)
{
    return pci_is_master(d->function) && dma_read(d->mem, pci_dma_master(d), pa(addr), buf, len);
}

static inline bool pci_dma_write(const struct pci_dma *d, uint64_t addr, const void *buf,
                                 size_t len)
{
    return pci_is_master(d->function) && dma_write(d->mem, pci_dma_master(d), pa(addr), buf, len);
}
