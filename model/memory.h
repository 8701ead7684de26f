/*
 * The caches of all CPUs of one modelled core, and what an access waits for: L1I and L1D a CPU, one
 * L2, the stream prefetcher, and who else has a line.
 */
#pragma once

#include "model/cache.h"
#include "model/step.h"

#define FILLS       64
#define STREAMS_MAX 32

/* A line on its way into an L1. */
struct fill {
    uint64_t line;
    uint64_t ready; /* cycle */
};

struct stream {
    uint64_t last, ahead; /* line that was used last, and that was asked for last */
    int direction;        /* of lines: 1, -1; 0: not known */
    unsigned hits;        /* lines in a row */
    uint64_t used;        /* when, to find the least recently used one */
};

struct cpu_caches {
    struct cache l1i, l1d;
    struct fill fills[FILLS]; /* of L1D, a ring */
    unsigned next_fill;
    uint64_t fills_end; /* none is under way from this cycle on */
    struct fill code_fills[FILLS];
    unsigned next_code_fill;
    uint64_t code_fills_end;
    uint64_t buffers[64]; /* L1D's miss buffers: busy until */
    struct stream streams[STREAMS_MAX];
    uint64_t stream_clock;
};

struct memory {
    const struct arm_core *core;
    unsigned cpu_count, line_log2;
    struct cpu_caches *cpus;
    struct cache l2;
};

void memory_init(struct memory *mem, const struct arm_core *core, unsigned cpu_count);
void memory_free(struct memory *mem);
void memory_clear(struct memory *mem);

/* All of these: at cycle @now; how many cycles more than a hit in L1 it takes. */
unsigned memory_load(struct memory *mem, unsigned cpu, uint64_t pa, uint64_t now,
                     struct arm_model_counts *n);
unsigned memory_store(struct memory *mem, unsigned cpu, uint64_t pa, uint64_t now,
                      struct arm_model_counts *n);
unsigned memory_fetch(struct memory *mem, unsigned cpu, uint64_t pa, uint64_t now,
                      struct arm_model_counts *n);

/* A descriptor's: how many cycles it takes. */
unsigned memory_walk(struct memory *mem, unsigned cpu, uint64_t pa, uint64_t now,
                     struct arm_model_counts *n);
