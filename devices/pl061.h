/*
 * PrimeCell GPIO PL061 (DDI0190B): eight lines. The board's power button is one of them. Who
 * listens to the lines that the guest drives is told of each write that may change them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/device.h"
#include "base/irq.h"

#define PL061_LINES 8

struct pl061 {
    struct device dev;
    struct irq_line irq;                       /* GPIOINTR, the combined interrupt */
    void (*driven)(void *ctx, uint8_t levels); /* of the outputs, inputs are 0; may be NULL */
    void *driven_ctx;

    uint8_t input; /* levels driven onto the lines from outside; kept over a reset */
    /* A bit a line, named as the registers GPIODATA (the output latch), GPIODIR, ... */
    uint8_t data, dir, is, ibe, iev, ie, afsel;
    uint8_t edge; /* latched edges: GPIORIS of the edge-sensitive lines */
};

void pl061_init(struct pl061 *gpio, const struct arm_log *log, struct irq_line irq);

/* Drive line @n (0..7) from outside. It is seen if the guest has made it an input. */
void pl061_set_input(struct pl061 *gpio, unsigned n, bool level);
