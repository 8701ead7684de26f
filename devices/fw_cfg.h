/*
 * QEMU's firmware configuration device, memory-mapped (docs/specs/fw_cfg of QEMU): numbered items
 * and named files that a guest reads through a data register or by DMA. Items are
 * read-only but for files that say otherwise, which a guest writes by DMA.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/device.h"
#include "base/error.h"
#include "base/pace.h"
#include "base/physmem.h"

#define FW_CFG_BYTES 0x18 /* of registers */

/* Keys of the fixed items. */
enum fw_cfg_key {
    FW_CFG_SIGNATURE = 0x00, /* "QEMU" */
    FW_CFG_ID = 0x01,        /* le32: bit 0 data register, bit 1 DMA */
    FW_CFG_NOGRAPHIC = 0x04, /* le16 */
    FW_CFG_NB_CPUS = 0x05,   /* le16 */
    FW_CFG_KERNEL_ADDR = 0x07,
    FW_CFG_KERNEL_SIZE = 0x08,
    FW_CFG_INITRD_ADDR = 0x0a,
    FW_CFG_INITRD_SIZE = 0x0b,
    FW_CFG_BOOT_DEVICE = 0x0c,
    FW_CFG_BOOT_MENU = 0x0e,
    FW_CFG_MAX_CPUS = 0x0f,
    FW_CFG_KERNEL_ENTRY = 0x10,
    FW_CFG_KERNEL_DATA = 0x11,
    FW_CFG_INITRD_DATA = 0x12,
    FW_CFG_CMDLINE_SIZE = 0x14,
    FW_CFG_CMDLINE_DATA = 0x15,
    FW_CFG_FILE_DIR = 0x19,
    FW_CFG_FILE_FIRST = 0x20,
};

#define FW_CFG_FILES_MAX 64
#define FW_CFG_NAME_MAX  55 /* characters */

struct fw_cfg_item {
    uint8_t *data; /* owned; NULL: absent */
    uint32_t size;
    bool writable; /* a file of at most FW_CFG_WRITABLE_MAX bytes */
};

#define FW_CFG_WRITABLE_MAX 64

struct fw_cfg_file {
    char name[FW_CFG_NAME_MAX + 1];
    struct fw_cfg_item item;
};

/* A transfer that is going on. */
struct fw_cfg_dma {
    bool busy;
    uint64_t descriptor, to; /* in guest RAM */
    uint32_t left;           /* bytes */
};

struct fw_cfg {
    struct device dev;
    struct physmem *mem; /* for DMA */
    struct fw_cfg_item items[FW_CFG_FILE_FIRST];
    unsigned file_count;
    struct fw_cfg_file files[FW_CFG_FILES_MAX]; /* sorted by name; keys FW_CFG_FILE_FIRST.. */

    uint16_t key;    /* selected item */
    uint32_t offset; /* of the next byte in it */
    uint32_t dma_hi; /* upper half of the next DMA address */
    struct fw_cfg_dma dma;
    struct pace pace;
};

/* A device with FW_CFG_SIGNATURE, FW_CFG_ID and an empty directory. It must not move. Return 0 or
 * -ARM_ENOMEM. */
int fw_cfg_init(struct fw_cfg *fw, const struct arm_log *log, struct physmem *mem,
                struct clock *clock, struct arm_error *err) __attribute__((warn_unused_result));
void fw_cfg_destroy(struct fw_cfg *fw);

/* Set an item (copied; replaces what was there): bytes, or a little-endian number. */
int fw_cfg_set(struct fw_cfg *fw, enum fw_cfg_key key, const void *data, uint32_t size,
               struct arm_error *err) __attribute__((warn_unused_result));
int fw_cfg_set_le16(struct fw_cfg *fw, enum fw_cfg_key key, uint16_t value, struct arm_error *err)
    __attribute__((warn_unused_result));
int fw_cfg_set_le32(struct fw_cfg *fw, enum fw_cfg_key key, uint32_t value, struct arm_error *err)
    __attribute__((warn_unused_result));

/* Add a file ("etc/...", "opt/..."; copied). The keys of files behind it in the alphabet move. */
int fw_cfg_add_file(struct fw_cfg *fw, const char *name, const void *data, uint32_t size,
                    struct arm_error *err) __attribute__((warn_unused_result));

/* One that the guest may write; a reset makes it zeros. */
int fw_cfg_add_writable(struct fw_cfg *fw, const char *name, const void *data, uint32_t size,
                        struct arm_error *err) __attribute__((warn_unused_result));

/* What is in a file now, until the next one is added; NULL: there is none of that name. */
const uint8_t *fw_cfg_file(const struct fw_cfg *fw, const char *name);
