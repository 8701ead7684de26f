/*
 * A fuzzer's input as a stream of choices: small numbers, addresses, operations. It ends in zeros,
 * so that every prefix of an input is an input. And what most targets need beside it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/device.h"
#include "base/le.h"
#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct choices {
    const uint8_t *data;
    size_t left;
};

/* The next @bytes (1..8) bytes, little-endian. */
static inline uint64_t take(struct choices *in, unsigned bytes)
{
    uint8_t le[8] = {0};
    size_t n = in->left < bytes ? in->left : bytes;

    if (n == 0)
        return 0;
    memcpy(le, in->data, n);
    in->data += n;
    in->left -= n;
    return le_get(le, bytes);
}

/* A number below @limit <= 256. */
static inline unsigned below(struct choices *in, unsigned limit)
{
    return (unsigned)take(in, 1) % limit;
}

/* A value that means something more often than uniform ones would: small, one bit, all ones. */
static inline uint64_t value(struct choices *in)
{
    unsigned how = (unsigned)take(in, 1);

    switch (how % 8) {
    case 0:
        return BIT(how / 8 + (take(in, 1) & 32));
    case 1:
        return UINT64_MAX;
    case 2:
        return UINT64_MAX << (how / 8);
    case 3:
        return take(in, 2);
    case 4:
        return take(in, 4);
    case 5:
        return take(in, 8);
    default:
        return how / 8;
    }
}

/* An offset in one of the rows of a device's registers. */
static inline uint64_t some_register(struct choices *in, const struct device *dev)
{
    const struct reg_row *rows = dev->ops->regs;
    unsigned count = 0;

    while (rows[count].name)
        count++;
    const struct reg_row *r = &rows[below(in, count)];
    return r->offset + take(in, 2) % r->len;
}

/* One access of any size in the @bytes of a device, mostly to a register it has. */
static inline void any_access(struct choices *in, struct device *dev, uint64_t bytes)
{
    unsigned how = (unsigned)take(in, 1), size = 1u << (how & 3);
    uint64_t offset = how & 0x30 ? some_register(in, dev) : take(in, 4) % bytes;

    if (!(how & 4)) /* most registers are words */
        size = 4;
    offset = align_down(offset, size);
    if (how & 8)
        (void)device_read(dev, offset, size);
    else
        device_write(dev, offset, size, zext(value(in), 8 * size));
}

static inline void drop_line(void *ctx, enum arm_log_category cat, enum arm_log_level level,
                             const char *line)
{
    (void)ctx, (void)cat, (void)level, (void)line;
}

/* A log that formats every line a user could turn on. */
static inline struct arm_log fuzz_log(void)
{
    struct arm_log log = {.sink = drop_line};

    for (unsigned i = 0; i < ARM_LOG_CATEGORY_COUNT; i++)
        log.level[i] = ARM_LOG_DEBUG;
    return log;
}

/* A file in memory; its path is for as long as it is open. */
struct memfile {
    int fd;
    char path[32];
};

static inline struct memfile memfile_open(const void *data, size_t size)
{
    struct memfile f = {.fd = memfd_create("fuzz", 0)};

    if (f.fd < 0 || write(f.fd, data, size) != (ssize_t)size)
        abort();
    snprintf(f.path, sizeof(f.path), "/proc/self/fd/%d", f.fd);
    return f;
}

static inline void memfile_close(struct memfile *f)
{
    close(f->fd);
}
