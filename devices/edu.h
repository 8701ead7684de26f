/*
 * QEMU's device for those who learn to write drivers (its docs/specs/edu): a number that is turned
 * around, factorials, an interrupt on demand, and a buffer that is filled and emptied by DMA.
 */
#pragma once

#include "base/clock.h"
#include "devices/pci_dma.h"

#define EDU_BUFFER 4096

struct edu {
    struct pci_function function; /* first */
    struct pci_dma dma;
    struct clock *clock;
    uint32_t liveness, number, status, interrupts;
    uint64_t source, destination, count, command;
    struct clock_event transfer;
    uint8_t buffer[EDU_BUFFER];
};

struct edu_config {
    unsigned unit; /* in events of DMA */
    struct physmem *mem;
    struct clock *clock;
};

/* Must not move afterwards; reset by pci_host_reset(). */
void edu_init(struct edu *e, const struct edu_config *config, const struct arm_log *log);
