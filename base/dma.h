/*
 * Memory as devices reach it: like physmem_read() and physmem_write(), and each access is an event
 * (ARM_EVENT_DMA).
 */
#pragma once

#include "base/physmem.h"

/* What stands between a device and memory, and gives its addresses another meaning. */
struct dma_iommu {
    /* Where in memory the byte at @addr is, and how many from there on lie together: *bytes is how
     * many are wanted, and becomes less at the end of a page. False: the access is forbidden, and
     * the IOMMU has kept a record of it. */
    bool (*translate)(struct dma_iommu *iommu, uint64_t addr, bool write, pa_t *pa,
                      uint64_t *bytes);
};

/* Who makes an access: ARM_DMA_xxx, and which of several. */
struct dma_master {
    uint8_t device, unit;
    struct dma_iommu *iommu; /* NULL: its addresses are those of memory */
};

/* False if any byte is not RAM. Behind an IOMMU what precedes it has been copied then. */
bool dma_read(struct physmem *mem, struct dma_master who, pa_t pa, void *buf, size_t len);
bool dma_write(struct physmem *mem, struct dma_master who, pa_t pa, const void *buf, size_t len);

/* Is this memory, as far as can be told before it is accessed? An IOMMU says so only then. */
bool dma_may_reach(struct physmem *mem, struct dma_master who, pa_t pa, uint64_t len);

/* The event alone, for an access by a host address. */
void dma_tell(struct physmem *mem, struct dma_master who, pa_t pa, size_t len, bool write);
