/* The life of one interrupt, step by step: its line, list registers,
 * exceptions, acknowledge, end. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct arm_machine;
struct irq_trace;
struct outputs;

/* INTID[:FILE] */
bool irq_trace_valid(const char *spec);

/* NULL: a message was printed. @spec is valid. Without FILE lines go to @outputs' words. */
struct irq_trace *irq_trace_open(struct arm_machine *m, const char *spec, struct outputs *outputs);
void irq_trace_close(struct irq_trace *t); /* NULL too */
