/*
 * What happened, for a reader outside: a ring a CPU, in the object hyp_trace of the image. A reader
 * stops the machine, or reads while it runs and drops entries whose sequence number has moved on.
 */
#pragma once

#include <stdint.h>

#include "hyp/opts.h"

/* clang-format off */
#define TRACE_EVENTS(X)                                                                            \
    X(ENTER,  "guest entry: pc, vcpu")        X(EXIT,   "guest exit: esr or kind, pc")             \
    X(IRQ,    "interrupt taken at EL2: intid") X(INJECT, "virtual interrupt: intid, vcpu")         \
    X(LOAD,   "vcpu loaded: vcpu, cpu")       X(PUT,    "vcpu put: vcpu, cpu")                     \
    X(FAULT,  "stage-2 fault: ipa, esr")      X(HVC,    "hypercall: x0, x1")                       \
    X(FP,     "FP state moved: state, save 0 or load 1")
/* clang-format on */

enum trace_event {
    TRACE_NONE,
#define X(name, text) TRACE_##name,
    TRACE_EVENTS(X)
#undef X
};

#define TRACE_ENTRIES 256                          /* a power of two */
#define TRACE_MAGIC   UINT64_C(0x31454341525f5948) /* "HY_RACE1" */

struct trace_ring {
    uint64_t count; /* ever written; the next goes to entry[count % TRACE_ENTRIES] */
    struct trace_entry {
        uint64_t time; /* CNTPCT_EL0 */
        uint64_t event, a, b;
    } entry[TRACE_ENTRIES];
};

void trace_write(enum trace_event event, uint64_t a, uint64_t b);

/* Only with hyp.trace=on: the time stamp is a system register that no world switch needs. */
static inline void trace(enum trace_event event, uint64_t a, uint64_t b)
{
    if (opts.trace)
        trace_write(event, a, b);
}

/* The last @n entries of this CPU, on the console: for reports. */
void trace_print(unsigned n);
