/*
 * When an instruction may issue: width, units, operands.
 *
 * In order: no earlier than the one before it. With a window they are dispatched in order, and
 * issue as soon as operands and a unit are there, while the oldest that has not retired is not
 * further away than the window is long.
 */
#pragma once

#include "model/pe.h"

/* The cycle that the core has come to. */
uint64_t issue_now(const struct pe *pe);

/* The cycle in which the front end delivers. */
static inline uint64_t issue_front(const struct pe *pe)
{
    return pe->clock;
}

/* The next instruction comes at @cycle at the earliest; what is lost is counted in *stalls. */
void issue_hold(struct pe *pe, uint64_t cycle, uint64_t *stalls);

/* The same, and nothing more is issued in the cycles before: the next
 * instructions are elsewhere. */
void issue_redirect(struct pe *pe, uint64_t cycle, uint64_t *stalls);

/* Return: the cycle in which @o issues, which has its unit for @slots cycles. */
uint64_t issue_insn(struct pe *pe, const struct op *o, unsigned slots);

/* The same, with no other in that cycle and all before it issued. */
uint64_t issue_alone(struct pe *pe, const struct op *o);

/* The pipeline had to wait until @cycle with the instruction that issued. */
void issue_moved(struct pe *pe, uint64_t cycle);

/* Its result is there at @done: it retires. */
void issue_done(struct pe *pe, uint64_t done);
