/* Who called whom at EL2: the frame records that X29 leads to (AAPCS64, 6.4.6
 * "The Frame Pointer"). */
#pragma once

#include <stdint.h>

struct arm_checker;
struct backtraces;

#define BACKTRACE_MOST 12

struct backtrace {
    unsigned count;
    uint64_t pc[BACKTRACE_MOST]; /* return addresses, the latest first */
};

struct backtraces *backtraces_new(void);
void backtraces_free(struct backtraces *b);

/* The number of what @cpu has at EL2 now, the same for the same; 0: code that has
 * no frame records. */
uint32_t backtrace_take(const struct arm_checker *c, unsigned cpu);

/* @number: from backtrace_take(). NULL: 0. */
const struct backtrace *backtrace_get(const struct arm_checker *c, uint32_t number);
