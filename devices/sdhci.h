/*
 * An SD host controller as a PCI function (SD Specifications Part A2, SD Host Controller Simplified
 * Specification 2.00): one slot, with a card in it or without; data by its port, SDMA or ADMA2.
 */
#pragma once

#include "base/pace.h"
#include "devices/pci_dma.h"
#include "devices/sd_card.h"

#define SDHCI_REGS      0x100
#define SDHCI_BLOCK_MAX 4096 /* bytes, what its block size register can say */

struct sdhci_config {
    unsigned unit; /* in events */
    struct physmem *mem;
    struct clock *clock;
};

/* What the data of a command are doing. */
enum sdhci_phase {
    SDHCI_IDLE,
    SDHCI_PORT,     /* the driver reads or writes the buffer */
    SDHCI_DMA,      /* in pieces, if it is long */
    SDHCI_BOUNDARY, /* SDMA waits for its next address, 1.6 */
    SDHCI_BUSY,     /* the card erases */
};

struct sdhci {
    struct pci_function function; /* first */
    struct pci_dma dma;
    struct sd_card *card; /* NULL: the slot is empty */
    struct pace pace;
    uint8_t regs[SDHCI_REGS];
    enum sdhci_phase phase;
    bool tells;                      /* SDHCI_BUSY: an interrupt says when that is over */
    uint8_t buffer[SDHCI_BLOCK_MAX]; /* a block */
    uint16_t in_buffer;              /* of it are done */
    struct {                         /* ADMA2's descriptor, 1.13 */
        uint64_t data;
        uint32_t left; /* bytes */
        bool last, interrupts;
    } desc;
};

/* Must not move afterwards. */
void sdhci_init(struct sdhci *h, const struct sdhci_config *config, const struct arm_log *log);

/* Put the card in, which outlives it; false: the slot has one. */
bool sdhci_insert(struct sdhci *h, struct sd_card *card);
