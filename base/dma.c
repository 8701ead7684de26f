#include "base/dma.h"

#include "base/probe.h"

void dma_tell(struct physmem *mem, struct dma_master who, pa_t pa, size_t len, bool write)
{
    if (mem->probes && probe_wanted(mem->probes, ARM_EVENT_DMA))
        probe_fire_located(mem->probes, &(struct arm_event){.kind = ARM_EVENT_DMA,
                                                            .cpu = ARM_NO_CPU,
                                                            .dma = {.device = who.device,
                                                                    .unit = who.unit,
                                                                    .write = write,
                                                                    .pa = pa.a,
                                                                    .size = len}});
}

/* @to or @from: the device's side; the other one is NULL. */
static bool copy(struct physmem *mem, struct dma_master who, pa_t pa, uint8_t *to,
                 const uint8_t *from, size_t len)
{
    if (physmem_is_secure(mem, pa) ||
        !(to ? physmem_read(mem, pa, to, len) : physmem_write(mem, pa, from, len)))
        return false;
    dma_tell(mem, who, pa, len, !to);
    return true;
}

static bool translate_and_copy(struct physmem *mem, struct dma_master who, uint64_t addr,
                               uint8_t *to, const uint8_t *from, size_t len)
{
    for (uint64_t done = 0, bytes; done < len; done += bytes) {
        pa_t pa;
        bytes = len - done;
        if (!who.iommu->translate(who.iommu, addr + done, !to, &pa, &bytes) ||
            !copy(mem, who, pa, to ? to + done : NULL, from ? from + done : NULL, bytes))
            return false;
    }
    return true;
}

bool dma_read(struct physmem *mem, struct dma_master who, pa_t pa, void *buf, size_t len)
{
    return who.iommu ? translate_and_copy(mem, who, pa.a, buf, NULL, len)
                     : copy(mem, who, pa, buf, NULL, len);
}

bool dma_write(struct physmem *mem, struct dma_master who, pa_t pa, const void *buf, size_t len)
{
    return who.iommu ? translate_and_copy(mem, who, pa.a, NULL, buf, len)
                     : copy(mem, who, pa, NULL, buf, len);
}

bool dma_may_reach(struct physmem *mem, struct dma_master who, pa_t pa, uint64_t len)
{
    return who.iommu || (!physmem_is_secure(mem, pa) && physmem_ram(mem, pa, len));
}
