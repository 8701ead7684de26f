/*
 * A device: a block of registers behind one or more physical windows. Access functions get offsets
 * that are aligned to the access size, and only sizes that the row allows; everything else is
 * answered by device_read()/device_write() (log line, RAZ/WI).
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/bits.h"
#include "base/log.h"

struct device;
struct state_io;

#define REG_SIZE_8  1 /* allowed access sizes, or'ed; the value is the size in bytes */
#define REG_SIZE_16 2
#define REG_SIZE_32 4
#define REG_SIZE_64 8

/* One register or block of equal registers: offset..offset+len-1. */
struct reg_row {
    const char *name; /* as its manual spells it; NULL ends the table */
    uint32_t offset;
    uint64_t len;
    uint8_t sizes; /* REG_SIZE_xxx, or'ed */
    /* @offset is from the start of the device; @size in bytes. NULL read: RAZ; NULL write: WI. */
    uint64_t (*read)(struct device *dev, uint64_t offset, unsigned size);
    void (*write)(struct device *dev, uint64_t offset, unsigned size, uint64_t value);
};

struct device_ops {
    const char *name;                  /* in log lines and traces */
    const struct reg_row *regs;        /* sorted by offset, ended by a NULL name */
    void (*reset)(struct device *dev); /* cold reset, must not allocate; NULL: its owner does it */
    /* What of it a snapshot has; NULL: nothing, or its owner does it. Interrupt lines and events of
     * the clock have a place of their own: nothing is driven and nothing is armed. */
    void (*state)(struct state_io *io, struct device *dev);
};

struct device {
    const struct device_ops *ops;
    const struct arm_log *log;
};

/**
 * device_read() / device_write() - one guest access.
 * @offset: from the start of the device. @size: 1, 2, 4 or 8 bytes, @offset aligned to it.
 *
 * An access no row allows is logged at GUEST level and is RAZ/WI.
 */
uint64_t device_read(struct device *dev, uint64_t offset, unsigned size);
void device_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value);

/* An access of 4 or 8 bytes to a register of 64 bits: one of its halves, or all of it. */
static inline uint64_t reg64_get(uint64_t reg, uint64_t offset, unsigned size)
{
    return size == 8 ? reg : zext(reg >> (offset & 4) * 8, 32);
}

static inline uint64_t reg64_put(uint64_t reg, uint64_t offset, unsigned size, uint64_t value)
{
    unsigned low = (unsigned)(offset & 4) * 8;

    return size == 8 ? value : set_bits(reg, low + 31, low, value);
}
