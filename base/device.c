#include "base/device.h"

#include <stddef.h>

#include "base/bits.h"

static const struct reg_row *find_row(const struct device *dev, uint64_t offset, unsigned size)
{
    for (const struct reg_row *r = dev->ops->regs; r->name; r++)
        if (offset - r->offset < r->len)
            return (r->sizes & size) ? r : NULL;
    return NULL;
}

uint64_t device_read(struct device *dev, uint64_t offset, unsigned size)
{
    const struct reg_row *r = find_row(dev, offset, size);

    if (!r) {
        LOG(dev->log, DEVICE, GUEST, "%s: read of %u bytes at offset %#llx: no such register",
            dev->ops->name, size, (unsigned long long)offset);
        return 0;
    }
    return r->read ? zext(r->read(dev, offset, size), 8 * size) : 0;
}

void device_write(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    const struct reg_row *r = find_row(dev, offset, size);

    if (!r) {
        LOG(dev->log, DEVICE, GUEST, "%s: write of %u bytes at offset %#llx: no such register",
            dev->ops->name, size, (unsigned long long)offset);
        return;
    }
    if (r->write)
        r->write(dev, offset, size, value);
}
