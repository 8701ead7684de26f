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

bool dma_read(struct physmem *mem, struct dma_master who, pa_t pa, void *buf, size_t len)
{
    if (!physmem_read(mem, pa, buf, len))
        return false;
    dma_tell(mem, who, pa, len, false);
    return true;
}

bool dma_write(struct physmem *mem, struct dma_master who, pa_t pa, const void *buf, size_t len)
{
    if (!physmem_write(mem, pa, buf, len))
        return false;
    dma_tell(mem, who, pa, len, true);
    return true;
}
