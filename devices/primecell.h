/*
 * What Arm's PrimeCell peripherals (PL011, PL031, PL061) share: 32-bit registers on an APB bus, and
 * eight identification bytes at the end of their 4 KiB.
 */
#pragma once

#include <stdint.h>

#include "base/device.h"

/* A register. APB has no byte lanes: a narrower access is accepted at the
 * register's address only. */
#define PRIMECELL_REG(name, offset, read, write)                                                   \
    {                                                                                              \
        name, offset, 1, REG_SIZE_8 | REG_SIZE_16 | REG_SIZE_32, read, write                       \
    }

#define PRIMECELL_ID_OFFSET 0xfe0 /* PeriphID0..3, PCellID0..3, one byte each 4 bytes */
#define PRIMECELL_ID_ROW(read)                                                                     \
    {                                                                                              \
        "PeriphID, PCellID", PRIMECELL_ID_OFFSET, 0x20, REG_SIZE_8 | REG_SIZE_16 | REG_SIZE_32,    \
            read, NULL                                                                             \
    }

static inline uint64_t primecell_id(const uint8_t id[8], uint64_t offset)
{
    return (offset & 3) ? 0 : id[((offset - PRIMECELL_ID_OFFSET) >> 2) & 7];
}
