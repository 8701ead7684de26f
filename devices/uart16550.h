/*
 * A UART with FIFOs as PCs have it (PC16550D, "Universal Asynchronous Receiver/Transmitter with
 * FIFOs", National Semiconductor, June 1995): eight registers of a byte. What it sends is gone at
 * once, and of the divisor only the receiver's time-out depends.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

#define UART16550_FIFO 16
#define UART16550_REGS 8

struct state_io;

struct uart16550 {
    struct clock *clock;
    void (*write)(void *ctx, const uint8_t *data, size_t size); /* what is sent; NULL: it is lost */
    void *write_ctx;
    void (*level)(void *ctx, bool high); /* of the interrupt */
    void *level_ctx;
    uint8_t ier, fcr, lcr, mcr, lsr, msr, scr; /* lsr: of errors only; msr: of changes only */
    uint16_t divisor;
    bool sent;      /* the transmitter's register has become empty, and nobody was told */
    bool timed_out; /* nothing came for a while, and the receiver is not empty */
    uint8_t rx[UART16550_FIFO];
    uint8_t first, count;
    struct clock_event silence;
};

/* @u: zero, which is as after a reset, but for clock and functions. Must not move afterwards.
 * @name: of its event. */
void uart16550_init(struct uart16550 *u, const char *name);
void uart16550_reset(struct uart16550 *u);

/* @reg < UART16550_REGS. */
uint8_t uart16550_read(struct uart16550 *u, unsigned reg);
void uart16550_write(struct uart16550 *u, unsigned reg, uint8_t value);

/* Return: how many of the characters it has taken; the others come again. */
size_t uart16550_receive(struct uart16550 *u, const uint8_t *data, size_t size);

void uart16550_state(struct state_io *io, struct uart16550 *u);
