/*
 * The architectural state of a CPU as one thing (cpu/state.def): to save and restore, to hash, to
 * compare. Between two instructions; the CPU may be in the middle of a turn.
 */
#pragma once

#include "base/state_io.h"
#include "cpu/cpu.h"

/**
 * cpu_state() - save, restore or compare all of @cpu, inside a section of @io. What is restored
 * goes into a CPU of the same model and features, and must suit them. The clock has to stand at its
 * time before, and the TLBs are empty afterwards; lines out of the CPU (timers, PMU, COMMIRQ) are
 * raised and lowered as they have to be.
 */
void cpu_state(struct state_io *io, struct cpu *cpu);

/* A hash of the state: the same for two CPUs between which cpu_state_compare() finds nothing. */
uint64_t cpu_state_hash(const struct cpu *cpu);

struct cpu_state_difference {
    const char *name; /* of the row, or of the system register */
    unsigned index;   /* in the row */
    uint64_t a, b;
};

/* How many numbers differ; the first @max of them are put into @d. */
unsigned cpu_state_compare(const struct cpu *a, const struct cpu *b, struct cpu_state_difference *d,
                           unsigned max);

/* Somebody but the guest has changed state: everything that is derived from it is made anew. */
void cpu_state_changed(struct cpu *cpu);
