/* RAM that nobody has: what the device tree says, less the image, the tree and
 * the guests' files. */
#pragma once

#include <stdint.h>

#include "base/bits.h"

void mem_init(void);

/* Zeroed, aligned to its size (a power of two up to 256 KiB) or a page; never fails: panics when
 * RAM is gone. Small pieces come back by mem_free(). */
void *mem_alloc(uint64_t size);
void mem_free(void *p, uint64_t size);

/* A contiguous range for a guest, 2 MiB aligned, not cleared; 0 if there is none. */
uint64_t mem_alloc_ram(uint64_t size);
