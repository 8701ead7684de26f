/*
 * One bank of parallel NOR flash as on QEMU's `virt`: two 16-bit chips side by side on a 32-bit
 * bus, with the Intel/Sharp command set (CFI primary command set 1) and 256 KiB blocks.
 *
 * In read-array mode the contents are a ROM of the address map, as fast as RAM. A command hides the
 * ROM, so that reads come here, until the guest returns to read-array mode.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/device.h"
#include "base/error.h"
#include "base/physmem.h"
#include "devices/disk.h"

#define FLASH_BANK_BYTES   UINT32_C(0x04000000)
#define FLASH_BLOCK_BYTES  UINT32_C(0x00040000) /* erased at once */
#define FLASH_BUFFER_BYTES 4096                 /* programmed at once */

enum flash_mode {
    FLASH_READ_ARRAY,
    FLASH_READ_STATUS,
    FLASH_READ_ID,
    FLASH_CFI_QUERY,
};

/* What the next write is. */
enum flash_expects {
    FLASH_COMMAND,
    FLASH_WORD,         /* to be programmed */
    FLASH_ERASE_OK,     /* confirmation of a block erase */
    FLASH_LOCK_OK,      /* second cycle of lock and unlock */
    FLASH_BUFFER_COUNT, /* words in the buffer, less one */
    FLASH_BUFFER_DATA,
    FLASH_BUFFER_OK, /* confirmation of the buffer's programming */
};

struct flash {
    struct device dev;
    struct physmem *mem;
    pa_t base;
    struct disk *disk;   /* where programmed contents go too; NULL: nowhere */
    const uint8_t *data; /* FLASH_BANK_BYTES, of mem */

    enum flash_mode mode;
    enum flash_expects expects;
    uint8_t status;
    uint32_t buffer_left;             /* bus words still to come */
    uint32_t buffer_base;             /* offset in the bank, aligned to the buffer's size */
    uint32_t buffer_low, buffer_high; /* part of the buffer that was written; low == high: none */
    uint8_t buffer[FLASH_BUFFER_BYTES];
};

/**
 * flash_init() - a bank at @base, mapped in @mem.
 * @disk: of FLASH_BANK_BYTES, the contents; must outlive the device. NULL: zeros, and what the
 * guest programs lasts as long as @mem. Read-only: nothing can be programmed. Return: 0 or
 * -ARM_Exxx.
 */
int flash_init(struct flash *flash, const struct arm_log *log, struct physmem *mem, pa_t base,
               struct disk *disk, struct arm_error *err) __attribute__((warn_unused_result));
