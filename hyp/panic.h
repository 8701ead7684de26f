/* The end: a sentence, registers, a backtrace by frame pointers, the trace ring, counters; then the
 * machine is reset to nothing (PSCI SYSTEM_OFF). */
#pragma once

#include <stdint.h>

void panic(const char *text, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* From the vectors: x[0..30] on the stack. */
void panic_exception(unsigned vector, const uint64_t *x) __attribute__((noreturn));

/* Our own bugs only: nothing a guest does can make it false. */
#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond))                                                                               \
            panic("%s:%d: %s", __FILE__, __LINE__, #cond);                                         \
    } while (0)

struct vcpu;

/* What a guest's virtual CPU was doing: registers, and a backtrace through its own page tables. */
void report_guest(struct vcpu *v, const char *why);
