/* The TLBs of one CPU of a modelled core. They hold mappings by number; one that a TLBI
 * has ended gets another number when it is made again, and its entry goes when it is the
 * least recently used. */
#pragma once

#include "model/memory.h"

#define TLB_L1_MAX 256

struct tlbs {
    uint64_t l1i[TLB_L1_MAX], l1d[TLB_L1_MAX];
    uint64_t walk_cache[TLB_L1_MAX], ipa_cache[TLB_L1_MAX]; /* addresses of descriptors */
    struct cache l2;                                        /* "lines" are mappings */
};

void tlbs_init(struct tlbs *t, const struct arm_core *core);
void tlbs_free(struct tlbs *t);
void tlbs_clear(struct tlbs *t);

/* The translation of @mp at cycle @now: how many cycles it takes beyond a hit of
 * the first level. */
unsigned tlbs_find(struct tlbs *t, struct memory *mem, unsigned cpu, const struct mapping *mp,
                   bool fetch, uint64_t now, struct arm_model_counts *n);
