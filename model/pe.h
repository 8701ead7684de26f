/* The timing of one CPU of a modelled core: when each instruction issues, and what it waits for. */
#pragma once

#include "model/memory.h"
#include "model/predict.h"
#include "model/tlb.h"

#define WINDOW_MAX       512
#define STORE_BUFFER_MAX 128
#define AHEAD            256 /* cycles in which units are booked, with a window */

struct pe {
    const struct arm_core *core;
    struct memory *mem;
    unsigned cpu;
    struct arm_model_counts n;
    struct predictor predictor;
    struct tlbs tlbs;
    uint64_t ready[SB_COUNT]; /* cycle from which the register's value can be used */
    uint64_t clock;           /* cycle of the last issue; with a window, of the last dispatch */
    unsigned issued;          /* in that cycle */
    uint8_t used[UNIT_COUNT]; /* likewise, of units */
    uint8_t booked[UNIT_COUNT][AHEAD]; /* with a window: by cycle, from booked_from on */
    uint64_t booked_from;
    uint64_t unit_free[UNIT_COUNT]; /* a division goes on until */
    uint64_t retired;               /* cycle in which the last instruction retired, in order */
    uint64_t window[WINDOW_MAX];    /* a ring: when the last ones retired */
    unsigned window_next;
    uint64_t loads_end;                /* all loads are done from this cycle on */
    uint64_t stores[STORE_BUFFER_MAX]; /* a ring: when they leave the buffer */
    unsigned store_next;
    uint64_t stores_end;
    uint64_t fetch_line; /* the last, plus 1; 0: none */
    bool tlbi_pending;   /* a DSB has to wait for it */
    uint64_t base;       /* cycles before the last reset */
};

void pe_init(struct pe *pe, const struct arm_core *core, struct memory *mem, unsigned cpu);
void pe_free(struct pe *pe);

/* Counts are 0 from here on; with @cold what it has learned is gone too. */
void pe_reset(struct pe *pe, bool cold);

/* Cycles until now. */
uint64_t pe_cycles(const struct pe *pe);

void pe_step(struct pe *pe, const struct step *s, const struct step_access *accesses);
