/* What the parts of the SD host controller have in common: its registers (2.1). */
#pragma once

#include "base/le.h"
#include "devices/sdhci.h"

enum {
    SDHCI_SYSTEM_ADDRESS = 0x00,
    SDHCI_BLOCK_SIZE = 0x04,
    SDHCI_BLOCK_COUNT = 0x06,
    SDHCI_ARGUMENT = 0x08,
    SDHCI_TRANSFER_MODE = 0x0c,
    SDHCI_COMMAND = 0x0e,
    SDHCI_RESPONSE = 0x10,
    SDHCI_BUFFER = 0x20,
    SDHCI_PRESENT = 0x24,
    SDHCI_HOST_CONTROL = 0x28,
    SDHCI_POWER = 0x29,
    SDHCI_CLOCK = 0x2c,
    SDHCI_RESET = 0x2f,
    SDHCI_STATUS = 0x30,
    SDHCI_ERRORS = 0x32,
    SDHCI_STATUS_ENABLE = 0x34,
    SDHCI_ERRORS_ENABLE = 0x36,
    SDHCI_STATUS_SIGNAL = 0x38,
    SDHCI_ERRORS_SIGNAL = 0x3a,
    SDHCI_AUTO_ERRORS = 0x3c,
    SDHCI_CAPABILITIES = 0x40,
    SDHCI_FORCE_AUTO = 0x50,
    SDHCI_FORCE_ERRORS = 0x52,
    SDHCI_ADMA_ERROR = 0x54,
    SDHCI_ADMA_ADDRESS = 0x58,
    SDHCI_SLOT = 0xfc,
    SDHCI_VERSION = 0xfe,
};

/* Transfer mode, 2.2.5 */
#define SDHCI_MODE_DMA   0x01
#define SDHCI_MODE_COUNT 0x02
#define SDHCI_MODE_AUTO  0x04
#define SDHCI_MODE_READ  0x10
#define SDHCI_MODE_MULTI 0x20

/* Normal and error interrupts, 2.2.17 and 2.2.18 */
#define SDHCI_COMMAND_DONE  0x0001
#define SDHCI_TRANSFER_DONE 0x0002
#define SDHCI_DMA_INTERRUPT 0x0008
#define SDHCI_WRITE_READY   0x0010
#define SDHCI_READ_READY    0x0020
#define SDHCI_COMMAND_LATE  0x0001
#define SDHCI_DATA_LATE     0x0010
#define SDHCI_ADMA_FAILED   0x0200

static inline uint32_t sdhci_get(const struct sdhci *h, unsigned at, unsigned bytes)
{
    return (uint32_t)le_get(h->regs + at, bytes);
}

static inline void sdhci_put(struct sdhci *h, unsigned at, unsigned bytes, uint64_t value)
{
    le_put(h->regs + at, bytes, value);
}

/* Bytes of a block. */
static inline uint32_t sdhci_block(const struct sdhci *h)
{
    return sdhci_get(h, SDHCI_BLOCK_SIZE, 2) & 0xfff;
}

static inline bool sdhci_is_busy(const struct sdhci *h)
{
    return h->card && h->card->state == SD_PROGRAMMING;
}

/* Causes of an interrupt, as far as their status is enabled; the pin follows. */
void sdhci_interrupt(struct sdhci *h, uint16_t causes);
void sdhci_error(struct sdhci *h, uint16_t causes);

/* Send the command that the driver has written. */
void sdhci_run_command(struct sdhci *h);

/* Of devices/sdhci_data.c: the command's data begin to move; go on with them, for the pace too;
 * they are over. */
void sdhci_begin_data(struct sdhci *h);
void sdhci_go_on(void *ctx, uint64_t now_ns);
void sdhci_stop(struct sdhci *h);

/* The buffer's port: some of its bytes. */
uint64_t sdhci_read_port(struct sdhci *h, unsigned bytes);
void sdhci_write_port(struct sdhci *h, unsigned bytes, uint64_t value);
