/* A PL011 whose characters are kept. */
#pragma once

#include "devices/pl011.h"
#include "tests/devices/fixture.h"

enum {
    DR = 0x000,
    RSR = 0x004,
    FR = 0x018,
    ILPR = 0x020,
    IBRD = 0x024,
    FBRD = 0x028,
    LCR_H = 0x02c,
    CR = 0x030,
    IFLS = 0x034,
    IMSC = 0x038,
    RIS = 0x03c,
    MIS = 0x040,
    ICR = 0x044,
    DMACR = 0x048,
};

#define FEN    0x10
#define RXFE   0x10
#define RXFF   0x40
#define TXFE   0x80
#define INT_RX 0x010
#define INT_TX 0x020
#define INT_RT 0x040
#define INT_BE 0x200
#define INT_OE 0x400

#define CLOCK_HZ 24000000
#define LOOPBACK 0x381 /* UARTEN, LBE, TXE, RXE */

struct uart {
    struct pl011 dev;
    struct clock clock;
    struct watched watched;
    struct arm_log log;
    uint8_t out[64];
    size_t out_count;
};

static inline void write_out(void *ctx, const uint8_t *data, size_t n)
{
    struct uart *u = ctx;

    for (size_t i = 0; i < n; i++)
        u->out[u->out_count++ % sizeof(u->out)] = data[i];
}

static inline struct device *start(struct uart *u)
{
    *u = (struct uart){.clock = {.next_ns = CLOCK_NEVER}};
    u->log = watched_log(&u->watched);
    pl011_init(&u->dev, &u->log, watched_line(&u->watched), &u->clock, CLOCK_HZ, write_out, u);
    return &u->dev.dev;
}

static inline void receive(struct uart *u, const char *s)
{
    pl011_receive(&u->dev, (const uint8_t *)s, strlen(s));
}
