/*
 * PrimeCell UART PL011 (DDI0183G): the board's console. Characters leave at once; received ones
 * wait in the FIFO. There is no line, so there is no parity or framing, and the baud rate says only
 * how long the silence is that ends in a receive timeout.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/device.h"
#include "base/irq.h"

#define PL011_FIFO_DEPTH 16 /* of the revision that PeriphID2 names */

/* Characters the guest transmitted; @n >= 1. */
typedef void pl011_write_fn(void *ctx, const uint8_t *data, size_t n);

struct pl011 {
    struct device dev;
    struct irq_line irq; /* UARTINTR, the combined interrupt */
    struct clock *clock;
    struct clock_event silence; /* armed by what is received: the receive timeout */
    uint32_t clock_hz;          /* of UARTCLK */
    pl011_write_fn *write;
    void *write_ctx;
    void (*taken)(void *ctx); /* the guest has taken a character; NULL: nobody waits for it */
    void *taken_ctx;

    uint32_t rsr, ilpr, ibrd, fbrd, lcr_h, cr, ifls, imsc, ris, dmacr;
    uint32_t divisor; /* in 1/64: UARTIBRD and UARTFBRD as they were at the last UARTLCR_H */
    bool overrun;     /* characters were lost since the last one that fitted */
    unsigned rx_first, rx_count;
    uint16_t rx[PL011_FIFO_DEPTH]; /* UARTDR values: error bits 11:8, data 7:0 */
};

/**
 * pl011_init() - a UART in its reset state.
 * @uart: must not move afterwards and must outlive @clock's use, where its event is registered.
 * @log: must outlive the device. @irq: where UARTINTR goes. @clock_hz: of UARTCLK. @write: may be
 * NULL (output is lost).
 */
void pl011_init(struct pl011 *uart, const struct arm_log *log, struct irq_line irq,
                struct clock *clock, uint32_t clock_hz, pl011_write_fn *write, void *write_ctx);

/* How many characters the receive FIFO has room for: 0 means try again after the guest has read. */
size_t pl011_can_receive(const struct pl011 *uart);

/* Characters arrive. What does not fit is lost and is an overrun error, as on the line. */
void pl011_receive(struct pl011 *uart, const uint8_t *data, size_t n);
