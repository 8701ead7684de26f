#include "devices/pl061.h"

#include "base/bits.h"
#include "base/log.h"
#include "base/state_io.h"
#include "devices/primecell.h"

static const uint8_t id[8] = {0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

static struct pl061 *to_pl061(struct device *dev)
{
    return (struct pl061 *)dev;
}

/* The lines as GPIODATA shows them: outputs read back what was written (3.3.1). */
static uint8_t pins(const struct pl061 *gpio)
{
    return (gpio->data & gpio->dir) | (gpio->input & ~gpio->dir);
}

/* GPIORIS, 3.3.7: levels as they are, edges as they were latched. */
static uint8_t raw_status(const struct pl061 *gpio)
{
    uint8_t level = (uint8_t) ~(pins(gpio) ^ gpio->iev);

    return (gpio->is & level) | (~gpio->is & gpio->edge);
}

/* To be called after every change; @before: what pins() was. */
static void update(struct pl061 *gpio, uint8_t before)
{
    uint8_t now = pins(gpio), changed = before ^ now;
    uint8_t wanted = gpio->ibe | (uint8_t) ~(now ^ gpio->iev);

    gpio->edge = (gpio->edge | (changed & wanted)) & ~gpio->is;
    irq_set(&gpio->irq, (raw_status(gpio) & gpio->ie) != 0);
    if (gpio->driven)
        gpio->driven(gpio->driven_ctx, gpio->data & gpio->dir);
}

void pl061_set_input(struct pl061 *gpio, unsigned n, bool level)
{
    uint8_t before = pins(gpio);

    CHECK(n < PL061_LINES);
    gpio->input = (uint8_t)set_bits(gpio->input, n, n, level);
    update(gpio, before);
}

/* 3.3.1: address bits 9:2 select the lines that a read or write of GPIODATA is about. */
static uint64_t read_data(struct device *dev, uint64_t offset, unsigned size)
{
    (void)size;
    return (offset & 3) ? 0 : pins(to_pl061(dev)) & bits(offset, 9, 2);
}

static void write_data(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct pl061 *gpio = to_pl061(dev);
    uint8_t before = pins(gpio), mask = (uint8_t)bits(offset, 9, 2);

    (void)size;
    if (offset & 3)
        return;
    gpio->data = (gpio->data & ~mask) | ((uint8_t)value & mask);
    update(gpio, before);
}

static uint64_t read_ris(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return raw_status(to_pl061(dev));
}

static uint64_t read_mis(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return raw_status(to_pl061(dev)) & to_pl061(dev)->ie;
}

static void write_ic(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct pl061 *gpio = to_pl061(dev);

    (void)offset, (void)size;
    gpio->edge &= ~(uint8_t)value;
    update(gpio, pins(gpio));
}

static uint64_t read_id(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev, (void)size;
    return primecell_id(id, offset);
}

/* A bit a line, kept as written. Differs: GPIOAFSEL does no more, no hardware waits
 * for the lines. */
#define STORED(reg)                                                                                \
    static uint64_t read_##reg(struct device *dev, uint64_t offset, unsigned size)                 \
    {                                                                                              \
        (void)offset, (void)size;                                                                  \
        return to_pl061(dev)->reg;                                                                 \
    }                                                                                              \
    static void write_##reg(struct device *dev, uint64_t offset, unsigned size, uint64_t value)    \
    {                                                                                              \
        struct pl061 *gpio = to_pl061(dev);                                                        \
        uint8_t before = pins(gpio);                                                               \
        (void)offset, (void)size;                                                                  \
        gpio->reg = (uint8_t)value;                                                                \
        update(gpio, before);                                                                      \
    }
STORED(dir)
STORED(is)
STORED(ibe)
STORED(iev)
STORED(ie)
STORED(afsel)
#undef STORED

/* DDI0190 3.2, Summary of registers */
static const struct reg_row regs[] = {
    {"GPIODATA", 0x000, 0x400, REG_SIZE_8 | REG_SIZE_16 | REG_SIZE_32, read_data, write_data},
    PRIMECELL_REG("GPIODIR", 0x400, read_dir, write_dir),
    PRIMECELL_REG("GPIOIS", 0x404, read_is, write_is),
    PRIMECELL_REG("GPIOIBE", 0x408, read_ibe, write_ibe),
    PRIMECELL_REG("GPIOIEV", 0x40c, read_iev, write_iev),
    PRIMECELL_REG("GPIOIE", 0x410, read_ie, write_ie),
    PRIMECELL_REG("GPIORIS", 0x414, read_ris, NULL),
    PRIMECELL_REG("GPIOMIS", 0x418, read_mis, NULL),
    PRIMECELL_REG("GPIOIC", 0x41c, NULL, write_ic),
    PRIMECELL_REG("GPIOAFSEL", 0x420, read_afsel, write_afsel),
    PRIMECELL_ID_ROW(read_id),
    {0},
};

static void reset(struct device *dev)
{
    struct pl061 *gpio = to_pl061(dev);

    gpio->data = gpio->dir = gpio->is = gpio->ibe = gpio->iev = gpio->ie = gpio->afsel = 0;
    gpio->edge = 0;
    update(gpio, pins(gpio));
}

static void state(struct state_io *io, struct device *dev)
{
    struct pl061 *gpio = to_pl061(dev);

    STATE(io, gpio->input);
    STATE(io, gpio->data);
    STATE(io, gpio->dir);
    STATE(io, gpio->is);
    STATE(io, gpio->ibe);
    STATE(io, gpio->iev);
    STATE(io, gpio->ie);
    STATE(io, gpio->afsel);
    STATE(io, gpio->edge);
}

static const struct device_ops ops = {
    .name = "pl061", .regs = regs, .reset = reset, .state = state};

void pl061_init(struct pl061 *gpio, const struct arm_log *log, struct irq_line irq)
{
    *gpio = (struct pl061){.dev = {&ops, log}, .irq = irq};
    reset(&gpio->dev);
}
