/*
 * An NVM Express controller on PCI (NVM Express Base Specification 1.4) with one namespace: a disk.
 * Queues and lists of addresses are in guest memory; a command is done whole, and moves 128 KiB at
 * most.
 */
#pragma once

#include "base/device.h"
#include "base/pace.h"
#include "devices/disk.h"
#include "devices/pci_dma.h"

#define NVME_QUEUES     17 /* the admin queue, and those for input and output */
#define NVME_ENTRIES    1024
#define NVME_MOVE_MAX   131072 /* bytes that a command moves */
#define NVME_COMMAND    64
#define NVME_EVENTS     4  /* requests for asynchronous events that wait */
#define NVME_FEATURES   16 /* numbers below this */
#define NVME_SERIAL_MAX 20

/* 4.1: the driver fills it. */
struct nvme_submission {
    uint64_t base;
    uint32_t size; /* entries; 0: there is no such queue */
    uint32_t head, tail, completion;
};

/* 4.1: the controller fills it. */
struct nvme_completion {
    uint64_t base;
    uint32_t size;
    uint32_t head, tail, vector;
    bool phase, interrupts;
};

struct nvme {
    struct pci_function function; /* first */
    struct pci_dma dma;
    struct device regs;
    struct disk *disk;
    uint32_t block; /* bytes */
    struct pace pace;
    char serial[NVME_SERIAL_MAX + 1];

    uint32_t cc, csts, intms, aqa;
    uint64_t asq, acq;
    uint32_t turn; /* the queue that the last command was from */
    struct nvme_submission submissions[NVME_QUEUES];
    struct nvme_completion completions[NVME_QUEUES];
    uint32_t features[NVME_FEATURES];
    uint16_t events[NVME_EVENTS]; /* identifiers of requests that wait */
    uint32_t event_count;

    uint8_t data[NVME_MOVE_MAX]; /* of the command being done */
};

struct nvme_config {
    struct disk *disk;  /* not owned */
    uint32_t block;     /* its logical blocks' bytes, a power of 2 from 512 to 32768; 0: 512 */
    const char *serial; /* at most NVME_SERIAL_MAX characters count */
    unsigned unit;      /* in events of DMA */
    unsigned vectors;   /* of MSI-X; 0: none */
    bool express;       /* it is behind a PCI Express port */
    struct physmem *mem;
    struct clock *clock;
};

/* Must not move afterwards; reset by pci_host_reset(). Return 0 or -ARM_EFORMAT. */
int nvme_init(struct nvme *n, const struct nvme_config *config, const struct arm_log *log,
              struct arm_error *err) __attribute__((warn_unused_result));
