/* An interrupt line: a wire from a source to whoever listens (a GIC input, a CPU's IRQ pin). */
#pragma once

#include <stdbool.h>

typedef void irq_set_fn(void *ctx, unsigned n, bool level);

struct irq_line {
    irq_set_fn *set; /* NULL: not connected */
    void *ctx;
    unsigned n; /* which input of the listener */
};

static inline void irq_set(const struct irq_line *line, bool level)
{
    if (line->set)
        line->set(line->ctx, line->n, level);
}
