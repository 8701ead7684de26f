#include "qemu_blocks.h"

#include "parse.h"
#include "qemu.h"
#include "qemu_connect.h"

static struct qemu_device *device(struct qemu *q)
{
    return &q->devices.devices[q->devices.device_count];
}

/* What of it fits together is checked when the machine is made. */
static bool set_bytes(struct qemu *q, const char *name, const char *value, unsigned *bytes)
{
    uint64_t n;

    if (!parse_size(value, 1, &n) || n > UINT32_MAX)
        return qemu_bad("-device %s,%s=%s: expected a size in bytes", device(q)->driver->name, name,
                        value);
    *bytes = (unsigned)n;
    return true;
}

#define BYTES(fn, name, member)                                                                    \
    bool qemu_set_##fn(struct qemu *q, const char *value)                                          \
    {                                                                                              \
        return set_bytes(q, name, value, &device(q)->blocks.member);                               \
    }
BYTES(logical_block, "logical-block-size", logical)
BYTES(physical_block, "physical-block-size", physical)
BYTES(min_io, "min-io-size", min_io)
BYTES(opt_io, "opt-io-size", opt_io)
BYTES(discard_granularity, "discard-granularity", discard)
#undef BYTES

#define OFF(fn, member)                                                                            \
    bool qemu_set_##fn(struct qemu *q, const char *value)                                          \
    {                                                                                              \
        return device(q)->blocks.member = !strcmp(value, "off"), true;                             \
    }
OFF(discard, no_discard)
OFF(write_zeroes, no_zeroes)
OFF(write_cache, write_through)
#undef OFF

/* No device: a disk of if=virtio. */
static unsigned most_queues(const struct qemu_device *device)
{
    return device && device->driver->connect == qemu_connect_scsi ? ARM_VIRTIO_SCSI_QUEUES
                                                                  : ARM_VIRTIO_BLK_QUEUES;
}

bool qemu_set_queues(struct qemu *q, const char *value)
{
    unsigned most = most_queues(device(q));
    uint64_t n;

    if (!parse_number(value, 1, UINT16_MAX, &n))
        return qemu_bad("-device %s,num-queues=%s: expected 1 to 65535", device(q)->driver->name,
                        value);
    if (n > most)
        qemu_note(q, "-device %s: of request queues there are %u", device(q)->driver->name, most);
    device(q)->queues = n < most ? (unsigned)n : most;
    return true;
}

unsigned qemu_queues(const struct qemu *q, const struct qemu_device *device)
{
    unsigned cpus = q->req.config.cpus ? q->req.config.cpus : 1, most = most_queues(device);

    if (device && device->queues)
        return device->queues;
    if (device && !qemu_is_on_pci(device->driver))
        return 1;
    return cpus < most ? cpus : most;
}
