/*
 * Memory as devices reach it: like physmem_read() and physmem_write(), and each access is an event
 * (ARM_EVENT_DMA).
 */
#pragma once

#include "base/physmem.h"

/* Who makes an access: ARM_DMA_xxx, and which of several. */
struct dma_master {
    uint8_t device, unit;
};

bool dma_read(struct physmem *mem, struct dma_master who, pa_t pa, void *buf, size_t len);
bool dma_write(struct physmem *mem, struct dma_master who, pa_t pa, const void *buf, size_t len);

/* The event alone, for an access by a host address. */
void dma_tell(struct physmem *mem, struct dma_master who, pa_t pa, size_t len, bool write);
