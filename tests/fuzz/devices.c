/* The board's small devices, side by side: registers, characters, lines, time. */
#include "devices/flash.h"
#include "devices/pl011.h"
#include "devices/pl031.h"
#include "devices/pl061.h"
#include "devices/testdev.h"
#include "tests/fuzz/input.h"

#define PRIMECELL_BYTES 0x1000
#define FLASH_BASE      UINT64_C(0x04000000)

struct board {
    struct pl011 uart;
    struct pl031 rtc;
    struct pl061 gpio;
    struct flash flash;
    struct testdev testdev;
    struct physmem mem;
    struct clock clock;
    struct arm_log log;
};

static void drop_irq(void *ctx, unsigned n, bool level)
{
    (void)ctx, (void)n, (void)level;
}

static void drop_exit(void *ctx, int code)
{
    (void)ctx;
    CHECK(code >= 0 && code <= 255);
}

static void to_testdev(void *ctx, const uint8_t *data, size_t n)
{
    testdev_write(ctx, data, n);
}

static struct board *board_new(void)
{
    const struct irq_line line = {.set = drop_irq};
    struct board *b = calloc(1, sizeof(*b));

    if (!b)
        abort();
    b->log = fuzz_log();
    b->clock.next_ns = CLOCK_NEVER;
    b->testdev.exit = drop_exit;
    pl011_init(&b->uart, &b->log, line, &b->clock, 24000000, to_testdev, &b->testdev);
    pl031_init(&b->rtc, &b->log, line, &b->clock, 1672531200);
    pl061_init(&b->gpio, &b->log, line);
    if (flash_init(&b->flash, &b->log, &b->mem, pa(FLASH_BASE), NULL, NULL) != 0)
        abort();
    return b;
}

/* A command for both chips at one of a few places, or data for the buffer. */
static void flash_write(struct board *b, struct choices *in)
{
    static const uint8_t cmds[] = {0xf0, 0xff, 0x90, 0x98, 0x70, 0x50, 0x40, 0x10, 0x20,
                                   0x60, 0xe8, 0xd0, 0x01, 0x00, 0x07, 0xb0, 0x2f};
    static const uint32_t places[] = {0, 0x40000, 0x3fffc, 0x3fc0000, FLASH_BANK_BYTES - 8, 0xffc};
    uint32_t c = below(in, 4) ? cmds[below(in, ARRAY_SIZE(cmds))] : (uint32_t)value(in);
    uint64_t offset = places[below(in, ARRAY_SIZE(places))] + 4 * below(in, 2);

    device_write(&b->flash.dev, offset, 4, c | c << 16);
    if (below(in, 2))
        (void)device_read(&b->flash.dev, offset, 4);
}

static void outside(struct board *b, struct choices *in)
{
    uint8_t chars[24] = {0};

    switch (below(in, 3)) {
    case 0:
        pl011_receive(&b->uart, chars, below(in, sizeof(chars)));
        CHECK(pl011_can_receive(&b->uart) <= PL011_FIFO_DEPTH);
        break;
    case 1:
        pl061_set_input(&b->gpio, below(in, PL061_LINES), below(in, 2));
        break;
    default:
        clock_run(&b->clock, b->clock.now_ns + (take(in, 5) & UINT32_MAX) * 16);
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct choices in = {data, size};
    struct board *b = board_new();
    struct device *const devs[] = {&b->uart.dev, &b->rtc.dev, &b->gpio.dev, &b->flash.dev};

    while (in.left > 0) {
        unsigned n = below(&in, 6);

        if (n < 3)
            any_access(&in, devs[n], PRIMECELL_BYTES);
        else if (n == 3)
            any_access(&in, devs[n], FLASH_BANK_BYTES);
        else if (n == 4)
            flash_write(b, &in);
        else
            outside(b, &in);
    }
    for (unsigned n = 0; n < ARRAY_SIZE(devs); n++)
        devs[n]->ops->reset(devs[n]);
    physmem_destroy(&b->mem);
    free(b);
    return 0;
}
