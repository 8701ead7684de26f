#include "devices/empty_bus.h"

#include "base/state_io.h"

/* Once: software that looks for devices reads a great many places. */
static void tell(struct device *dev, uint64_t offset, unsigned size, const char *access)
{
    struct empty_bus *bus = (struct empty_bus *)dev;

    if (bus->told)
        return;
    bus->told = true;
    LOG(dev->log, DEVICE, GUEST,
        "%s: %s of %u bytes at %#llx: there is nothing yet: reads are ones, writes are lost (said "
        "once)",
        bus->what, access, size, (unsigned long long)(bus->base + offset));
}

static uint64_t read_nothing(struct device *dev, uint64_t offset, unsigned size)
{
    tell(dev, offset, size, "read");
    return UINT64_MAX;
}

static void write_nothing(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)value;
    tell(dev, offset, size, "write");
}

static const struct reg_row regs[] = {
    {"bus", 0, UINT64_MAX, REG_SIZE_8 | REG_SIZE_16 | REG_SIZE_32 | REG_SIZE_64, read_nothing,
     write_nothing},
    {0},
};

static void reset(struct device *dev)
{
    ((struct empty_bus *)dev)->told = false;
}

static void state(struct state_io *io, struct device *dev)
{
    STATE(io, ((struct empty_bus *)dev)->told);
}

static const struct device_ops ops = {.name = "bus", .regs = regs, .reset = reset, .state = state};

void empty_bus_init(struct empty_bus *bus, const struct arm_log *log, const char *what,
                    uint64_t base)
{
    *bus = (struct empty_bus){.dev = {&ops, log}, .what = what, .base = base};
}
