/* What the devices' tests share: an interrupt line that is watched, a log, and random accesses. */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/device.h"
#include "base/irq.h"
#include "base/log.h"
#include "tests/random.h"

struct watched {
    bool level;         /* of the interrupt line */
    unsigned log_lines; /* so far */
};

static inline void watch_irq(void *ctx, unsigned n, bool level)
{
    (void)n;
    ((struct watched *)ctx)->level = level;
}

static inline void watch_log(void *ctx, enum arm_log_category cat, enum arm_log_level level,
                             const char *line)
{
    (void)cat, (void)level, (void)line;
    ((struct watched *)ctx)->log_lines++;
}

static inline struct irq_line watched_line(struct watched *w)
{
    return (struct irq_line){.set = watch_irq, .ctx = w};
}

static inline struct arm_log watched_log(struct watched *w)
{
    struct arm_log log = {.sink = watch_log, .ctx = w};

    for (unsigned i = 0; i < ARM_LOG_CATEGORY_COUNT; i++)
        log.level[i] = ARM_LOG_GUEST;
    return log;
}

static inline uint64_t rd(struct device *dev, uint64_t offset)
{
    return device_read(dev, offset, 4);
}

static inline void wr(struct device *dev, uint64_t offset, uint64_t value)
{
    device_write(dev, offset, 4, value);
}

/* Identification bytes at 0xfe0, as the manual of the cell lists them. */
static inline void assert_id(struct device *dev, const uint8_t id[8])
{
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(rd(dev, 0xfe0 + 4 * i), id[i]);
}

/* One value of a register, for tables. */
struct reg_value {
    uint32_t offset;
    uint64_t value;
};

static inline void assert_regs(struct device *dev, const struct reg_value *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (rd(dev, rows[i].offset) != rows[i].value)
            fail_msg("offset %#x reads %#llx, expected %#llx", rows[i].offset,
                     (unsigned long long)rd(dev, rows[i].offset),
                     (unsigned long long)rows[i].value);
}

/* Stored registers: write all ones, read the mask back; write zeros. */
static inline void assert_masks(struct device *dev, const struct reg_value *rows, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        wr(dev, rows[i].offset, 0xffffffff);
        assert_int_equal(rd(dev, rows[i].offset), rows[i].value);
        wr(dev, rows[i].offset, 0);
        assert_int_equal(rd(dev, rows[i].offset), 0);
    }
}

/*
 * @n accesses of any size anywhere in @bytes of registers, values random. After each, @check() is
 * asked whether the device's invariants hold. For the sanitizers as much as for the checks.
 */
static inline void random_accesses(struct device *dev, uint32_t bytes, unsigned n, uint64_t *rng,
                                   void (*check)(struct device *dev, void *ctx), void *ctx)
{
    while (n--) {
        unsigned size = 1u << (random_next(rng) & 3);
        uint64_t offset = align_down(random_next(rng) % bytes, size);

        if (random_next(rng) & 1)
            device_write(dev, offset, size, zext(random_next(rng), 8 * size));
        else
            assert_int_equal(device_read(dev, offset, size) & ~MASK(8 * size - 1, 0), 0);
        check(dev, ctx);
    }
}
