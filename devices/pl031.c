#include "devices/pl031.h"

#include "base/bits.h"
#include "base/state_io.h"
#include "devices/primecell.h"

#define NS_PER_S UINT64_C(1000000000)

static const uint8_t id[8] = {0x31, 0x10, 0x14, 0x00, 0x0d, 0xf0, 0x05, 0xb1};

static struct pl031 *to_pl031(struct device *dev)
{
    return (struct pl031 *)dev;
}

static void update_irq(struct pl031 *rtc)
{
    irq_set(&rtc->irq, rtc->ris & rtc->imsc);
}

static uint64_t clock_s(const struct pl031 *rtc)
{
    return clock_now_ns(rtc->clock) / NS_PER_S;
}

static uint32_t now_s(const struct pl031 *rtc)
{
    return (uint32_t)clock_s(rtc) + rtc->offset_s;
}

static void match_now(struct pl031 *rtc)
{
    rtc->ris = 1;
    update_irq(rtc);
}

static void match_event(void *ctx, uint64_t now_ns)
{
    (void)now_ns;
    match_now(ctx);
}

/* The interrupt comes when the counter next equals RTCMR, up to 2^32 seconds ahead (3.3.2). */
static void arm_match(struct pl031 *rtc)
{
    uint64_t second = clock_s(rtc); /* once: it may move by itself */
    uint32_t wait_s = rtc->mr - ((uint32_t)second + rtc->offset_s);

    if (wait_s == 0) {
        clock_event_set(rtc->clock, &rtc->match, CLOCK_NEVER);
        match_now(rtc);
    } else {
        clock_event_set(rtc->clock, &rtc->match, (second + wait_s) * NS_PER_S);
    }
}

static uint64_t read_dr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return now_s(to_pl031(dev));
}

static uint64_t read_mr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return to_pl031(dev)->mr;
}

static void write_mr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    to_pl031(dev)->mr = (uint32_t)value;
    arm_match(to_pl031(dev));
}

static uint64_t read_lr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return to_pl031(dev)->lr;
}

static void write_lr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct pl031 *rtc = to_pl031(dev);

    (void)offset, (void)size;
    rtc->lr = (uint32_t)value;
    rtc->offset_s += rtc->lr - now_s(rtc);
    arm_match(rtc);
}

/*
 * Differs: RTCCR.RTCEN resets to 0 and is set by software once; this counter runs from reset, as
 * one that firmware has started, so the bit reads 1 and writing it does nothing.
 */
static uint64_t read_cr(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev, (void)offset, (void)size;
    return 1;
}

static uint64_t read_imsc(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return to_pl031(dev)->imsc;
}

static void write_imsc(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    to_pl031(dev)->imsc = value & 1;
    update_irq(to_pl031(dev));
}

static uint64_t read_ris(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return to_pl031(dev)->ris;
}

static uint64_t read_mis(struct device *dev, uint64_t offset, unsigned size)
{
    (void)offset, (void)size;
    return to_pl031(dev)->ris & to_pl031(dev)->imsc;
}

static void write_icr(struct device *dev, uint64_t offset, unsigned size, uint64_t value)
{
    (void)offset, (void)size;
    to_pl031(dev)->ris &= ~(uint32_t)value;
    update_irq(to_pl031(dev));
}

static uint64_t read_id(struct device *dev, uint64_t offset, unsigned size)
{
    (void)dev, (void)size;
    return primecell_id(id, offset);
}

/* DDI0224 3.2, Summary of registers */
static const struct reg_row regs[] = {
    PRIMECELL_REG("RTCDR", 0x000, read_dr, NULL),
    PRIMECELL_REG("RTCMR", 0x004, read_mr, write_mr),
    PRIMECELL_REG("RTCLR", 0x008, read_lr, write_lr),
    PRIMECELL_REG("RTCCR", 0x00c, read_cr, NULL),
    PRIMECELL_REG("RTCIMSC", 0x010, read_imsc, write_imsc),
    PRIMECELL_REG("RTCRIS", 0x014, read_ris, NULL),
    PRIMECELL_REG("RTCMIS", 0x018, read_mis, NULL),
    PRIMECELL_REG("RTCICR", 0x01c, NULL, write_icr),
    PRIMECELL_ID_ROW(read_id),
    {0},
};

/* The counter goes on, and from where it was set: a reset of the board does not stop its clock. */
static void reset(struct device *dev)
{
    struct pl031 *rtc = to_pl031(dev);

    rtc->mr = rtc->imsc = rtc->ris = 0;
    clock_event_set(rtc->clock, &rtc->match, CLOCK_NEVER);
    update_irq(rtc);
}

static void state(struct state_io *io, struct device *dev)
{
    struct pl031 *rtc = to_pl031(dev);

    STATE(io, rtc->offset_s);
    STATE(io, rtc->mr);
    STATE(io, rtc->lr);
    STATE(io, rtc->imsc);
    STATE(io, rtc->ris);
}

static const struct device_ops ops = {
    .name = "pl031", .regs = regs, .reset = reset, .state = state};

void pl031_init(struct pl031 *rtc, const struct arm_log *log, struct irq_line irq,
                struct clock *clock, uint32_t epoch_s)
{
    *rtc = (struct pl031){
        .dev = {&ops, log},
        .irq = irq,
        .clock = clock,
        .match = {.fn = match_event, .ctx = rtc},
        .offset_s = epoch_s,
    };
    clock_event_add(clock, &rtc->match, "pl031.match");
    reset(&rtc->dev);
}
